// Remote wipe, of the whole device and of the account alone.
#include <doctest/doctest.h>

#include "tests/support/provision_calls.h"

namespace {

using namespace test;
using storage::Access;
using storage::FolderRole;
using storage::Wipe;
using wbxml::Element;
namespace tag = wbxml::provision;

void ask_wipe(ServiceFixture& server, Wipe wipe) {
  REQUIRE(server.services.devices->store.set_wipe(server.device()->id, wipe, server.clock.now_ms())
              .has_value());
}

Call acknowledge_wipe(const std::string& version, wbxml::Tag order = tag::kRemoteWipe,
                      const char* status = "1") {
  return provision_call(version, {Element(order, {Element(tag::kStatus, status)})});
}

// "1", "1 RemoteWipe", "2 AccountOnlyRemoteWipe": Status and what else is in the answer.
std::string shape(const Element& root) {
  std::string text;
  for (const Element& child : root.children) {
    if (!text.empty()) text += " ";
    text += child.tag == tag::kStatus ? child.text : std::string(wbxml::find_tag(child.tag)->name);
    CHECK(child.children.empty());
  }
  return text;
}

}  // namespace

TEST_CASE("wipe: told with the next command, ordered by Provision, acknowledged, and shut out") {
  // covers: MS-ASPROV R321 R322 R493 R653 R654 R663 R664 R1041 R1047 R758 R399 R401 R402 R976 R977
  // covers: MS-ASPROV R978 R979 R32401 R1021 R1022 R1023 R1024 R40301 R760 R759
  // covers: MS-ASCMD R5279 R5280 R5281 R7561 R7562
  for (const std::string version : kEveryVersion) {
    CAPTURE(version);
    ServiceFixture server;
    const std::string key = take_policy(server, version);
    CHECK(outcome_of(server, folder_sync_call(version, key)) == "1");
    CHECK(shape(server.element(provision_call(version, {}))) == "1");  // none is asked for
    ask_wipe(server, Wipe::full);
    CHECK(outcome_of(server, folder_sync_call(version, key)) == refusal(version, 140, 449));
    CHECK(outcome_of(server, ping_call(version, "1")) == refusal(version, 140, 449));
    CHECK(shape(server.element(provision_call(version, {}))) == "1 RemoteWipe");
    CHECK(server.device()->control.wipe_sent != 0);
    CHECK(server.device()->control.wipe == Wipe::full);
    CHECK(shape(server.element(acknowledge_wipe(version))) == "1");
    CHECK(server.device()->control.wipe == Wipe::full_done);
    CHECK(server.device()->policy_key == 0);
    CHECK_FALSE(server.services.state->state(server.device()->id, 0).has_value());
    CHECK(outcome_of(server, folder_sync_call(version, key)) == refusal(version, 129, 403));
    CHECK(outcome_of(server, ask_policy(version)) == refusal(version, 129, 403));
    CHECK(server.count(FolderRole::inbox) == 1);
    REQUIRE(server.sender.sent.size() == 1);
    CHECK(server.sender.sent[0].bytes.find("A phone was erased") != std::string::npos);
  }
}

TEST_CASE("wipe: a phone up to 12.1 that never had a policy key is told 403") {
  // covers: MS-ASCMD R7561
  for (const std::string version : {"2.5", "12.0", "12.1"}) {
    CAPTURE(version);
    ServiceFixture server;
    CHECK(outcome_of(server, folder_sync_call(version)) == "1");
    ask_wipe(server, Wipe::full);
    CHECK(outcome_of(server, folder_sync_call(version)) == "http 403");
    CHECK(outcome_of(server, folder_sync_call(version, "0")) == "http 449");
  }
}

TEST_CASE("wipe: every Provision is answered with the order, whatever it asks for") {
  for (const std::string version : kEveryVersion) {
    CAPTURE(version);
    ServiceFixture server;
    impose(server, R"({"DevicePasswordEnabled":"1"})");
    const std::string temporary =
        policy_field(server.element(ask_policy(version)), tag::kPolicyKey);
    ask_wipe(server, Wipe::full);
    CHECK(shape(server.element(ask_policy(version))) == "1 RemoteWipe");
    CHECK(shape(server.element(acknowledge_policy(version, temporary))) == "1 RemoteWipe");
    CHECK(server.device()->policy_key == 0);
  }
}

