// A blocked login must look exactly like a wrong password, also to a stopwatch. So it too is given
// to the directory, under a name that nobody has: that costs one password hash, as any failure.
#include "server/auth/authenticator.h"

#include <utility>

#include "server/auth/basic.h"

namespace eas {

using storage::ErrorKind;

Authenticator::Authenticator(storage::Directory& directory, const storage::Clock& clock,
                             int max_failures)
    : directory_(directory), clock_(clock), throttle_(max_failures) {}

storage::Result<storage::User> Authenticator::check(std::string_view authorization,
                                                    std::string_view address) {
  if (authorization.empty()) return storage::fail(ErrorKind::denied, "no credentials");
  const auto credentials = parse_basic(authorization);
  if (!credentials) return storage::fail(ErrorKind::denied, "malformed credentials");

  if (throttle_.is_blocked(credentials->login, address, clock_.now_ms())) {
    (void)directory_.authenticate("*", credentials->password);
    return storage::fail(ErrorKind::denied, "too many failed logins");
  }
  auto user = directory_.authenticate(credentials->login, credentials->password);
  if (user) {
    throttle_.note_success(credentials->login, address);
    return user;
  }
  if (user.error().kind == ErrorKind::denied || user.error().kind == ErrorKind::not_found) {
    throttle_.note_failure(credentials->login, address, credentials->password, clock_.now_ms());
    return storage::fail(ErrorKind::denied, "wrong login or password");
  }
  return user;
}

}  // namespace eas
