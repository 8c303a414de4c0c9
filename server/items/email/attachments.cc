// Nothing is decoded for the list: sizes come from encoded lengths. An attachment always has a
// name and a size, since phones hide one without (quirks: Android, Windows Phone).
#include "server/items/email/attachments.h"

#include <algorithm>
#include <array>
#include <utility>

#include "server/items/charset.h"
#include "server/items/clean_text.h"
#include "server/items/email/headers.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"

namespace eas::email {
namespace {

namespace base = wbxml::airsync_base;
namespace mail = wbxml::email;

constexpr std::size_t kMaxNameUnits = 255;
constexpr std::size_t kMaxNameBytes = 16 * 1024;  // far more than that many encoded characters
constexpr std::size_t kMaxIdUnits = 998;

// What an attachment without a name is called, by type.
constexpr std::array<std::pair<std::string_view, std::string_view>, 21> kExtensions = {{
    {"application/ics", ".ics"},
    {"application/json", ".json"},
    {"application/msword", ".doc"},
    {"application/ms-tnef", ".dat"},
    {"application/pdf", ".pdf"},
    {"application/pgp-signature", ".asc"},
    {"application/xml", ".xml"},
    {"application/zip", ".zip"},
    {"audio/mpeg", ".mp3"},
    {"audio/wav", ".wav"},
    {"image/gif", ".gif"},
    {"image/jpeg", ".jpg"},
    {"image/png", ".png"},
    {"image/svg+xml", ".svg"},
    {"image/tiff", ".tif"},
    {"message/delivery-status", ".txt"},
    {"message/disposition-notification", ".txt"},
    {"text/html", ".html"},
    {"text/plain", ".txt"},
    {"text/vcard", ".vcf"},
    {"video/mp4", ".mp4"},
}};

std::string default_name(GMimeObject* object, std::string_view number) {
  const std::string type = content_type_of(object);
  if (type == "text/calendar") return "invite.ics";
  if (type == "application/pkcs7-mime" || type == "application/x-pkcs7-mime") return "smime.p7m";
  if (type == "application/pkcs7-signature" || type == "application/x-pkcs7-signature") {
    return "smime.p7s";
  }
  std::string name = "attachment-";
  name += number;
  std::string_view extension = type.starts_with("text/") ? ".txt" : ".bin";
  for (const auto& [known, known_extension] : kExtensions) {
    if (type == known) extension = known_extension;
  }
  name += extension;
  return name;
}

// No separators, no control characters, no leading dots: phones save under this name. Headers of
// parts have no limit of their own, so no more is looked at than a name can need.
std::string safe_name(std::string_view raw) {
  std::string name = decode_header(raw.substr(0, kMaxNameBytes));
  for (char& c : name) {
    if (c == '/' || c == '\\' || c == ':' || c == '*' || c == '?' || c == '"' || c == '<' ||
        c == '>' || c == '|') {
      c = '_';
    }
  }
  std::string_view trimmed = storage::trim(name);
  while (trimmed.starts_with('.')) trimmed.remove_prefix(1);
  if (utf16_prefix(trimmed, kMaxNameUnits).size() == trimmed.size()) return std::string(trimmed);
  const std::size_t dot = trimmed.rfind('.');
  std::string_view extension =
      dot == std::string_view::npos || trimmed.size() - dot > 12 ? "" : trimmed.substr(dot);
  std::string cut(utf16_prefix(trimmed, kMaxNameUnits - extension.size()));
  cut += extension;
  return cut;
}

std::string message_name(GMimeMessagePart* part, std::string_view given) {
  std::string name = safe_name(given);
  if (name.empty()) {
    GMimeMessage* inner = g_mime_message_part_get_message(part);
    if (inner != nullptr) name = safe_name(header_of(GMIME_OBJECT(inner), "Subject"));
  }
  if (name.empty()) name = "message";
  if (!storage::to_lower(name).ends_with(".eml")) name += ".eml";
  return name;
}

std::string_view given_name(GMimeObject* object) {
  const char* name = GMIME_IS_PART(object)
                         ? g_mime_part_get_filename(GMIME_PART(object))
                         : g_mime_object_get_content_disposition_parameter(object, "filename");
  if (name == nullptr) name = g_mime_object_get_content_type_parameter(object, "name");
  return name == nullptr ? std::string_view() : std::string_view(name);
}

std::string one_value(std::string_view raw) {
  std::string text = single_line(raw);
  return std::string(utf16_prefix(text, kMaxIdUnits));
}

void write_one(const AttachmentInfo& info, std::string_view reference, wbxml::Encoder& out) {
  out.start(base::kAttachment);
  out.text(base::kDisplayName, info.name);
  out.text(base::kFileReference, std::string(reference) + ":" + info.part);
  out.number(base::kMethod, info.method);
  out.number(base::kEstimatedDataSize, static_cast<std::int64_t>(info.size));
  if (!info.content_id.empty()) out.text(base::kContentId, info.content_id);
  if (!info.content_location.empty()) out.text(base::kContentLocation, info.content_location);
  if (info.is_inline) out.text(base::kIsInline, "1");
  out.end();
}

void write_one_2_5(const AttachmentInfo& info, std::string_view reference, wbxml::Encoder& out) {
  out.start(mail::kAttachment);
  out.text(mail::kAttName, std::string(reference) + ":" + info.part);
  out.number(mail::kAttSize, static_cast<std::int64_t>(info.size));
  out.number(mail::kAttMethod, info.method);
  out.text(mail::kDisplayName, info.name);
  out.end();
}

}  // namespace

std::string attachment_name(GMimeObject* object, std::string_view number) {
  const std::string_view given = given_name(object);
  if (GMIME_IS_MESSAGE_PART(object)) return message_name(GMIME_MESSAGE_PART(object), given);
  std::string name = safe_name(given);
  return name.empty() ? default_name(object, number) : name;
}

std::vector<AttachmentInfo> list_attachments(const Mime& mime, const Structure& structure) {
  std::vector<AttachmentInfo> list;
  const bool html = structure.has_html();
  for (const AttachedPart& part : structure.attachments) {
    AttachmentInfo info;
    info.name = attachment_name(part.object, part.number);
    info.part = part.number;
    if (GMIME_IS_MESSAGE_PART(part.object)) {
      info.method = 5;
      info.size = mime.raw_message(GMIME_MESSAGE_PART(part.object), part.boundary).size();
    } else if (GMIME_IS_PART(part.object)) {
      auto* leaf = GMIME_PART(part.object);
      info.size =
          estimate_decoded_size(mime.raw_content(leaf), g_mime_part_get_content_encoding(leaf));
    }
    const char* id = g_mime_object_get_content_id(part.object);
    if (id != nullptr) info.content_id = one_value(id);
    info.content_location = one_value(header_of(part.object, "Content-Location"));
    const char* disposition = g_mime_object_get_disposition(part.object);
    const bool says_inline =
        disposition != nullptr && storage::equals_ignore_case(disposition, "inline");
    info.is_inline = html && (part.related || says_inline) &&
                     !(info.content_id.empty() && info.content_location.empty());
    list.push_back(std::move(info));
  }
  return list;
}

void write_attachments(const std::vector<AttachmentInfo>& attachments, std::string_view reference,
                       Version version, wbxml::Encoder& out) {
  if (attachments.empty()) return;
  const bool old = version < Version::v12_0;
  out.start(old ? mail::kAttachments : base::kAttachments);
  for (const AttachmentInfo& info : attachments) {
    old ? write_one_2_5(info, reference, out) : write_one(info, reference, out);
  }
  out.end();
}

}  // namespace eas::email