TEST_CASE("wipe: one that failed is Status 2 and the order again") {
  // covers: MS-ASPROV R665 R701 R702 R1042 R1048 R403 R666
  for (const std::string version : kEveryVersion) {
    CAPTURE(version);
    ServiceFixture server;
    take_policy(server, version);
    ask_wipe(server, Wipe::full);
    CHECK(shape(server.element(provision_call(version, {}))) == "1 RemoteWipe");
    CHECK(shape(server.element(acknowledge_wipe(version, tag::kRemoteWipe, "2"))) ==
          "2 RemoteWipe");
    CHECK(server.device()->control.wipe == Wipe::full);
    CHECK(server.device()->control.wipe_failed);
    CHECK(shape(server.element(acknowledge_wipe(version))) == "1");
    CHECK(server.device()->control.wipe == Wipe::full_done);
    CHECK_FALSE(server.device()->control.wipe_failed);
  }
}

TEST_CASE("wipe: acknowledged in the forms of clients (quirks.md: iOS 5.0.1, Android)") {
  const Element done(tag::kRemoteWipe, {Element(tag::kStatus, "1")});
  for (const Call& call : {
           provision_call("12.1", {done}),
           provision_call("12.1", {Element(tag::kPolicies, {done})}),
           provision_call("12.1", {policies_element({Element(tag::kStatus, "1"), done})}),
           provision_call("12.1", {policies_element({Element(tag::kStatus, "1")}), done}),
           provision_call("12.1", {policies_element({Element(tag::kPolicyType, kWbxmlPolicy),
                                                     Element(tag::kPolicyKey, "0"),
                                                     Element(tag::kStatus, "1")}),
                                   done}),
       }) {
    ServiceFixture server;
    take_policy(server, "12.1");
    ask_wipe(server, Wipe::full);
    CHECK(shape(server.element(provision_call("12.1", {}))) == "1 RemoteWipe");
    CHECK(shape(server.element(call)) == "1");
    CHECK(server.device()->control.wipe == Wipe::full_done);
  }
}

TEST_CASE("wipe: an acknowledgement sent again is answered again; a stale one wipes nothing") {
  ServiceFixture server;
  take_policy(server, "14.1");
  ask_wipe(server, Wipe::full);
  // An order that this device was never given.
  CHECK(shape(server.element(acknowledge_wipe("14.1"))) == "1 RemoteWipe");
  CHECK(server.device()->control.wipe == Wipe::full);
  CHECK(shape(server.element(acknowledge_wipe("14.1"))) == "1");
  CHECK(shape(server.element(acknowledge_wipe("14.1"))) == "1");
  CHECK(server.count(FolderRole::inbox) == 1);
  CHECK(server.sender.sent.size() == 1);
}

TEST_CASE("wipe: cancelled, it is over; allowed after it was done, the device begins anew") {
  ServiceFixture server;
  const std::string key = take_policy(server, "14.1");
  ask_wipe(server, Wipe::full);
  CHECK(outcome_of(server, folder_sync_call("14.1", key)) == "140");
  ask_wipe(server, Wipe::none);
  CHECK(outcome_of(server, folder_sync_call("14.1", key)) == "1");
  CHECK(shape(server.element(provision_call("14.1", {}))) == "1");
  ask_wipe(server, Wipe::full);
  server.element(provision_call("14.1", {}));
  server.element(acknowledge_wipe("14.1"));
  CHECK(outcome_of(server, folder_sync_call("14.1")) == "129");
  ask_wipe(server, Wipe::none);
  CHECK(outcome_of(server, folder_sync_call("14.1")) == "1");
}

