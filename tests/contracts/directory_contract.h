// What every Directory promises (storage/directory/directory.h), as test cases over a database
// backend as in sql_backends.h.
#pragma once

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "storage/base/clock.h"
#include "storage/directory/backends.h"
#include "storage/directory/directory.h"
#include "tests/contracts/expect.h"

namespace test {

using storage::Directory;
using storage::User;

class HandClock final : public storage::Clock {
 public:
  storage::UnixMillis now_ms() const override { return now_; }
  void advance_minutes(int minutes) { now_ += minutes * 60'000LL; }

 private:
  std::atomic<storage::UnixMillis> now_ = 1'800'000'000'000;
};

// A directory over an empty database that counts the password hashes it computes.
template <typename Backend>
struct CountedDirectory {
  Backend backend;
  HandClock clock;
  std::atomic<std::int64_t> hashes = 0;
  std::unique_ptr<storage::Database> database;
  std::unique_ptr<Directory> directory;

  CountedDirectory() {
    if (!backend.available()) return;
    database = backend.open();
    directory = open(*database);
  }
  std::unique_ptr<Directory> open(storage::Database& on, int concurrent = 0) {
    return ok(storage::open_directory(on, {.default_domain = "Example.Test",
                                           .clock = &clock,
                                           .hash_cost = 1,
                                           .concurrent_hashes = concurrent,
                                           .hash_counter = &hashes}));
  }
  // How many hashes this login computed, and what came of it.
  std::int64_t cost(std::string_view login, std::string_view password, const char* outcome) {
    const std::int64_t before = hashes;
    CHECK(kind_of(directory->authenticate(login, password)) == outcome);
    return hashes - before;
  }
};

inline constexpr const char* kSuccess = "success";
inline constexpr const char* kDenied = "denied";

}  // namespace test

TEST_CASE_TEMPLATE_DEFINE("directory: users", Backend, directory_users) {
  using namespace test;
  CountedDirectory<Backend> setup;
  if (!setup.directory) return;
  Directory& directory = *setup.directory;

  SUBCASE("what was added is found and listed; addresses have no case") {
    const User user = ok(directory.add("Ann.Lee@Example.TEST", "secret", "Ann L\xc3\xa9"));
    CHECK(user.id > 0);
    CHECK(user.address == "ann.lee@example.test");
    const User found = ok(directory.find("ANN.LEE@example.test"));
    CHECK(found.id == user.id);
    CHECK(found.address == user.address);
    CHECK(found.display_name == "Ann L\xc3\xa9");
    CHECK(kind_of(directory.add("ann.lee@EXAMPLE.test", "other")) == "exists");
    CHECK(setup.cost("ann.lee", "secret", kSuccess) == 1);
    ok(directory.add("bob@example.test", "secret"));
    const std::vector<User> users = ok(directory.list());
    REQUIRE(users.size() == 2);
    CHECK(users[0].address == "ann.lee@example.test");
    CHECK(users[1].address == "bob@example.test");
    CHECK(users[1].display_name.empty());
    CHECK(users[1].eas_enabled);
    const std::string other = users[1].address;
    ok(directory.set_eas_enabled(other, false));
    CHECK_FALSE(ok(directory.find(other)).eas_enabled);
    CHECK_FALSE(ok(directory.list())[1].eas_enabled);
    ok(directory.set_eas_enabled(other, true));
    CHECK(ok(directory.find(other)).eas_enabled);
    CHECK(kind_of(directory.set_eas_enabled("nobody@example.test", false)) == "not_found");
  }
  SUBCASE("a removed one is gone, and its id is not given again") {
    const User first = ok(directory.add("ann@example.test", "secret"));
    ok(directory.remove("ANN@example.test"));
    CHECK(kind_of(directory.find("ann@example.test")) == "not_found");
    CHECK(kind_of(directory.remove("ann@example.test")) == "not_found");
    CHECK(kind_of(directory.set_password("ann@example.test", "x")) == "not_found");
    CHECK(ok(directory.add("ann@example.test", "secret")).id > first.id);
  }
  SUBCASE("what cannot be an address or a password is `invalid` and nothing is stored") {
    for (const char* address : {"", "ann", "@example.test", "ann@", "a@b@c", "../x@example.test",
                                "a/b@example.test", ".ann@example.test", "a b@example.test"}) {
      CAPTURE(address);
      CHECK(kind_of(directory.add(address, "secret")) == "invalid");
    }
    CHECK(kind_of(directory.add("ann@example.test", "")) == "invalid");
    CHECK(kind_of(directory.add("ann@example.test", std::string("a\0b", 3))) == "invalid");
    CHECK(kind_of(directory.add("ann@example.test", std::string(512, 'x'))) == "invalid");
    CHECK(ok(directory.list()).empty());
    ok(directory.add("ann@example.test", std::string(511, 'x')));
    CHECK(setup.cost("ann", std::string(511, 'x'), kSuccess) == 1);
    CHECK(setup.cost("ann", std::string(512, 'x'), kDenied) == 0);
    CHECK(setup.cost("ann", "", kDenied) == 0);
  }
  SUBCASE("many are added with one password; the ones that exist stay as they are") {
    const User ann = ok(directory.add("user7@example.test", "own", "Ann"));
    std::vector<std::string> addresses;
    for (int i = 1; i <= 2500; ++i) {
      addresses.push_back("User" + std::to_string(i) + "@example.test");
    }
    ok(directory.add_many(addresses, "shared"));
    ok(directory.add_many(addresses, "another"));
    CHECK(ok(directory.list()).size() == 2500);
    CHECK(ok(directory.find("user7")).id == ann.id);
    CHECK(setup.cost("user7", "own", kSuccess) == 1);
    CHECK(setup.cost("user1", "shared", kSuccess) == 1);
    CHECK(setup.cost("user2500", "shared", kSuccess) == 0);  // the same hash was verified already
    CHECK(setup.cost("user2500", "another", kDenied) == 1);
    CHECK(kind_of(directory.add_many({"new@example.test", "broken"}, "x")) == "invalid");
    CHECK(ok(directory.list()).size() == 2500);
  }
  SUBCASE("only the yescrypt hash of a password is stored") {
    ok(directory.add("ann@example.test", "very secret"));
    ok(setup.database->read([](storage::Connection& connection) -> storage::Result<void> {
      GODWIT_ASSIGN(const storage::Rows rows,
                    connection.query("SELECT password_hash FROM directory_user"));
      CHECK(rows.text(0, 0).starts_with("$y$"));
      CHECK(rows.text(0, 0).find("secret") == std::string::npos);
      return {};
    }));
  }
}

TEST_CASE_TEMPLATE_DEFINE("directory: logins", Backend, directory_logins) {
  using namespace test;
  CountedDirectory<Backend> setup;
  if (!setup.directory) return;
  Directory& directory = *setup.directory;
  const User ann = ok(directory.add("ann@example.test", "secret"));
  const User other = ok(directory.add("ann@other.test", "other secret"));

  SUBCASE("every form of a login name finds its user") {
    for (const char* login :
         {"ann", "ANN", "ann@example.test", "CORP\\ann", "corp\\Ann", "example.test\\ann",
          "unknown.test\\ann", "CORP\\ann@example.test", "\\ann", " ann "}) {
      CAPTURE(login);
      CHECK(ok(directory.find(login)).id == ann.id);
      CHECK(ok(directory.authenticate(login, "secret")).id == ann.id);
    }
    for (const char* login : {"ann@other.test", "OTHER.test\\ann", "CORP\\ann@other.test"}) {
      CAPTURE(login);
      CHECK(ok(directory.authenticate(login, "other secret")).id == other.id);
    }
    for (const char* login : {"", "\\", "bob", "ann@", "@example.test", "ann@corp", "a\\b\\ann"}) {
      CAPTURE(login);
      CHECK(kind_of(directory.find(login)) == "not_found");
      CHECK(kind_of(directory.authenticate(login, "secret")) == kDenied);
    }
  }
  SUBCASE("a wrong password and an unknown name compute the same number of hashes") {
    CHECK(setup.cost("ann", "wrong", kDenied) == 1);
    CHECK(setup.cost("nobody", "wrong", kDenied) == 1);
    CHECK(setup.cost("not an address", "wrong", kDenied) == 1);
    CHECK(setup.cost("ann", "wr\xc3\xb6ng", kDenied) == 2);  // two charsets to try
    CHECK(setup.cost("nobody", "wr\xc3\xb6ng", kDenied) == 2);
    CHECK(setup.cost("ann", "wr\xf6ng", kDenied) == 1);
    CHECK(setup.cost("nobody", "wr\xf6ng", kDenied) == 1);
    setup.cost("ann", "secret", kSuccess);
    CHECK(setup.cost("ann", "wrong", kDenied) == 1);  // remembered ones do not change it
  }
  SUBCASE("passwords and names are right in UTF-8 and in ISO-8859-1 (quirks.md: Outlook)") {
    const User jorg = ok(directory.add("J\xc3\x96rg@example.test", "gr\xc3\xbc\xc3\x9f"));
    CHECK(jorg.address == "j\xc3\xb6rg@example.test");
    CHECK(ok(directory.authenticate("j\xc3\xb6rg", "gr\xc3\xbc\xc3\x9f")).id == jorg.id);
    CHECK(ok(directory.authenticate("j\xf6rg", "gr\xfc\xdf")).id == jorg.id);
    CHECK(ok(directory.authenticate("CORP\\J\xd6rg", "gr\xfc\xdf")).id == jorg.id);
    // Stored from Latin-1 bytes, typed in UTF-8; and bytes that are valid in both.
    ok(directory.set_password("ann@example.test", "\xe9t\xe9"));
    CHECK(setup.cost("ann", "\xc3\xa9t\xc3\xa9", kSuccess) >= 1);
    ok(directory.set_password("ann@example.test", "\xc3\x83\xc2\xa9"));  // the text "Ã©"
    CHECK(setup.cost("ann", "\xc3\xa9", kSuccess) == 2);                 // its Latin-1 bytes
  }
}

TEST_CASE_TEMPLATE_DEFINE("directory: a right password is remembered", Backend, directory_memory) {
  using namespace test;
  CountedDirectory<Backend> setup;
  if (!setup.directory) return;
  Directory& directory = *setup.directory;
  ok(directory.add("ann@example.test", "secret"));
  CHECK(setup.cost("ann", "secret", kSuccess) == 1);

  SUBCASE("for ten minutes, for every form of the name") {
    CHECK(setup.cost("ann", "secret", kSuccess) == 0);
    CHECK(setup.cost("CORP\\Ann", "secret", kSuccess) == 0);
    setup.clock.advance_minutes(9);
    CHECK(setup.cost("ann", "secret", kSuccess) == 0);
    setup.clock.advance_minutes(1);
    CHECK(setup.cost("ann", "secret", kSuccess) == 1);
    CHECK(setup.cost("ann", "secret", kSuccess) == 0);
  }
  SUBCASE("wrong ones never") {
    for (int i = 0; i < 3; ++i) CHECK(setup.cost("ann", "wrong", kDenied) == 1);
  }
  SUBCASE("a changed password counts at once, also when another process changed it") {
    const auto other_database = setup.backend.open();
    const auto other = setup.open(*other_database);
    ok(other->set_password("ann@example.test", "changed"));
    CHECK(setup.cost("ann", "secret", kDenied) == 1);
    CHECK(setup.cost("ann", "changed", kSuccess) == 1);
    ok(other->set_password("ann@example.test", "secret"));  // the same again, in a new hash
    CHECK(setup.cost("ann", "changed", kDenied) == 1);
    CHECK(setup.cost("ann", "secret", kSuccess) == 1);
  }
  SUBCASE("a removed user is nobody at once, also when another process removed it") {
    const auto other_database = setup.backend.open();
    ok(setup.open(*other_database)->remove("ann@example.test"));
    CHECK(setup.cost("ann", "secret", kDenied) == 1);
    ok(directory.add("ann@example.test", "other"));
    CHECK(setup.cost("ann", "secret", kDenied) == 1);
  }
  SUBCASE("many logins of one phone at once compute it about once") {
    const auto narrow = setup.open(*setup.database, 1);
    const std::int64_t before = setup.hashes;
    std::atomic<int> succeeded = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        if (narrow->authenticate("ann", "secret")) ++succeeded;
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(succeeded == 8);
    CHECK(setup.hashes - before == 1);
  }
}
