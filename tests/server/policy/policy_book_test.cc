#include "server/policy/policy_book.h"

#include <doctest/doctest.h>

#include "server/policy/known_clients.h"
#include "storage/directory/backends.h"
#include "storage/state/backends.h"
#include "tests/contracts/expect.h"
#include "tests/support/temp_dir.h"

using eas::policy::DeviceFacts;
using eas::policy::matches_pattern;
using eas::policy::PolicyBook;
using storage::Access;
using test::ok;

namespace {

class StillClock final : public storage::Clock {
 public:
  storage::UnixMillis now_ms() const override { return now; }
  storage::UnixMillis now = 1'000'000;
};

struct BookFixture {
  BookFixture() {
    database = ok(storage::Database::open("sqlite:" + dir.file("test.db")));
    state = ok(storage::open_state_store(*database));
    store = ok(storage::open_policy_store(*database));
    storage::DirectoryOptions options;
    options.default_domain = "example.test";
    options.hash_cost = 1;
    directory = ok(storage::open_directory(*database, options));
    addresses = ok(storage::open_address_list(*database));
    book.emplace(*store, addresses.get(), clock);
  }
  std::int64_t world() { return ok(store->world()).number; }
  std::string policy_of(std::int64_t user) { return ok(book->policy_of(user, world()))->name; }
  eas::policy::AccessDecision access_of(const DeviceFacts& facts) {
    return ok(book->access_of(facts, world()));
  }

  test::TempDir dir;
  StillClock clock;
  std::unique_ptr<storage::Database> database;
  std::unique_ptr<storage::StateStore> state;
  std::unique_ptr<storage::PolicyStore> store;
  std::unique_ptr<storage::Directory> directory;
  std::unique_ptr<storage::AddressList> addresses;
  std::optional<PolicyBook> book;
};

}  // namespace

TEST_CASE("rules: wildcards stand for any text or one byte, without case") {
  CHECK(matches_pattern("*", ""));
  CHECK(matches_pattern("iP*", "iPhone"));
  CHECK(matches_pattern("IPHONE", "iPhone"));
  CHECK(matches_pattern("*phone*", "My iPhone 12"));
  CHECK(matches_pattern("12.?", "12.1"));
  CHECK(matches_pattern("a*b*c", "aXbXbXc"));
  CHECK_FALSE(matches_pattern("a*b*c", "aXbXbX"));
  CHECK_FALSE(matches_pattern("iPhone", "iPhone2"));
  CHECK_FALSE(matches_pattern("", "x"));
  CHECK_FALSE(matches_pattern("?", ""));
}

TEST_CASE("policies: the user's own, then a group's, then the default") {
  BookFixture f;
  const auto ann = ok(f.directory->add("ann@example.test", "secret"));
  CHECK(f.policy_of(ann.id).empty());
  CHECK(ok(f.book->policy_of(ann.id, f.world()))->revision == 0);
  for (const char* name : {"base", "own", "zoo", "apes"}) {
    REQUIRE(f.store->set_policy(name, std::string(R"({"AllowCamera":"0"})")));
  }
  CHECK(f.policy_of(ann.id).empty());  // imposed on nobody until it is assigned
  REQUIRE(f.store->set_default_policy("base"));
  CHECK(f.policy_of(ann.id) == "base");
  const auto zoo = ok(f.addresses->add_group("zoo@example.test", "Zoo"));
  const auto apes = ok(f.addresses->add_group("apes@example.test", "Apes"));
  REQUIRE(f.addresses->add_member("zoo@example.test", "ann@example.test"));
  REQUIRE(f.store->assign_policy(true, zoo.id, "zoo"));
  REQUIRE(f.store->assign_policy(true, apes.id, "apes"));
  CHECK(f.policy_of(ann.id) == "zoo");
  REQUIRE(f.addresses->add_member("apes@example.test", "ann@example.test"));
  f.clock.now += 31'000;                 // memberships are trusted for half a minute
  CHECK(f.policy_of(ann.id) == "apes");  // of several the first by name
  REQUIRE(f.store->assign_policy(false, ann.id, "own"));
  CHECK(f.policy_of(ann.id) == "own");
  REQUIRE(f.store->unassign_policy(false, ann.id));
  REQUIRE(f.store->remove_policy("apes"));
  CHECK(f.policy_of(ann.id) == "zoo");
}

