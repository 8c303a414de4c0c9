// Written by hand rather than with GMime's writer: that one would take the parts apart and encode
// them anew, and what was signed or is large should only be copied.
#include "server/items/compose/assembly.h"

#include <algorithm>

#include "server/items/compose/header_fields.h"
#include "storage/base/crypto.h"
#include "storage/base/text.h"

namespace eas::compose {
namespace {

constexpr std::size_t kMaxPlainLine = 76;  // longer lines and other letters: quoted-printable
constexpr std::size_t kMaxParameter = 240;

std::string with_lf(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r') {
      result += '\n';
      if (i + 1 < text.size() && text[i + 1] == '\n') ++i;
    } else {
      result += text[i];
    }
  }
  return result;
}

std::string with_crlf(std::string_view text) {
  std::string result;
  result.reserve(text.size() + text.size() / 16);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) result += '\r';
    result += text[i];
  }
  return result;
}

// With LF line ends.
std::string encode(std::string_view bytes, GMimeContentEncoding encoding) {
  GMimeEncoding state;
  g_mime_encoding_init_encode(&state, encoding);
  std::string result;
  result.resize(g_mime_encoding_outlen(&state, bytes.size()) + 16);
  const std::size_t size = g_mime_encoding_flush(&state, bytes.data(), bytes.size(), result.data());
  result.resize(size);
  return result;
}

bool is_simple(std::string_view text) {
  std::size_t line = 0;
  for (const char c : text) {
    line = c == '\n' ? 0 : line + 1;
    const auto byte = static_cast<unsigned char>(c);
    if (line > kMaxPlainLine || byte >= 127 || (byte < 32 && c != '\n' && c != '\t')) return false;
  }
  // What a mail program could take for the beginning of an mbox message.
  return !text.starts_with("From ") && text.find("\nFrom ") == std::string_view::npos &&
         text.find(" \n") == std::string_view::npos;
}

Entity text_entity(std::string_view subtype, std::string_view text) {
  const std::string lines = with_lf(text);
  const bool simple = is_simple(lines);
  Entity entity;
  entity.header =
      "Content-Type: text/" + std::string(subtype) +
      "; charset=utf-8\r\nContent-Transfer-Encoding: " + (simple ? "7bit" : "quoted-printable") +
      "\r\n";
  entity.owned = with_crlf(simple ? lines : encode(lines, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE));
  return entity;
}

// A boundary that nobody can guess who does not know the whole message, so none can stand in it.
std::string boundary_of(std::string_view header, const Assembly& parts) {
  std::string seed(header);
  const auto add = [&](const Entity& entity) {
    seed += entity.header;
    seed += std::to_string(entity.body().size());
    seed += entity.body().substr(0, 4096);
  };
  seed += parts.plain.value_or("");
  seed += parts.html.value_or("");
  for (const auto* list : {&parts.renditions, &parts.related, &parts.attached}) {
    for (const Entity& entity : *list) add(entity);
  }
  if (parts.whole_body) add(*parts.whole_body);
  return "=_godwit_" + storage::to_hex(storage::sha256(seed)).substr(0, 32);
}

class Writer {
 public:
  Writer(const Assembly& parts, std::string boundary)
      : parts_(parts), boundary_(std::move(boundary)) {
    if (parts.whole_body) return;
    if (parts.plain || !parts.html)
      texts_.push_back(text_entity("plain", parts.plain.value_or("")));
    if (parts.html) texts_.push_back(text_entity("html", *parts.html));
  }

  std::string write(std::string_view header) {
    std::size_t size = header.size() + 1024;
    const std::vector<Entity>* const lists[] = {&texts_, &parts_.renditions, &parts_.related,
                                                &parts_.attached};
    for (const auto* list : lists) {
      for (const Entity& entity : *list) size += entity.header.size() + entity.body().size() + 64;
    }
    if (parts_.whole_body) size += parts_.whole_body->body().size() + 512;
    out_.reserve(size);
    out_ += header;
    out_ += "MIME-Version: 1.0\r\n";
    if (parts_.attached.empty()) {
      body();
    } else {
      const std::string boundary = open("mixed", "");
      next(boundary);
      body();
      for (const Entity& entity : parts_.attached) part(boundary, entity);
      close(boundary);
    }
    return std::move(out_);
  }

