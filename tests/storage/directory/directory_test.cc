// The directory contract on both drivers, and what is its backend's own.
#include "tests/contracts/directory_contract.h"

#include "storage/directory/sql/verified_passwords.h"
#include "tests/contracts/sql_backends.h"

TEST_CASE_TEMPLATE_INVOKE(directory_users, test::SqliteBackend, test::PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(directory_logins, test::SqliteBackend, test::PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(directory_memory, test::SqliteBackend, test::PostgresBackend);

TEST_CASE("directory: without a default domain a name without one is nobody's") {
  const test::SqliteBackend backend;
  const auto database = backend.open();
  const auto directory = test::ok(storage::open_directory(*database, {.hash_cost = 1}));
  test::ok(directory->add("ann@example.test", "secret"));
  CHECK(test::kind_of(directory->find("ann")) == "not_found");
  CHECK(test::kind_of(directory->find("CORP\\ann")) == "not_found");
  CHECK(test::kind_of(directory->find("example.test\\ann")) == "success");
  CHECK(test::kind_of(directory->authenticate("ann@example.test", "secret")) == "success");
  CHECK(test::kind_of(storage::open_directory(*database, {.default_domain = "no domain"})) ==
        "invalid");
}

TEST_CASE("directory: while the database is not reachable a login is `unavailable`, not denied") {
  const test::PostgresBackend backend;
  if (!backend.available()) return;
  const auto database = backend.open();
  const auto directory = test::ok(storage::open_directory(*database, {.hash_cost = 1}));
  test::ok(directory->add("ann@example.test", "secret"));
  test::PostgresServer::shared()->halt();
  CHECK(test::kind_of(directory->authenticate("ann@example.test", "secret")) == "unavailable");
  CHECK(test::kind_of(directory->find("ann@example.test")) == "unavailable");
  CHECK(test::kind_of(directory->add("bob@example.test", "secret")) == "unavailable");
  test::PostgresServer::shared()->restart();
  CHECK(test::kind_of(directory->authenticate("ann@example.test", "secret")) == "success");
}

TEST_CASE("directory: the memory of passwords is bounded; the oldest are forgotten") {
  storage::VerifiedPasswords memory;
  constexpr int kMost = static_cast<int>(storage::VerifiedPasswords::kMost);
  for (int i = 0; i <= kMost; ++i) memory.remember("hash", std::to_string(i), 1000 + i / 1000);
  CHECK_FALSE(memory.knows("hash", "0", 1200));
  CHECK(memory.knows("hash", "1", 1200));
  CHECK(memory.knows("hash", std::to_string(kMost), 1200));
  CHECK_FALSE(memory.knows("other hash", "1", 1200));
}

TEST_CASE("directory: a password remembered again lives on from then; a clock set back ends it") {
  storage::VerifiedPasswords memory;
  constexpr storage::UnixMillis kLife = storage::VerifiedPasswords::kLifetime;
  memory.remember("hash", "a", 1000);
  memory.remember("hash", "a", 2000);
  memory.remember("hash", "b", 1500 + kLife);  // drops what has expired, not the renewed one
  CHECK(memory.knows("hash", "a", 1500 + kLife));
  CHECK_FALSE(memory.knows("hash", "a", 2000 + kLife));
  CHECK_FALSE(memory.knows("hash", "a", 1999));
}
