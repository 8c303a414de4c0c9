// Phones that repeat themselves without end. (field.md, pain 3)
#include <doctest/doctest.h>

#include "tests/support/provision_calls.h"

namespace {

using namespace test;
using wbxml::Element;

struct StormFixture : ServiceFixture {
  StormFixture() {
    storms.repetitions = 10;
    restart();
  }
};

// Nothing is cached for it: status 3 at once, again and again.
Call bare_ping(const std::string& version = "14.1") {
  Call call;
  call.command = "Ping";
  call.version = version;
  call.body = Element(wbxml::ping::kPing);
  return call;
}

}  // namespace

TEST_CASE(
    "storm: a phone that repeats itself waits for its answers, and is shown (field.md pain 3)") {
  for (const std::string version : kEveryVersion) {
    CAPTURE(version);
    StormFixture server;
    for (int i = 0; i < 11; ++i) {
      server.clock.advance(5);
      CHECK(outcome_of(server, bare_ping(version)) == "3");
    }
    CHECK(server.device()->control.storm_until == 0);
    server.clock.advance(5);
    auto held = server.park(bare_ping(version));
    auto answered = held.resume(http::WakeReason::deadline);
    REQUIRE(std::holds_alternative<http::HttpReply>(answered));
    CHECK(outcome_of(std::get<http::HttpReply>(answered)) == "3");
    const auto control = server.device()->control;
    CHECK(control.storm_until > server.clock.now_ms());
    CHECK(control.storm_reason.find("Ping") != std::string::npos);
    CHECK(control.storm_reason.find("slowed down") != std::string::npos);
  }
}

