#include <algorithm>

#include "server/doctor/checks.h"
#include "storage/base/text.h"

namespace eas::doctor {

Findings check_administrator(const Config& config, bool decides, bool found) {
  constexpr const char* kCheck = "administrator";
  const std::string& address = config.devices_administrator;
  if (address.empty()) {
    if (!decides) return {{Outcome::ok, kCheck, "none, and no rule keeps phones out", ""}};
    return {{Outcome::warning, kCheck,
             "nobody is told of phones that wait for approval or are "
             "blocked",
             "set devices.administrator"}};
  }
  const std::string_view domain = std::string_view(address).substr(address.rfind('@') + 1);
  const bool local =
      std::any_of(config.local_domains.begin(), config.local_domains.end(),
                  [&](const std::string& one) { return storage::equals_ignore_case(one, domain); });
  if (local && !found) {
    return {{Outcome::problem, kCheck, address + " is neither a user nor a group here",
             "correct devices.administrator, or add it: godwit user add " + address}};
  }
  return {{Outcome::ok, kCheck, address, ""}};
}

}  // namespace eas::doctor
