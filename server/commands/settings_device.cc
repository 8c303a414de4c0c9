// Settings: DeviceInformation and DevicePassword, what a phone tells of itself.
// [MS-ASCMD] 2.2.3.45, 2.2.3.46
#include "server/commands/device_information.h"
#include "server/commands/recovery_password.h"
#include "server/commands/settings_properties.h"
#include "server/items/clean_text.h"
#include "server/policy/device_service.h"
#include "wbxml/code_pages.h"

namespace eas {

namespace tag = wbxml::settings;
using namespace settings_status;
using storage::Result;

namespace {

constexpr std::size_t kMaxPassword = 255;  // characters. [MS-ASCMD] 2.2.3.132.3

Result<bool> recovery_allowed(const Request& request, const Services& services) {
  if (services.devices == nullptr || services.secret.empty()) return false;
  GODWIT_ASSIGN(const policy::PolicyPtr holds,
                services.devices->book.policy_of(request.user.id, request.device.control.world));
  return holds->document.flag("PasswordRecoveryEnabled");
}

}  // namespace

Result<void> answer_device_information(const wbxml::Element& property, Request& request,
                                       const Services& services, wbxml::Encoder& out) {
  const auto json = device_information_json(property, request.version);
  if (json) GODWIT_TRY(store_device_information(request, services, *json));
  write_property_status(property.tag, json ? kSuccess : kInvalidArguments,
                        json ? std::string() : json.error().message, request, out);
  return {};
}

// Clearing needs nobody's leave: what is gone gives nothing away.
Result<void> answer_device_password(const wbxml::Element& property, Request& request,
                                    const Services& services, wbxml::Encoder& out) {
  const auto answer = [&](int status, std::string_view reason) {
    write_property_status(property.tag, status, reason, request, out);
    return Result<void>{};
  };
  const wbxml::Element* set = property.child(tag::kSet);
  const auto password = set == nullptr ? std::nullopt : set->text_of(tag::kPassword);
  if (!password) return answer(kProtocolError, "DevicePassword without Set and Password");
  if (utf16_prefix(*password, kMaxPassword).size() < password->size()) {
    return answer(kInvalidArguments, "the recovery password is too long");
  }
  if (!password->empty()) {
    GODWIT_ASSIGN(const bool allowed, recovery_allowed(request, services));
    if (!allowed) return answer(kDeniedByPolicy, "the policy has no password recovery");
  }
  GODWIT_TRY(store_recovery_password(*services.settings, services.secret, request.user.id,
                                     request.device.device_id, *password));
  return answer(kSuccess, "");
}

}  // namespace eas