TEST_CASE("wipe: of the account alone in 16.1") {
  // covers: MS-ASPROV R6901 R6903 R6906 R66612 R66613 R66614 R66615 R66601 R66602 R66603 R66604
  // covers: MS-ASPROV R66605 R66609 R66610 R66611
  ServiceFixture server;
  const std::string key = take_policy(server, "16.1");
  CHECK(outcome_of(server, folder_sync_call("16.1", key)) == "1");
  CHECK(shape(server.element(provision_call("16.1", {}))) == "1");
  ask_wipe(server, Wipe::account);
  CHECK(outcome_of(server, folder_sync_call("16.1", key)) == "140");
  CHECK(shape(server.element(provision_call("16.1", {}))) == "1 AccountOnlyRemoteWipe");
  CHECK(shape(server.element(acknowledge_wipe("16.1", tag::kAccountOnlyRemoteWipe, "2"))) ==
        "2 AccountOnlyRemoteWipe");
  CHECK(server.device()->control.wipe == Wipe::account);
  CHECK(shape(server.element(acknowledge_wipe("16.1", tag::kAccountOnlyRemoteWipe))) == "1");
  CHECK(server.device()->control.wipe == Wipe::account_done);
  CHECK(outcome_of(server, folder_sync_call("16.1", key)) == "129");
  CHECK_FALSE(server.services.state->state(server.device()->id, 0).has_value());
  REQUIRE(server.sender.sent.size() == 1);
  CHECK(server.sender.sent[0].bytes.find("Your account was removed from a phone") !=
        std::string::npos);
  CHECK(server.count(FolderRole::inbox) == 1);
}

TEST_CASE("wipe: of the account, a 16.1 phone does not get round it with an older version") {
  // quirks.md "Seen on the wire": TbSync mixes versions.
  for (const std::string version : {"2.5", "12.1", "14.1", "16.0"}) {
    for (const storage::UnixMillis pause :
         {storage::UnixMillis{0}, storage::UnixMillis{7'200'000}}) {
      CAPTURE(version);
      CAPTURE(pause);
      ServiceFixture server;
      const std::string key = take_policy(server, "16.1");
      ask_wipe(server, Wipe::account);
      server.clock.advance(pause);
      for (int i = 0; i < 2; ++i) {
        CHECK(outcome_of(server, folder_sync_call(version, key)) == refusal(version, 129, 403));
        CHECK(outcome_of(server, provision_call(version, {})) == refusal(version, 129, 403));
        CHECK(server.device()->control.wipe == Wipe::account);
        CHECK(server.sender.sent.empty());
        server.clock.advance(pause);
      }
      CHECK(outcome_of(server, folder_sync_call("16.1", key)) == "140");
      CHECK(shape(server.element(provision_call("16.1", {}))) == "1 AccountOnlyRemoteWipe");
      CHECK(outcome_of(server, folder_sync_call(version, key)) == refusal(version, 129, 403));
      CHECK(shape(server.element(acknowledge_wipe("16.1", tag::kAccountOnlyRemoteWipe))) == "1");
      CHECK(server.device()->control.wipe == Wipe::account_done);
    }
  }
}

TEST_CASE("wipe: of the whole device is not done by a late answer to that of the account") {
  ServiceFixture server;
  take_policy(server, "16.1");
  ask_wipe(server, Wipe::account);
  CHECK(shape(server.element(provision_call("16.1", {}))) == "1 AccountOnlyRemoteWipe");
  ask_wipe(server, Wipe::full);
  CHECK(shape(server.element(provision_call("16.1", {}))) == "1 RemoteWipe");
  for (const char* status : {"1", "2"}) {
    CHECK(shape(server.element(acknowledge_wipe("16.1", tag::kAccountOnlyRemoteWipe, status))) ==
          "1 RemoteWipe");
    CHECK(server.device()->control.wipe == Wipe::full);
    CHECK_FALSE(server.device()->control.wipe_failed);
  }
  CHECK(server.sender.sent.empty());
  CHECK(shape(server.element(acknowledge_wipe("16.1"))) == "1");
  CHECK(server.device()->control.wipe == Wipe::full_done);
}

