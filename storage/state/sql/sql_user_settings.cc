#include "storage/state/sql/sql_user_settings.h"

#include <algorithm>

namespace storage {
namespace {

constexpr std::size_t kMostNameBytes = 128;
constexpr std::size_t kMostValueBytes = 1u << 20;

constexpr Migration kMigrations[] = {
    {"user-setting-001", R"(
      CREATE TABLE user_setting (
        user_id BIGINT NOT NULL,
        name TEXT NOT NULL,
        value {blob} NOT NULL,
        PRIMARY KEY (user_id, name)
      );
      CREATE INDEX user_setting_name ON user_setting (name);
    )"},
};

// The first text that is greater than all with this prefix: names are ASCII, so 0x7F ends them.
std::string after(std::string_view prefix) { return std::string(prefix) + "\x7F"; }

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kMostNameBytes &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < '\x7F'; });
}

}  // namespace

Result<void> SqlUserSettings::migrate_tables(Database& database) {
  return migrate(database, kMigrations);
}

Result<std::string> SqlUserSettings::get(std::int64_t user_id, std::string_view name) {
  std::string value;
  bool found = false;
  GODWIT_TRY(database_.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(Rows rows, connection.query(
                                 "SELECT value FROM user_setting WHERE user_id = $1 AND name = $2",
                                 {user_id, std::string(name)}));
    found = !rows.empty();
    if (found) value = rows.take_text(0, 0);
    return {};
  }));
  if (!found) return fail(ErrorKind::not_found, "the user has no such setting");
  return value;
}

Result<void> SqlUserSettings::set(std::int64_t user_id, std::string_view name,
                                  std::string_view value) {
  if (!is_name(name)) return fail(ErrorKind::invalid, "no name of a setting");
  if (value.size() > kMostValueBytes) return fail(ErrorKind::too_large, "the setting is too long");
  return database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_TRY(
        connection.execute("INSERT INTO user_setting (user_id, name, value) VALUES ($1, $2, $3) "
                           "ON CONFLICT (user_id, name) DO UPDATE SET value = excluded.value",
                           {user_id, std::string(name), Blob{std::string(value)}}));
    return {};
  });
}

Result<void> SqlUserSettings::remove(std::int64_t user_id, std::string_view name) {
  return database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_TRY(connection.execute("DELETE FROM user_setting WHERE user_id = $1 AND name = $2",
                                  {user_id, std::string(name)}));
    return {};
  });
}

Result<std::vector<UserSetting>> SqlUserSettings::list(std::int64_t user_id,
                                                       std::string_view prefix) {
  std::vector<UserSetting> settings;
  GODWIT_TRY(database_.read([&](Connection& connection) -> Result<void> {
    // COLLATE: by bytes, whatever order of letters the database was made with.
    const std::string order = database_.is_sqlite() ? "BINARY" : "\"C\"";
    GODWIT_ASSIGN(Rows rows,
                  connection.query("SELECT user_id, name, value FROM user_setting WHERE (user_id = "
                                   "$1 OR $1 = 0) AND name COLLATE " +
                                       order + " >= $2 AND name COLLATE " + order +
                                       " < $3 ORDER BY user_id, name",
                                   {user_id, std::string(prefix), after(prefix)}));
    for (std::size_t row = 0; row < rows.size(); ++row) {
      settings.push_back({rows.integer(row, 0), rows.take_text(row, 1), rows.take_text(row, 2)});
    }
    return {};
  }));
  return settings;
}

Result<void> SqlUserSettings::remove_all(std::int64_t user_id) {
  return database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_TRY(connection.execute("DELETE FROM user_setting WHERE user_id = $1", {user_id}));
    return {};
  });
}

}  // namespace storage
