#include "server/commands/device_gate.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "server/commands/device_record.h"
#include "server/commands/status.h"
#include "server/policy/device_service.h"
#include "server/policy/known_clients.h"
#include "server/policy/policy_check.h"
#include "storage/base/log.h"

namespace eas {
namespace {

using policy::AccessDecision;
using policy::Occasion;
using storage::Access;
using storage::Wipe;

// What a phone needs to read one message.
constexpr std::array<std::string_view, 7> kQuarantineCommands = {
    "FolderSync", "Sync", "Ping", "GetItemEstimate", "ItemOperations", "Settings", "Provision"};

bool is_provision(const GateQuestion& question) { return question.command.name == "Provision"; }

GateAnswer refuse(int status, std::string reason) {
  GateAnswer answer;
  answer.refusal = command_error(status, std::move(reason));
  return answer;
}

GateAnswer refuse(const storage::Error& error) {
  GateAnswer answer;
  answer.refusal = command_error(error);
  return answer;
}

storage::Result<void> reload(storage::Device& device, const Services& services) {
  GODWIT_ASSIGN(device, services.state->device_by_row(device.id));
  return {};
}

// It speaks the version that can, or did when the order was given.
bool removes_account(const storage::Device& device) {
  return device.protocol_version == to_string(Version::v16_1) || device.control.wipe_sent != 0;
}

// A wipe is asked for: the phone learns it by provisioning. Up to 12.1 one that never did is
// refused. One that cannot remove an account is refused instead, for good; but a phone that can
// does not get round the order by asking in an older version once (device_record.h).
GateAnswer wipe_requested(const GateQuestion& question, const Services& services) {
  if (question.device.control.wipe == Wipe::account && question.version < Version::v16_1) {
    if (removes_account(question.device)) {
      return refuse(status::kDeviceBlocked, "a wipe of the account waits for version 16.1");
    }
    if (auto done = finish_wipe(question.user, question.device, WipeEnd::shut_out, services);
        !done) {
      return refuse(done.error());
    }
    return refuse(status::kDeviceBlocked, "the account was withdrawn from the device");
  }
  if (is_provision(question)) return {};
  GateAnswer answer = refuse(status::kRemoteWipeRequested, "a remote wipe was asked for");
  const bool provisions = question.device.policy_key != 0 || question.policy_key.has_value();
  if (!provisions) answer.refusal->http_status = 403;
  return answer;
}

std::string identity_of(std::string_view what, const storage::Device& device) {
  // The former message tells this refusal from one of last year.
  return std::string(what) + ":" + std::to_string(device.id) + ":" +
         std::to_string(device.control.notice_item);
}

// Tells of a refusal once, whatever the number of requests and nodes.
storage::Result<void> notice(const GateQuestion& question, Access access, const Services& services,
                             std::string_view why) {
  storage::Device& device = question.device;
  policy::DeviceService& devices = *services.devices;
  const Access before = device.control.noticed;
  if (before == access && device.control.notice_item != 0) return {};
  const Occasion occasion = access == Access::block ? Occasion::blocked : Occasion::quarantined;
  const std::string identity = identity_of(access == Access::block ? "block" : "wait", device);
  GODWIT_ASSIGN(const storage::ItemId item,
                devices.notices.tell_user(occasion, question.user, device, identity));
  auto noted = devices.store.note_access(device.id, access, item);
  if (!noted && noted.error().kind != storage::ErrorKind::conflict) return noted;
  if (noted) {
    storage::log_event(storage::LogLevel::warning,
                       access == Access::block ? "device blocked" : "device quarantined",
                       {{"user", question.user.address},
                        {"device", device.device_id},
                        {"type", device.type},
                        {"why", why}});
    devices.notices.tell_administrator(occasion, question.user, device, identity,
                                       "Decided by:  " + std::string(why));
    if (access == Access::quarantine && before != access) {
      GODWIT_TRY(devices.store.reset_device(device.id));
    }
  }
  return reload(device, services);
}

GateAnswer quarantined(const GateQuestion& question, const AccessDecision& decision,
                       const Services& services) {
  const bool fresh = question.device.control.noticed != Access::quarantine;
  if (decision.provisional && fresh) {
    // What it syncs now it has to sync anew when it is let in.
    const auto noted =
        services.devices->store.note_access(question.device.id, Access::quarantine, 0);
    if (!noted) return refuse(noted.error());
    if (auto read = reload(question.device, services); !read) return refuse(read.error());
  }
  if (!decision.provisional) {
    if (auto told = notice(question, Access::quarantine, services, decision.why); !told) {
      return refuse(told.error());
    }
  }
  const bool may = std::find(kQuarantineCommands.begin(), kQuarantineCommands.end(),
                             question.command.name) != kQuarantineCommands.end();
  if (!may) return refuse(status::kAccessDenied, "the device is in quarantine");
  GateAnswer answer;
  answer.quarantined = true;
  answer.view_changed = fresh;
  return answer;
}

// It may sync (again).
storage::Result<bool> welcome(const GateQuestion& question, const Services& services) {
  storage::Device& device = question.device;
  const Access before = device.control.noticed;
  if (before == Access::none) return false;
  const auto noted =
      services.devices->store.note_access(device.id, Access::none, device.control.notice_item);
  if (noted && before == Access::quarantine) {
    GODWIT_TRY(services.devices->store.reset_device(device.id));
  } else if (!noted && noted.error().kind != storage::ErrorKind::conflict) {
    return storage::fail(noted.error());
  }
  GODWIT_TRY(reload(device, services));
  return before == Access::quarantine;
}

// [MS-ASPROV] 3.2.5.1: the key must be the one given, and go with the policy that holds.
GateAnswer check_policy(const GateQuestion& question, const Services& services) {
  using policy::PolicyVerdict;
  const storage::Device& device = question.device;
  const auto found = services.devices->book.policy_of(question.user.id, device.control.world);
  if (!found) return refuse(found.error());
  const PolicyVerdict verdict = policy::judge_policy(
      {device, **found, question.version, question.device_type, question.user_agent,
       question.policy_key.has_value(), services.clock->now_ms()});
  switch (verdict) {
    case PolicyVerdict::none:
    case PolicyVerdict::goes_without:
      return {};
    case PolicyVerdict::cannot_provision: {
      GateAnswer answer =
          refuse(status::kLegacyDevice, "a policy is in place and the program cannot provision");
      if (policy::is_connectivity_test(question.device_type)) answer.refusal->http_status = 403;
      return answer;
    }
    case PolicyVerdict::cannot_carry:
      return refuse(status::kNotFullyProvisionable, "the version cannot carry the whole policy");
    case PolicyVerdict::not_taken:
      return refuse(status::kNotProvisioned, "not provisioned");
    case PolicyVerdict::taken:
    case PolicyVerdict::changed:
    case PolicyVerdict::outdated:
      break;
  }
  const bool looks_at_key =
      !question.parked && (question.command.flags & command_flag::kUnprovisioned) == 0;
  if (looks_at_key && question.policy_key.value_or(0) == 0) {
    return refuse(status::kNotProvisioned, "no policy key");
  }
  if (looks_at_key && *question.policy_key != device.policy_key) {
    return refuse(status::kInvalidPolicyKey, "a wrong policy key");
  }
  if (verdict == PolicyVerdict::changed) {
    return refuse(status::kInvalidPolicyKey, "the policy has changed");
  }
  if (verdict == PolicyVerdict::outdated) {
    return refuse(status::kPolicyRefresh, "the policy is to be fetched again");
  }
  return {};
}

}  // namespace

GateAnswer ask_gate(const GateQuestion& question, const Services& services) {
  if (!question.user.eas_enabled) {
    return refuse(status::kUserDisabledForSync, "the user may not sync with phones");
  }
  storage::Device& device = question.device;
  if (services.devices == nullptr || device.id == 0) return {};
  const Wipe wipe = device.control.wipe;
  if (wipe == Wipe::account || wipe == Wipe::full) return wipe_requested(question, services);
  if (wipe != Wipe::none) {
    if (is_provision(question)) return {};  // perhaps it acknowledges once more
    return refuse(status::kDeviceBlocked, "the device was wiped and not allowed since");
  }

  policy::DeviceFacts facts;
  facts.type = question.device_type;
  facts.user_agent = question.user_agent;
  facts.version = to_string(question.version);
  facts.info = device.info;
  facts.own = device.control.access;
  facts.known_for = services.clock->now_ms() - device.created;
  const auto decision = services.devices->book.access_of(facts, device.control.world);
  if (!decision) return refuse(decision.error());
  if (decision->access == Access::quarantine || decision->provisional) {
    return quarantined(question, *decision, services);
  }
  if (decision->access == Access::block) {
    if (auto told = notice(question, Access::block, services, decision->why); !told) {
      storage::log_event(storage::LogLevel::warning, "a blocked device's user was not told",
                         {{"user", question.user.address}, {"reason", told.error().message}});
    }
    return refuse(status::kDeviceBlocked, "the device is blocked: " + decision->why);
  }
  const auto anew = welcome(question, services);
  if (!anew) return refuse(anew.error());
  if (is_provision(question)) return {};
  GateAnswer answer = check_policy(question, services);
  answer.view_changed = *anew;
  return answer;
}

storage::Result<void> finish_wipe(const storage::User& user, storage::Device& device, WipeEnd end,
                                  const Services& services) {
  policy::DeviceService& devices = *services.devices;
  const bool account = device.control.wipe == Wipe::account;
  const Occasion occasion = end == WipeEnd::shut_out ? Occasion::account_withdrawn
                            : account                ? Occasion::account_wiped
                                                     : Occasion::device_wiped;
  const std::string identity =
      "wipe:" + std::to_string(device.id) + ":" + std::to_string(device.control.wipe_at);
  if (auto told = devices.notices.tell_user(occasion, user, device, identity); !told) {
    storage::log_event(storage::LogLevel::warning, "the user was not told of a wipe",
                       {{"user", user.address}, {"reason", told.error().message}});
  }
  GODWIT_TRY(devices.store.reset_device(device.id));
  GODWIT_TRY(change_device(device, services, [](storage::Device& record) {
    record.policy_key = record.pending_policy_key = 0;
    record.policy_revision = record.pending_policy_revision = 0;
    record.policy_status = 0;
    record.policy_at = 0;
  }));
  GODWIT_TRY(devices.store.set_wipe(device.id, account ? Wipe::account_done : Wipe::full_done,
                                    services.clock->now_ms()));
  const char* const event = end == WipeEnd::shut_out ? "account withdrawn"
                            : account                ? "account wiped"
                                                     : "device wiped";
  storage::log_event(storage::LogLevel::warning, event,
                     {{"user", user.address}, {"device", device.device_id}});
  devices.notices.tell_administrator(occasion, user, device, identity);
  GODWIT_TRY(reload(device, services));
  services.hub->publish({user.id, device.id, 0, storage::hub_event::kDevice});
  return {};
}

}  // namespace eas
