// The world's number is a counter like those of ids: a change takes the next one in its own
// transaction, so on both drivers nobody sees the change without the number or the other way round.
// Revisions of policies come from the same counter; that makes them unique for ever.
//
// The name that is compared is kept beside the one that is shown.
#include "storage/state/sql/sql_policy_store.h"

#include <string>
#include <utility>
#include <vector>

#include "storage/base/text.h"

namespace storage {
namespace {

constexpr const char* kWorld = "policy-world";  // the device's row reads it under this name too
constexpr std::size_t kMostName = 64;
constexpr std::size_t kMostPattern = 256;
constexpr std::size_t kMostSettings = 1u << 20;
constexpr std::size_t kMostReason = 256;

constexpr Migration kMigrations[] = {
    {"policy-001", R"(
      CREATE TABLE policy (
        id BIGINT NOT NULL PRIMARY KEY,
        name TEXT NOT NULL,
        name_key TEXT NOT NULL UNIQUE,
        settings TEXT NOT NULL,
        revision BIGINT NOT NULL,
        is_default BIGINT NOT NULL
      );
      CREATE TABLE policy_assignment (
        is_group BIGINT NOT NULL,
        subject BIGINT NOT NULL,
        policy BIGINT NOT NULL,
        PRIMARY KEY (is_group, subject)
      );
      CREATE TABLE access_rule (
        id BIGINT NOT NULL PRIMARY KEY,
        place BIGINT NOT NULL,
        field TEXT NOT NULL,
        pattern TEXT NOT NULL,
        access BIGINT NOT NULL
      );
      CREATE TABLE access_default (
        id BIGINT NOT NULL PRIMARY KEY,
        access BIGINT NOT NULL
      );
    )"},
};

std::string clean(std::string_view text, std::size_t most) {
  return std::string(utf8_prefix(to_xml_safe_utf8(text), most));
}

Result<std::int64_t> next_world(Connection& connection) { return next_id(connection, kWorld); }

Result<std::int64_t> policy_id(Connection& connection, std::string_view name) {
  GODWIT_ASSIGN(const Rows rows,
                connection.query("SELECT id FROM policy WHERE name_key = $1", {to_lower(name)}));
  if (rows.empty()) return fail(ErrorKind::not_found, "no policy " + std::string(name));
  return rows.integer(0, 0);
}

Policy to_policy(Rows& rows, std::size_t row) {
  Policy policy;
  policy.id = rows.integer(row, 0);
  policy.name = rows.take_text(row, 1);
  policy.settings = rows.take_text(row, 2);
  policy.revision = rows.integer(row, 3);
  policy.is_default = rows.integer(row, 4) != 0;
  return policy;
}

Result<void> read_rules(Connection& connection, PolicyWorld& world) {
  GODWIT_ASSIGN(Rows rules, connection.query("SELECT id, field, pattern, access FROM access_rule "
                                             "ORDER BY place, id"));
  for (std::size_t i = 0; i < rules.size(); ++i) {
    world.rules.push_back({rules.integer(i, 0), rules.take_text(i, 1), rules.take_text(i, 2),
                           static_cast<Access>(rules.integer(i, 3))});
  }
  GODWIT_ASSIGN(const Rows access, connection.query("SELECT access FROM access_default"));
  if (!access.empty()) world.default_access = static_cast<Access>(access.integer(0, 0));
  return {};
}

Result<PolicyWorld> read_world(Connection& connection) {
  PolicyWorld world;
  GODWIT_ASSIGN(const Rows number, connection.query("SELECT value FROM id_counter WHERE name = $1",
                                                    {std::string(kWorld)}));
  if (!number.empty()) world.number = number.integer(0, 0);
  GODWIT_ASSIGN(Rows rows, connection.query("SELECT id, name, settings, revision, is_default FROM "
                                            "policy ORDER BY name_key"));
  for (std::size_t i = 0; i < rows.size(); ++i) world.policies.push_back(to_policy(rows, i));
  GODWIT_ASSIGN(const Rows assigned,
                connection.query("SELECT is_group, subject, policy FROM policy_assignment "
                                 "ORDER BY is_group, subject"));
  for (std::size_t i = 0; i < assigned.size(); ++i) {
    world.assignments.push_back(
        {assigned.integer(i, 0) != 0, assigned.integer(i, 1), assigned.integer(i, 2)});
  }
  GODWIT_TRY(read_rules(connection, world));
  return world;
}

Result<void> changed_one(std::int64_t rows) {
  if (rows == 0) return fail(ErrorKind::not_found, "the device was removed");
  return {};
}

Result<void> check_name(std::string_view name) {
  if (name.empty() || name.size() > kMostName || !is_valid_utf8(name) || trim(name) != name ||
      to_xml_safe_utf8(name) != name) {
    return fail(ErrorKind::invalid, "a policy's name is 1 to 64 bytes of UTF-8");
  }
  return {};
}

// Makes room at the place of rule `before`; the place for a new one.
Result<std::int64_t> make_place(Connection& connection, std::int64_t before) {
  if (before == 0) {
    GODWIT_ASSIGN(const Rows last,
                  connection.query("SELECT COALESCE(MAX(place), 0) + 1 FROM access_rule"));
    return last.integer(0, 0);
  }
  GODWIT_ASSIGN(const Rows there,
                connection.query("SELECT place FROM access_rule WHERE id = $1", {before}));
  if (there.empty()) return fail(ErrorKind::not_found, "no rule " + std::to_string(before));
  const std::int64_t place = there.integer(0, 0);
  GODWIT_TRY(
      connection.execute("UPDATE access_rule SET place = place + 1 WHERE place >= $1", {place}));
  return place;
}

}  // namespace

Result<void> SqlPolicyStore::migrate_tables(Database& database) {
  return migrate(database, kMigrations);
}

Result<PolicyWorld> SqlPolicyStore::world() {
  PolicyWorld world;
  GODWIT_TRY(database_.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(world, read_world(connection));
    return {};
  }));
  return world;
}

