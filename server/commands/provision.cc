// Provision: the two-phase handshake about policies. [MS-ASPROV] 3.1.5.1, 3.2.5.1
//
// No policy is imposed, so what is handed out allows everything; it is still a real handshake,
// since phones keep the key and since a policy may be set later.
//
// The permanent key is derived from the temporary one. So an acknowledgement that is sent again,
// because its answer was lost, gets the same permanent key.
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "server/commands/commands.h"
#include "server/commands/device_information.h"
#include "server/commands/device_record.h"
#include "server/commands/status.h"
#include "storage/base/crypto.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"
#include "wbxml/encoder.h"

namespace eas {
namespace {

namespace tag = wbxml::provision;

constexpr int kSuccess = 1;
constexpr int kProtocolError = 2;      // of Provision
constexpr int kUnknownPolicyType = 3;  // of Policy
constexpr int kWrongPolicyKey = 5;     // of Policy

constexpr std::string_view kWbxmlPolicy = "MS-EAS-Provisioning-WBXML";
constexpr std::string_view kXmlPolicy = "MS-WAP-Provisioning-XML";

// 4131 = 1: no password is enforced. [MS-ASPROV] 2.2.2.24.2
constexpr std::string_view kOpenXmlPolicy =
    "<wap-provisioningdoc><characteristic type=\"SecurityPolicy\">"
    "<parm name=\"4131\" value=\"1\"/></characteristic></wap-provisioningdoc>";

struct Setting {
  wbxml::Tag tag;
  Version since;
  std::string_view value;
};

// Everything allowed, nothing required; in schema order. Settings whose "no limit" is an empty tag
// are left out: that means the same and no phone stumbles over it. [MS-ASPROV] 2.2.2.28
constexpr std::array kOpenPolicy = {
    Setting{tag::kDevicePasswordEnabled, Version::v12_0, "0"},
    Setting{tag::kAlphanumericDevicePasswordRequired, Version::v12_0, "0"},
    Setting{tag::kPasswordRecoveryEnabled, Version::v12_0, "0"},
    Setting{tag::kRequireStorageCardEncryption, Version::v12_1, "0"},
    Setting{tag::kAttachmentsEnabled, Version::v12_0, "1"},
    Setting{tag::kAllowSimpleDevicePassword, Version::v12_0, "1"},
    Setting{tag::kDevicePasswordExpiration, Version::v12_0, "0"},
    Setting{tag::kDevicePasswordHistory, Version::v12_0, "0"},
    Setting{tag::kAllowStorageCard, Version::v12_1, "1"},
    Setting{tag::kAllowCamera, Version::v12_1, "1"},
    Setting{tag::kRequireDeviceEncryption, Version::v12_1, "0"},
    Setting{tag::kAllowUnsignedApplications, Version::v12_1, "1"},
    Setting{tag::kAllowUnsignedInstallationPackages, Version::v12_1, "1"},
    Setting{tag::kAllowWiFi, Version::v12_1, "1"},
    Setting{tag::kAllowTextMessaging, Version::v12_1, "1"},
    Setting{tag::kAllowPOPIMAPEmail, Version::v12_1, "1"},
    Setting{tag::kAllowBluetooth, Version::v12_1, "2"},
    Setting{tag::kAllowIrDA, Version::v12_1, "1"},
    Setting{tag::kRequireManualSyncWhenRoaming, Version::v12_1, "0"},
    Setting{tag::kAllowDesktopSync, Version::v12_1, "1"},
    Setting{tag::kMaxCalendarAgeFilter, Version::v12_1, "0"},
    Setting{tag::kAllowHTMLEmail, Version::v12_1, "1"},
    Setting{tag::kMaxEmailAgeFilter, Version::v12_1, "0"},
    Setting{tag::kMaxEmailBodyTruncationSize, Version::v12_1, "-1"},
    Setting{tag::kMaxEmailHTMLBodyTruncationSize, Version::v12_1, "-1"},
    Setting{tag::kRequireSignedSMIMEMessages, Version::v12_1, "0"},
    Setting{tag::kRequireEncryptedSMIMEMessages, Version::v12_1, "0"},
    Setting{tag::kAllowSMIMEEncryptionAlgorithmNegotiation, Version::v12_1, "2"},
    Setting{tag::kAllowSMIMESoftCerts, Version::v12_1, "1"},
    Setting{tag::kAllowBrowser, Version::v12_1, "1"},
    Setting{tag::kAllowConsumerEmail, Version::v12_1, "1"},
    Setting{tag::kAllowRemoteDesktop, Version::v12_1, "1"},
    Setting{tag::kAllowInternetSharing, Version::v12_1, "1"},
};

struct Answer {
  bool device_information = false;  // it was sent and kept
  std::optional<std::string> policy_type;
  int policy_status = kSuccess;
  std::uint32_t policy_key = 0;  // 0: none
  bool data = false;
};

void write_data(wbxml::Encoder& out, const std::string& type, Version version) {
  out.start(tag::kData);
  if (type == kXmlPolicy) {
    out.write_text(kOpenXmlPolicy);
  } else {
    out.start(tag::kEASProvisionDoc);
    for (const Setting& setting : kOpenPolicy) {
      if (version >= setting.since) out.text(setting.tag, setting.value);
    }
    out.end();
  }
  out.end();
}

Reply write(const Answer& answer, Version version) {
  wbxml::Encoder out;
  out.start(tag::kProvision);
  if (answer.device_information) {
    out.start(wbxml::settings::kDeviceInformation);
    out.number(wbxml::settings::kStatus, kSuccess);
    out.end();
  }
  out.number(tag::kStatus, kSuccess);
  if (answer.policy_type) {
    out.start(tag::kPolicies);
    out.start(tag::kPolicy);
    out.text(tag::kPolicyType, *answer.policy_type);
    out.number(tag::kStatus, answer.policy_status);
    if (answer.policy_key != 0) out.number(tag::kPolicyKey, answer.policy_key);
    if (answer.data) write_data(out, *answer.policy_type, version);
    out.end();
    out.end();
  }
  out.end();
  Reply reply;
  reply.body = out.take();
  return reply;
}

Reply protocol_error(const Request& request, std::string_view reason) {
  log_refusal(request, "Provision", kProtocolError, reason);
  wbxml::Encoder out;
  out.start(tag::kProvision);
  out.number(tag::kStatus, kProtocolError);
  out.end();
  Reply reply;
  reply.body = out.take();
  return reply;
}

std::uint32_t permanent_key(const storage::Device& device, std::uint32_t temporary) {
  const std::string digest = storage::sha256(std::to_string(device.user_id) + ":" +
                                             device.device_id + ":" + std::to_string(temporary));
  std::uint32_t key = 0;
  for (std::size_t i = 0; i < 4; ++i) key = (key << 8) | static_cast<std::uint8_t>(digest[i]);
  return key != 0 ? key : 1;
}

// Phase one: a temporary key and the policy.
storage::Result<void> begin(Request& request, const Services& services, Answer& answer) {
  std::uint32_t temporary = storage::random_u32();
  GODWIT_TRY(change_device(request.device, services, [&](storage::Device& device) {
    device.pending_policy_key = temporary;
  }));
  answer.policy_key = temporary;
  answer.data = true;
  return {};
}

// Phase two. The Status that the phone reports (applied, partly, not at all, managed by others) is
// acceptable whatever it is, since nothing is required.
storage::Result<void> acknowledge(Request& request, const Services& services,
                                  std::string_view sent_key, Answer& answer) {
  const auto key = storage::parse_uint(storage::trim(sent_key));
  const bool probe = request.device.id == 0;
  const bool known = key && *key != 0 && (probe || *key == request.device.pending_policy_key);
  if (!known) {
    log_refusal(request, "Provision", kWrongPolicyKey, "wrong policy key");
    answer.policy_status = kWrongPolicyKey;
    return {};
  }
  answer.policy_key = permanent_key(request.device, static_cast<std::uint32_t>(*key));
  return change_device(request.device, services,
                       [&](storage::Device& device) { device.policy_key = answer.policy_key; });
}

}  // namespace

CommandResult run_provision(Request& request, const Services& services) {
  const wbxml::Element& body = *request.body;
  Answer answer;
  const wbxml::Element* policies = body.child(tag::kPolicies);
  const wbxml::Element* policy = policies == nullptr ? nullptr : policies->child(tag::kPolicy);
  auto key = policy == nullptr ? std::nullopt : policy->text_of(tag::kPolicyKey);
  if (key == "0") key.reset();  // "none yet", as in the header

  const wbxml::Element* information = body.child(wbxml::settings::kDeviceInformation);
  if (information != nullptr && request.version >= Version::v14_1) {
    const auto json = device_information_json(*information);
    if (!json) return protocol_error(request, json.error().message);
    const auto stored = store_device_information(request, services, *json);
    if (!stored) return command_error(stored.error());
    answer.device_information = true;
  }
  // Without policies: an empty request asks whether a wipe is due, a RemoteWipe acknowledges one
  // (some phones put it beside what is left of a policy). None is ever requested here, so there is
  // nothing to add to "all is well".
  if (policies == nullptr || body.has(tag::kRemoteWipe) || body.has(tag::kAccountOnlyRemoteWipe)) {
    return write(answer, request.version);
  }
  if (policy == nullptr) return protocol_error(request, "Policies without Policy");
  const auto type = policy->text_of(tag::kPolicyType);
  if (!type || type->empty()) return protocol_error(request, "no PolicyType");
  if (!key && information == nullptr && request.version >= Version::v14_1) {
    return command_error(status::kDeviceInformationRequired, "no DeviceInformation");
  }

  answer.policy_type = std::string(storage::utf8_prefix(*type, 64));
  const std::string_view expected = request.version >= Version::v12_0 ? kWbxmlPolicy : kXmlPolicy;
  if (*type != expected) {
    log_refusal(request, "Provision", kUnknownPolicyType, "unknown PolicyType");
    answer.policy_status = kUnknownPolicyType;
    return write(answer, request.version);
  }
  const auto done =
      key ? acknowledge(request, services, *key, answer) : begin(request, services, answer);
  if (!done) return command_error(done.error());
  return write(answer, request.version);
}

}  // namespace eas
