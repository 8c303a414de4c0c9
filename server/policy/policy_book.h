// Which policy a user's devices get, and whether a device may sync: the policies and rules of the
// store, kept in memory and read again only when the number that comes with a device's row says
// that they changed. So a request of a device that is up to date costs no read.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "server/policy/policy_document.h"
#include "storage/base/mutex.h"
#include "storage/directory/address_list.h"
#include "storage/state/policy_store.h"

namespace eas::policy {

// The policy that holds for a user. Revision 0, no name and an empty document: none was set.
struct EffectivePolicy {
  std::int64_t revision = 0;
  std::string name;
  PolicyDocument document;
  bool corrupt = false;  // the stored settings cannot be read
};
using PolicyPtr = std::shared_ptr<const EffectivePolicy>;  // never null

// What rules look at.
struct DeviceFacts {
  std::string_view type;
  std::string_view user_agent;
  std::string_view version;                     // "16.1"
  std::string_view info;                        // DeviceInformation as JSON, "" when unknown
  storage::Access own = storage::Access::none;  // what was decided about this very device
  storage::UnixMillis known_for = 0;            // since it came first
};

struct AccessDecision {
  storage::Access access = storage::Access::allow;  // never none
  std::string why;  // "decided for this device", "rule 3: type iP*", "the default"
  // It may change at once: a rule asks for model or OS, and the device, new as it is, has had no
  // chance to tell them. It may sync nothing meanwhile, for ten minutes at most.
  bool provisional = false;
};

// "Nokia*" with * for any text and ? for one byte, without case, against the whole text.
bool matches_pattern(std::string_view pattern, std::string_view text);

// The fields that a rule may name: "type", "model", "os", "agent", "version".
std::span<const std::string_view> rule_fields();

// Thread-safe.
class PolicyBook {
 public:
  // `addresses` may be null: nobody is in a group. All must outlive it.
  PolicyBook(storage::PolicyStore& store, storage::AddressList* addresses,
             const storage::Clock& clock)
      : store_(store), addresses_(addresses), clock_(clock) {}

  // The user's own assignment, else that of a group (of several the policy whose name comes first),
  // else the default policy. `world`: the number in the device's row. A change of group membership
  // counts within half a minute. Failure: what the stores say.
  storage::Result<PolicyPtr> policy_of(std::int64_t user_id, std::int64_t world);

  // What was decided for the device, else the first rule that fits, else the default.
  storage::Result<AccessDecision> access_of(const DeviceFacts& device, std::int64_t world);

 private:
  struct Edition;
  struct OfGroups {
    PolicyPtr policy;
    storage::UnixMillis until = 0;
  };
  storage::Result<std::shared_ptr<const Edition>> edition(std::int64_t world);
  storage::Result<PolicyPtr> policy_by_groups(const Edition& edition, std::int64_t user_id);

  storage::PolicyStore& store_;
  storage::AddressList* const addresses_;
  const storage::Clock& clock_;
  storage::Mutex mutex_;
  std::shared_ptr<const Edition> edition_ GUARDED_BY(mutex_);
  // By user; only while a group has a policy. Emptied with each edition and when it grows large.
  std::unordered_map<std::int64_t, OfGroups> by_groups_ GUARDED_BY(mutex_);
};

}  // namespace eas::policy
