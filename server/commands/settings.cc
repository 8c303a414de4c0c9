// Settings: named properties, each with a row here and a file of its own. [MS-ASCMD] 2.2.1.18
#include <algorithm>
#include <array>
#include <vector>

#include "server/commands/commands.h"
#include "server/commands/settings_properties.h"
#include "server/commands/status.h"
#include "wbxml/code_pages.h"
#include "wbxml/encoder.h"

namespace eas {
namespace {

namespace tag = wbxml::settings;

struct Property {
  wbxml::Tag name;
  Version since;
  storage::Result<void> (*answer)(const wbxml::Element& property, Request& request,
                                  const Services& services, wbxml::Encoder& out);
};

constexpr std::array kProperties = {
    Property{tag::kOof, Version::v12_0, answer_oof},
    Property{tag::kDevicePassword, Version::v12_0, answer_device_password},
    Property{tag::kDeviceInformation, Version::v12_0, answer_device_information},
    Property{tag::kUserInformation, Version::v12_0, answer_user_information},
    Property{tag::kRightsManagementInformation, Version::v14_1, answer_rights_management},
};

const Property* find_property(wbxml::Tag name, Version version) {
  for (const Property& row : kProperties) {
    if (row.name == name && version >= row.since) return &row;
  }
  return nullptr;
}

Reply finish(wbxml::Encoder& out) {
  Reply reply;
  reply.body = out.take();
  return reply;
}

Reply protocol_error(const Request& request) {
  return refuse(request, tag::kSettings, tag::kStatus, settings_status::kProtocolError,
                "unknown or doubled property");
}

}  // namespace

void write_property_status(wbxml::Tag property, int status, std::string_view reason,
                           const Request& request, wbxml::Encoder& out) {
  if (status != settings_status::kSuccess) log_refusal(request, "Settings", status, reason);
  out.start(property);
  out.number(tag::kStatus, status);
  out.end();
}

CommandResult run_settings(Request& request, const Services& services) {
  // All or nothing: a malformed request starts nothing. [MS-ASCMD] 2.2.1.18 (R483)
  std::vector<wbxml::Tag> seen;
  for (const wbxml::Element& property : request.body->children) {
    const bool twice = std::find(seen.begin(), seen.end(), property.tag) != seen.end();
    if (twice || find_property(property.tag, request.version) == nullptr) {
      return protocol_error(request);
    }
    seen.push_back(property.tag);
  }
  wbxml::Encoder out;
  out.start(tag::kSettings);
  out.number(tag::kStatus, settings_status::kSuccess);
  for (const wbxml::Element& property : request.body->children) {
    // A phone that nobody let in may say what it is, and nothing else.
    if (request.quarantined && property.tag != tag::kDeviceInformation) {
      write_property_status(property.tag, settings_status::kAccessDenied,
                            "the device is in quarantine", request, out);
      continue;
    }
    const Property* row = find_property(property.tag, request.version);
    const auto answered = row->answer(property, request, services, out);
    if (!answered) return command_error(answered.error());
  }
  out.end();
  return finish(out);
}

}  // namespace eas
