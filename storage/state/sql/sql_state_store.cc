// Rows are small and of fixed shape: two generations of an opaque cursor per device and collection,
// whatever the size of the mailbox (DESIGN section 3).
//
// The compare-and-swap of commit_state is the WHERE clause of one statement, so it holds between
// threads, processes and nodes alike. There are no foreign keys: a state is only written while its
// device exists, in the same statement, and removing a device removes its rows.
#include "storage/state/sql/sql_state_store.h"

#include <string>
#include <utility>

#include "storage/base/text.h"

// The columns that to_device() reads, in its order. The last one is no column of the row: it saves
// the policy gate a read per request.
#define GODWIT_DEVICE_COLUMNS                                                                  \
  "id, user_id, device_id, type, user_agent, protocol_version, info, policy_key, "             \
  "pending_policy_key, ping, sync, capture, created, last_seen, policy_revision, "             \
  "pending_policy_revision, policy_status, policy_at, access, wipe, wipe_at, wipe_sent, "      \
  "wipe_failed, noticed, notice_item, storm_until, storm_reason, COALESCE((SELECT value FROM " \
  "id_counter WHERE name = 'policy-world'), 0)"

namespace storage {
namespace {

constexpr UnixMillis kDay = 24LL * 60 * 60 * 1000;
constexpr UnixMillis kKeepSentMail = 14 * kDay;
constexpr UnixMillis kDropEvery = kDay / 24;

constexpr std::size_t kMostNameBytes = 64;
constexpr std::size_t kMostAgentBytes = 256;

constexpr Migration kMigrations[] = {
    {"state-001", R"(
      CREATE TABLE device (
        id BIGINT NOT NULL PRIMARY KEY,
        user_id BIGINT NOT NULL,
        device_id TEXT NOT NULL,
        type TEXT NOT NULL,
        user_agent TEXT NOT NULL,
        protocol_version TEXT NOT NULL,
        info TEXT NOT NULL,
        policy_key BIGINT NOT NULL,
        pending_policy_key BIGINT NOT NULL,
        ping {blob} NOT NULL,
        sync {blob} NOT NULL,
        capture BIGINT NOT NULL,
        created BIGINT NOT NULL,
        last_seen BIGINT NOT NULL,
        UNIQUE (user_id, device_id)
      );
      CREATE TABLE device_state (
        device BIGINT NOT NULL,
        collection BIGINT NOT NULL,
        epoch BIGINT NOT NULL,
        generation BIGINT NOT NULL,
        state {blob} NOT NULL,
        previous_generation BIGINT NOT NULL,
        previous_state {blob} NOT NULL,
        PRIMARY KEY (device, collection)
      );
      CREATE TABLE sent_mail (
        device BIGINT NOT NULL,
        mail_key {blob} NOT NULL,
        done BIGINT NOT NULL,
        noted BIGINT NOT NULL,
        PRIMARY KEY (device, mail_key)
      );
      CREATE INDEX sent_mail_noted ON sent_mail (noted);
    )"},
    {"state-002-control", R"(
      ALTER TABLE device ADD COLUMN policy_revision BIGINT NOT NULL DEFAULT 0;
      ALTER TABLE device ADD COLUMN pending_policy_revision BIGINT NOT NULL DEFAULT 0;
      ALTER TABLE device ADD COLUMN policy_status BIGINT NOT NULL DEFAULT 0;
      ALTER TABLE device ADD COLUMN policy_at BIGINT NOT NULL DEFAULT 0;
      ALTER TABLE device ADD COLUMN access BIGINT NOT NULL DEFAULT 0;
      ALTER TABLE device ADD COLUMN wipe BIGINT NOT NULL DEFAULT 0;
      ALTER TABLE device ADD COLUMN wipe_at BIGINT NOT NULL DEFAULT 0;
      ALTER TABLE device ADD COLUMN wipe_sent BIGINT NOT NULL DEFAULT 0;
      ALTER TABLE device ADD COLUMN wipe_failed BIGINT NOT NULL DEFAULT 0;
      ALTER TABLE device ADD COLUMN noticed BIGINT NOT NULL DEFAULT 0;
      ALTER TABLE device ADD COLUMN notice_item BIGINT NOT NULL DEFAULT 0;
      ALTER TABLE device ADD COLUMN storm_until BIGINT NOT NULL DEFAULT 0;
      ALTER TABLE device ADD COLUMN storm_reason TEXT NOT NULL DEFAULT '';
    )"},
};

Blob blob(std::string_view bytes) { return Blob{std::string(bytes)}; }

// What a phone says of itself, as text that every database takes.
std::string clean(std::string_view text, std::size_t most) {
  return std::string(utf8_prefix(to_xml_safe_utf8(text), most));
}

Device to_device(Rows& rows, std::size_t row) {
  Device device;
  device.id = rows.integer(row, 0);
  device.user_id = rows.integer(row, 1);
  device.device_id = rows.take_text(row, 2);
  device.type = rows.take_text(row, 3);
  device.user_agent = rows.take_text(row, 4);
  device.protocol_version = rows.take_text(row, 5);
  device.info = rows.take_text(row, 6);
  device.policy_key = static_cast<std::uint32_t>(rows.integer(row, 7));
  device.pending_policy_key = static_cast<std::uint32_t>(rows.integer(row, 8));
  device.ping = rows.take_text(row, 9);
  device.sync = rows.take_text(row, 10);
  device.capture = rows.integer(row, 11) != 0;
  device.created = rows.integer(row, 12);
  device.last_seen = rows.integer(row, 13);
  device.policy_revision = rows.integer(row, 14);
  device.pending_policy_revision = rows.integer(row, 15);
  device.policy_status = static_cast<int>(rows.integer(row, 16));
  device.policy_at = rows.integer(row, 17);
  DeviceControl& control = device.control;
  control.access = static_cast<Access>(rows.integer(row, 18));
  control.wipe = static_cast<Wipe>(rows.integer(row, 19));
  control.wipe_at = rows.integer(row, 20);
  control.wipe_sent = rows.integer(row, 21);
  control.wipe_failed = rows.integer(row, 22) != 0;
  control.noticed = static_cast<Access>(rows.integer(row, 23));
  control.notice_item = rows.integer(row, 24);
  control.storm_until = rows.integer(row, 25);
  control.storm_reason = rows.take_text(row, 26);
  control.world = rows.integer(row, 27);
  return device;
}

Result<Device> find_device(Connection& connection, std::int64_t user_id,
                           std::string_view device_id) {
  GODWIT_ASSIGN(Rows rows, connection.query("SELECT " GODWIT_DEVICE_COLUMNS
                                            " FROM device WHERE user_id = $1 AND device_id = $2",
                                            {user_id, std::string(device_id)}));
  if (rows.empty()) return fail(ErrorKind::not_found, "no such device");
  return to_device(rows, 0);
}

Result<void> check_device_id(std::string_view device_id) {
  if (device_id.empty() || device_id.size() > kMostNameBytes || !is_valid_utf8(device_id) ||
      device_id.find('\0') != std::string_view::npos) {
    return fail(ErrorKind::invalid, "a device id is 1 to 64 bytes of UTF-8");
  }
  return {};
}

Result<Device> make_device(Connection& connection, Device device, int max_devices) {
  GODWIT_ASSIGN(
      const Rows counted,
      connection.query("SELECT count(*) FROM device WHERE user_id = $1", {device.user_id}));
  if (counted.integer(0, 0) >= max_devices) {
    return fail(ErrorKind::too_large,
                "the user has " + std::to_string(counted.integer(0, 0)) + " devices already");
  }
  GODWIT_ASSIGN(device.id, next_id(connection, "device"));
  GODWIT_TRY(
      connection.execute("INSERT INTO device (id, user_id, device_id, type, user_agent, "
                         "protocol_version, info, policy_key, pending_policy_key, ping, "
                         "sync, capture, created, last_seen) VALUES "
                         "($1, $2, $3, $4, $5, '', '', 0, 0, $6, $6, 0, $7, $7)",
                         {device.id, device.user_id, device.device_id, device.type,
                          device.user_agent, Blob{}, device.created}));
  return find_device(connection, device.user_id, device.device_id);
}

}  // namespace

Result<void> SqlStateStore::migrate_tables(Database& database) {
  return migrate(database, kMigrations);
}

Result<Device> SqlStateStore::device(std::int64_t user_id, std::string_view device_id) {
  GODWIT_TRY(check_device_id(device_id));
  Result<Device> device;
  GODWIT_TRY(database_.read([&](Connection& connection) -> Result<void> {
    device = find_device(connection, user_id, device_id);
    return {};
  }));
  return device;
}

Result<Device> SqlStateStore::device_by_row(std::int64_t device) {
  Result<Device> result;
  GODWIT_TRY(database_.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(
        Rows rows,
        connection.query("SELECT " GODWIT_DEVICE_COLUMNS " FROM device WHERE id = $1", {device}));
    if (rows.empty()) {
      result = fail(ErrorKind::not_found, "no such device");
    } else {
      result = to_device(rows, 0);
    }
    return {};
  }));
  return result;
}

