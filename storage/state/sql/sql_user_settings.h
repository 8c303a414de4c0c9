// The settings of users over storage/sql: one row each. Every method is one statement.
#pragma once

#include "storage/sql/database.h"
#include "storage/state/user_settings.h"

namespace storage {

// Thread-safe.
class SqlUserSettings final : public UserSettings {
 public:
  // Brings the table up to date. Call before the first use.
  static Result<void> migrate_tables(Database& database);

  // `database` must outlive it.
  explicit SqlUserSettings(Database& database) : database_(database) {}

  Result<std::string> get(std::int64_t user_id, std::string_view name) override;
  Result<void> set(std::int64_t user_id, std::string_view name, std::string_view value) override;
  Result<void> remove(std::int64_t user_id, std::string_view name) override;
  Result<std::vector<UserSetting>> list(std::int64_t user_id, std::string_view prefix) override;
  Result<void> remove_all(std::int64_t user_id) override;

 private:
  Database& database_;
};

}  // namespace storage