Result<void> SqlPolicyStore::touch() {
  return database_.write([](Connection& connection) -> Result<void> {
    GODWIT_TRY(next_world(connection));
    return {};
  });
}

Result<Policy> SqlPolicyStore::set_policy(std::string_view name, std::string_view settings) {
  GODWIT_TRY(check_name(name));
  if (settings.size() > kMostSettings) return fail(ErrorKind::too_large, "settings too long");
  Policy policy;
  const auto written = database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(Rows rows, connection.query("SELECT id, name, settings, revision, is_default "
                                              "FROM policy WHERE name_key = $1",
                                              {to_lower(name)}));
    policy = rows.empty() ? Policy{} : to_policy(rows, 0);
    if (policy.id != 0 && policy.settings == settings) return {};
    policy.settings = settings;
    GODWIT_ASSIGN(policy.revision, next_world(connection));
    if (policy.id != 0) {
      GODWIT_TRY(connection.execute("UPDATE policy SET settings = $2, revision = $3 WHERE id = $1",
                                    {policy.id, policy.settings, policy.revision}));
      return {};
    }
    policy.name = name;
    GODWIT_ASSIGN(policy.id, next_id(connection, "policy"));
    GODWIT_TRY(connection.execute(
        "INSERT INTO policy (id, name, name_key, settings, revision, is_default) VALUES ($1, $2, "
        "$3, $4, $5, 0)",
        {policy.id, policy.name, to_lower(name), policy.settings, policy.revision}));
    return {};
  });
  if (!written) return fail(written.error());
  return policy;
}

Result<void> SqlPolicyStore::remove_policy(std::string_view name) {
  return database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const std::int64_t id, policy_id(connection, name));
    GODWIT_TRY(connection.execute("DELETE FROM policy_assignment WHERE policy = $1", {id}));
    GODWIT_TRY(connection.execute("DELETE FROM policy WHERE id = $1", {id}));
    GODWIT_TRY(next_world(connection));
    return {};
  });
}

Result<void> SqlPolicyStore::set_default_policy(std::string_view name) {
  return database_.write([&](Connection& connection) -> Result<void> {
    std::int64_t id = 0;
    if (!name.empty()) {
      GODWIT_ASSIGN(id, policy_id(connection, name));
    }
    GODWIT_TRY(connection.execute(
        "UPDATE policy SET is_default = CASE WHEN id = $1 THEN 1 ELSE 0 END", {id}));
    GODWIT_TRY(next_world(connection));
    return {};
  });
}

Result<void> SqlPolicyStore::assign_policy(bool group, std::int64_t subject,
                                           std::string_view name) {
  return database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const std::int64_t id, policy_id(connection, name));
    GODWIT_TRY(connection.execute(
        "INSERT INTO policy_assignment (is_group, subject, policy) VALUES ($1, $2, $3) ON CONFLICT "
        "(is_group, subject) DO UPDATE SET policy = excluded.policy",
        {group ? 1 : 0, subject, id}));
    GODWIT_TRY(next_world(connection));
    return {};
  });
}

Result<void> SqlPolicyStore::unassign_policy(bool group, std::int64_t subject) {
  return database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_TRY(
        connection.execute("DELETE FROM policy_assignment WHERE is_group = $1 AND subject = $2",
                           {group ? 1 : 0, subject}));
    GODWIT_TRY(next_world(connection));
    return {};
  });
}