Result<Device> SqlStateStore::ensure_device(std::int64_t user_id, std::string_view device_id,
                                            std::string_view type, std::string_view user_agent,
                                            UnixMillis now, int max_devices) {
  auto found = device(user_id, device_id);
  if (found || found.error().kind != ErrorKind::not_found) return found;
  Device fresh;
  fresh.user_id = user_id;
  fresh.device_id = device_id;
  fresh.type = clean(type, kMostNameBytes);
  fresh.user_agent = clean(user_agent, kMostAgentBytes);
  fresh.created = now;
  fresh.last_seen = now;
  Result<Device> result;
  GODWIT_TRY(database_.write([&](Connection& connection) -> Result<void> {
    result = find_device(connection, user_id, device_id);  // another request may have made it
    if (!result && result.error().kind == ErrorKind::not_found) {
      result = make_device(connection, fresh, max_devices);
    }
    if (!result) return fail(result.error());
    return {};
  }));
  return result;
}

Result<void> SqlStateStore::update_device(const Device& device) {
  return database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(
        const std::int64_t changed,
        connection.execute(
            "UPDATE device SET type = $2, user_agent = $3, protocol_version = $4, "
            "info = $5, policy_key = $6, pending_policy_key = $7, ping = $8, sync = "
            "$9, capture = $10, last_seen = $11, policy_revision = $12, "
            "pending_policy_revision = $13, policy_status = $14, policy_at = $15 WHERE id = $1",
            {device.id, clean(device.type, kMostNameBytes),
             clean(device.user_agent, kMostAgentBytes),
             clean(device.protocol_version, kMostNameBytes), to_xml_safe_utf8(device.info),
             std::int64_t{device.policy_key}, std::int64_t{device.pending_policy_key},
             Blob{device.ping}, Blob{device.sync}, device.capture ? 1 : 0, device.last_seen,
             device.policy_revision, device.pending_policy_revision, device.policy_status,
             device.policy_at}));
    if (changed == 0) return fail(ErrorKind::not_found, "the device was removed");
    return {};
  });
}

