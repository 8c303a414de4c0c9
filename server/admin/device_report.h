// What an administrator wants to know of a device, gathered from its record, the policies and the
// rules, and said in plain words.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "server/admin/stores.h"
#include "server/policy/policy_book.h"

namespace eas::admin {

struct DeviceReport {
  storage::Device device;
  std::string user;                  // address; "(removed)"
  policy::AccessDecision access;     // may it sync, and who says so
  std::string policy;                // the name of the one that holds; "" for none
  std::string policy_state;          // "up to date", "must provision", …
  std::string state;                 // one word or two for the list: "fine", "quarantined", …
  std::string color;                 // "green", "yellow", "red"
  std::vector<std::string> reasons;  // why it is stuck; empty when it is not
};

// Of the devices of one user, or (0) of all. Failure: what the stores say.
storage::Result<std::vector<DeviceReport>> report_devices(Stores& stores, std::int64_t user_id);
// Of one. not_found.
storage::Result<DeviceReport> report_device(Stores& stores, const storage::User& user,
                                            const std::string& device_id);

nlohmann::ordered_json to_json(const DeviceReport& report);
// The page that `device show` prints.
std::string to_text(const DeviceReport& report);

// "allow", "block", "quarantine"; "none" for no decision.
const char* access_name(storage::Access access);

}  // namespace eas::admin
