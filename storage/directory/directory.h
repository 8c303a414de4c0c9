// Users and their passwords. Passwords are kept only as yescrypt hashes. What others may know of
// them is in address_list.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"

namespace storage {

struct User {
  std::int64_t id = 0;       // > 0, never reused
  std::string address;       // canonical, lower case: local@domain
  std::string display_name;  // UTF-8, may be empty
  bool eas_enabled = true;   // may sync with phones at all
};

// Thread-safe. Addresses are compared without case.
class Directory {
 public:
  virtual ~Directory() = default;

  // The user of a login name: `user@domain` (also one of their other addresses), `user` (in the
  // default domain), or `DOMAIN\user`.
  // not_found: nobody.
  virtual Result<User> find(std::string_view login) = 0;

  // The user if `password` is right; denied when the name or the password is wrong, taking the same
  // time in both cases. A verified password is remembered in memory as a keyed hash, bound to the
  // stored hash, for ten minutes: so it is verified cheaply, and a changed password or a removed
  // user counts at once, also when another process changed it. `login` and `password` are tried as
  // given (UTF-8) and, when they are not ASCII, as ISO-8859-1 bytes too.
  virtual Result<User> authenticate(std::string_view login, std::string_view password) = 0;

  virtual Result<User> add(std::string_view address, std::string_view password,
                           std::string_view display_name = {}) = 0;  // exists; invalid address
  virtual Result<void> set_password(std::string_view address, std::string_view password) = 0;
  virtual Result<void> remove(std::string_view address) = 0;
  virtual Result<std::vector<User>> list() = 0;

  // Adds many users with one password, hashed once; existing addresses are left as they are. For
  // `godwit demo`.
  virtual Result<void> add_many(const std::vector<std::string>& addresses,
                                std::string_view password) = 0;

  // Whether the user may sync with phones; a new user may. not_found: no such user.
  virtual Result<void> set_eas_enabled(std::string_view address, bool enabled) = 0;
};

}  // namespace storage
