// What every Database promises (storage/sql/database.h), as test cases over a backend type as in
// sql_backends.h. Run them with
//   TEST_CASE_TEMPLATE_INVOKE(database_values, …); TEST_CASE_TEMPLATE_INVOKE(database_transactions,
//   …)
#pragma once

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "storage/sql/database.h"
#include "tests/contracts/expect.h"

namespace test {

using storage::Blob;
using storage::Connection;
using storage::Database;
using storage::Migration;
using storage::Result;
using storage::Rows;
using storage::SqlValue;

inline constexpr Migration kItemSchema[] = {
    {"item-001",
     "CREATE TABLE item (id BIGINT NOT NULL PRIMARY KEY, name TEXT UNIQUE, data {blob});"
     "CREATE INDEX item_name ON item (name)"},
};

inline Rows select(Database& database, const char* sql, std::vector<SqlValue> values = {}) {
  Rows rows;
  ok(database.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(rows, connection.query(sql, values));
    return {};
  }));
  return rows;
}

inline Result<void> change(Database& database, const char* sql, std::vector<SqlValue> values = {}) {
  return database.write([&](Connection& connection) -> Result<void> {
    GODWIT_TRY(connection.execute(sql, values));
    return {};
  });
}

inline std::int64_t item_count(Database& database) {
  return select(database, "SELECT count(*) FROM item").integer(0, 0);
}

inline constexpr const char* kInsertItem = "INSERT INTO item (id, name, data) VALUES ($1, $2, $3)";

}  // namespace test