Result<std::vector<Device>> SqlStateStore::devices(std::int64_t user_id) {
  std::vector<Device> result;
  GODWIT_TRY(database_.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(Rows rows, user_id == 0
                                 ? connection.query("SELECT " GODWIT_DEVICE_COLUMNS
                                                    " FROM device ORDER BY user_id, id")
                                 : connection.query("SELECT " GODWIT_DEVICE_COLUMNS
                                                    " FROM device WHERE user_id = $1 ORDER BY id",
                                                    {user_id}));
    result.reserve(rows.size());
    for (std::size_t row = 0; row < rows.size(); ++row) result.push_back(to_device(rows, row));
    return {};
  }));
  return result;
}

Result<void> SqlStateStore::remove_device(std::int64_t device) {
  return database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_TRY(connection.execute("DELETE FROM device WHERE id = $1", {device}));
    GODWIT_TRY(connection.execute("DELETE FROM device_state WHERE device = $1", {device}));
    GODWIT_TRY(connection.execute("DELETE FROM sent_mail WHERE device = $1", {device}));
    return {};
  });
}

Result<StoredState> SqlStateStore::state(std::int64_t device, CollectionId collection) {
  StoredState state;
  bool found = false;
  GODWIT_TRY(database_.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(Rows rows,
                  connection.query("SELECT epoch, generation, state, previous_generation, "
                                   "previous_state FROM device_state WHERE device = $1 AND "
                                   "collection = $2",
                                   {device, collection}));
    found = !rows.empty();
    if (!found) return {};
    state.epoch = static_cast<std::uint32_t>(rows.integer(0, 0));
    state.generation = rows.integer(0, 1);
    state.current = rows.take_text(0, 2);
    state.previous_generation = rows.integer(0, 3);
    state.previous = rows.take_text(0, 4);
    return {};
  }));
  if (!found) return fail(ErrorKind::not_found, "never synced");
  return state;
}

