// Whether a request may go on: is the user allowed to sync, the device wiped, blocked, quarantined,
// and has it taken the policy that holds? [MS-ASPROV] 3.2.5.1, [MS-ASCMD] 2.2.2
//
// A device that is up to date costs no read of the database: all that is asked for came with its
// row, and policies and rules are in memory.
#pragma once

#include <optional>
#include <string_view>

#include "server/commands/command.h"

namespace eas {

// Who asks. The record is read anew when a decision changed it.
struct GateQuestion {
  const storage::User& user;
  storage::Device& device;
  const CommandInfo& command;
  Version version;
  std::string_view device_type, user_agent;
  std::optional<std::uint32_t> policy_key;
  bool parked = false;  // it was let in before and has waited: its key is not looked at again
};

struct GateAnswer {
  std::optional<CommandError> refusal;
  bool quarantined = false;   // it may go on with quarantine_view() only
  bool view_changed = false;  // what the device may see has changed just now: it starts anew
};

// In this order: user switched off (126), wipe (140), wiped (129), blocked (129), quarantined (130
// for commands that a phone does not need to read one message), policy (141 to 144). Provision
// passes while a wipe goes on, and is never refused for the policy's sake. Tells user and
// administrator of a refusal once.
GateAnswer ask_gate(const GateQuestion& question, const Services& services);

// How a wipe came to its end.
enum class WipeEnd {
  obeyed,    // the device says that it has done as it was told
  shut_out,  // it cannot remove an account, and is refused instead; what it has stays on it
};

// Notes a wipe as done, forgets what the device has synced, tells user and administrator.
storage::Result<void> finish_wipe(const storage::User& user, storage::Device& device, WipeEnd end,
                                  const Services& services);

}  // namespace eas
