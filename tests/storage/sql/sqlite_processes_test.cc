// Two processes on one SQLite file: the server, and a command that comes and goes. Found with a
// capture that was switched on while the server ran: what the server wrote afterwards was seen by
// nobody, since closing a descriptor of the file had dropped its locks, and the other process had
// deleted the log at its end.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "storage/sql/database.h"
#include "tests/support/temp_dir.h"

namespace {

using storage::Connection;
using storage::Database;
using storage::Result;

Result<void> add(Database& database, std::int64_t value) {
  return database.write([&](Connection& connection) -> Result<void> {
    GODWIT_TRY(connection.execute("INSERT INTO number (value) VALUES ($1)", {value}));
    return {};
  });
}

int count(const std::string& url) {
  const auto database = Database::open(url);
  if (!database) return 100;
  int found = 101;
  const auto read = (*database)->read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const storage::Rows rows, connection.query("SELECT COUNT(*) FROM number"));
    found = static_cast<int>(rows.integer(0, 0));
    return {};
  });
  return read ? found : 102;
}

// The other process: this program again, running this case alone. (A fork would not do: it shares
// SQLite's own picture of who holds which lock.)
TEST_CASE("sqlite: the other process" * doctest::skip()) {
  const char* const url = std::getenv("GODWIT_TEST_DATABASE");
  REQUIRE(url != nullptr);
  CHECK(count(url) == std::atoi(std::getenv("GODWIT_TEST_COUNT")));
}

bool another_process_counts(const std::string& url, int expected) {
  const std::string command = "GODWIT_TEST_DATABASE='" + url +
                              "' GODWIT_TEST_COUNT=" + std::to_string(expected) + " " +
                              std::filesystem::read_symlink("/proc/self/exe").string() +
                              " --no-skip --test-case='sqlite: the other process' >/dev/null";
  return std::system(command.c_str()) == 0;
}

TEST_CASE("sqlite: a process that comes and goes does not take the log from one that stays") {
  test::TempDir dir;
  const std::string url = "sqlite:" + dir.file("shared.db");
  const auto first = Database::open(url);
  REQUIRE(first);
  REQUIRE((*first)->write([](Connection& connection) -> Result<void> {
    GODWIT_TRY(connection.execute("CREATE TABLE number (value BIGINT)"));
    return {};
  }));
  const auto second = Database::open(url);  // a second one in the same process
  REQUIRE(second);
  for (int round = 1; round <= 3; ++round) {
    REQUIRE(add(**first, round));
    REQUIRE(add(**second, round));
    CHECK(another_process_counts(url, 2 * round));
    CHECK(::access((dir.file("shared.db") + "-wal").c_str(), F_OK) == 0);
  }
}

}  // namespace