TEST_CASE("storm: one that does not wait is refused with 503 and Retry-After, then let in again") {
  // covers: MS-ASHTTP R273 R287 R288
  StormFixture server;
  http::HttpReply refused;
  for (int i = 0; i < 100 && refused.status != 503; ++i) {
    server.clock.advance(5);
    http::Outcome outcome = server.handle(bare_ping());
    if (auto* reply = std::get_if<http::HttpReply>(&outcome)) refused = std::move(*reply);
  }
  REQUIRE(refused.status == 503);
  bool retry = false;
  for (const auto& [name, value] : refused.headers)
    retry |= name == "Retry-After" && value == "600";
  CHECK(retry);
  CHECK(server.device()->control.storm_reason.find("refused") != std::string::npos);
  REQUIRE(server.sender.sent.size() == 1);
  CHECK(server.sender.sent[0].bytes.find("repeats itself") != std::string::npos);
  CHECK(server.reply(folder_sync_call("14.1")).status == 503);  // whatever it asks for
  Call other = folder_sync_call("14.1");
  other.device = "dev2";
  CHECK(outcome_of(server, other) == "1");
  server.clock.advance(600'001);
  CHECK(outcome_of(server, folder_sync_call("14.1")) == "1");
}

TEST_CASE(
    "storm: mail that flows in without end is none: Ping, Sync, Ping, Sync (field.md pain 3)") {
  namespace tag = wbxml::airsync;
  for (const std::string version : {"2.5", "12.1", "14.1", "16.1"}) {
    CAPTURE(version);
    StormFixture server;
    const std::string inbox = server.folder_id(2);
    std::string key = server.prime(inbox);
    for (int i = 0; i < 60; ++i) {
      server.deliver(simple_mail("news " + std::to_string(i)));
      server.clock.advance(300);
      http::Outcome told = server.handle(ping_call(version, inbox));
      REQUIRE(std::holds_alternative<http::HttpReply>(told));
      REQUIRE(outcome_of(std::get<http::HttpReply>(told)) == "2");
      Call call;
      call.command = "Sync";
      call.version = version;
      Element collection(tag::kCollection);
      if (version == "2.5") collection.children.emplace_back(tag::kClass, "Email");
      collection.children.emplace_back(tag::kSyncKey, key);
      collection.children.emplace_back(tag::kCollectionId, inbox);
      if (version == "2.5") collection.children.emplace_back(tag::kGetChanges);
      call.body = Element(tag::kSync, {Element(tag::kCollections, {collection})});
      key = text_at(server.element(call), {tag::kCollections, tag::kCollection, tag::kSyncKey});
    }
    CHECK(server.device()->control.storm_until == 0);
  }
}

TEST_CASE("storm: a decision about the device ends the refusal, and lets a held answer go") {
  StormFixture server;
  const auto refuse = [&] {
    http::HttpReply refused;
    for (int i = 0; i < 100 && refused.status != 503; ++i) {
      server.clock.advance(5);
      http::Outcome outcome = server.handle(bare_ping());
      if (auto* reply = std::get_if<http::HttpReply>(&outcome)) refused = std::move(*reply);
    }
    REQUIRE(refused.status == 503);
  };
  refuse();
  CHECK(server.reply(folder_sync_call("14.1")).status == 503);
  const auto decided = [&](std::int64_t device) {
    server.services.hub->publish({server.user().id, device, 0, storage::hub_event::kDevice});
  };
  decided(server.device()->id + 1);  // another one's
  CHECK(server.reply(folder_sync_call("14.1")).status == 503);
  decided(server.device()->id);
  CHECK(outcome_of(server, folder_sync_call("14.1")) == "1");
  refuse();
  decided(0);  // a policy, perhaps
  CHECK(outcome_of(server, folder_sync_call("14.1")) == "1");

  for (int i = 0; i < 11; ++i) CHECK(outcome_of(server, bare_ping()) == "3");
  auto held = server.park(bare_ping());
  decided(server.device()->id);
  CHECK(server.waker().woken == 1);
  auto answered = held.resume(http::WakeReason::woken);
  REQUIRE(std::holds_alternative<http::HttpReply>(answered));
  CHECK(outcome_of(std::get<http::HttpReply>(answered)) == "3");
}

TEST_CASE("storm: a wipe reaches a phone that is refused for its storm, in every version") {
  for (const std::string version : kEveryVersion) {
    CAPTURE(version);
    StormFixture server;
    take_policy(server, version);
    bool refused = false;
    for (int i = 0; i < 100 && !refused; ++i) {
      server.clock.advance(5);
      http::Outcome outcome = server.handle(bare_ping(version));
      const auto* reply = std::get_if<http::HttpReply>(&outcome);
      refused = reply != nullptr && reply->status == 503;
    }
    REQUIRE(refused);
    // The order alone: on another node, where nobody was told of it yet, it counts as well.
    REQUIRE(server.services.devices->store
                .set_wipe(server.device()->id, storage::Wipe::full, server.clock.now_ms())
                .has_value());
    const Element order = server.element(provision_call(version, {}));
    CHECK(order.has(wbxml::provision::kRemoteWipe));
  }
}

TEST_CASE("storm: refusals that repeat themselves are a storm too (field.md pain 22)") {
  StormFixture server;
  impose(server, R"({"DevicePasswordEnabled":"1"})");
  bool held = false;
  for (int i = 0; i < 14; ++i) {
    server.clock.advance(5);
    http::Outcome outcome = server.handle(folder_sync_call("14.1"));
    held = held || std::holds_alternative<http::Parked>(outcome);
  }
  CHECK(held);
}

TEST_CASE("storm: a phone with requests that differ, or with pauses, is left alone") {
  StormFixture server;
  for (int i = 0; i < 100; ++i) {
    server.clock.advance(3'000);
    CHECK(outcome_of(server, bare_ping()) == "3");
  }
  const std::string inbox = server.folder_id(2);
  for (int i = 0; i < 60; ++i) {
    server.clock.advance(5);
    server.deliver(simple_mail("news " + std::to_string(i)));
    CHECK(server.handle(folder_sync_call("14.1")).index() == 0);
    server.prime(inbox);
  }
  CHECK(server.device()->control.storm_until == 0);
}
