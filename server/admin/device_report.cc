#include "server/admin/device_report.h"

#include <algorithm>
#include <array>
#include <utility>

#include "server/admin/table.h"
#include "server/policy/policy_check.h"
#include "storage/base/text.h"

namespace eas::admin {
namespace {

using nlohmann::ordered_json;
using policy::PolicyVerdict;
using storage::Access;
using storage::Device;
using storage::Result;
using storage::UnixMillis;
using storage::Wipe;

constexpr UnixMillis kDay = UnixMillis{24} * 60 * 60 * 1000;

// Why a device that reported so is not let in; "" when it is.
std::string refused_report(const Device& device, const policy::EffectivePolicy& holds) {
  if (device.policy_status == 0 || policy::lets_in(holds, device.policy_status)) return {};
  constexpr std::array<const char*, 5> kWhy = {"", "", "can apply only a part of it; not let in",
                                               "did not apply it; not let in",
                                               "is managed by somebody else; not let in"};
  return kWhy[static_cast<std::size_t>(std::clamp(device.policy_status, 0, 4))];
}

std::string policy_state(const Device& device, const policy::EffectivePolicy& holds,
                         PolicyVerdict verdict) {
  if (holds.corrupt) return "the stored policy cannot be read: set it again";
  std::string refused = refused_report(device, holds);
  switch (verdict) {
    case PolicyVerdict::none:
      return device.policy_key == 0 ? "none is set" : "none is set; it has provisioned";
    case PolicyVerdict::goes_without:
      return "does not provision; let in without";
    case PolicyVerdict::cannot_provision:
      return "cannot provision; not let in";
    case PolicyVerdict::cannot_carry:
      return "its protocol version cannot carry all of it; not let in";
    case PolicyVerdict::not_taken:
      if (!refused.empty()) return refused;
      return device.pending_policy_key != 0 ? "was given it, and has not said that it applied it"
                                            : "has not provisioned yet";
    case PolicyVerdict::changed:
      if (holds.revision == 0) return "has to give back the one that it took";
      return "has to take the new policy";
    case PolicyVerdict::outdated:
      return "has to fetch it again, as every " +
             std::string(holds.document.value("RefreshHours")) + " hours";
    case PolicyVerdict::taken:
      break;
  }
  constexpr std::array<const char*, 5> kHow = {
      "up to date", "up to date", "up to date (applied in part)", "up to date (not applied)",
      "up to date (managed by somebody else)"};
  return kHow[static_cast<std::size_t>(std::clamp(device.policy_status, 0, 4))];
}

bool is_settled(PolicyVerdict verdict) {
  return verdict == PolicyVerdict::none || verdict == PolicyVerdict::taken ||
         verdict == PolicyVerdict::goes_without;
}

std::string wipe_text(const storage::DeviceControl& control) {
  const std::string what =
      control.wipe == Wipe::full || control.wipe == Wipe::full_done ? "whole device" : "account";
  switch (control.wipe) {
    case Wipe::none:
      return {};
    case Wipe::account:
    case Wipe::full:
      if (control.wipe_failed) {
        return what + ": the device said at " + when_text(control.wipe_sent) +
               " that it could not; it is asked again";
      }
      if (control.wipe_sent != 0) {
        return what + ": the device was told at " + when_text(control.wipe_sent) +
               ", it has not confirmed yet";
      }
      return what + ": asked for at " + when_text(control.wipe_at) +
             "; the device is told when it comes next";
    case Wipe::account_done:
    case Wipe::full_done:
      return what + ": done at " + when_text(control.wipe_at);
  }
  return {};
}

// States in order of weight; the first that holds names the device in lists.
void judge(DeviceReport& report, const storage::User* user, bool policy_settled, UnixMillis now) {
  const Device& device = report.device;
  const storage::DeviceControl& control = device.control;
  const auto add = [&](const char* color, const char* state, std::string reason) {
    if (report.reasons.empty()) {
      report.color = color;
      report.state = state;
    }
    report.reasons.push_back(std::move(reason));
  };
  report.color = "green";
  report.state = "fine";
  if (user == nullptr) add("red", "no user", "its user was removed");
  if (user != nullptr && !user->eas_enabled) {
    add("red", "user off", "the user may not sync with phones (godwit user)");
  }
  if (control.storm_until > now) {
    add("red", "storm", "it " + control.storm_reason + "; until " + when_text(control.storm_until));
  }
  if (control.wipe == Wipe::account || control.wipe == Wipe::full) {
    add("yellow", "wiping", "a wipe is asked for: " + wipe_text(control));
  } else if (control.wipe != Wipe::none) {
    add("red", "wiped", "it was wiped and is kept out until it is allowed again");
  }
  if (report.access.provisional) {
    add("yellow", "new", "a rule asks for model or OS, and it has not told them yet");
  } else if (report.access.access == Access::block) {
    add("red", "blocked", "it is blocked: " + report.access.why);
  } else if (report.access.access == Access::quarantine) {
    add("yellow", "quarantined", "it waits for approval: " + report.access.why);
  }
  if (!policy_settled) {
    const std::string name = report.policy.empty() ? "" : " " + report.policy;
    add("yellow", "policy", "policy" + name + ": " + report.policy_state);
  }
  if (report.reasons.empty() && now - device.last_seen > 7 * kDay) {
    report.color = "yellow";
    report.state = "silent";
    report.reasons.push_back("it has not come for a week; it may be switched off or given away");
  }
}

Result<DeviceReport> make_report(policy::PolicyBook& book, const storage::Clock& clock,
                                 const storage::User* user, Device device) {
  DeviceReport report;
  report.user = user != nullptr ? user->address : "(removed)";
  policy::DeviceFacts facts;
  facts.type = device.type;
  facts.user_agent = device.user_agent;
  facts.version = device.protocol_version;
  facts.info = device.info;
  facts.own = device.control.access;
  facts.known_for = clock.now_ms() - device.created;
  GODWIT_ASSIGN(report.access, book.access_of(facts, device.control.world));
  GODWIT_ASSIGN(const policy::PolicyPtr holds,
                book.policy_of(device.user_id, device.control.world));
  report.policy = holds->name;
  // A key that comes with a request is not known here; whoever has none sends none.
  const PolicyVerdict verdict = policy::judge_policy(
      {device, *holds, parse_version(device.protocol_version).value_or(Version::v16_1), device.type,
       device.user_agent, device.policy_key != 0, clock.now_ms()});
  report.policy_state = policy_state(device, *holds, verdict);
  report.device = std::move(device);
  judge(report, user, !holds->corrupt && is_settled(verdict), clock.now_ms());
  return report;
}

ordered_json info_of(const Device& device) {
  auto info = ordered_json::parse(device.info, nullptr, false);
  return info.is_object() ? info : ordered_json::object();
}

void append(std::string& out, std::string_view name, const std::string& value) {
  if (value.empty()) return;
  out += std::string(name) + std::string(18 - std::min<std::size_t>(name.size(), 17), ' ') + value +
         "\n";
}

}  // namespace

const char* access_name(Access access) {
  constexpr std::array<const char*, 4> kNames = {"none", "allow", "block", "quarantine"};
  return kNames[static_cast<std::size_t>(access) % kNames.size()];
}

Result<std::vector<DeviceReport>> report_devices(Stores& stores, std::int64_t user_id) {
  policy::PolicyBook book(*stores.policies, stores.addresses.get(), stores.clock);
  GODWIT_ASSIGN(const auto users, stores.directory->list());
  GODWIT_ASSIGN(auto devices, stores.state->devices(user_id));
  std::vector<DeviceReport> reports;
  for (Device& device : devices) {
    const auto user = std::find_if(users.begin(), users.end(), [&](const storage::User& one) {
      return one.id == device.user_id;
    });
    GODWIT_ASSIGN(
        auto report,
        make_report(book, stores.clock, user == users.end() ? nullptr : &*user, std::move(device)));
    reports.push_back(std::move(report));
  }
  return reports;
}

Result<DeviceReport> report_device(Stores& stores, const storage::User& user,
                                   const std::string& device_id) {
  policy::PolicyBook book(*stores.policies, stores.addresses.get(), stores.clock);
  GODWIT_ASSIGN(Device device, stores.state->device(user.id, device_id));
  return make_report(book, stores.clock, &user, std::move(device));
}

ordered_json to_json(const DeviceReport& report) {
  const Device& device = report.device;
  ordered_json json;
  json["user"] = report.user;
  json["device"] = device.device_id;
  json["state"] = report.state;
  json["color"] = report.color;
  json["reasons"] = report.reasons;
  json["type"] = device.type;
  json["program"] = device.user_agent;
  json["version"] = device.protocol_version;
  json["information"] = info_of(device);
  json["created"] = device.created;
  json["last_seen"] = device.last_seen;
  json["access"] = access_name(report.access.access);
  json["access_why"] = report.access.why;
  json["policy"] = report.policy;
  json["policy_state"] = report.policy_state;
  json["provisioned"] = device.policy_at;
  json["wipe"] = wipe_text(device.control);
  json["storm"] = device.control.storm_reason;
  json["storm_until"] = device.control.storm_until;
  json["capture"] = device.capture;
  return json;
}

std::string to_text(const DeviceReport& report) {
  const Device& device = report.device;
  const ordered_json info = info_of(device);
  std::string out;
  append(out, "Device", device.device_id);
  append(out, "User", report.user);
  append(out, "State", report.state + " (" + report.color + ")");
  for (const std::string& reason : report.reasons) append(out, "  because", reason);
  append(out, "Type", device.type);
  for (const char* name : {"FriendlyName", "Model", "OS", "OSLanguage", "PhoneNumber"}) {
    if (info.contains(name) && info[name].is_string()) append(out, name, info[name]);
  }
  append(out, "Program", device.user_agent);
  append(out, "Protocol", device.protocol_version);
  append(out, "First seen", when_text(device.created));
  append(out, "Last seen", when_text(device.last_seen) + " (UTC; noted once an hour)");
  append(out, "May sync",
         std::string(access_name(report.access.access)) + ", " + report.access.why);
  append(
      out, "Policy",
      (report.policy.empty() ? std::string("none") : report.policy) + ": " + report.policy_state);
  if (device.policy_at != 0) append(out, "Provisioned", when_text(device.policy_at));
  append(out, "Wipe", wipe_text(device.control));
  append(out, "Last storm", device.control.storm_reason);
  append(out, "Capture", device.capture ? "on" : "off");
  return out;
}

}  // namespace eas::admin
