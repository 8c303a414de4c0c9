// Brings a database's schema up to date. What was applied is remembered in schema_migration; each
// migration and its row are one transaction, so a process that dies half-way leaves nothing behind.
//
// Several processes may start at once. SQLite has one writer. On PostgreSQL the table is locked
// first: LOCK takes no snapshot, so what is read after the wait is what the other process
// committed.
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/text.h"
#include "storage/sql/database.h"

namespace storage {
namespace {

// The statements of `sql`, split at the ';' that are in neither quotes nor comments.
std::vector<std::string_view> statements_of(std::string_view sql) {
  std::vector<std::string_view> statements;
  std::size_t begin = 0;
  char quote = 0;
  for (std::size_t i = 0; i <= sql.size(); ++i) {
    if (i == sql.size() || (quote == 0 && sql[i] == ';')) {
      const std::string_view statement = trim(sql.substr(begin, i - begin));
      if (!statement.empty()) statements.push_back(statement);
      begin = i + 1;
    } else if (quote != 0) {
      if (sql[i] == quote) quote = 0;
    } else if (sql[i] == '\'' || sql[i] == '"') {
      quote = sql[i];
    } else if (sql[i] == '-' && sql.substr(i, 2) == "--") {
      quote = '\n';
    }
  }
  return statements;
}

Result<void> make_table(Database& database) {
  bool there = false;
  if (database.is_sqlite()) {
    GODWIT_TRY(database.read([&](Connection& connection) -> Result<void> {
      GODWIT_ASSIGN(const Rows rows, connection.query("SELECT 1 FROM sqlite_master WHERE type = "
                                                      "'table' AND name = 'schema_migration'"));
      there = !rows.empty();
      return {};
    }));
  } else {
    GODWIT_TRY(database.read([&](Connection& connection) -> Result<void> {
      GODWIT_ASSIGN(const Rows rows,
                    connection.query("SELECT 1 WHERE to_regclass('schema_migration') IS NOT NULL"));
      there = !rows.empty();
      return {};
    }));
  }
  if (there) return {};
  return database.write([](Connection& connection) -> Result<void> {
    GODWIT_TRY(connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_migration (name TEXT NOT NULL PRIMARY KEY)"));
    return {};
  });
}

Result<bool> is_applied(Connection& connection, std::string_view name) {
  GODWIT_ASSIGN(const Rows rows, connection.query("SELECT 1 FROM schema_migration WHERE name = $1",
                                                  {std::string(name)}));
  return !rows.empty();
}

Result<void> apply(Connection& connection, const Migration& migration, bool is_sqlite) {
  if (!is_sqlite) {
    GODWIT_TRY(connection.execute("SET LOCAL statement_timeout = 0"));
    GODWIT_TRY(connection.execute("SET LOCAL lock_timeout = 0"));
    GODWIT_TRY(connection.execute("LOCK TABLE schema_migration IN SHARE ROW EXCLUSIVE MODE"));
  }
  GODWIT_ASSIGN(const bool applied, is_applied(connection, migration.name));
  if (applied) return {};
  for (const std::string_view statement : statements_of(migration.sql)) {
    GODWIT_TRY(connection.execute(statement));
  }
  GODWIT_TRY(connection.execute("INSERT INTO schema_migration (name) VALUES ($1)",
                                {std::string(migration.name)}));
  return {};
}

Result<void> ensure(Database& database, const Migration& migration) {
  bool applied = false;
  GODWIT_TRY(database.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(applied, is_applied(connection, migration.name));
    return {};
  }));
  if (applied) return {};
  return database.write(
      [&](Connection& connection) { return apply(connection, migration, database.is_sqlite()); });
}

constexpr Migration kCounters = {
    "sql-001", "CREATE TABLE id_counter (name TEXT NOT NULL PRIMARY KEY, value BIGINT NOT NULL)"};

}  // namespace

Result<void> migrate(Database& database, std::span<const Migration> migrations) {
  // On PostgreSQL two processes that create the table at once can collide even with IF NOT EXISTS.
  auto made = make_table(database);
  for (int tries = 1; !made && made.error().kind == ErrorKind::exists && tries < 5; ++tries) {
    made = make_table(database);
  }
  GODWIT_TRY(made);
  GODWIT_TRY(ensure(database, kCounters));
  for (const Migration& migration : migrations) GODWIT_TRY(ensure(database, migration));
  return {};
}

Result<std::int64_t> next_id(Connection& connection, std::string_view name) {
  GODWIT_ASSIGN(
      const Rows rows,
      connection.query("INSERT INTO id_counter (name, value) VALUES ($1, 1) ON CONFLICT "
                       "(name) DO UPDATE SET value = id_counter.value + 1 RETURNING value",
                       {std::string(name)}));
  return rows.integer(0, 0);
}

}  // namespace storage
