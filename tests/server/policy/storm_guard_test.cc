#include "server/policy/storm_guard.h"

#include <doctest/doctest.h>

using eas::policy::StormAnswer;
using eas::policy::StormGuard;
using eas::policy::StormOptions;
using eas::policy::StormVerdict;
using storage::UnixMillis;

namespace {

constexpr std::int64_t kPhone = 7;

// One equal request with an equal answer.
StormVerdict again(StormGuard& guard, UnixMillis now, std::uint64_t request = 1,
                   std::uint64_t answer = 2, bool at_once = true) {
  return guard.answered(kPhone, {"Sync", request, answer, at_once, StormAnswer::Kind::other}, now);
}

// A Ping that says at once that there is news.
StormVerdict ping(StormGuard& guard, UnixMillis now) {
  return guard.answered(kPhone, {"Ping", 77, 78, true, StormAnswer::Kind::announces}, now);
}

StormVerdict sync(StormGuard& guard, std::uint64_t request, StormAnswer::Kind kind,
                  UnixMillis now) {
  return guard.answered(kPhone, {"Sync", request, request + 1, true, kind}, now);
}

}  // namespace

TEST_CASE(
    "storm: equal requests with equal answers are slowed down, more and more (field.md pain 3)") {
  StormGuard guard(StormOptions{10});
  UnixMillis now = 1'000'000;
  for (int i = 0; i < 11; ++i) CHECK(again(guard, now += 5).delay == 0);
  StormVerdict first = again(guard, now += 5);
  CHECK(first.delay > 0);
  CHECK(first.news);
  CHECK(first.reason.find("Sync") != std::string::npos);
  UnixMillis last = first.delay;
  for (int i = 0; i < 5; ++i) {
    const StormVerdict next = again(guard, now += 5);
    CHECK(next.delay > last);
    CHECK_FALSE(next.news);
    last = next.delay;
  }
  CHECK_FALSE(guard.blocked(kPhone, now).has_value());
}

TEST_CASE("storm: a phone that goes on is refused for a while, and then gets a new chance") {
  StormGuard guard(StormOptions{10});
  UnixMillis now = 1'000'000;
  StormVerdict verdict;
  int sent = 0;
  while (verdict.blocked_until == 0 && sent < 1000) {
    verdict = again(guard, now += 5);
    ++sent;
  }
  CHECK(sent < 30);
  CHECK(verdict.news);
  CHECK(verdict.blocked_until == now + 600'000);
  CHECK(guard.blocked(kPhone, now) == verdict.blocked_until);
  CHECK(guard.blocked(kPhone, verdict.blocked_until - 1).has_value());
  CHECK_FALSE(guard.blocked(kPhone, verdict.blocked_until).has_value());
  CHECK_FALSE(guard.blocked(kPhone + 1, now).has_value());
  CHECK(again(guard, verdict.blocked_until + 1).delay == 0);
}

TEST_CASE("storm: a phone that waits for its delayed answers is never sent faster than it can") {
  StormGuard guard(StormOptions{10});
  UnixMillis now = 1'000'000;
  UnixMillis longest = 0;
  int refused = 0;
  const UnixMillis end = now + 3'600'000;
  int asked = 0;
  while (now < end) {
    const StormVerdict verdict = again(guard, now);
    ++asked;
    longest = std::max(longest, verdict.delay);
    refused += verdict.blocked_until != 0 ? 1 : 0;
    now += std::max<UnixMillis>(verdict.delay, 5);
    if (verdict.blocked_until != 0) now = verdict.blocked_until;
  }
  CHECK(longest <= 30'000);
  CHECK(asked < 400);  // an hour of a request every 5 ms would be 720,000
  CHECK(refused >= 1);
}

TEST_CASE("storm: harmless phones are never touched (field.md pain 3)") {
  StormGuard guard(StormOptions{30});
  UnixMillis now = 1'000'000;
  SUBCASE("one that asks every three seconds for ever") {
    for (int i = 0; i < 5000; ++i) REQUIRE(again(guard, now += 3'000).delay == 0);
  }
  SUBCASE("one whose requests differ, as Syncs with new keys do") {
    for (std::uint64_t i = 0; i < 5000; ++i) REQUIRE(again(guard, now += 1, i, 2).delay == 0);
  }
  SUBCASE("one that gets news each time") {
    for (std::uint64_t i = 0; i < 5000; ++i) REQUIRE(again(guard, now += 1, 1, i).delay == 0);
  }
  SUBCASE("one whose requests wait, as Pings do") {
    for (int i = 0; i < 5000; ++i) REQUIRE(again(guard, now += 2'000, 1, 2, false).delay == 0);
  }
  SUBCASE("a burst once an hour, as when a user pulls a list again and again") {
    for (int burst = 0; burst < 20; ++burst) {
      for (int i = 0; i < 25; ++i) REQUIRE(again(guard, now += 100).delay == 0);
      now += 3'600'000;
    }
  }
}

TEST_CASE(
    "storm: a mailbox into which mail flows is none: each Ping's news is fetched (field.md pain "
    "3)") {
  StormGuard guard(StormOptions{30});
  UnixMillis now = 1'000'000;
  for (std::uint64_t i = 0; i < 5000; ++i) {
    REQUIRE(ping(guard, now += 150).delay == 0);
    REQUIRE(sync(guard, 1000 + i, StormAnswer::Kind::delivers, now += 150).delay == 0);
  }
}

TEST_CASE(
    "storm: a Ping with news that Sync does not bring is one (field.md pain 3, quirks.md: "
    "Android)") {
  using Kind = StormAnswer::Kind;
  for (const Kind kind : {Kind::other, Kind::delivers}) {
    // Nothing comes, or the same answer to the same request over and over.
    StormGuard guard(StormOptions{10});
    UnixMillis now = 1'000'000;
    bool slowed = false;
    for (int i = 0; i < 20; ++i) {
      slowed = ping(guard, now += 150).delay > 0 || slowed;
      sync(guard, 1000, kind, now += 150);
    }
    CHECK(slowed);
  }
}

TEST_CASE("storm: a loop over two requests is found as well") {
  StormGuard guard(StormOptions{10});
  UnixMillis now = 1'000'000;
  bool slowed = false;
  for (int i = 0; i < 40; ++i) {
    slowed = again(guard, now += 5, 1, 2).delay > 0 || slowed;
    slowed = again(guard, now += 5, 3, 4).delay > 0 || slowed;
  }
  CHECK(slowed);
}

TEST_CASE("storm: what is counted is bounded, can be forgiven, and can be switched off") {
  StormOptions options{10};
  options.most_devices = 100;
  StormGuard guard(options);
  for (std::int64_t device = 0; device < 1000; ++device) {
    guard.answered(device, {"Ping", 1, 1, true, StormAnswer::Kind::other}, 1000);
  }
  CHECK(guard.size() == 100);
  for (int i = 0; i < 60; ++i) again(guard, 2000);
  CHECK(guard.blocked(kPhone, 2001).has_value());
  guard.forgive(kPhone);
  CHECK_FALSE(guard.blocked(kPhone, 2001).has_value());
  guard.forgive(0);
  CHECK(guard.size() == 0);
  StormGuard off(StormOptions{0});
  for (int i = 0; i < 1000; ++i) CHECK(again(off, 2000).delay == 0);
  CHECK(off.size() == 0);
}
