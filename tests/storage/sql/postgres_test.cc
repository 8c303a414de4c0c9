// What is PostgreSQL's own: a server that goes away and comes back, and the wire format.
#include <doctest/doctest.h>

#include <string>
#include <thread>

#include "storage/sql/database.h"
#include "storage/sql/drivers.h"
#include "storage/sql/postgres_values.h"
#include "tests/contracts/database_contract.h"
#include "tests/contracts/sql_backends.h"

using namespace test;

TEST_CASE("postgresql: a server that cannot be reached is `unavailable`") {
  const auto result = Database::open("postgresql://nobody@127.0.0.1:1/none");
  CHECK(kind_of(result) == "unavailable");
}

TEST_CASE("postgresql: after a restart of the server its callers go on without an error") {
  const PostgresBackend backend;
  if (!backend.available()) return;
  const auto database = backend.open();
  CHECK_FALSE(database->is_sqlite());
  ok(storage::migrate(*database, kItemSchema));
  ok(change(*database, kInsertItem, {1, "one", nullptr}));
  CHECK(item_count(*database) == 1);
  PostgresServer::shared()->restart();
  ok(change(*database, kInsertItem, {2, "two", nullptr}));
  CHECK(item_count(*database) == 2);
}

TEST_CASE("postgresql: a transaction during which the server goes away is `unavailable`") {
  const PostgresBackend backend;
  if (!backend.available()) return;
  const auto database = backend.open();
  ok(storage::migrate(*database, kItemSchema));
  const auto result = database->write([&](Connection& connection) -> Result<void> {
    GODWIT_TRY(connection.execute(kInsertItem, {1, "one", nullptr}));
    PostgresServer::shared()->restart();
    GODWIT_TRY(connection.execute(kInsertItem, {2, "two", nullptr}));
    return {};
  });
  CHECK(kind_of(result) == "unavailable");
  CHECK(item_count(*database) == 0);
}

TEST_CASE("postgresql: the loser of a conflict runs its body again") {
  const PostgresBackend backend;
  if (!backend.available()) return;
  const auto database = backend.open();
  ok(storage::migrate(*database, kItemSchema));
  ok(change(*database, kInsertItem, {1, "counter", nullptr}));
  int runs = 0;
  ok(database->write([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const Rows rows, connection.query("SELECT id FROM item"));
    if (++runs == 1) {
      std::thread([&] { ok(change(*database, "UPDATE item SET id = id + 10")); }).join();
    }
    GODWIT_TRY(connection.execute("UPDATE item SET id = $1", {rows.integer(0, 0) + 1}));
    return {};
  }));
  CHECK(runs == 2);
  CHECK(select(*database, "SELECT id FROM item").integer(0, 0) == 12);
}

TEST_CASE("postgresql: a conflict that never ends is given up after five retries") {
  const PostgresBackend backend;
  if (!backend.available()) return;
  const auto database = backend.open();
  ok(storage::migrate(*database, kItemSchema));
  ok(change(*database, kInsertItem, {1, "counter", nullptr}));
  int runs = 0;
  const auto result = database->write([&](Connection& connection) -> Result<void> {
    GODWIT_TRY(connection.query("SELECT id FROM item"));
    ++runs;
    std::thread([&] { ok(change(*database, "UPDATE item SET id = id + 10")); }).join();
    GODWIT_TRY(connection.execute("UPDATE item SET id = 0"));
    return {};
  });
  CHECK(kind_of(result) == "unavailable");
  CHECK(runs == 6);
}

TEST_CASE("postgresql: prepared statements outlive a change of their table by another process") {
  const PostgresBackend backend;
  if (!backend.available()) return;
  const auto database = backend.open();
  const auto other = backend.open();
  ok(storage::migrate(*database, kItemSchema));
  ok(change(*database, kInsertItem, {1, "one", nullptr}));
  CHECK(select(*database, "SELECT * FROM item").size() == 1);
  ok(change(*other, "ALTER TABLE item ADD COLUMN more TEXT"));
  ok(change(*database, kInsertItem, {2, "two", nullptr}));
  ok(database->write([](Connection& connection) -> Result<void> {
    GODWIT_TRY(connection.query("SELECT * FROM item"));
    return {};
  }));
}

TEST_CASE("postgresql: text that is not UTF-8 is refused and nothing else suffers") {
  const PostgresBackend backend;
  if (!backend.available()) return;
  const auto database = backend.open();
  ok(storage::migrate(*database, kItemSchema));
  CHECK(kind_of(change(*database, kInsertItem, {1, "\xff\xfe", nullptr})) == "internal");
  ok(change(*database, kInsertItem, {1, "one", nullptr}));
}

TEST_CASE("postgresql: values from the wire") {
  using storage::sql::from_wire;
  const auto integer = [](Oid type, std::string_view bytes) -> std::int64_t {
    const auto value = from_wire(type, bytes);
    REQUIRE(value.has_value());
    REQUIRE(std::holds_alternative<std::int64_t>(*value));
    return std::get<std::int64_t>(*value);
  };
  using namespace std::string_view_literals;
  CHECK(integer(16, "\x01"sv) == 1);
  CHECK(integer(21, "\xff\xfe"sv) == -2);
  CHECK(integer(23, "\x80\0\0\0"sv) == -2147483648LL);
  CHECK(integer(20, "\x7f\xff\xff\xff\xff\xff\xff\xff"sv) == 9223372036854775807LL);
  CHECK(integer(26, "\xff\xff\xff\xff"sv) == 4294967295LL);
  // numeric: digits, weight, sign, scale, base-10000 digits
  CHECK(integer(1700, "\0\0\0\0\0\0\0\0"sv) == 0);
  CHECK(integer(1700, "\0\2\0\1\0\0\0\0\0\1\0\2"sv) == 10002);
  CHECK(integer(1700, "\0\1\0\2\x40\0\0\0\0\3"sv) == -300000000);
  CHECK_FALSE(from_wire(1700, "\0\1\xff\xff\0\0\0\1\x13\x88"sv));  // 0.5
  CHECK_FALSE(from_wire(1700, "\0\1\0\5\0\0\0\0\0\1"sv));          // 10^20
  CHECK_FALSE(from_wire(1700, "\0\1\0\4\0\0\0\0\x27\x0f"sv));      // 9999 * 10^16
  CHECK_FALSE(from_wire(1700, "\0\0\0\0\xc0\0\0\0"sv));            // NaN
  CHECK_FALSE(from_wire(1700, "\0\2\0\1\0\0\0\0\0\1"sv));          // a digit is missing
  CHECK_FALSE(from_wire(701, "\x40\0\0\0\0\0\0\0"sv));             // float8 is not used
  CHECK(std::get<Blob>(*from_wire(17, "a\0b"sv)).bytes == "a\0b"sv);
  CHECK(std::get<std::string>(*from_wire(25, "text"sv)) == "text");
}

TEST_CASE("sql text: {blob} is replaced everywhere") {
  using storage::sql::with_blob_type;
  CHECK(with_blob_type("a {blob}, b {blob}", "BYTEA") == "a BYTEA, b BYTEA");
  CHECK(with_blob_type("SELECT 1", "BYTEA") == "SELECT 1");
  CHECK(with_blob_type("", "BLOB").empty());
}
