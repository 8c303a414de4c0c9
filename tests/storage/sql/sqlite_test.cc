// What is SQLite's own: files, locks between processes, the cost of a read.
#include <doctest/doctest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "storage/sql/database.h"
#include "tests/contracts/database_contract.h"
#include "tests/contracts/expect.h"
#include "tests/support/temp_dir.h"

namespace {

using namespace test;
using Clock = std::chrono::steady_clock;

// Another process's connection, for what our own class does not do: hold the write lock.
class ForeignWriter {
 public:
  explicit ForeignWriter(const std::string& path) {
    REQUIRE(sqlite3_open(path.c_str(), &handle_) == SQLITE_OK);
    REQUIRE(sqlite3_exec(handle_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK);
  }
  ~ForeignWriter() { sqlite3_close(handle_); }
  ForeignWriter(const ForeignWriter&) = delete;
  ForeignWriter& operator=(const ForeignWriter&) = delete;
  void release() { sqlite3_exec(handle_, "COMMIT", nullptr, nullptr, nullptr); }

 private:
  sqlite3* handle_ = nullptr;
};

}  // namespace

TEST_CASE("sqlite: a missing file is made for its owner only, and is in WAL mode") {
  const TempDir directory;
  const auto database = ok(Database::open("sqlite:" + directory.file("new.db")));
  CHECK(database->is_sqlite());
  CHECK(database->url() == "sqlite:" + directory.file("new.db"));
  ok(storage::migrate(*database, kItemSchema));
  for (const char* name : {"new.db", "new.db-wal", "new.db-shm"}) {
    struct stat status = {};
    REQUIRE(::stat(directory.file(name).c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
  }
}

TEST_CASE("sqlite: what cannot be a database is told when it is opened") {
  const TempDir directory;
  CHECK(kind_of(Database::open("mysql://localhost/x")) == "invalid");
  CHECK(kind_of(Database::open("sqlite:")) == "invalid");
  CHECK(kind_of(Database::open("sqlite::memory:")) == "invalid");
  CHECK(kind_of(Database::open("sqlite:" + directory.file("no/such/dir.db"))) == "unavailable");
  std::ofstream(directory.file("text.db")) << std::string(4096, 'x');
  CHECK(kind_of(Database::open("sqlite:" + directory.file("text.db"))) == "corrupt");
}

TEST_CASE("sqlite: another process's write is waited for, five seconds long") {
  const TempDir directory;
  const std::string path = directory.file("a.db");
  const auto database = ok(Database::open("sqlite:" + path));
  ok(storage::migrate(*database, kItemSchema));

  SUBCASE("and when it ends in time, the writer goes on") {
    ForeignWriter other(path);
    std::thread later([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      other.release();
    });
    const auto result = change(*database, kInsertItem, {1, "one", nullptr});
    later.join();
    ok(result);
  }
  SUBCASE("else the write is `unavailable`, while readers do not notice") {
    const ForeignWriter other(path);
    CHECK(item_count(*database) == 0);
    const auto begin = Clock::now();
    CHECK(kind_of(change(*database, kInsertItem, {1, "one", nullptr})) == "unavailable");
    CHECK(Clock::now() - begin >= std::chrono::seconds(4));
  }
}

TEST_CASE("sqlite: a write inside a write is refused, not a deadlock") {
  const TempDir directory;
  const auto database = ok(Database::open("sqlite:" + directory.file("a.db")));
  ok(storage::migrate(*database, kItemSchema));
  const auto result = database->write([&](Connection& connection) -> Result<void> {
    GODWIT_TRY(connection.execute(kInsertItem, {1, "one", nullptr}));
    return change(*database, kInsertItem, {2, "two", nullptr});
  });
  CHECK(kind_of(result) == "internal");
  CHECK(item_count(*database) == 0);
  ok(change(*database, kInsertItem, {1, "one", nullptr}));
}

TEST_CASE("sqlite: committed changes survive when the database is closed and opened again") {
  const TempDir directory;
  const std::string url = "sqlite:" + directory.file("a.db");
  for (const bool sync : {false, true}) {
    const auto database = ok(Database::open(url, {.sync_every_commit = sync}));
    ok(storage::migrate(*database, kItemSchema));
    ok(change(*database, kInsertItem, {sync ? 1 : 0, nullptr, nullptr}));
  }
  CHECK(item_count(*ok(Database::open(url))) == 2);
}

TEST_CASE("sqlite: a read with three point queries takes microseconds") {
  const TempDir directory;
  const auto database = ok(Database::open("sqlite:" + directory.file("a.db")));
  ok(storage::migrate(*database, kItemSchema));
  ok(database->write([](Connection& connection) -> Result<void> {
    for (int i = 0; i < 10'000; ++i) {
      GODWIT_TRY(
          connection.execute(kInsertItem, {i, std::to_string(i), Blob{std::string(200, 'x')}}));
    }
    return {};
  }));
  constexpr int kRounds = 2'000;
  std::int64_t found = 0;
  const auto begin = Clock::now();
  for (int round = 0; round < kRounds; ++round) {
    ok(database->read([&](Connection& connection) -> Result<void> {
      for (int i = 0; i < 3; ++i) {
        GODWIT_ASSIGN(const Rows rows, connection.query("SELECT name, data FROM item WHERE id = $1",
                                                        {(round * 7919 + i * 31) % 10'000}));
        found += static_cast<std::int64_t>(rows.size());
      }
      return {};
    }));
  }
  const double micros =
      std::chrono::duration<double, std::micro>(Clock::now() - begin).count() / kRounds;
  MESSAGE("read() with 3 point queries: ", micros, " us");
  CHECK(found == 3 * kRounds);
  CHECK(micros <
        2'000);  // far from a disk access or a re-prepare of each; exact figures: the bench
}
