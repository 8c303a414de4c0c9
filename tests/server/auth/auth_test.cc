#include <doctest/doctest.h>

#include <atomic>
#include <string>

#include "server/auth/authenticator.h"
#include "server/auth/basic.h"
#include "server/auth/known_logins.h"
#include "server/auth/throttle.h"
#include "storage/base/text.h"

namespace {

std::string basic(std::string_view credentials) {
  return "Basic " + storage::base64_encode(credentials);
}

class TestClock final : public storage::Clock {
 public:
  storage::UnixMillis now_ms() const override { return now; }
  storage::UnixMillis now = 1'000'000;
};

// One user, and a count of how often a password was checked for real.
class OneUserDirectory final : public storage::Directory {
 public:
  storage::Result<storage::User> find(std::string_view login) override {
    if (is_ann(login)) return user();
    return storage::fail(storage::ErrorKind::not_found, "nobody");
  }
  storage::Result<storage::User> authenticate(std::string_view login,
                                              std::string_view password) override {
    ++checks;
    last_login = login;
    if (down) return storage::fail(storage::ErrorKind::unavailable, "database is away");
    if (is_ann(login) && password == current) return user();
    return storage::fail(storage::ErrorKind::denied, "no");
  }
  storage::Result<storage::User> add(std::string_view, std::string_view,
                                     std::string_view) override {
    return user();
  }
  storage::Result<void> set_password(std::string_view, std::string_view) override { return {}; }
  storage::Result<void> remove(std::string_view) override { return {}; }
  storage::Result<std::vector<storage::User>> list() override {
    return std::vector<storage::User>{user()};
  }
  storage::Result<void> add_many(const std::vector<std::string>&, std::string_view) override {
    return {};
  }
  storage::Result<void> set_eas_enabled(std::string_view, bool) override { return {}; }

  static storage::User user() { return {7, "ann@example.test", "Ann"}; }
  // As the real one: domains before the name, blanks and other addresses mean the same user.
  static bool is_ann(std::string_view login) {
    for (const std::string_view name : {"ann@example.test", "AAAA\\ann", "AAAB\\ann", " ann", "ann",
                                        "x.y\\ann@example.test", "alias@example.test"}) {
      if (storage::equals_ignore_case(login, name)) return true;
    }
    return false;
  }
  int checks = 0;
  bool down = false;
  std::string current = "right";  // password
  std::string last_login;
};

}  // namespace

TEST_CASE("basic: login and password are split at the first colon") {
  const auto plain = eas::parse_basic(basic("ann@example.test:pass:word"));
  REQUIRE(plain);
  CHECK(plain->login == "ann@example.test");
  CHECK(plain->password == "pass:word");
  const auto domain = eas::parse_basic(basic("EXAMPLE\\ann:"));
  REQUIRE(domain);
  CHECK(domain->login == "EXAMPLE\\ann");
  CHECK(domain->password.empty());
}

TEST_CASE("basic: the scheme is compared without case, blanks do not matter") {
  CHECK(eas::parse_basic("basic  " + storage::base64_encode("a:b") + " "));
  CHECK(eas::parse_basic("BASIC " + storage::base64_encode("a:b")));
}

TEST_CASE("basic: bytes that are not UTF-8 are handed on as they are") {
  const auto latin1 = eas::parse_basic(basic("j\xF6rg:\xFC"));
  REQUIRE(latin1);
  CHECK(latin1->login == "j\xF6rg");
  CHECK(latin1->password == "\xFC");
}

TEST_CASE("basic: anything else is no credentials") {
  CHECK_FALSE(eas::parse_basic(""));
  CHECK_FALSE(eas::parse_basic("Basic"));
  CHECK_FALSE(eas::parse_basic("Basic !!!"));
  CHECK_FALSE(eas::parse_basic("Bearer abc"));
  CHECK_FALSE(eas::parse_basic(basic("no-colon")));
  CHECK_FALSE(eas::parse_basic(basic(":password-only")));
  CHECK_FALSE(eas::parse_basic(basic(std::string("a\0b:c", 5))));
  CHECK_FALSE(eas::parse_basic(basic(std::string(2000, 'a') + ":b")));
}

TEST_CASE("throttle: different wrong passwords block the pair until the window is over") {
  eas::LoginThrottle throttle(3);
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(throttle.is_blocked("ann", "10.0.0.1", 1000));
    throttle.note_failure("ann", "10.0.0.1", "guess" + std::to_string(i), 1000);
  }
  CHECK(throttle.is_blocked("ann", "10.0.0.1", 1000));
  CHECK(throttle.is_blocked("ann", "10.0.0.1", 1000 + eas::LoginThrottle::kWindow - 1));
  CHECK_FALSE(throttle.is_blocked("ann", "10.0.0.2", 1000));
  CHECK_FALSE(throttle.is_blocked("bob", "10.0.0.1", 1000));
  CHECK_FALSE(throttle.is_blocked("ann", "10.0.0.1", 1000 + eas::LoginThrottle::kWindow));
}

