#include "server/commands/request_body.h"

#include <string>
#include <utility>

#include "server/commands/status.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"

namespace eas {
namespace {

// "application/vnd.ms-sync.wbxml; charset=utf-8" → the part before ';', lower case.
std::string media_type(std::string_view content_type) {
  return storage::to_lower(storage::trim(content_type.substr(0, content_type.find(';'))));
}

BodyError refuse(int status, std::string reason) {
  return BodyError{command_error(status, std::move(reason)), false};
}

void repair_text(wbxml::Element& element) {
  if (!element.opaque && !storage::is_valid_utf8(element.text)) {
    element.text = storage::to_xml_safe_utf8(element.text);
  }
  for (wbxml::Element& child : element.children) repair_text(child);
}

std::optional<BodyError> read_raw(Request& request, std::string_view bytes,
                                  const std::string& type) {
  if (bytes.empty()) return refuse(status::kInvalidContent, "the body is missing");
  if (!type.empty() && type != "message/rfc822") {
    return refuse(status::kInvalidContent, "Content-Type is " + type);
  }
  request.raw_body = bytes;
  return std::nullopt;
}

}  // namespace

std::optional<BodyError> read_body(Request& request, std::string_view bytes,
                                   std::string_view content_type, const CommandInfo& command) {
  const std::string type = media_type(content_type);
  request.content_type = type;
  if (command.root == kNoBody) return std::nullopt;
  if ((command.flags & command_flag::kRawBody) != 0 && request.version <= Version::v12_1) {
    return read_raw(request, bytes, type);
  }
  if (bytes.empty()) {
    if ((command.flags & command_flag::kEmptyBody) != 0) return std::nullopt;
    return refuse(status::kInvalidContent, "the body is missing");
  }
  if (!type.empty() && type != "application/vnd.ms-sync.wbxml" &&
      type != "application/vnd.ms-sync") {
    return refuse(status::kInvalidContent, "Content-Type is " + type);
  }
  auto root = wbxml::decode(bytes);
  if (!root) {
    const wbxml::DecodeError& error = root.error();
    const std::string reason =
        "WBXML: " + error.message + " at offset " + std::to_string(error.offset);
    if (error.over_limit) return BodyError{{status::kInvalidWbxml, 413, reason}, true};
    return refuse(status::kInvalidWbxml, reason);
  }
  if (root->tag != command.root) {
    return refuse(status::kInvalidXml, "the root element is " + wbxml::to_string(root->tag));
  }
  repair_text(*root);
  request.body = std::move(*root);
  return std::nullopt;
}

}  // namespace eas