TEST_CASE_TEMPLATE_DEFINE("database: values, rows and parameters", Backend, database_values) {
  using namespace test;
  const Backend backend;
  if (!backend.available()) return;
  const auto database = backend.open();
  ok(storage::migrate(*database, kItemSchema));

  SUBCASE("every value comes back as it was") {
    std::string bytes;
    for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
    const std::int64_t least = std::numeric_limits<std::int64_t>::min();
    const std::int64_t most = std::numeric_limits<std::int64_t>::max();
    ok(change(*database, kInsertItem, {least, "O'Hara \"\xc3\xa9\xe2\x82\xac\"", Blob{bytes}}));
    ok(change(*database, kInsertItem, {most, "", Blob{}}));
    ok(change(*database, kInsertItem, {0, nullptr, nullptr}));
    const Rows rows = select(*database, "SELECT id, name, data FROM item ORDER BY id");
    REQUIRE(rows.size() == 3);
    CHECK(rows.integer(0, 0) == least);
    CHECK(rows.text(0, 1) == "O'Hara \"\xc3\xa9\xe2\x82\xac\"");
    CHECK(rows.text(0, 2) == bytes);
    CHECK(rows.is_null(1, 1));
    CHECK(rows.text(1, 1).empty());
    CHECK(rows.is_null(1, 2));
    CHECK(rows.integer(2, 0) == most);
    CHECK_FALSE(rows.is_null(2, 1));
    CHECK_FALSE(rows.is_null(2, 2));
    CHECK(rows.text(2, 2).empty());
  }
  SUBCASE("a statement takes values of another type than the first time") {
    ok(change(*database, kInsertItem, {1, nullptr, nullptr}));
    ok(change(*database, kInsertItem, {2, "two", Blob{std::string("\0\xff", 2)}}));
    ok(change(*database, kInsertItem, {3, nullptr, Blob{"3"}}));
    const Rows rows = select(*database, "SELECT name, data FROM item ORDER BY id");
    CHECK(rows.text(1, 0) == "two");
    CHECK(rows.text(1, 1) == std::string("\0\xff", 2));
    CHECK(rows.text(2, 1) == "3");
  }
  SUBCASE("parameters go by their number, in any order and more than once") {
    ok(change(*database, "INSERT INTO item (name, data, id) VALUES ($3, $2, $1)",
              {7, Blob{"data"}, "name"}));
    const Rows rows = select(
        *database, "SELECT name FROM item WHERE name = $2 AND id = $1 AND id <= $1 AND name = $2",
        {7, "name"});
    CHECK(rows.size() == 1);
    CHECK(kind_of(change(*database, kInsertItem, {8})) == "internal");
  }
  SUBCASE("sums, counts and comparisons read as integers") {
    for (int i = 1; i <= 4; ++i) {
      ok(change(*database, kInsertItem, {i * 3'000'000'000, nullptr, nullptr}));
    }
    const Rows rows =
        select(*database, "SELECT count(*), sum(id), max(id), id > 5 FROM item GROUP BY id > 5");
    CHECK(rows.integer(0, 0) == 4);
    CHECK(rows.integer(0, 1) == 30'000'000'000);
    CHECK(rows.integer(0, 2) == 12'000'000'000);
    CHECK(rows.integer(0, 3) == 1);
    const Rows nothing = select(*database, "SELECT sum(id) FROM item WHERE id < 0");
    REQUIRE(nothing.size() == 1);
    CHECK(nothing.is_null(0, 0));
    CHECK(select(*database, "SELECT id FROM item WHERE id < 0").empty());
  }
  SUBCASE("ON CONFLICT DO UPDATE, RETURNING and the count of changed rows") {
    for (int round = 0; round < 3; ++round) {
      Rows rows;
      ok(database->write([&](Connection& connection) -> Result<void> {
        GODWIT_ASSIGN(rows, connection.query("INSERT INTO item (id, name) VALUES ($1, $2) ON "
                                             "CONFLICT (name) DO UPDATE SET id = item.id + 1 "
                                             "RETURNING id",
                                             {10, "counter"}));
        return {};
      }));
      CHECK(rows.integer(0, 0) == 10 + round);
    }
    std::int64_t changed = 0;
    std::int64_t unchanged = 0;
    ok(database->write([&](Connection& connection) -> Result<void> {
      GODWIT_ASSIGN(changed, connection.execute("UPDATE item SET data = $1", {Blob{"x"}}));
      GODWIT_ASSIGN(unchanged, connection.execute("DELETE FROM item WHERE id = $1", {99}));
      return {};
    }));
    CHECK(changed == 1);
    CHECK(unchanged == 0);
  }
  SUBCASE("megabytes of bytes") {
    std::string bytes(3'000'000, '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 >> 3);
    ok(change(*database, kInsertItem, {1, nullptr, Blob{bytes}}));
    Rows rows = select(*database, "SELECT data FROM item");
    CHECK(rows.take_text(0, 0) == bytes);
  }
}

TEST_CASE_TEMPLATE_DEFINE("database: failures", Backend, database_failures) {
  using namespace test;
  const Backend backend;
  if (!backend.available()) return;
  const auto database = backend.open();
  ok(storage::migrate(*database, kItemSchema));
  ok(change(*database, kInsertItem, {1, "one", nullptr}));

  SUBCASE("a second row with the same key is `exists`") {
    CHECK(kind_of(change(*database, kInsertItem, {1, "other", nullptr})) == "exists");
    CHECK(kind_of(change(*database, kInsertItem, {2, "one", nullptr})) == "exists");
    CHECK(item_count(*database) == 1);
  }
  SUBCASE("wrong SQL is `internal` and the message names it") {
    const auto result = change(*database, "INSERT INTO no_such_table VALUES (1)");
    REQUIRE(kind_of(result) == "internal");
    CHECK(result.error().message.find("no_such_table VALUES") != std::string::npos);
  }
  SUBCASE("a failed statement dooms its transaction, even when the body goes on") {
    const auto result = database->write([&](Connection& connection) -> Result<void> {
      GODWIT_TRY(connection.execute(kInsertItem, {2, "two", nullptr}));
      CHECK(kind_of(connection.execute(kInsertItem, {3, "one", nullptr})) == "exists");
      CHECK_FALSE(connection.query("SELECT 1"));
      return {};
    });
    CHECK(kind_of(result) == "exists");
    CHECK(item_count(*database) == 1);
    ok(change(*database, kInsertItem, {2, "two", nullptr}));
  }
  SUBCASE("an error of the body rolls back and is passed on") {
    const auto result = database->write([&](Connection& connection) -> Result<void> {
      GODWIT_TRY(connection.execute(kInsertItem, {2, "two", nullptr}));
      return storage::fail(storage::ErrorKind::too_large, "no more");
    });
    CHECK(kind_of(result) == "too_large");
    CHECK(item_count(*database) == 1);
  }
  SUBCASE("an exception rolls back and is passed on") {
    CHECK_THROWS_AS(static_cast<void>(database->write([&](Connection& connection) -> Result<void> {
                      GODWIT_TRY(connection.execute(kInsertItem, {2, "two", nullptr}));
                      throw std::runtime_error("killed");
                    })),
                    std::runtime_error);
    CHECK(item_count(*database) == 1);
    ok(change(*database, kInsertItem, {2, "two", nullptr}));
  }
  SUBCASE("a read transaction cannot write") {
    const auto result = database->read([&](Connection& connection) -> Result<void> {
      GODWIT_TRY(connection.execute(kInsertItem, {2, "two", nullptr}));
      return {};
    });
    CHECK(kind_of(result) == "internal");
    CHECK(item_count(*database) == 1);
  }
}

TEST_CASE_TEMPLATE_DEFINE("database: a kill at any step leaves all or nothing", Backend,
                          database_kills) {
  using namespace test;
  struct Killed {};
  const Backend backend;
  if (!backend.available()) return;
  int steps_left = -1;  // -1: not armed
  std::vector<std::string> steps;
  storage::DatabaseOptions options;
  options.before_step = [&](const char* step) {
    steps.emplace_back(step);
    if (steps_left >= 0 && steps_left-- == 0) throw Killed{};
  };
  const auto database = backend.open(options);
  ok(storage::migrate(*database, kItemSchema));
  int kills = 0;
  for (int step = 0;; ++step) {
    const auto work = [&] {
      return database->write([&](Connection& connection) -> Result<void> {
        GODWIT_TRY(connection.execute(kInsertItem, {1, "one", nullptr}));
        GODWIT_TRY(connection.query("SELECT id FROM item"));
        GODWIT_TRY(connection.query("INSERT INTO item (id) VALUES ($1) RETURNING id", {2}));
        GODWIT_TRY(connection.execute("UPDATE item SET name = $1 WHERE id = 2", {"two"}));
        return {};
      });
    };
    steps_left = step;
    steps.clear();
    try {
      ok(work());
      break;
    } catch (const Killed&) {
      ++kills;
    }
    steps_left = -1;
    CHECK(item_count(*database) == 0);
  }
  CHECK(kills == 4);  // three statements that write, one commit
  REQUIRE(steps.size() == 4);
  CHECK(steps[0].starts_with("INSERT"));
  CHECK(steps[3] == "commit");
  steps.clear();
  CHECK(item_count(*database) == 2);
  CHECK(steps.empty());  // reading is no step
}

TEST_CASE_TEMPLATE_DEFINE("database: many at once", Backend, database_concurrency) {
  using namespace test;
  const Backend backend;
  if (!backend.available()) return;
  const auto database = backend.open();
  ok(storage::migrate(*database, kItemSchema));
  ok(change(*database, kInsertItem, {0, "counter", nullptr}));

  SUBCASE("a read transaction sees one state while others commit") {
    ok(database->read([&](Connection& connection) -> Result<void> {
      GODWIT_ASSIGN(const Rows before, connection.query("SELECT count(*) FROM item"));
      std::thread([&] {
        static_cast<void>(change(*database, kInsertItem, {1, "one", nullptr}));
      }).join();
      GODWIT_ASSIGN(const Rows after, connection.query("SELECT count(*) FROM item"));
      CHECK(before.integer(0, 0) == 1);
      CHECK(after.integer(0, 0) == 1);
      return {};
    }));
    CHECK(item_count(*database) == 2);
  }
  SUBCASE("no increment is lost between read and write") {
    const auto second = backend.open();  // as another process would
    std::atomic<int> done = 0;
    std::atomic<int> wrong = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 6; ++i) {
      threads.emplace_back([&, i] {
        for (int round = 0; round < 25; ++round) {
          const auto result =
              (i % 2 == 0 ? database : second)->write([](Connection& connection) -> Result<void> {
                GODWIT_ASSIGN(const Rows rows,
                              connection.query("SELECT id FROM item WHERE name = 'counter'"));
                GODWIT_TRY(connection.execute("UPDATE item SET id = $1 WHERE name = 'counter'",
                                              {rows.integer(0, 0) + 1}));
                return {};
              });
          if (result) ++done;
          if (!result && result.error().kind != storage::ErrorKind::unavailable) ++wrong;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == 0);
    CHECK(done > 0);
    if (Backend::kIsSqlite) CHECK(done == 150);  // writers wait for each other
    CHECK(select(*database, "SELECT id FROM item").integer(0, 0) == done);
  }
  SUBCASE("two databases on one URL see each other's changes at once") {
    const auto second = backend.open();
    for (int i = 1; i <= 20; ++i) {
      Database& writer = i % 2 == 0 ? *database : *second;
      Database& reader = i % 2 == 0 ? *second : *database;
      ok(change(writer, kInsertItem, {i, nullptr, nullptr}));
      CHECK(item_count(reader) == i + 1);
    }
  }
  SUBCASE("more threads than connections wait for one") {
    const auto narrow = backend.open({.max_connections = 1});
    std::atomic<int> done = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int round = 0; round < 20; ++round) {
          const auto result = narrow->read([](Connection& connection) -> Result<void> {
            GODWIT_TRY(connection.query("SELECT count(*) FROM item"));
            return {};
          });
          if (result) ++done;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(done == 80);
  }
}

TEST_CASE_TEMPLATE_DEFINE("migrations", Backend, database_migrations) {
  using namespace test;
  const Backend backend;
  if (!backend.available()) return;
  static constexpr Migration kTwo[] = {
      {"m-001",
       "-- a comment; with a semicolon and a quote ' in it\n"
       "CREATE TABLE m (id BIGINT NOT NULL PRIMARY KEY, text TEXT NOT NULL);\n"
       "INSERT INTO m (id, text) VALUES (1, 'a;b');"},
      {"m-002", "ALTER TABLE m ADD COLUMN data {blob}; UPDATE m SET text = text || '!'"},
  };
  const auto database = backend.open();

  SUBCASE("are applied in order and once, also by a later version with more of them") {
    ok(storage::migrate(*database, std::span(kTwo).first(1)));
    CHECK(select(*database, "SELECT text FROM m").text(0, 0) == "a;b");
    for (int i = 0; i < 3; ++i) ok(storage::migrate(*database, kTwo));
    CHECK(select(*database, "SELECT text FROM m").text(0, 0) == "a;b!");
    CHECK(select(*database, "SELECT name FROM schema_migration").size() == 3);
  }
  SUBCASE("one that fails leaves nothing of itself behind and stops the rest") {
    static constexpr Migration kBad[] = {
        {"b-001", "CREATE TABLE good (id BIGINT)"},
        {"b-002", "CREATE TABLE half (id BIGINT); INSERT INTO missing (id) VALUES (1)"},
        {"b-003", "CREATE TABLE never (id BIGINT)"},
    };
    CHECK(kind_of(storage::migrate(*database, kBad)) == "internal");
    CHECK(select(*database, "SELECT name FROM schema_migration").size() == 2);
    ok(change(*database, "INSERT INTO good (id) VALUES (1)"));
    CHECK_FALSE(change(*database, "INSERT INTO half (id) VALUES (1)"));
    CHECK_FALSE(change(*database, "INSERT INTO never (id) VALUES (1)"));
  }
  SUBCASE("a counter goes up by one, apart from the others, and never back") {
    ok(storage::migrate(*database, {}));
    const auto next = [&](const char* name) {
      std::int64_t id = 0;
      ok(database->write([&](Connection& connection) -> Result<void> {
        GODWIT_ASSIGN(id, storage::next_id(connection, name));
        return {};
      }));
      return id;
    };
    CHECK(next("a") == 1);
    CHECK(next("a") == 2);
    CHECK(next("b") == 1);
    CHECK(next("a") == 3);
  }
  SUBCASE("several processes that start at once apply each once") {
    std::atomic<int> succeeded = 0;
    std::vector<std::unique_ptr<Database>> databases;
    for (int i = 0; i < 5; ++i) databases.push_back(backend.open());
    std::vector<std::thread> threads;
    for (const auto& each : databases) {
      threads.emplace_back([&] {
        if (storage::migrate(*each, kTwo)) ++succeeded;
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(succeeded == 5);
    CHECK(select(*database, "SELECT text FROM m").text(0, 0) == "a;b!");
  }
}
