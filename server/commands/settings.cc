// Settings: DeviceInformation and UserInformation. [MS-ASCMD] 2.2.1.18
//
// What is not there is refused openly, never answered as if it worked: Oof and DevicePassword with
// 7 ("denied by policy"), RightsManagementInformation with 168 ("IRM is disabled"). A phone then
// hides the feature instead of losing what its user typed.
#include <algorithm>
#include <string>
#include <vector>

#include "server/commands/commands.h"
#include "server/commands/device_information.h"
#include "server/commands/status.h"
#include "wbxml/code_pages.h"
#include "wbxml/encoder.h"

namespace eas {
namespace {

namespace tag = wbxml::settings;

constexpr int kSuccess = 1;
constexpr int kProtocolError = 2;
constexpr int kInvalidArguments = 5;
constexpr int kDeniedByPolicy = 7;
constexpr int kIrmDisabled = 168;

Reply finish(wbxml::Encoder& out) {
  Reply reply;
  reply.body = out.take();
  return reply;
}

Reply protocol_error(const Request& request) {
  log_refusal(request, "Settings", kProtocolError, "unknown or doubled property");
  wbxml::Encoder out;
  out.start(tag::kSettings);
  out.number(tag::kStatus, kProtocolError);
  out.end();
  return finish(out);
}

void write_status(wbxml::Encoder& out, wbxml::Tag property, int status) {
  out.start(property);
  out.number(tag::kStatus, status);
  out.end();
}

// The forms before and from 14.1. [MS-ASCMD] 2.2.3.54, 2.2.3.5
void write_user_information(wbxml::Encoder& out, const Request& request) {
  const bool accounts = request.version >= Version::v14_1;
  out.start(tag::kUserInformation);
  out.number(tag::kStatus, kSuccess);
  out.start(tag::kGet);
  if (accounts) {
    out.start(tag::kAccounts);
    out.start(tag::kAccount);
  }
  out.start(tag::kEmailAddresses);
  out.text(tag::kSMTPAddress, request.user.address);
  if (accounts) out.text(tag::kPrimarySmtpAddress, request.user.address);
  out.end();
  if (accounts) {
    out.end();
    out.end();
  }
  out.end();
  out.end();
}

// One named property; the error when the store failed.
storage::Result<void> answer(const wbxml::Element& property, Request& request,
                             const Services& services, wbxml::Encoder& out) {
  if (property.tag == tag::kDeviceInformation) {
    const auto json = device_information_json(property);
    if (json) GODWIT_TRY(store_device_information(request, services, *json));
    write_status(out, property.tag, json ? kSuccess : kInvalidArguments);
  } else if (property.tag == tag::kUserInformation) {
    if (property.has(tag::kGet)) {
      write_user_information(out, request);
    } else {
      write_status(out, property.tag, kProtocolError);
    }
  } else if (property.tag == tag::kRightsManagementInformation) {
    out.start(property.tag);
    out.number(tag::kStatus, kIrmDisabled);
    out.start(tag::kGet);
    out.empty(wbxml::rights_management::kRightsManagementTemplates);  // the schema demands it
    out.end();
    out.end();
  } else {
    write_status(out, property.tag, kDeniedByPolicy);  // Oof, DevicePassword
  }
  return {};
}

bool is_property(wbxml::Tag name, Version version) {
  if (name == tag::kRightsManagementInformation) return version >= Version::v14_1;
  return name == tag::kOof || name == tag::kDevicePassword || name == tag::kDeviceInformation ||
         name == tag::kUserInformation;
}

}  // namespace

CommandResult run_settings(Request& request, const Services& services) {
  // All or nothing: a malformed request starts nothing. [MS-ASCMD] 2.2.1.18 (R483)
  std::vector<wbxml::Tag> seen;
  for (const wbxml::Element& property : request.body->children) {
    const bool twice = std::find(seen.begin(), seen.end(), property.tag) != seen.end();
    if (twice || !is_property(property.tag, request.version)) return protocol_error(request);
    seen.push_back(property.tag);
  }
  wbxml::Encoder out;
  out.start(tag::kSettings);
  out.number(tag::kStatus, kSuccess);
  for (const wbxml::Element& property : request.body->children) {
    const auto answered = answer(property, request, services, out);
    if (!answered) return command_error(answered.error());
  }
  out.end();
  return finish(out);
}

}  // namespace eas
