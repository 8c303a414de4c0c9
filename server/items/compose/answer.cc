#include "server/items/compose/answer.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "server/items/compose/assembly.h"
#include "server/items/compose/header_fields.h"
#include "server/items/email/attachments.h"
#include "server/items/email/body.h"
#include "server/items/email/headers.h"
#include "server/items/email/message_class.h"
#include "server/items/email/structure.h"
#include "storage/base/text.h"

namespace eas::compose {
namespace {

using email::AttachedPart;
using email::BodySource;
using email::Mime;
using email::Structure;
using storage::Result;

constexpr std::size_t kMaxReferences = 30;  // kept of a long thread: the first and the newest
constexpr std::size_t kMaxId = 900;         // a line that no mail server takes

// "<a@b>" and the like in a field, in order.
std::vector<std::string_view> message_ids(std::string_view value) {
  std::vector<std::string_view> ids;
  for (std::size_t at = 0; (at = value.find('<', at)) != std::string_view::npos;) {
    const std::size_t end = value.find('>', at);
    if (end == std::string_view::npos) break;
    const std::string_view id = value.substr(at, end + 1 - at);
    const bool valid = id.size() > 2 && id.size() < kMaxId &&
                       std::all_of(id.begin(), id.end(), [](char c) { return c > 32 && c < 127; });
    if (valid) ids.push_back(id);
    at = end + 1;
  }
  return ids;
}

std::string_view value_of(const Header& header, std::string_view name) {
  const Field* field = header.find(name);
  return field == nullptr ? std::string_view() : field->value;
}

// The fields that are still missing. RFC 5322 3.6.4
std::string thread_fields(const Header& submitted, const Header& original) {
  const auto own = message_ids(value_of(original, "Message-ID"));
  if (own.empty()) return {};
  std::string fields;
  if (submitted.find("In-Reply-To") == nullptr) {
    fields += "In-Reply-To: " + std::string(own.front()) + "\r\n";
  }
  if (submitted.find("References") != nullptr) return fields;
  auto ids = message_ids(value_of(original, "References"));
  if (ids.empty()) {
    const auto parents = message_ids(value_of(original, "In-Reply-To"));
    if (parents.size() == 1) ids = parents;
  }
  if (ids.size() > kMaxReferences) {
    ids.erase(ids.begin() + 1, ids.end() - static_cast<std::ptrdiff_t>(kMaxReferences - 1));
  }
  ids.push_back(own.front());
  fields += "References:";
  for (const std::string_view id : ids) {
    fields += fields.ends_with(':') ? " " : "\r\n ";
    fields += id;
  }
  return fields + "\r\n";
}

std::string with_line_end(std::string_view field) {
  std::string text(field);
  if (!text.ends_with('\n')) text += "\r\n";
  return text;
}

bool is_quotable(const Mime& mime, const Structure& structure, std::string_view bytes) {
  if (mime.root() == nullptr || mime.bytes().size() < bytes.size()) return false;
  return !email::classify(mime, structure).smime &&
         !email::has_type(mime.root(), "multipart", "encrypted");
}

bool has_plain(const Structure& structure) {
  return std::any_of(structure.segments.begin(), structure.segments.end(),
                     [](const email::Segment& segment) { return segment.plain != nullptr; });
}

bool shows(std::string_view html, GMimeObject* object) {
  const char* id = g_mime_object_get_content_id(object);
  if (id != nullptr && *id != '\0' && html.find("cid:" + std::string(id)) != std::string::npos) {
    return true;
  }
  const std::string_view location = storage::trim(email::header_of(object, "Content-Location"));
  return !location.empty() && html.find(location) != std::string_view::npos;
}

// The name under which an original is attached whole.
std::string file_name(const Mime* mime) {
  std::string name;
  if (mime != nullptr) name = email::decode_header(mime->header("Subject"));
  for (char& c : name) {
    if (c == '/' || c == '\\' || c == ':' || c == '"') c = '_';
  }
  name = storage::utf8_prefix(name, 120);
  return (name.empty() ? "message" : name) + ".eml";
}

class Composer {
 public:
  Composer(std::string_view submitted, const Mime& mime, std::string_view original, Kind kind)
      : submitted_(submitted),
        mime_(mime),
        structure_(email::read_structure(mime)),
        original_(original),
        kind_(kind) {}