TEST_CASE("throttle: a device that repeats one old password blocks nobody") {
  eas::LoginThrottle throttle(3);
  for (int i = 0; i < 100; ++i) throttle.note_failure("ann", "10.0.0.1", "old password", 1000);
  CHECK_FALSE(throttle.is_blocked("ann", "10.0.0.1", 1000));
}

TEST_CASE("throttle: a successful login forgets the failures") {
  eas::LoginThrottle throttle(2);
  throttle.note_failure("ann", "10.0.0.1", "a", 1000);
  throttle.note_success("ann", "10.0.0.1");
  throttle.note_failure("ann", "10.0.0.1", "b", 1000);
  CHECK_FALSE(throttle.is_blocked("ann", "10.0.0.1", 1000));
  CHECK(throttle.size() == 1);
}

TEST_CASE("throttle: memory is bounded, the oldest make room") {
  eas::LoginThrottle throttle(1, 1000, 100);
  for (int i = 0; i < 10'000; ++i) {
    throttle.note_failure("user" + std::to_string(i), "10.0.0.1", "x", 1000 + i);
  }
  CHECK(throttle.size() == 100);
  CHECK(throttle.is_blocked("user9999", "10.0.0.1", 11'000));
  CHECK_FALSE(throttle.is_blocked("user0", "10.0.0.1", 11'000));
}

TEST_CASE("throttle: an address's failures are all accounts', and success does not pay them") {
  eas::LoginThrottle throttle(10, 5);
  CHECK_FALSE(throttle.has_failures("10.0.0.1", 1000));
  for (int i = 0; i < 4; ++i) {
    throttle.note_failure("user" + std::to_string(i), "10.0.0.1", "same", 1000);
    throttle.note_success("user" + std::to_string(i), "10.0.0.1");
  }
  CHECK_FALSE(throttle.has_failures("10.0.0.1", 1000));
  CHECK_FALSE(throttle.is_address_blocked("10.0.0.1", 1000));
  throttle.note_failure("user5", "10.0.0.1", "same", 1000);
  CHECK(throttle.has_failures("10.0.0.1", 1000));
  CHECK(throttle.is_address_blocked("10.0.0.1", 1000));
  CHECK_FALSE(throttle.is_address_blocked("10.0.0.11", 1000));
  CHECK_FALSE(throttle.is_address_blocked("10.0.0.1", 1000 + eas::LoginThrottle::kWindow));
}

TEST_CASE("throttle: an account stays blocked when its address's own window is over") {
  eas::LoginThrottle throttle(1, 5);
  throttle.note_failure("bob", "10.0.0.1", "x", 1000);
  throttle.note_failure("ann", "10.0.0.1", "x", 2000);
  const storage::UnixMillis later = 1000 + eas::LoginThrottle::kWindow;
  CHECK(throttle.has_failures("10.0.0.1", later));
  CHECK(throttle.is_blocked("ann", "10.0.0.1", later));
}

TEST_CASE("throttle: the addresses of one IPv6 network are one client") {
  eas::LoginThrottle throttle(2, 2);
  throttle.note_failure("ann", "2001:db8:1:2::1", "a", 1000);
  throttle.note_failure("ann", "2001:db8:1:2:ffff::2", "b", 1000);
  CHECK(throttle.is_blocked("ann", "2001:db8:1:2::3", 1000));
  CHECK(throttle.is_address_blocked("2001:db8:1:2::3", 1000));
  CHECK_FALSE(throttle.is_blocked("ann", "2001:db8:1:3::1", 1000));
}

TEST_CASE("known logins: known for a day at least, forgotten when wrong, bounded") {
  constexpr storage::UnixMillis kDay = eas::KnownLogins::kLifetime;
  eas::KnownLogins known(10);
  CHECK_FALSE(known.knows("a", 0));
  known.note("a", 1);
  CHECK(known.knows("a", kDay));
  CHECK_FALSE(known.knows("b", 1));
  known.note("b", kDay + 1);
  CHECK(known.knows("a", kDay + 1));
  CHECK_FALSE(known.knows("a", 3 * kDay));
  known.forget("b");
  CHECK_FALSE(known.knows("b", kDay + 1));
  for (int i = 0; i < 100; ++i) known.note(std::to_string(i), kDay + 2);
  int count = 0;
  for (int i = 0; i < 100; ++i) count += known.knows(std::to_string(i), kDay + 2) ? 1 : 0;
  CHECK(count <= 10);
  CHECK(known.knows("99", kDay + 2));
}

TEST_CASE("authenticator: right, wrong and missing credentials") {
  OneUserDirectory directory;
  TestClock clock;
  eas::Authenticator authenticator(directory, clock, 10);
  const auto right = authenticator.check(basic("ann@example.test:right"), "10.0.0.1");
  REQUIRE(right);
  CHECK(right->id == 7);
  const auto wrong = authenticator.check(basic("ann@example.test:wrong"), "10.0.0.1");
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().kind == storage::ErrorKind::denied);
  const int checks = directory.checks;
  const auto missing = authenticator.check("", "10.0.0.1");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().kind == storage::ErrorKind::denied);
  CHECK(directory.checks == checks);  // no hash is spent on nothing
}

TEST_CASE(
    "authenticator: a blocked login is denied though the password is right, at the same cost") {
  OneUserDirectory directory;
  TestClock clock;
  eas::Authenticator authenticator(directory, clock, 3);
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(authenticator.check(basic("ann@example.test:g" + std::to_string(i)), "10.0.0.1"));
  }
  const int before = directory.checks;
  const auto blocked = authenticator.check(basic("ann@example.test:right"), "10.0.0.1");
  REQUIRE_FALSE(blocked);
  CHECK(blocked.error().kind == storage::ErrorKind::denied);
  CHECK(directory.checks == before + 1);              // one hash, as for any failure
  CHECK(directory.last_login != "ann@example.test");  // but never of the real account
  CHECK(authenticator.check(basic("ann@example.test:right"), "10.0.0.2"));
  clock.now += eas::LoginThrottle::kWindow;
  CHECK(authenticator.check(basic("ann@example.test:right"), "10.0.0.1"));
}

TEST_CASE("authenticator: a directory that is away is no wrong password") {
  OneUserDirectory directory;
  directory.down = true;
  TestClock clock;
  eas::Authenticator authenticator(directory, clock, 1);
  for (int i = 0; i < 5; ++i) {
    const auto away = authenticator.check(basic("ann@example.test:right"), "10.0.0.1");
    REQUIRE_FALSE(away);
    CHECK(away.error().kind == storage::ErrorKind::unavailable);
  }
  directory.down = false;
  CHECK(authenticator.check(basic("ann@example.test:right"), "10.0.0.1"));
}

TEST_CASE("authenticator: all spellings of a login share the guesses of one account") {
  OneUserDirectory directory;
  TestClock clock;
  eas::Authenticator authenticator(directory, clock, 3);
  for (const char* login : {"AAAA\\ann", "AAAB\\ann", "alias@example.test"}) {
    CHECK_FALSE(authenticator.check(basic(std::string(login) + ":" + login), "10.0.0.1"));
  }
  for (const char* login : {"AAAA\\ann", " ann", "ann", "x.y\\ann@example.test"}) {
    CAPTURE(login);
    const auto blocked = authenticator.check(basic(std::string(login) + ":right"), "10.0.0.1");
    REQUIRE_FALSE(blocked);
    CHECK(blocked.error().kind == storage::ErrorKind::denied);
    CHECK(directory.last_login == "*");
    CHECK(authenticator.check(basic(std::string(login) + ":right"), "10.0.0.2"));
  }
}

TEST_CASE(
    "authenticator: an address that guesses at all sorts of accounts is put off, at no cost") {
  OneUserDirectory directory;
  TestClock clock;
  eas::Authenticator authenticator(directory, clock, 3, 5);
  const std::string phone = basic("ann@example.test:right");
  REQUIRE(authenticator.check(phone, "10.0.0.1"));
  for (int i = 0; i < 5; ++i) {
    CHECK_FALSE(authenticator.check(basic("user" + std::to_string(i) + ":x"), "10.0.0.1"));
  }
  const int before = directory.checks;
  for (const char* login : {"user9:x", "ann:right"}) {
    const auto put_off = authenticator.check(basic(login), "10.0.0.1");
    REQUIRE_FALSE(put_off);
    CHECK(put_off.error().kind == storage::ErrorKind::unavailable);
  }
  CHECK(directory.checks == before);
  // The phone that was there before the guesses goes on, and other addresses do.
  CHECK(authenticator.check(phone, "10.0.0.1"));
  CHECK(authenticator.check(basic("ann:right"), "10.0.0.2"));
  clock.now += eas::LoginThrottle::kWindow;
  CHECK(authenticator.check(basic("bob@example.test:right"), "10.0.0.1").error().kind ==
        storage::ErrorKind::denied);
}

TEST_CASE("authenticator: being let in from a suspicious address tells no password") {
  OneUserDirectory directory;
  TestClock clock;
  eas::Authenticator authenticator(directory, clock, 3, 5);
  const std::string phone = basic("ann@example.test:right");
  REQUIRE(authenticator.check(phone, "10.0.0.1"));
  for (int i = 0; i < 5; ++i) {
    CHECK_FALSE(authenticator.check(basic("user" + std::to_string(i) + ":x"), "10.0.0.1"));
  }
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(authenticator.check(basic("ann@example.test:" + std::to_string(i)), "10.0.0.1"));
  }
  CHECK_FALSE(authenticator.check(phone, "10.0.0.1"));
  CHECK(directory.last_login == "*");
}

TEST_CASE("authenticator: a header is known once it was right, until it is wrong") {
  OneUserDirectory directory;
  TestClock clock;
  eas::Authenticator authenticator(directory, clock, 3);
  const std::string right = basic("ann@example.test:right");
  CHECK_FALSE(authenticator.knows(right));
  REQUIRE(authenticator.check(right, "10.0.0.1"));
  CHECK(authenticator.knows(right));
  CHECK_FALSE(authenticator.knows(basic("ann@example.test:wrong")));
  directory.current = "changed";
  CHECK_FALSE(authenticator.check(right, "10.0.0.1"));
  CHECK_FALSE(authenticator.knows(right));
}
