#include "server/autoreply/internal_people.h"

#include <algorithm>

#include "storage/base/text.h"

namespace eas::autoreply {

storage::Result<bool> is_internal(storage::Directory& directory,
                                  const std::vector<std::string>& local_domains,
                                  std::string_view address) {
  const std::string_view domain = address.substr(address.rfind('@') + 1);
  const bool local = std::any_of(
      local_domains.begin(), local_domains.end(),
      [&](const std::string& each) { return storage::equals_ignore_case(each, domain); });
  if (local) return true;
  const auto user = directory.find(address);
  if (user) return true;
  if (user.error().kind != storage::ErrorKind::not_found) return storage::fail(user.error());
  return false;
}

}  // namespace eas::autoreply