  std::string compose() {
    auto original = Mime::parse(original_);
    std::optional<Structure> structure;
    if (original) structure = email::read_structure(*original);
    const bool whole = mime_.bytes().size() == submitted_.size();
    if (!original || !whole || !is_quotable(*original, *structure, original_)) {
      parts_.whole_body = body_entity(submitted_);
      parts_.attached.push_back(
          message_entity(original_, file_name(original ? &*original : nullptr)));
      return assemble(header(), parts_).bytes;
    }
    join_texts(*original, *structure);
    add_own_parts();
    add_original_parts(*original, *structure);
    return assemble(header(), parts_).bytes;
  }

 private:
  std::string header() const {
    const Header fields = parse_header(submitted_);
    std::string text;
    for (const Field& field : fields.fields) {
      if (!is_mime_field(field.name)) text += with_line_end(field.text);
    }
    return text + thread_fields(fields, parse_header(original_));
  }

  void join_texts(const Mime& original, const Structure& structure) {
    const BodySource own(mime_, structure_);
    const BodySource quoted(original, structure);
    const Citation citation = citation_of(original);
    const bool none = structure_.segments.empty();
    const auto text_of = [&](BodyType type) {
      return none ? std::string() : own.read(type, email::kWhole).data;
    };
    if (none ? structure.has_html() : structure_.has_html()) {
      parts_.html = join_html(text_of(BodyType::html),
                              quoted.read(BodyType::html, email::kWhole).data, citation, kind_);
    }
    if (none || has_plain(structure_)) {
      parts_.plain = join_plain(text_of(BodyType::plain),
                                quoted.read(BodyType::plain, email::kWhole).data, citation, kind_);
    }
  }

  void add_own_parts() {
    for (const AttachedPart& part : structure_.attachments) {
      Entity entity = entity_of(mime_, part);
      if (GMIME_IS_PART(part.object) && GMIME_PART(part.object) == structure_.calendar) {
        parts_.renditions.push_back(std::move(entity));
      } else {
        place(part).push_back(std::move(entity));
      }
    }
  }

  void add_original_parts(const Mime& original, const Structure& structure) {
    for (const AttachedPart& part : structure.attachments) {
      const bool shown = parts_.html && shows(*parts_.html, part.object);
      if (kind_ == Kind::reply && !shown) continue;
      place(part).push_back(entity_of(original, part));
    }
  }

  std::vector<Entity>& place(const AttachedPart& part) {
    return parts_.html && shows(*parts_.html, part.object) ? parts_.related : parts_.attached;
  }

  const std::string_view submitted_;
  const Mime& mime_;
  const Structure structure_;
  const std::string_view original_;
  const Kind kind_;
  Assembly parts_;
};

}  // namespace

std::string with_thread(std::string_view submitted, std::string_view original) {
  const Header header = parse_header(submitted);
  const std::string fields = thread_fields(header, parse_header(original));
  std::string result;
  result.reserve(submitted.size() + fields.size() + 2);
  result += submitted.substr(0, header.size);
  if (!result.empty() && !result.ends_with('\n')) result += "\r\n";
  result += fields;
  if (header.body == header.size) result += "\r\n";  // there was no empty line
  result += submitted.substr(header.size);
  return result;
}

Result<std::string> answer(std::string_view submitted, std::string_view original, Kind kind) {
  const Header header = parse_header(submitted);
  if (header.fields.empty()) {
    return storage::fail(storage::ErrorKind::invalid, "there is no header");
  }
  auto mime = Mime::parse(submitted);
  if (!mime) return storage::fail(storage::ErrorKind::invalid, mime.error().message);
  if (is_sealed(*mime)) return with_thread(submitted, original);
  return Composer(submitted, *mime, original, kind).compose();
}

}  // namespace eas::compose
