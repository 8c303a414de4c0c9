// Provision: the two-phase handshake about policies. [MS-ASPROV] 3.1.5.1, 3.2.5.1
//
// Where no policy is set, what is handed out allows everything; it is still a real handshake, since
// phones keep the key and since a policy may be set later.
//
// The permanent key is derived from the temporary one. So an acknowledgement that is sent again,
// because its answer was lost, gets the same permanent key.
//
// While a wipe is asked for, every Provision is answered with the order to wipe and nothing else:
// phones come with an empty one, with a request for policies (after 449), or with what they last
// tried. The acknowledgement is taken wherever a client puts it (quirks.md "Provisioning").
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "server/commands/commands.h"
#include "server/commands/device_gate.h"
#include "server/commands/device_information.h"
#include "server/commands/device_record.h"
#include "server/commands/status.h"
#include "server/policy/device_service.h"
#include "server/policy/policy_check.h"
#include "storage/base/crypto.h"
#include "storage/base/log.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"
#include "wbxml/encoder.h"

namespace eas {
namespace {

namespace tag = wbxml::provision;

constexpr int kSuccess = 1;
constexpr int kProtocolError = 2;      // of Provision
constexpr int kUnknownPolicyType = 3;  // of Policy
constexpr int kPolicyCorrupt = 4;      // of Policy
constexpr int kWrongPolicyKey = 5;     // of Policy
constexpr int kManagedElsewhere = 4;   // reported by phones: the last that there is

constexpr std::string_view kWbxmlPolicy = "MS-EAS-Provisioning-WBXML";
constexpr std::string_view kXmlPolicy = "MS-WAP-Provisioning-XML";

struct Answer {
  bool device_information = false;  // it was sent and kept
  std::optional<std::string> policy_type;
  int policy_status = kSuccess;
  std::uint32_t policy_key = 0;  // 0: none
  bool data = false;             // the policy itself
  policy::PolicyPtr policy;
  bool withdraw = false;  // settings that are not set are to be taken back
};

void write_data(wbxml::Encoder& out, const Answer& answer, Version version) {
  const policy::PolicyDocument& document = answer.policy->document;
  out.start(tag::kData);
  if (*answer.policy_type == kXmlPolicy) {
    out.write_text(policy::policy_xml(document, answer.withdraw));
  } else {
    policy::write_policy(out, document, version, answer.withdraw);
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
    if (answer.data) write_data(out, answer, version);
    out.end();
    out.end();
  }
  out.end();
  Reply reply;
  reply.body = out.take();
  return reply;
}

Reply protocol_error(const Request& request, std::string_view reason) {
  return refuse(request, tag::kProvision, tag::kStatus, kProtocolError, reason);
}

std::uint32_t permanent_key(const storage::Device& device, std::uint32_t temporary) {
  const std::string digest = storage::sha256(std::to_string(device.user_id) + ":" +
                                             device.device_id + ":" + std::to_string(temporary));
  std::uint32_t key = 0;
  for (std::size_t i = 0; i < 4; ++i) key = (key << 8) | static_cast<std::uint8_t>(digest[i]);
  return key != 0 ? key : 1;
}

storage::Result<policy::PolicyPtr> policy_for(const Request& request, const Services& services) {
  if (services.devices == nullptr) return std::make_shared<policy::EffectivePolicy>();
  return services.devices->book.policy_of(request.user.id, request.device.control.world);
}

// Phase one: a temporary key and the policy.
storage::Result<void> begin(Request& request, const Services& services, Answer& answer) {
  if (answer.policy->corrupt) {
    log_refusal(request, "Provision", kPolicyCorrupt, "the stored policy cannot be read");
    answer.policy_status = kPolicyCorrupt;
    return {};
  }
  const std::uint32_t temporary = storage::random_u32();
  answer.withdraw = answer.policy->revision != 0 || request.device.policy_revision != 0;
  GODWIT_TRY(change_device(request.device, services, [&](storage::Device& device) {
    device.pending_policy_key = temporary;
    device.pending_policy_revision = answer.policy->revision;
  }));
  answer.policy_key = temporary;
  answer.data = true;
  return {};
}

// What the phone's report about the policy leads to; 0: it is let in. [MS-ASPROV] 3.2.5.1.2.1
int judge(const policy::EffectivePolicy& policy, int reported) {
  if (policy::lets_in(policy, reported)) return 0;
  return reported == kManagedElsewhere ? status::kExternallyManaged
                                       : status::kNotFullyProvisionable;
}

// Phase two. A Status that the policy does not let in is an error of the command; a key that is not
// the one given, or of a policy that changed meanwhile, is status 5: the phone starts again.
storage::Result<int> acknowledge(Request& request, const Services& services,
                                 const wbxml::Element& policy, std::string_view sent_key,
                                 Answer& answer) {
  const auto key = storage::parse_uint(storage::trim(sent_key));
  const bool probe = request.device.id == 0;
  const bool known = key && *key != 0 &&
                     (probe || (*key == request.device.pending_policy_key &&
                                answer.policy->revision == request.device.pending_policy_revision));
  if (!known) {
    log_refusal(request, "Provision", kWrongPolicyKey, "wrong policy key");
    answer.policy_status = kWrongPolicyKey;
    return 0;
  }
  const auto text = policy.text_of(tag::kStatus).value_or("");
  const auto number = storage::parse_uint(storage::trim(text)).value_or(0);
  if (number < 1 || number > kManagedElsewhere) return kProtocolError;
  const int reported = static_cast<int>(number);
  const int refusal = judge(*answer.policy, reported);
  answer.policy_key = permanent_key(request.device, static_cast<std::uint32_t>(*key));
  // One that is not let in loses the key that it had. What it took before is remembered, so that it
  // is taken back when no policy holds any more.
  GODWIT_TRY(change_device(request.device, services, [&](storage::Device& device) {
    device.policy_status = reported;
    device.policy_key = refusal == 0 ? answer.policy_key : 0;
    if (refusal != 0) return;
    device.policy_at = services.clock->now_ms();
    device.policy_revision = answer.policy->revision;
  }));
  return refusal;
}

// --- remote wipe --------------------------------------------------------------------------------

Reply write_wipe(int status, std::optional<wbxml::Tag> order) {
  wbxml::Encoder out;
  out.start(tag::kProvision);
  out.number(tag::kStatus, status);
  if (order) out.empty(*order);
  out.end();
  Reply reply;
  reply.body = out.take();
  return reply;
}

bool is_wipe(wbxml::Tag name) {
  return name == tag::kRemoteWipe || name == tag::kAccountOnlyRemoteWipe;
}

// The acknowledgement of a wipe: under Provision, or where some phones put it, inside Policies or
// Policy.
const wbxml::Element* find_wipe(const wbxml::Element& element) {
  for (const wbxml::Element& child : element.children) {
    if (is_wipe(child.tag)) return &child;
    if (child.tag != tag::kPolicies && child.tag != tag::kPolicy) continue;
    if (const wbxml::Element* const found = find_wipe(child)) return found;
  }
  return nullptr;
}

// The whole answer while a wipe is asked for. [MS-ASPROV] 3.2.5.1.1, 3.2.5.1.2.2, 3.2.5.1.2.3
CommandResult run_wipe(Request& request, const Services& services,
                       const wbxml::Element* acknowledged) {
  storage::DeviceControl& control = request.device.control;
  const wbxml::Tag order =
      control.wipe == storage::Wipe::account ? tag::kAccountOnlyRemoteWipe : tag::kRemoteWipe;
  // An answer to an order that was never given is a stale one: of a wipe that was cancelled, or of
  // the account alone before the whole device was asked for.
  const bool fits = acknowledged != nullptr && acknowledged->tag == order;
  const auto text = fits ? acknowledged->text_of(tag::kStatus) : std::nullopt;
  if (text && control.wipe_sent != 0) {
    if (storage::trim(*text) == "1") {
      if (auto done = finish_wipe(request.user, request.device, WipeEnd::obeyed, services); !done) {
        return command_error(done.error());
      }
      return write_wipe(kSuccess, std::nullopt);
    }
    storage::log_event(
        storage::LogLevel::warning, "a device could not wipe itself",
        {{"user", request.user.address}, {"device", request.device.device_id}, {"status", *text}});
  }
  const bool failed = text && control.wipe_sent != 0;
  const auto noted = services.devices->store.note_wipe_sent(
      request.device.id, services.clock->now_ms(), failed || control.wipe_failed);
  if (!noted) return command_error(noted.error());
  return write_wipe(failed ? kProtocolError : kSuccess, order);
}

// [MS-ASPROV] 3.2.5.1.1, 3.2.5.1.2.1
CommandResult run_policies(Request& request, const Services& services) {
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
  // Without policies: an empty request asks whether a wipe is due. None is.
  if (policies == nullptr) return write(answer, request.version);
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
  auto found = policy_for(request, services);
  if (!found) return command_error(found.error());
  answer.policy = *std::move(found);
  if (!policy::can_carry(*answer.policy, request.version)) {
    return command_error(status::kNotFullyProvisionable,
                         "the version cannot carry the whole policy");
  }
  if (!key) {
    if (auto begun = begin(request, services, answer); !begun) return command_error(begun.error());
    return write(answer, request.version);
  }
  const auto refusal = acknowledge(request, services, *policy, *key, answer);
  if (!refusal) return command_error(refusal.error());
  if (*refusal == kProtocolError) return protocol_error(request, "no Status of the policy");
  if (*refusal != 0) return command_error(*refusal, "the policy was not applied as it must be");
  return write(answer, request.version);
}

}  // namespace

CommandResult run_provision(Request& request, const Services& services) {
  const wbxml::Element& body = *request.body;
  const storage::Wipe wipe =
      services.devices == nullptr ? storage::Wipe::none : request.device.control.wipe;
  const wbxml::Element* const wiped = find_wipe(body);
  if (wipe == storage::Wipe::account || wipe == storage::Wipe::full) {
    return run_wipe(request, services, wiped);
  }
  // Sent once more since the answer was lost, or for a wipe that nobody asks for any more.
  if (wiped != nullptr) return write_wipe(kSuccess, std::nullopt);
  if (wipe != storage::Wipe::none) {
    return command_error(status::kDeviceBlocked, "the device was wiped and not allowed since");
  }
  return run_policies(request, services);
}

}  // namespace eas
