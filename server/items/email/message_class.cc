// The class is a hint by which phones choose how to show a message, so it is taken from what the
// message is, not from what its sender says of it.
#include "server/items/email/message_class.h"

#include <algorithm>

#include "storage/base/text.h"

namespace eas::email {
namespace {

constexpr std::size_t kLook = 64 * 1024;  // of a calendar or report that is decoded to look into it

std::string decode_start(const Mime& mime, GMimePart* part) {
  return decode_transfer(mime.raw_content(part), g_mime_part_get_content_encoding(part), kLook)
      .bytes;
}

// The value of the first line "NAME:value" or "NAME;…:value", lower case.
std::string line_value(std::string_view text, std::string_view name) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    const bool named = line.size() > name.size() &&
                       (line[name.size()] == ':' || line[name.size()] == ';') &&
                       storage::starts_with_ignore_case(line, name);
    if (named) {
      const std::size_t colon = line.find(':', name.size());
      if (colon != std::string_view::npos) {
        return storage::to_lower(storage::trim(line.substr(colon + 1)));
      }
    }
    at = end + 1;
  }
  return {};
}

std::string_view reply_class(std::string_view calendar) {
  std::string unfolded;
  for (std::size_t i = 0; i < calendar.size(); ++i) {
    if (calendar[i] == '\r') continue;
    if (calendar[i] == '\n' && i + 1 < calendar.size() && calendar[i + 1] == ' ') {
      ++i;
      continue;
    }
    unfolded += static_cast<char>(calendar[i] >= 'a' && calendar[i] <= 'z' ? calendar[i] - 32
                                                                           : calendar[i]);
  }
  if (unfolded.find("PARTSTAT=ACCEPTED") != std::string::npos)
    return "IPM.Schedule.Meeting.Resp.Pos";
  if (unfolded.find("PARTSTAT=DECLINED") != std::string::npos)
    return "IPM.Schedule.Meeting.Resp.Neg";
  return "IPM.Schedule.Meeting.Resp.Tent";
}

std::string_view meeting_class(const Mime& mime, GMimePart* calendar) {
  std::string method = storage::to_lower(content_type_parameter(GMIME_OBJECT(calendar), "method"));
  std::string text;
  if (method.empty() || method == "reply" || method == "counter") {
    text = decode_start(mime, calendar);
    if (method.empty()) method = line_value(text, "METHOD");
  }
  if (method == "request") return "IPM.Schedule.Meeting.Request";
  if (method == "cancel") return "IPM.Schedule.Meeting.Canceled";
  if (method == "reply") return reply_class(text);
  if (method == "counter") return "IPM.Schedule.Meeting.Resp.Tent";
  return {};
}

// The first leaf of that type among the attachments.
GMimePart* find_attached(const Structure& structure, const char* type, const char* subtype) {
  for (const AttachedPart& part : structure.attachments) {
    if (GMIME_IS_PART(part.object) && has_type(part.object, type, subtype)) {
      return GMIME_PART(part.object);
    }
  }
  return nullptr;
}

std::string_view report_class(const Mime& mime, const Structure& structure) {
  GMimePart* status = find_attached(structure, "message", "delivery-status");
  if (status == nullptr) status = find_attached(structure, "message", "global-delivery-status");
  if (status != nullptr) {
    const std::string action = line_value(decode_start(mime, status), "Action");
    if (action == "delayed") return "REPORT.IPM.Note.DELAYED";
    if (action == "delivered" || action == "relayed" || action == "expanded") {
      return "REPORT.IPM.Note.DR";
    }
    return "REPORT.IPM.Note.NDR";
  }
  GMimePart* notice = find_attached(structure, "message", "disposition-notification");
  if (notice != nullptr) {
    const std::string disposition = line_value(decode_start(mime, notice), "Disposition");
    return disposition.find("deleted") != std::string::npos ? "REPORT.IPM.Note.IPNNRN"
                                                            : "REPORT.IPM.Note.IPNRN";
  }
  const std::string type = storage::to_lower(content_type_parameter(mime.root(), "report-type"));
  if (type == "delivery-status") return "REPORT.IPM.Note.NDR";
  if (type == "disposition-notification") return "REPORT.IPM.Note.IPNRN";
  return {};
}

std::string_view smime_class(GMimeObject* root) {
  if (has_type(root, "application", "pkcs7-mime") ||
      has_type(root, "application", "x-pkcs7-mime")) {
    const std::string type = storage::to_lower(content_type_parameter(root, "smime-type"));
    return type == "signed-receipt" ? "IPM.Note.Receipt.SMIME" : "IPM.Note.SMIME";
  }
  if (has_type(root, "multipart", "signed")) {
    const std::string protocol = storage::to_lower(content_type_parameter(root, "protocol"));
    if (protocol.find("pkcs7") != std::string::npos) return "IPM.Note.SMIME.MultipartSigned";
  }
  return {};
}

}  // namespace

MessageClass classify(const Mime& mime, const Structure& structure) {
  MessageClass result;
  GMimeObject* root = mime.root();
  if (root == nullptr) return result;
  if (const std::string_view name = smime_class(root); !name.empty()) {
    result.name = name;
    result.smime = true;
    return result;
  }
  if (has_type(root, "multipart", "report")) {
    if (const std::string_view name = report_class(mime, structure); !name.empty()) {
      result.name = name;
      return result;
    }
  }
  if (structure.calendar != nullptr) {
    if (const std::string_view name = meeting_class(mime, structure.calendar); !name.empty()) {
      result.name = name;
      result.content_class = "urn:content-classes:calendarmessage";
    }
  }
  return result;
}

}  // namespace eas::email