 private:
  void body() {
    if (parts_.whole_body) return leaf(*parts_.whole_body);
    if (parts_.related.empty()) return renditions();
    const bool many = texts_.size() + parts_.renditions.size() > 1;
    const std::string boundary =
        open("related", many ? "; type=\"multipart/alternative\"" : "; type=\"text/html\"");
    next(boundary);
    renditions();
    for (const Entity& related : parts_.related) part(boundary, related);
    close(boundary);
  }

  void renditions() {
    if (texts_.size() + parts_.renditions.size() == 1) return leaf(texts_.front());
    const std::string boundary = open("alternative", "");
    for (const Entity& text : texts_) part(boundary, text);
    for (const Entity& rendition : parts_.renditions) part(boundary, rendition);
    close(boundary);
  }

  std::string open(std::string_view subtype, std::string_view parameters) {
    std::string boundary = boundary_ + static_cast<char>('a' + made_++);
    out_ += "Content-Type: multipart/";
    out_ += subtype;
    out_ += "; boundary=\"" + boundary + "\"";
    out_ += parameters;
    out_ += "\r\n\r\n";
    ++depth_;
    return boundary;
  }

  void next(const std::string& boundary) { out_ += "--" + boundary + "\r\n"; }

  void part(const std::string& boundary, const Entity& content) {
    next(boundary);
    leaf(content);
  }

  void leaf(const Entity& content) {
    out_ += content.header;
    out_ += "\r\n";
    out_ += content.body();
    if (depth_ > 0) out_ += "\r\n";  // belongs to the boundary that follows
  }

  void close(const std::string& boundary) {
    out_ += "--" + boundary + "--\r\n";
    --depth_;
  }

  const Assembly& parts_;
  const std::string boundary_;
  std::vector<Entity> texts_;
  std::string out_;
  int made_ = 0;   // multiparts
  int depth_ = 0;  // of those that are open
};

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += static_cast<unsigned char>(c) < 32 ? ' ' : c;
  }
  return result + "\"";
}

// A parameter, RFC 2231 where ASCII does not do.
std::string parameter(std::string_view name, std::string_view value) {
  const bool plain = std::all_of(value.begin(), value.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 32 && static_cast<unsigned char>(c) < 127;
  });
  std::string result = ";\r\n ";
  result += name;
  if (plain) return result + "=" + quoted(value);
  result += "*=utf-8''";
  for (const char c : value) {
    const bool safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '-' || c == '_';
    if (safe) {
      result += c;
    } else {
      result += '%';
      std::string hex = storage::to_hex(std::string_view(&c, 1));
      for (char& digit : hex) {
        if (digit >= 'a') digit = static_cast<char>(digit - 'a' + 'A');
      }
      result += hex;
    }
  }
  return result;
}

std::string one_line(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (static_cast<unsigned char>(c) < 32 || c == 127) c = ' ';
  }
  return result;
}

std::string without_field(std::string_view header, std::string_view name) {
  std::string result;
  for (const Field& field : parse_header(header).fields) {
    if (!storage::equals_ignore_case(field.name, name)) result += field.text;
  }
  return result;
}

}  // namespace

Assembled assemble(std::string_view header, const Assembly& parts) {
  Assembled result;
  result.bytes = Writer(parts, boundary_of(header, parts)).write(header);
  const std::string prefix = parts.attached.empty() ? "" : "1.";
  for (std::size_t i = 0; i < parts.related.size(); ++i) {
    result.related.push_back(prefix + std::to_string(i + 2));
  }
  for (std::size_t i = 0; i < parts.attached.size(); ++i) {
    result.attached.push_back(std::to_string(i + 2));
  }
  return result;
}

