// Most messages are legal, and one look finds that out. The others are mended with as little change
// as possible: a part is given another transfer encoding only when it has an impossible line, so a
// signature over it is lost, but it would not have survived the first relay either.
#include "server/commands/mail_lines.h"

#include <gmime/gmime.h>

#include <memory>
#include <string_view>

namespace eas {
namespace {

constexpr std::size_t kMaxLine = 998;

struct Unref {
  void operator()(void* object) const { g_object_unref(object); }
};
template <typename T>
using Owned = std::unique_ptr<T, Unref>;

struct Findings {
  bool bare_ends = false;
  bool long_lines = false;
};

Findings inspect(std::string_view text) {
  Findings found;
  std::size_t start = 0;
  while (start < text.size()) {
    std::size_t end = text.find('\n', start);
    if (end == std::string_view::npos) end = text.size();
    std::string_view line = text.substr(start, end - start);
    if (!line.empty() && line.back() == '\r') {
      line.remove_suffix(1);
    } else if (end < text.size()) {
      found.bare_ends = true;
    }
    if (line.find('\r') != std::string_view::npos) found.bare_ends = true;
    if (line.size() > kMaxLine) found.long_lines = true;
    if (found.bare_ends && found.long_lines) break;
    start = end + 1;
  }
  return found;
}

std::string with_crlf(std::string_view text) {
  std::string result;
  result.reserve(text.size() + text.size() / 32);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\r') {
      result += "\r\n";
      if (i + 1 < text.size() && text[i + 1] == '\n') ++i;
    } else if (c == '\n') {
      result += "\r\n";
    } else {
      result += c;
    }
  }
  return result;
}

// The raw (still encoded) bytes of a part's content.
std::string raw_content(GMimePart* part) {
  GMimeDataWrapper* content = g_mime_part_get_content(part);
  if (content == nullptr) return {};
  GMimeStream* stream = g_mime_data_wrapper_get_stream(content);
  if (stream == nullptr) return {};
  g_mime_stream_reset(stream);
  const Owned<GMimeStream> memory(g_mime_stream_mem_new());
  g_mime_stream_write_to_stream(stream, memory.get());
  g_mime_stream_reset(stream);
  const GByteArray* bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(memory.get()));
  return {reinterpret_cast<const char*>(bytes->data), bytes->len};
}

void encode_anew(GMimePart* part) {
  GMimeDataWrapper* content = g_mime_part_get_content(part);
  const Owned<GMimeStream> decoded(g_mime_stream_mem_new());
  g_mime_data_wrapper_write_to_stream(content, decoded.get());
  g_mime_stream_reset(decoded.get());
  const Owned<GMimeDataWrapper> wrapper(
      g_mime_data_wrapper_new_with_stream(decoded.get(), GMIME_CONTENT_ENCODING_DEFAULT));
  g_mime_part_set_content(part, wrapper.get());
  GMimeContentType* type = g_mime_object_get_content_type(GMIME_OBJECT(part));
  const bool text = type != nullptr && g_mime_content_type_is_type(type, "text", "*");
  g_mime_part_set_content_encoding(
      part, text ? GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE : GMIME_CONTENT_ENCODING_BASE64);
}

void mend_parts(GMimeObject* object, int depth) {
  constexpr int kMaxDepth = 32;
  if (object == nullptr || depth > kMaxDepth) return;
  if (GMIME_IS_MULTIPART(object)) {
    GMimeMultipart* multipart = GMIME_MULTIPART(object);
    const int count = g_mime_multipart_get_count(multipart);
    for (int i = 0; i < count; ++i) mend_parts(g_mime_multipart_get_part(multipart, i), depth + 1);
  } else if (GMIME_IS_MESSAGE_PART(object)) {
    GMimeMessage* inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(object));
    if (inner != nullptr) mend_parts(g_mime_message_get_mime_part(inner), depth + 1);
  } else if (GMIME_IS_PART(object)) {
    if (inspect(raw_content(GMIME_PART(object))).long_lines) encode_anew(GMIME_PART(object));
  }
}

// The message with other transfer encodings where a part has long lines; unchanged when GMime
// cannot read it.
std::string with_mended_parts(const std::string& message) {
  const Owned<GMimeStream> input(g_mime_stream_mem_new_with_buffer(message.data(), message.size()));
  const Owned<GMimeParser> parser(g_mime_parser_new_with_stream(input.get()));
  const Owned<GMimeMessage> parsed(g_mime_parser_construct_message(parser.get(), nullptr));
  if (!parsed) return message;
  mend_parts(g_mime_message_get_mime_part(parsed.get()), 0);

  GMimeFormatOptions* format = g_mime_format_options_new();
  g_mime_format_options_set_newline_format(format, GMIME_NEWLINE_FORMAT_DOS);
  const Owned<GMimeStream> output(g_mime_stream_mem_new());
  g_mime_object_write_to_stream(GMIME_OBJECT(parsed.get()), format, output.get());
  g_mime_format_options_free(format);
  const GByteArray* bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(output.get()));
  return {reinterpret_cast<const char*>(bytes->data), bytes->len};
}

// Breaks lines that are still too long, at a blank where there is one. What follows the break
// begins with a blank: in a header that is folding.
std::string with_broken_lines(std::string_view text) {
  constexpr std::size_t kBreakAt = 900;
  std::string result;
  result.reserve(text.size() + 64);
  std::size_t start = 0;
  while (start < text.size()) {
    std::size_t end = text.find("\r\n", start);
    const bool last = end == std::string_view::npos;
    if (last) end = text.size();
    std::string_view line = text.substr(start, end - start);
    while (line.size() > kMaxLine) {
      std::size_t blank = line.find_last_of(" \t", kBreakAt);
      if (blank == std::string_view::npos || blank < kBreakAt / 2) blank = kBreakAt;
      result += line.substr(0, blank);
      result += "\r\n";
      line.remove_prefix(blank);
      if (line.front() != ' ' && line.front() != '\t') result += ' ';
    }
    result += line;
    if (!last) result += "\r\n";
    start = last ? text.size() : end + 2;
  }
  return result;
}

}  // namespace

void make_lines_legal(std::string& message) {
  static const bool initialised = (g_mime_init(), true);
  (void)initialised;
  Findings found = inspect(message);
  if (found.bare_ends) {
    message = with_crlf(message);
    found = inspect(message);
  }
  if (!found.long_lines) return;
  message = with_mended_parts(message);
  message = with_broken_lines(message);
}

}  // namespace eas
