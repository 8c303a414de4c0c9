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

TEST_CASE("storm: a phone that repeats itself waits for its answers, and is shown (field.md 3)") {
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

TEST_CASE("storm: refusals that repeat themselves are a storm too (field.md 22)") {
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
