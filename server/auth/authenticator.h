// Who sends a request: the Authorization header checked against the directory, with failed logins
// throttled. See README.md of this folder.
#pragma once

#include <string_view>

#include "server/auth/throttle.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"
#include "storage/directory/directory.h"

namespace eas {

// Thread-safe. `directory` and `clock` must outlive it.
class Authenticator {
 public:
  Authenticator(storage::Directory& directory, const storage::Clock& clock, int max_failures);

  // The user of an Authorization header that came from `address`.
  // denied: no or wrong credentials, or too many failures: all answered alike, the last two in the
  // same time. unavailable: the directory cannot tell now.
  storage::Result<storage::User> check(std::string_view authorization, std::string_view address);

 private:
  storage::Directory& directory_;
  const storage::Clock& clock_;
  LoginThrottle throttle_;
};

}  // namespace eas
