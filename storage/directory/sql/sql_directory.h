// The directory of users over storage/sql.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/clock.h"
#include "storage/directory/directory.h"
#include "storage/directory/sql/password_hasher.h"
#include "storage/directory/sql/verified_passwords.h"
#include "storage/sql/database.h"

namespace storage {

// Thread-safe.
class SqlDirectory final : public Directory {
 public:
  struct Settings {
    std::string default_domain;  // canonical or ""
    const Clock* clock;          // outlives the directory
    int hash_cost;
    int concurrent_hashes;
    std::atomic<std::int64_t>* hash_counter;
  };

  // Brings the tables up to date. Call before the first use.
  static Result<void> migrate_tables(Database& database);

  // `database` must outlive the directory.
  SqlDirectory(Database& database, Settings settings);

  Result<User> find(std::string_view login) override;
  Result<User> authenticate(std::string_view login, std::string_view password) override;
  Result<User> add(std::string_view address, std::string_view password,
                   std::string_view display_name) override;
  Result<void> set_password(std::string_view address, std::string_view password) override;
  Result<void> remove(std::string_view address) override;
  Result<std::vector<User>> list() override;
  Result<void> add_many(const std::vector<std::string>& addresses,
                        std::string_view password) override;
  Result<void> set_eas_enabled(std::string_view address, bool enabled) override;

 private:
  struct Account {
    User user;
    std::string password_hash;
  };
  Result<std::optional<Account>> find_account(std::string_view login);
  Result<std::string> hash_of(std::string_view password);

  Database& database_;
  const std::string default_domain_;
  const Clock& clock_;
  PasswordHasher hasher_;
  VerifiedPasswords verified_;
};

}  // namespace storage
