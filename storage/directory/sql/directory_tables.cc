// directory_word is what makes a search fast: (word, id) in the order of bytes, so that a prefix is
// a range of the primary key on both drivers, whatever collation the database was made with.
// directory_entry.sort_key orders a result the same way on both.
#include "storage/directory/sql/directory_tables.h"

#include <algorithm>
#include <array>
#include <vector>

#include "storage/base/text.h"
#include "storage/directory/address.h"
#include "storage/directory/folding.h"

namespace storage::directory_tables {
namespace {

constexpr int kPerTransaction = 500;

constexpr Migration kMigrations[] = {
    {"directory-001", R"(
      CREATE TABLE directory_user (
        id BIGINT NOT NULL PRIMARY KEY,
        address TEXT NOT NULL UNIQUE,
        display_name TEXT NOT NULL,
        password_hash TEXT NOT NULL
      );
    )"},
    {"directory-002",
     "ALTER TABLE directory_user ADD COLUMN eas_enabled BIGINT NOT NULL DEFAULT 1"},
    {"directory-003", R"(
      CREATE TABLE directory_profile (
        user_id BIGINT NOT NULL PRIMARY KEY,
        alias TEXT NOT NULL,
        first_name TEXT NOT NULL,
        last_name TEXT NOT NULL,
        title TEXT NOT NULL,
        company TEXT NOT NULL,
        office TEXT NOT NULL,
        phone TEXT NOT NULL,
        home_phone TEXT NOT NULL,
        mobile_phone TEXT NOT NULL,
        picture {blob} NOT NULL
      );
      CREATE TABLE directory_certificate (
        user_id BIGINT NOT NULL,
        position BIGINT NOT NULL,
        der {blob} NOT NULL,
        PRIMARY KEY (user_id, position)
      );
      CREATE TABLE directory_address (
        address TEXT NOT NULL PRIMARY KEY,
        user_id BIGINT NOT NULL,
        position BIGINT NOT NULL
      );
      CREATE INDEX directory_address_user ON directory_address (user_id);
      CREATE TABLE directory_group (
        id BIGINT NOT NULL PRIMARY KEY,
        address TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL
      );
      CREATE TABLE directory_member (
        group_id BIGINT NOT NULL,
        member_id BIGINT NOT NULL,
        PRIMARY KEY (group_id, member_id)
      );
      CREATE INDEX directory_member_member ON directory_member (member_id);
      CREATE TABLE directory_entry (
        id BIGINT NOT NULL PRIMARY KEY,
        kind BIGINT NOT NULL,
        folding TEXT NOT NULL,
        sort_key {blob} NOT NULL
      );
      CREATE TABLE directory_word (
        word {blob} NOT NULL,
        id BIGINT NOT NULL,
        PRIMARY KEY (word, id)
      );
      CREATE INDEX directory_word_id ON directory_word (id);
    )"},
};

Result<void> add_words(Connection& connection, std::int64_t id,
                       const std::vector<std::string>& words) {
  if (words.empty()) return {};
  // One statement, of which there are as many texts as there are numbers of words.
  std::string sql = "INSERT INTO directory_word (id, word) VALUES ";
  std::vector<SqlValue> values = {id};
  for (const std::string& word : words) {
    values.emplace_back(Blob{word});
    sql += (values.size() > 2 ? ", ($1, $" : "($1, $") + std::to_string(values.size()) + ")";
  }
  GODWIT_TRY(connection.execute(sql, values));
  return {};
}

Result<void> add_entry(Connection& connection, std::int64_t id, std::int64_t kind,
                       const std::string& key) {
  GODWIT_TRY(
      connection.execute("INSERT INTO directory_entry (id, kind, folding, sort_key) VALUES "
                         "($1, $2, $3, $4)",
                         {id, kind, folding_version(), Blob{key}}));
  return {};
}

Result<void> drop_index(Connection& connection, std::int64_t id) {
  GODWIT_TRY(connection.execute("DELETE FROM directory_word WHERE id = $1", {id}));
  GODWIT_TRY(connection.execute("DELETE FROM directory_entry WHERE id = $1", {id}));
  return {};
}

Result<std::vector<std::int64_t>> stale(Connection& connection, const char* sql) {
  GODWIT_ASSIGN(const Rows rows, connection.query(sql, {folding_version(), kPerTransaction}));
  std::vector<std::int64_t> ids;
  for (std::size_t row = 0; row < rows.size(); ++row) ids.push_back(rows.integer(row, 0));
  return ids;
}

using Indexer = Result<void> (*)(Connection&, std::int64_t);

// Indexes those that `sql` names until it names none.
Result<void> index_stale(Database& database, const char* sql, Indexer index) {
  while (true) {
    bool any = false;
    GODWIT_TRY(database.read([&](Connection& connection) -> Result<void> {
      GODWIT_ASSIGN(const auto ids, stale(connection, sql));
      any = !ids.empty();
      return {};
    }));
    if (!any) return {};
    auto indexed = database.write([&](Connection& connection) -> Result<void> {
      GODWIT_ASSIGN(const auto ids, stale(connection, sql));
      for (const std::int64_t id : ids) GODWIT_TRY(index(connection, id));
      return {};
    });
    if (!indexed) return indexed;
  }
}

}  // namespace

Result<void> bring_up_to_date(Database& database) {
  GODWIT_TRY(migrate(database, kMigrations));
  GODWIT_TRY(index_stale(database,
                         "SELECT u.id FROM directory_user u LEFT JOIN directory_entry e ON e.id = "
                         "u.id WHERE e.folding IS NULL OR e.folding <> $1 LIMIT $2",
                         index_user));
  return index_stale(database,
                     "SELECT g.id FROM directory_group g LEFT JOIN directory_entry e ON e.id = "
                     "g.id WHERE e.folding IS NULL OR e.folding <> $1 LIMIT $2",
                     index_group);
}

Result<std::string> checked_address(std::string_view address) {
  auto canonical = canonical_address(address);
  if (!canonical) {
    return fail(ErrorKind::invalid, "\"" +
                                        std::string(utf8_prefix(to_xml_safe_utf8(address), 300)) +
                                        "\" is not an address that a user or a group can have");
  }
  return std::move(*canonical);
}

Result<std::int64_t> find_id(Connection& connection, const std::string& address) {
  GODWIT_ASSIGN(const Rows rows,
                connection.query("SELECT id FROM directory_user WHERE address = $1 UNION ALL "
                                 "SELECT user_id FROM directory_address WHERE address = $1 UNION "
                                 "ALL SELECT id FROM directory_group WHERE address = $1",
                                 {address}));
  return rows.empty() ? 0 : rows.integer(0, 0);
}

Result<bool> address_taken(Connection& connection, const std::string& address) {
  GODWIT_ASSIGN(const std::int64_t id, find_id(connection, address));
  return id != 0;
}

Result<void> index_user(Connection& connection, std::int64_t user_id) {
  GODWIT_TRY(drop_index(connection, user_id));
  GODWIT_ASSIGN(const Rows user,
                connection.query("SELECT u.address, u.display_name, p.alias, p.first_name, "
                                 "p.last_name, p.office, p.company FROM directory_user u LEFT JOIN "
                                 "directory_profile p ON p.user_id = u.id WHERE u.id = $1",
                                 {user_id}));
  if (user.empty()) return {};
  GODWIT_ASSIGN(
      const Rows others,
      connection.query("SELECT address FROM directory_address WHERE user_id = $1", {user_id}));
  std::vector<std::string_view> names;
  for (std::size_t column = 1; column <= 6; ++column) names.emplace_back(user.text(0, column));
  std::vector<std::string_view> addresses = {user.text(0, 0)};
  for (std::size_t row = 0; row < others.size(); ++row) addresses.emplace_back(others.text(row, 0));
  GODWIT_TRY(add_words(connection, user_id, index_words(names, addresses)));
  const std::string& address = user.text(0, 0);
  const std::string& name = user.text(0, 1);
  return add_entry(connection, user_id, kUser, sort_key(name.empty() ? address : name, address));
}

Result<void> index_new_user(Connection& connection, std::int64_t user_id,
                            const std::string& address, const std::string& display_name) {
  GODWIT_TRY(add_words(connection, user_id, index_words({display_name}, {address})));
  return add_entry(connection, user_id, kUser,
                   sort_key(display_name.empty() ? address : display_name, address));
}

Result<void> index_group(Connection& connection, std::int64_t group_id) {
  GODWIT_TRY(drop_index(connection, group_id));
  GODWIT_ASSIGN(
      const Rows group,
      connection.query("SELECT address, name FROM directory_group WHERE id = $1", {group_id}));
  if (group.empty()) return {};
  const std::string& address = group.text(0, 0);
  const std::string& name = group.text(0, 1);
  GODWIT_TRY(add_words(connection, group_id, index_words({name}, {address})));
  return add_entry(connection, group_id, kGroup, sort_key(name.empty() ? address : name, address));
}

Result<void> forget(Connection& connection, std::int64_t id) {
  GODWIT_TRY(drop_index(connection, id));
  for (const char* sql : {"DELETE FROM directory_member WHERE group_id = $1 OR member_id = $1",
                          "DELETE FROM directory_profile WHERE user_id = $1",
                          "DELETE FROM directory_certificate WHERE user_id = $1",
                          "DELETE FROM directory_address WHERE user_id = $1"}) {
    GODWIT_TRY(connection.execute(sql, {id}));
  }
  return {};
}

}  // namespace storage::directory_tables
