// Whether a device has taken the policy that holds for it: judged here once, for the gate that
// refuses and for the report that says why. Nothing is read or kept.
#pragma once

#include <string_view>

#include "server/policy/policy_book.h"
#include "server/protocol_version.h"
#include "storage/base/clock.h"
#include "storage/state/state_store.h"

namespace eas::policy {

enum class PolicyVerdict {
  none,              // no policy holds, and there is none to give back
  taken,             // as it is to be
  goes_without,      // it does not provision, and the policy lets such devices in
  cannot_provision,  // a program that is known never to, and the policy does not let it in
  cannot_carry,      // its version cannot carry the whole policy, and nothing less will do
  not_taken,         // it has to provision
  changed,           // it has taken another one
  outdated,          // it has to fetch the policy again
};

// Who is asked about. What it names must outlive it.
struct PolicyQuestion {
  const storage::Device& device;
  const EffectivePolicy& holds;
  Version version = Version::v16_1;
  std::string_view device_type, user_agent;  // of the request
  // A policy key came with it, be it 0: the device knows what policies are.
  bool sends_key = false;
  storage::UnixMillis now = 0;
};

// Looks at the device's record, not at the value of the key that came.
PolicyVerdict judge_policy(const PolicyQuestion& question);

// Whether a device may sync that reports this Status, 1 to 4, about the policy: success, success in
// part, not applied, managed by somebody else. [MS-ASPROV] 2.2.2.54.1
bool lets_in(const EffectivePolicy& policy, int reported);

// Whether a device that speaks `version` can take the policy: all of it, or what the version has
// where a part will do.
bool can_carry(const EffectivePolicy& policy, Version version);

}  // namespace eas::policy
