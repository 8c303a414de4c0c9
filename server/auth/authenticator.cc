// A blocked login must look exactly like a wrong password, also to a stopwatch. So it too is given
// to the directory, under a name that nobody has: that costs one password hash, as any failure.
//
// An address from which too much failed is another matter. It is answered at once and otherwise
// ("later"), so that a flood of guesses does not keep the processors busy with hashes, and a phone
// behind the same router does not ask its user for the password.
#include "server/auth/authenticator.h"

#include <utility>

#include "storage/base/text.h"

namespace eas {

using storage::ErrorKind;
using storage::Result;

Authenticator::Authenticator(storage::Directory& directory, const storage::Clock& clock,
                             int max_failures, int max_address_failures)
    : directory_(directory), clock_(clock), throttle_(max_failures, max_address_failures) {}

// What failures are counted by. The directory reads a login in many ways (domains before it,
// blanks, other addresses of the user); counted by what was typed, each way would have guesses of
// its own.
Result<std::string> Authenticator::account_of(std::string_view login) {
  constexpr std::size_t kMaxLogin = 128;  // a longer one names nobody
  const auto user = directory_.find(login);
  if (user) return std::to_string(user->id);
  if (user.error().kind != ErrorKind::not_found) return storage::fail(user.error());
  return "?" + storage::to_lower(login.substr(0, kMaxLogin));
}

// denied or unavailable: the password is not to be looked at.
Result<void> Authenticator::ask_throttle(const Credentials& credentials,
                                         std::string_view authorization, std::string_view address) {
  const storage::UnixMillis now = clock_.now_ms();
  const bool suspicious = throttle_.is_address_blocked(address, now);
  if (!suspicious && !throttle_.has_failures(address, now)) return {};
  GODWIT_ASSIGN(const std::string account, account_of(credentials.login));
  if (throttle_.is_blocked(account, address, now)) {
    return storage::fail(ErrorKind::denied, "too many failed logins");
  }
  if (!suspicious || known_.knows(authorization, now)) return {};
  // A guess all the same: who is let in tells which password is right. Of accounts that there are,
  // so that invented ones do not fill the table.
  if (!account.starts_with('?')) {
    throttle_.note_failure(account, address, credentials.password, now);
  }
  return storage::fail(ErrorKind::unavailable, "too many failed logins from the address");
}

Result<storage::User> Authenticator::check(std::string_view authorization,
                                           std::string_view address) {
  if (authorization.empty()) return storage::fail(ErrorKind::denied, "no credentials");
  const auto credentials = parse_basic(authorization);
  if (!credentials) return storage::fail(ErrorKind::denied, "malformed credentials");

  if (auto allowed = ask_throttle(*credentials, authorization, address); !allowed) {
    if (allowed.error().kind == ErrorKind::denied) {
      (void)directory_.authenticate("*", credentials->password);
    }
    return storage::fail(allowed.error());
  }
  auto user = directory_.authenticate(credentials->login, credentials->password);
  if (user) {
    throttle_.note_success(std::to_string(user->id), address);
    known_.note(authorization, clock_.now_ms());
    return user;
  }
  if (user.error().kind != ErrorKind::denied && user.error().kind != ErrorKind::not_found) {
    return user;
  }
  known_.forget(authorization);
  GODWIT_ASSIGN(const std::string account, account_of(credentials->login));
  throttle_.note_failure(account, address, credentials->password, clock_.now_ms());
  return storage::fail(ErrorKind::denied, "wrong login or password");
}

bool Authenticator::knows(std::string_view authorization) const {
  return known_.knows(authorization, clock_.now_ms());
}

}  // namespace eas