Result<void> SqlStateStore::commit_state(std::int64_t device, CollectionId collection,
                                         const std::optional<StoredState>& expected,
                                         const StoredState& next) {
  return database_.write([&](Connection& connection) -> Result<void> {
    std::int64_t changed = 0;
    if (expected) {
      GODWIT_ASSIGN(
          changed,
          connection.execute("UPDATE device_state SET epoch = $5, generation = $6, state = $7, "
                             "previous_generation = $8, previous_state = $9 WHERE device = $1 AND "
                             "collection = $2 AND epoch = $3 AND generation = $4",
                             {device, collection, std::int64_t{expected->epoch},
                              expected->generation, std::int64_t{next.epoch}, next.generation,
                              Blob{next.current}, next.previous_generation, Blob{next.previous}}));
    } else {
      GODWIT_ASSIGN(
          changed,
          connection.execute(
              "INSERT INTO device_state (device, collection, epoch, generation, state, "
              "previous_generation, previous_state) SELECT $1, $2, $3, $4, $5, $6, $7 FROM device "
              "WHERE id = $1 ON CONFLICT (device, collection) DO UPDATE SET epoch = "
              "excluded.epoch, generation = excluded.generation, state = excluded.state, "
              "previous_generation = excluded.previous_generation, previous_state = "
              "excluded.previous_state WHERE device_state.epoch <> excluded.epoch",
              {device, collection, std::int64_t{next.epoch}, next.generation, Blob{next.current},
               next.previous_generation, Blob{next.previous}}));
    }
    if (changed != 0) return {};
    GODWIT_ASSIGN(const Rows rows,
                  connection.query("SELECT 1 FROM device WHERE id = $1", {device}));
    if (rows.empty()) return fail(ErrorKind::not_found, "the device was removed");
    return fail(ErrorKind::conflict, "another request committed this collection's state first");
  });
}

Result<void> SqlStateStore::remove_state(std::int64_t device, CollectionId collection) {
  return database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_TRY(connection.execute("DELETE FROM device_state WHERE device = $1 AND collection = $2",
                                  {device, collection}));
    return {};
  });
}

void SqlStateStore::drop_old_mail(UnixMillis now) {
  UnixMillis last = last_drop_.load();
  if (now - last < kDropEvery || !last_drop_.compare_exchange_strong(last, now)) return;
  // Housekeeping: when it fails the next hour's does it.
  static_cast<void>(database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_TRY(connection.execute("DELETE FROM sent_mail WHERE noted < $1", {now - kKeepSentMail}));
    return {};
  }));
}

Result<std::optional<SentMail>> SqlStateStore::begin_send(std::int64_t device, std::string_view key,
                                                          UnixMillis now) {
  drop_old_mail(now);
  std::optional<SentMail> noted;
  const auto written = database_.write([&](Connection& connection) -> Result<void> {
    noted.reset();
    GODWIT_ASSIGN(const Rows rows,
                  connection.query("SELECT done, noted FROM sent_mail WHERE device = $1 AND "
                                   "mail_key = $2 AND noted >= $3",
                                   {device, blob(key), now - kKeepSentMail}));
    if (!rows.empty()) {
      noted = SentMail{rows.integer(0, 0) != 0, rows.integer(0, 1)};
      return {};
    }
    GODWIT_TRY(connection.execute(
        "INSERT INTO sent_mail (device, mail_key, done, noted) VALUES ($1, $2, 0, $3) ON CONFLICT "
        "(device, mail_key) DO UPDATE SET done = 0, noted = excluded.noted",
        {device, blob(key), now}));
    return {};
  });
  if (!written) return fail(written.error());
  return noted;
}

Result<void> SqlStateStore::finish_send(std::int64_t device, std::string_view key) {
  return database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_TRY(connection.execute(
        "UPDATE sent_mail SET done = 1 WHERE device = $1 AND mail_key = $2", {device, blob(key)}));
    return {};
  });
}

Result<void> SqlStateStore::cancel_send(std::int64_t device, std::string_view key) {
  return database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_TRY(connection.execute("DELETE FROM sent_mail WHERE device = $1 AND mail_key = $2",
                                  {device, blob(key)}));
    return {};
  });
}

}  // namespace storage