Result<std::int64_t> SqlPolicyStore::add_rule(std::string_view field, std::string_view pattern,
                                              Access access, std::int64_t before) {
  if (pattern.empty() || pattern.size() > kMostPattern || !is_valid_utf8(pattern)) {
    return fail(ErrorKind::invalid, "a pattern is 1 to 256 bytes of UTF-8");
  }
  std::int64_t id = 0;
  const auto written = database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const std::int64_t place, make_place(connection, before));
    GODWIT_ASSIGN(id, next_id(connection, "access-rule"));
    GODWIT_TRY(connection.execute(
        "INSERT INTO access_rule (id, place, field, pattern, access) VALUES ($1, $2, $3, $4, $5)",
        {id, place, clean(field, kMostName), clean(pattern, kMostPattern),
         static_cast<std::int64_t>(access)}));
    GODWIT_TRY(next_world(connection));
    return {};
  });
  if (!written) return fail(written.error());
  return id;
}

Result<void> SqlPolicyStore::remove_rule(std::int64_t rule) {
  return database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const std::int64_t removed,
                  connection.execute("DELETE FROM access_rule WHERE id = $1", {rule}));
    if (removed == 0) return fail(ErrorKind::not_found, "no rule " + std::to_string(rule));
    GODWIT_TRY(next_world(connection));
    return {};
  });
}

Result<void> SqlPolicyStore::set_default_access(Access access) {
  return database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_TRY(
        connection.execute("INSERT INTO access_default (id, access) VALUES (1, $1) ON "
                           "CONFLICT (id) DO UPDATE SET access = excluded.access",
                           {static_cast<std::int64_t>(access)}));
    GODWIT_TRY(next_world(connection));
    return {};
  });
}

Result<void> SqlPolicyStore::set_access(std::int64_t device, Access access) {
  return database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const std::int64_t changed,
                  connection.execute("UPDATE device SET access = $2 WHERE id = $1",
                                     {device, static_cast<std::int64_t>(access)}));
    return changed_one(changed);
  });
}

Result<void> SqlPolicyStore::set_wipe(std::int64_t device, Wipe wipe, UnixMillis when) {
  return database_.write([&](Connection& connection) -> Result<void> {
    // How it went and when the device was told stay beside one that is done.
    const bool done = wipe == Wipe::account_done || wipe == Wipe::full_done;
    GODWIT_ASSIGN(
        const std::int64_t changed,
        done ? connection.execute(
                   "UPDATE device SET wipe = $2, wipe_at = $3, wipe_failed = 0 WHERE id = $1",
                   {device, static_cast<std::int64_t>(wipe), when})
             : connection.execute("UPDATE device SET wipe = $2, wipe_at = $3, wipe_sent = 0, "
                                  "wipe_failed = 0 WHERE id = $1",
                                  {device, static_cast<std::int64_t>(wipe), when}));
    return changed_one(changed);
  });
}

Result<void> SqlPolicyStore::note_wipe_sent(std::int64_t device, UnixMillis when, bool failed) {
  return database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(
        const std::int64_t changed,
        connection.execute("UPDATE device SET wipe_sent = $2, wipe_failed = $3 WHERE id = $1",
                           {device, when, failed ? 1 : 0}));
    return changed_one(changed);
  });
}

Result<void> SqlPolicyStore::note_access(std::int64_t device, Access noticed, std::int64_t item) {
  return database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const std::int64_t changed,
                  connection.execute("UPDATE device SET noticed = $2, notice_item = $3 WHERE id = "
                                     "$1 AND (noticed <> $2 OR notice_item = 0)",
                                     {device, static_cast<std::int64_t>(noticed), item}));
    if (changed != 0) return {};
    GODWIT_ASSIGN(const Rows rows,
                  connection.query("SELECT 1 FROM device WHERE id = $1", {device}));
    GODWIT_TRY(changed_one(static_cast<std::int64_t>(rows.size())));
    return fail(ErrorKind::conflict, "it was noted already");
  });
}

Result<void> SqlPolicyStore::note_storm(std::int64_t device, UnixMillis until,
                                        std::string_view reason) {
  return database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(
        const std::int64_t changed,
        connection.execute("UPDATE device SET storm_until = $2, storm_reason = $3 WHERE id = $1",
                           {device, until, clean(reason, kMostReason)}));
    return changed_one(changed);
  });
}

Result<void> SqlPolicyStore::reset_device(std::int64_t device) {
  return database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const std::int64_t changed,
                  connection.execute("UPDATE device SET ping = $2, sync = $2 WHERE id = $1",
                                     {device, Blob{}}));
    GODWIT_TRY(changed_one(changed));
    GODWIT_TRY(connection.execute("DELETE FROM device_state WHERE device = $1", {device}));
    GODWIT_TRY(connection.execute("DELETE FROM sent_mail WHERE device = $1", {device}));
    return {};
  });
}

}  // namespace storage
