#include "server/policy/policy_check.h"

#include "server/policy/known_clients.h"
#include "storage/base/text.h"

namespace eas::policy {
namespace {

constexpr int kInPart = 2;
constexpr storage::UnixMillis kHour = storage::UnixMillis{60} * 60 * 1000;

// [MS-ASPROV] 3.1.5.2 (141) calls such a device not provisionable. One that only has not begun yet
// cannot be told from it, unless it sends "0" for its key, as many do.
bool never_asked(const PolicyQuestion& question) {
  const storage::Device& device = question.device;
  return !question.sends_key && device.policy_key == 0 && device.pending_policy_key == 0 &&
         device.policy_status == 0;
}

bool is_outdated(const PolicyQuestion& question) {
  const auto hours = storage::parse_int(question.holds.document.value("RefreshHours")).value_or(0);
  return hours > 0 && question.now - question.device.policy_at >= hours * kHour;
}

}  // namespace

bool lets_in(const EffectivePolicy& policy, int reported) {
  if (policy.revision == 0) return true;  // there was nothing to apply
  switch (reported) {
    case 1:
      return true;
    case kInPart:
      return policy.document.flag("AllowPartialCompliance");
    case 3:
      return policy.document.flag("AllowRefusedPolicy");
    case 4:
      return policy.document.flag("AllowExternallyManaged");
    default:
      return false;
  }
}

bool can_carry(const EffectivePolicy& policy, Version version) {
  return lets_in(policy, kInPart) || expresses_all(policy.document, version);
}

PolicyVerdict judge_policy(const PolicyQuestion& question) {
  const storage::Device& device = question.device;
  const EffectivePolicy& holds = question.holds;
  if (holds.revision == 0 && device.policy_revision == 0) return PolicyVerdict::none;
  const bool known = never_provisions(question.device_type, question.user_agent);
  if (known || never_asked(question)) {
    if (holds.revision == 0 || holds.document.flag("AllowNonProvisionableDevices")) {
      return PolicyVerdict::goes_without;
    }
    if (known) return PolicyVerdict::cannot_provision;
  }
  if (!can_carry(holds, question.version)) return PolicyVerdict::cannot_carry;
  if (device.policy_key == 0) return PolicyVerdict::not_taken;
  if (device.policy_revision != holds.revision) return PolicyVerdict::changed;
  return is_outdated(question) ? PolicyVerdict::outdated : PolicyVerdict::taken;
}

}  // namespace eas::policy