TEST_CASE("wipe: of the account, older versions are refused and their partnership is gone") {
  for (const std::string version : {"2.5", "12.0", "12.1", "14.0", "14.1", "16.0"}) {
    CAPTURE(version);
    ServiceFixture server;
    const std::string key = take_policy(server, version);
    CHECK(outcome_of(server, folder_sync_call(version, key)) == "1");
    ask_wipe(server, Wipe::account);
    CHECK(outcome_of(server, provision_call(version, {})) == refusal(version, 129, 403));
    CHECK(server.device()->control.wipe == Wipe::account_done);
    CHECK(outcome_of(server, folder_sync_call(version, key)) == refusal(version, 129, 403));
    CHECK_FALSE(server.services.state->state(server.device()->id, 0).has_value());
    // Nothing was erased, and nobody is told that it was.
    REQUIRE(server.sender.sent.size() == 1);
    const std::string& told = server.sender.sent[0].bytes;
    CHECK(told.find("A phone may not sync any more") != std::string::npos);
    CHECK(told.find("stays on it") != std::string::npos);
    CHECK(told.find("removed from") == std::string::npos);
  }
}

TEST_CASE("wipe: reaches a waiting Ping and a waiting Sync, in every version") {
  for (const std::string version : kEveryVersion) {
    CAPTURE(version);
    ServiceFixture server;
    const std::string key = take_policy(server, version);
    const std::string inbox = server.folder_id(2);
    server.prime(inbox);
    auto ping = server.park(ping_call(version, inbox));
    ask_wipe(server, Wipe::full);
    server.services.hub->publish(
        {server.user().id, server.device()->id, 0, storage::hub_event::kDevice});
    CHECK(server.waker().woken == 1);
    auto answered = ping.resume(http::WakeReason::woken);
    REQUIRE(std::holds_alternative<http::HttpReply>(answered));
    CHECK(outcome_of(std::get<http::HttpReply>(answered)) == refusal(version, 140, 449));
  }
  namespace sync = wbxml::airsync;
  for (const std::string version : {"12.1", "14.0", "14.1", "16.0", "16.1"}) {
    CAPTURE(version);
    ServiceFixture server;
    const std::string key = take_policy(server, version);
    const std::string inbox = server.folder_id(2);
    const std::string sync_key = server.prime(inbox);
    Call call;
    call.command = "Sync";
    call.version = version;
    call.body = Element(
        sync::kSync, {Element(sync::kCollections,
                              {Element(sync::kCollection, {Element(sync::kSyncKey, sync_key),
                                                           Element(sync::kCollectionId, inbox)})}),
                      Element(sync::kWait, "10")});
    auto parked = server.park(call);
    ask_wipe(server, Wipe::full);
    server.services.hub->publish({server.user().id, 0, 0, storage::hub_event::kDevice});
    auto answered = parked.resume(http::WakeReason::woken);
    REQUIRE(std::holds_alternative<http::HttpReply>(answered));
    CHECK(outcome_of(std::get<http::HttpReply>(answered)) == refusal(version, 140, 449));
  }
}

TEST_CASE("wipe: asked for while a request is between its look and its rest, it is not missed") {
  ServiceFixture server;
  const std::string inbox = server.folder_id(2);
  server.prime(inbox);
  // The request asks for its waker after the gate let it in and before it is registered.
  struct Meddler {
    ServiceFixture& server;
    bool done = false;
  } meddler{server};
  server.on_make_waker = [&] {
    if (meddler.done) return;
    meddler.done = true;
    ask_wipe(server, Wipe::full);
    server.services.hub->publish(
        {server.user().id, server.device()->id, 0, storage::hub_event::kDevice});
  };
  auto parked = server.park(ping_call("14.1", inbox));
  CHECK(server.waker().woken >= 1);
  auto answered = parked.resume(http::WakeReason::woken);
  REQUIRE(std::holds_alternative<http::HttpReply>(answered));
  CHECK(outcome_of(std::get<http::HttpReply>(answered)) == "140");
}
