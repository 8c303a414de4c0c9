// What administrators decide about devices: named policies, who gets which, the rules of who may
// sync, and the decisions about single devices. The settings of a policy are opaque here; the layer
// above encodes them. One implementation over storage/sql; the contract suite runs on both drivers.
//
// Everything but the decisions about single devices is small and read as a whole (PolicyWorld). Its
// number grows with every change and comes with each device's row (DeviceControl::world), so that
// whoever keeps a copy knows whether it is still right.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/clock.h"
#include "storage/base/result.h"
#include "storage/state/state_store.h"

namespace storage {

struct Policy {
  std::int64_t id = 0;  // > 0
  std::string name;     // 1 to 64 bytes, as given
  std::string settings;
  std::int64_t revision = 0;  // > 0; a new one, never used before, whenever the settings change
  bool is_default = false;    // for all who have none assigned; at most one policy is
};

struct PolicyAssignment {
  bool group = false;        // else a user
  std::int64_t subject = 0;  // the user's or group's id
  std::int64_t policy = 0;
};

// The first rule that fits decides.
struct AccessRule {
  std::int64_t id = 0;  // > 0
  std::string field;    // "type", "model", "os", "agent", "version": the layer above knows them
  std::string pattern;
  Access access = Access::none;
};

struct PolicyWorld {
  std::int64_t number = 0;
  std::vector<Policy> policies;  // by name
  std::vector<PolicyAssignment> assignments;
  std::vector<AccessRule> rules;  // in their order
  Access default_access = Access::allow;
};

// Thread-safe. Names of policies are compared without case.
class PolicyStore {
 public:
  virtual ~PolicyStore() = default;

  virtual Result<PolicyWorld> world() = 0;
  // Gives the world a new number, after something else changed that decisions depend on.
  virtual Result<void> touch() = 0;

  // Makes the policy or gives it these settings; the same settings again change nothing. invalid:
  // an impossible name.
  virtual Result<Policy> set_policy(std::string_view name, std::string_view settings) = 0;
  // With its assignments. not_found.
  virtual Result<void> remove_policy(std::string_view name) = 0;
  // "" for none. not_found.
  virtual Result<void> set_default_policy(std::string_view name) = 0;
  // Replaces what was assigned to the user or group. not_found: no such policy.
  virtual Result<void> assign_policy(bool group, std::int64_t subject, std::string_view name) = 0;
  // Also when nothing was assigned.
  virtual Result<void> unassign_policy(bool group, std::int64_t subject) = 0;

  // `before` is the rule to put it before, 0: at the end. not_found: `before`. Returns its id.
  virtual Result<std::int64_t> add_rule(std::string_view field, std::string_view pattern,
                                        Access access, std::int64_t before) = 0;
  virtual Result<void> remove_rule(std::int64_t rule) = 0;  // not_found
  virtual Result<void> set_default_access(Access access) = 0;

  // --- one device, by its row id; not_found: it is gone ---------------------------------------
  virtual Result<void> set_access(std::int64_t device, Access access) = 0;
  // Asks for a wipe, cancels one (none), or notes one as done; `when` is kept with it.
  virtual Result<void> set_wipe(std::int64_t device, Wipe wipe, UnixMillis when) = 0;
  // The device was told to wipe (`failed`: and said that it could not).
  virtual Result<void> note_wipe_sent(std::int64_t device, UnixMillis when, bool failed) = 0;
  // What user and administrator were told, and the message about it (0: none yet). conflict:
  // another request noted the same a moment ago, with a message (it told them).
  virtual Result<void> note_access(std::int64_t device, Access noticed, std::int64_t item) = 0;
  virtual Result<void> note_storm(std::int64_t device, UnixMillis until,
                                  std::string_view reason) = 0;
  // Forgets what the device has synced and its cached requests, but not the device nor its policy:
  // it syncs anew.
  virtual Result<void> reset_device(std::int64_t device) = 0;
};

}  // namespace storage
