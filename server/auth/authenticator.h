// Who sends a request: the Authorization header checked against the directory, with failed logins
// throttled. See README.md of this folder.
#pragma once

#include <string>
#include <string_view>

#include "server/auth/basic.h"
#include "server/auth/known_logins.h"
#include "server/auth/throttle.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"
#include "storage/directory/directory.h"

namespace eas {

// Thread-safe. `directory` and `clock` must outlive it.
class Authenticator {
 public:
  // See LoginThrottle for the two limits.
  Authenticator(storage::Directory& directory, const storage::Clock& clock, int max_failures,
                int max_address_failures = 0);

  // The user of an Authorization header that came from `address`.
  // denied: no or wrong credentials, or too many failures: all answered alike, the last two in the
  // same time. unavailable: the directory cannot tell now, or too many logins of all sorts failed
  // from the address and these credentials were not right before.
  storage::Result<storage::User> check(std::string_view authorization, std::string_view address);

  // Whether check() found this header right within the last day or so. Quick; a hint, no login.
  bool knows(std::string_view authorization) const;

 private:
  storage::Result<std::string> account_of(std::string_view login);
  storage::Result<void> ask_throttle(const Credentials& credentials, std::string_view authorization,
                                     std::string_view address);

  storage::Directory& directory_;
  const storage::Clock& clock_;
  LoginThrottle throttle_;
  KnownLogins known_;
};

}  // namespace eas