Entity entity_of(const email::Mime& mime, const email::AttachedPart& part) {
  Entity entity;
  char* text = g_mime_object_get_headers(part.object, nullptr);
  entity.header = with_crlf(text == nullptr ? "" : text);
  g_free(text);
  if (GMIME_IS_MESSAGE_PART(part.object)) {
    entity.borrowed = mime.raw_message(GMIME_MESSAGE_PART(part.object), part.boundary);
  } else if (GMIME_IS_PART(part.object)) {
    auto* leaf = GMIME_PART(part.object);
    entity.borrowed = mime.raw_content(leaf);
    if (g_mime_part_get_content_encoding(leaf) == GMIME_CONTENT_ENCODING_BINARY) {
      entity.header = without_field(entity.header, "Content-Transfer-Encoding") +
                      "Content-Transfer-Encoding: base64\r\n";
      entity.owned = with_crlf(encode(entity.borrowed, GMIME_CONTENT_ENCODING_BASE64));
    }
  }
  return entity;
}

Entity body_entity(std::string_view message) {
  const Header header = parse_header(message);
  Entity entity;
  for (const Field& field : header.fields) {
    if (storage::starts_with_ignore_case(field.name, "Content-")) entity.header += field.text;
  }
  if (!entity.header.empty() && !entity.header.ends_with('\n')) entity.header += "\r\n";
  entity.borrowed = message.substr(header.body);
  return entity;
}

Entity message_entity(std::string_view message, std::string_view name) {
  const bool high = std::any_of(message.begin(), message.end(),
                                [](char c) { return static_cast<unsigned char>(c) > 127; });
  Entity entity;
  entity.header = "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: ";
  entity.header += high ? "8bit" : "7bit";
  entity.header += "\r\nContent-Disposition: attachment" +
                   parameter("filename", storage::utf8_prefix(name, kMaxParameter)) + "\r\n";
  entity.borrowed = message;
  return entity;
}

Entity file_entity(const File& file, std::string_view bytes) {
  const std::string name(storage::utf8_prefix(one_line(file.name), kMaxParameter));
  const std::string type = one_line(storage::trim(file.content_type));
  const bool usable = type.find('/') != std::string::npos && type.size() < 128 &&
                      type.find_first_of("; \t\"()<>@,:\\[]?=") == std::string::npos &&
                      !storage::starts_with_ignore_case(type, "multipart/") &&
                      !storage::starts_with_ignore_case(type, "message/");
  Entity entity;
  entity.header = "Content-Type: " + (usable ? type : "application/octet-stream");
  entity.header += parameter("name", name);
  entity.header += "\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: ";
  entity.header += file.is_inline ? "inline" : "attachment";
  entity.header += parameter("filename", name) + "\r\n";
  std::string id = one_line(storage::trim(file.content_id));
  std::erase_if(id, [](char c) { return c == '<' || c == '>' || c == ' '; });
  if (!id.empty()) entity.header += "Content-ID: <" + id + ">\r\n";
  const std::string location = one_line(storage::trim(file.content_location));
  if (!location.empty()) entity.header += "Content-Location: " + encode_text(location) + "\r\n";
  entity.owned = with_crlf(encode(bytes, GMIME_CONTENT_ENCODING_BASE64));
  return entity;
}

bool is_sealed(const email::Mime& mime) {
  GMimeObject* root = mime.root();
  return root != nullptr && (email::has_type(root, "multipart", "signed") ||
                             email::has_type(root, "multipart", "encrypted") ||
                             email::has_type(root, "application", "pkcs7-mime") ||
                             email::has_type(root, "application", "x-pkcs7-mime"));
}

std::string date_field(storage::UnixMillis moment) {
  GDateTime* time = g_date_time_new_from_unix_utc(moment / 1000);
  char* text = g_mime_utils_header_format_date(time);
  std::string field = "Date: " + std::string(text) + "\r\n";
  g_free(text);
  g_date_time_unref(time);
  return field;
}

std::string encode_text(std::string_view utf8) {
  email::init_gmime();
  const std::string line = one_line(storage::trim(utf8));
  char* encoded = g_mime_utils_header_encode_text(nullptr, line.c_str(), "utf-8");
  std::string result = encoded == nullptr ? line : std::string(encoded);
  g_free(encoded);
  // Encoded words follow each other by blanks: fold between them.
  for (std::size_t at = 0; (at = result.find("?= =?", at)) != std::string::npos; at += 5) {
    result.replace(at, 3, "?=\r\n ");
  }
  return result;
}

}  // namespace eas::compose