TEST_CASE("policies: what is in memory is used until the number says that it is old") {
  BookFixture f;
  REQUIRE(f.store->set_policy("base", R"({"AllowCamera":"0"})"));
  REQUIRE(f.store->set_default_policy("base"));
  const std::int64_t before = f.world();
  CHECK(ok(f.book->policy_of(1, before))->document.value("AllowCamera") == "0");
  REQUIRE(f.store->set_policy("base", R"({"AllowCamera":"1"})"));
  CHECK(ok(f.book->policy_of(1, before))->document.value("AllowCamera") == "0");
  CHECK(ok(f.book->policy_of(1, f.world()))->document.value("AllowCamera") == "1");
  CHECK(ok(f.book->policy_of(1, before))->document.value("AllowCamera") == "1");
}

TEST_CASE("policies: one that cannot be read says so") {
  BookFixture f;
  REQUIRE(f.store->set_policy("base", "garbage"));
  REQUIRE(f.store->set_default_policy("base"));
  const auto policy = ok(f.book->policy_of(1, f.world()));
  CHECK(policy->corrupt);
  CHECK(policy->revision > 0);
}

TEST_CASE("access: own decision, first rule that fits, default") {
  BookFixture f;
  DeviceFacts phone;
  phone.type = "iPhone";
  phone.user_agent = "Apple-iPhone14C2/2001.52";
  phone.version = "16.1";
  phone.info = R"({"Model":"iPhone14C2","OS":"iOS 26.1"})";
  CHECK(f.access_of(phone).access == Access::allow);
  REQUIRE(f.store->set_default_access(Access::block));
  CHECK(f.access_of(phone).access == Access::block);
  for (const auto& pair : {std::pair<std::string, std::string>("type", "iP*"),
                           {"agent", "Apple-*"},
                           {"version", "16.?"},
                           {"model", "iPhone14*"},
                           {"os", "ios 26*"}}) {
    const std::string field = pair.first;
    const std::string pattern = pair.second;
    CAPTURE(field);
    const auto rule = ok(f.store->add_rule(field, pattern, Access::quarantine, 0));
    const auto decision = f.access_of(phone);
    CHECK(decision.access == Access::quarantine);
    CHECK(decision.why.find(pattern) != std::string::npos);
    REQUIRE(f.store->remove_rule(rule));
  }
  const auto last = ok(f.store->add_rule("type", "*", Access::quarantine, 0));
  REQUIRE(f.store->add_rule("type", "iPhone", Access::allow, last));
  CHECK(f.access_of(phone).access == Access::allow);
  phone.own = Access::block;
  CHECK(f.access_of(phone).access == Access::block);
}

TEST_CASE("access: a new device has ten minutes to tell model and OS when a rule asks for them") {
  BookFixture f;
  REQUIRE(f.store->set_default_access(Access::block));
  REQUIRE(f.store->add_rule("model", "Pixel*", Access::allow, 0));
  DeviceFacts phone;
  phone.type = "Android";
  CHECK(f.access_of(phone).provisional);
  phone.known_for = 600'001;
  CHECK_FALSE(f.access_of(phone).provisional);
  CHECK(f.access_of(phone).access == Access::block);
  phone.known_for = 0;
  phone.info = R"({"Model":"Pixel 9"})";
  CHECK_FALSE(f.access_of(phone).provisional);
  CHECK(f.access_of(phone).access == Access::allow);
}

TEST_CASE("clients that cannot provision are known (quirks.md: Provisioning, WP7, Outlook)") {
  using eas::policy::never_provisions;
  CHECK(never_provisions("WindowsOutlook15", ""));
  CHECK(never_provisions("WindowsOutlook", "Outlook/16.0 (16.0.1; MSI; x64)"));
  CHECK(never_provisions("MicrosoftOutlook", ""));
  CHECK(never_provisions("Unknown", "Microsoft.Outlook.15"));
  CHECK(never_provisions("WP", "MSFT-WP/7.10.8773"));
  CHECK(never_provisions("TestActiveSyncConnectivity", ""));
  CHECK_FALSE(never_provisions("WP8", "MSFT-WP/8.10.14219"));
  CHECK_FALSE(never_provisions("iPhone", "Apple-iPhone14C2/2001.52"));
  CHECK_FALSE(never_provisions("Outlook", "Outlook-iOS-Android/1.0"));
  CHECK_FALSE(never_provisions("", ""));
}
