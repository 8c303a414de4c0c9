// Who may sync: users that are switched off, blocked and quarantined devices, rules, too many
// devices.
#include <doctest/doctest.h>

#include "tests/support/provision_calls.h"

namespace {

using namespace test;
using storage::Access;
using storage::FolderRole;
using wbxml::Element;

storage::PolicyStore& store(ServiceFixture& server) { return server.services.devices->store; }

void decide(ServiceFixture& server, Access access) {
  REQUIRE(store(server).set_access(server.device()->id, access).has_value());
}

// The names of the folders that FolderSync shows.
std::vector<std::string> folder_types(ServiceFixture& server, const std::string& version) {
  namespace tag = wbxml::folder_hierarchy;
  const Element root = server.element(folder_sync_call(version));
  std::vector<std::string> types;
  const Element* changes = root.child(tag::kChanges);
  REQUIRE(changes != nullptr);
  for (const Element& add : changes->children) {
    if (const auto type = add.text_of(tag::kType)) types.emplace_back(*type);
  }
  return types;
}

// Syncs the Inbox from key 0 and returns the subjects.
std::vector<std::string> subjects(ServiceFixture& server, const std::string& version) {
  namespace tag = wbxml::airsync;
  const std::string inbox = server.folder_id(2);
  std::string key = "0";
  std::vector<std::string> result;
  for (int round = 0; round < 2; ++round) {
    Call call;
    call.command = "Sync";
    call.version = version;
    Element collection(tag::kCollection);
    if (version == "2.5" || version == "12.0")
      collection.children.emplace_back(tag::kClass, "Email");
    collection.children.emplace_back(tag::kSyncKey, key);
    collection.children.emplace_back(tag::kCollectionId, inbox);
    if (round > 0) collection.children.emplace_back(tag::kGetChanges);
    call.body = Element(tag::kSync, {Element(tag::kCollections, {collection})});
    const auto reply = server.reply(call);
    REQUIRE(reply.status == 200);
    if (reply.body.empty()) break;
    const auto root = wbxml::decode(reply.body);
    REQUIRE(root.has_value());
    const Element& answer = root->child(tag::kCollections)->children.front();
    key = std::string(answer.text_of(tag::kSyncKey).value_or(""));
    const Element* commands = answer.child(tag::kCommands);
    if (commands == nullptr) continue;
    for (const Element& add : commands->children) {
      result.push_back(text_at(add, {tag::kApplicationData, wbxml::email::kSubject}));
    }
  }
  return result;
}

int mails_with(ServiceFixture& server, const std::string& text) {
  int found = 0;
  for (const auto& mail : server.sender.sent) found += mail.bytes.find(text) != std::string::npos;
  return found;
}

}  // namespace

TEST_CASE("access: a user who is switched off is 126, or HTTP 403 up to 12.1") {
  // covers: MS-ASCMD R4868 R4869 R7555
  // covers: MS-ASHTTP R180
  for (const std::string version : kEveryVersion) {
    CAPTURE(version);
    ServiceFixture server;
    REQUIRE(server.services.directory->set_eas_enabled(ServiceFixture::kAnn, false).has_value());
    CHECK(outcome_of(server, folder_sync_call(version)) == refusal(version, 126, 403));
    CHECK(outcome_of(server, ask_policy(version)) == refusal(version, 126, 403));
    Call options;
    options.method = "OPTIONS";
    CHECK(server.reply(options).status == 403);
    REQUIRE(server.services.directory->set_eas_enabled(ServiceFixture::kAnn, true).has_value());
    CHECK(outcome_of(server, folder_sync_call(version)) == "1");
  }
}

TEST_CASE("access: a blocked device is 129, or HTTP 403 up to 12.1; user and admin hear it once") {
  // covers: MS-ASCMD R4874 R4875 R4876
  for (const std::string version : kEveryVersion) {
    CAPTURE(version);
    ServiceFixture server;
    CHECK(outcome_of(server, folder_sync_call(version)) == "1");
    decide(server, Access::block);
    for (int i = 0; i < 3; ++i) {
      CHECK(outcome_of(server, folder_sync_call(version)) == refusal(version, 129, 403));
      CHECK(outcome_of(server, ping_call(version, "1")) == refusal(version, 129, 403));
      CHECK(outcome_of(server, ask_policy(version)) == refusal(version, 129, 403));
    }
    CHECK(server.count(FolderRole::inbox) == 1);
    REQUIRE(server.sender.sent.size() == 1);
    CHECK(server.sender.sent[0].recipients == std::vector<std::string>{"admin@example.test"});
    CHECK(mails_with(server, "godwit device allow ann@example.test dev1") == 1);
    decide(server, Access::allow);
    CHECK(outcome_of(server, folder_sync_call(version)) == "1");
    decide(server, Access::block);  // another time, another message
    CHECK(outcome_of(server, folder_sync_call(version)) == refusal(version, 129, 403));
    CHECK(server.count(FolderRole::inbox) == 2);
  }
}

TEST_CASE("access: an administrator's mail that cannot be sent stops nothing") {
  ServiceFixture server;
  CHECK(outcome_of(server, folder_sync_call("14.1")) == "1");
  decide(server, Access::quarantine);
  server.sender.fail_with = storage::ErrorKind::unavailable;
  CHECK(outcome_of(server, folder_sync_call("14.1")) == "1");
  CHECK(server.count(FolderRole::inbox) == 1);
}

TEST_CASE("access: a phone in quarantine sees an Inbox with the one message that says so") {
  for (const std::string version : kEveryVersion) {
    CAPTURE(version);
    ServiceFixture server;
    server.deliver(simple_mail("secret"));
    REQUIRE(store(server).set_default_access(Access::quarantine).has_value());
    CHECK(folder_types(server, version) == std::vector<std::string>{"2"});
    const auto seen = subjects(server, version);
    REQUIRE(seen.size() == 1);
    CHECK(seen[0] == "Your phone is waiting for approval");
    server.deliver(simple_mail("another secret"));
    CHECK(subjects(server, version) == seen);
    CHECK(server.count(FolderRole::inbox) == 3);
    CHECK(mails_with(server, "is waiting for approval") == 1);

    decide(server, Access::allow);
    CHECK(folder_types(server, version).size() > 3);
    CHECK(subjects(server, version).size() == 3);
  }
}

TEST_CASE("access: a phone in quarantine may read and nothing else: 130, or HTTP 403") {
  // covers: MS-ASCMD R4877 R4878
  for (const std::string version : kEveryVersion) {
    CAPTURE(version);
    ServiceFixture server;
    const storage::ItemId secret = server.deliver(simple_mail("secret"));
    REQUIRE(store(server).set_default_access(Access::quarantine).has_value());
    const std::string inbox = server.folder_id(2);
    Call move;
    move.command = "MoveItems";
    move.version = version;
    namespace tag = wbxml::move;
    move.body = Element(
        tag::kMoveItems,
        {Element(tag::kMove, {Element(tag::kSrcMsgId, inbox + ":" + std::to_string(secret)),
                              Element(tag::kSrcFldId, inbox), Element(tag::kDstFldId, "3")})});
    CHECK(outcome_of(server, move) == refusal(version, 130, 403));
    Call send;
    send.command = "SendMail";
    send.version = version;
    if (has_status_codes(version)) {
      namespace compose = wbxml::compose_mail;
      send.body =
          Element(compose::kSendMail, {Element(compose::kClientId, "1"),
                                       Element(compose::kMime, "To: bob@example.test\r\n\r\nx")});
    } else {
      send.raw = "To: bob@example.test\r\n\r\nx";
      send.content_type = "message/rfc822";
    }
    CHECK(outcome_of(server, send) == refusal(version, 130, 403));
    if (version < "12.0" || version == "2.5") continue;
    namespace operations = wbxml::item_operations;
    Call fetch;
    fetch.command = "ItemOperations";
    fetch.version = version;
    fetch.body = Element(
        operations::kItemOperations,
        {Element(
            operations::kFetch,
            {Element(operations::kStore, "Mailbox"), Element(wbxml::airsync::kCollectionId, inbox),
             Element(wbxml::airsync::kServerId, inbox + ":" + std::to_string(secret))})});
    const auto reply = server.reply(fetch);
    CHECK(reply.body.find("secret") == std::string::npos);
    CHECK(reply.body.find("Hello.") == std::string::npos);
  }
}

TEST_CASE("access: quarantine begins and ends under a phone that has synced already") {
  ServiceFixture server;
  server.deliver(simple_mail("first"));
  const std::string inbox = server.folder_id(2);
  const std::string key = server.prime(inbox);
  decide(server, Access::quarantine);
  Call call;
  call.command = "Sync";
  namespace tag = wbxml::airsync;
  call.body = Element(tag::kSync,
                      {Element(tag::kCollections,
                               {Element(tag::kCollection, {Element(tag::kSyncKey, key),
                                                           Element(tag::kCollectionId, inbox)})})});
  const Element answer = server.element(call);  // begin again, says the server
  CHECK(text_at(answer, {tag::kCollections, tag::kCollection, tag::kStatus}) == "3");
  CHECK(subjects(server, "14.1") == std::vector<std::string>{"Your phone is waiting for approval"});
}

TEST_CASE("access: rules and the default decide; the device's own decision stands above them") {
  ServiceFixture server;
  REQUIRE(store(server).add_rule("agent", "TestPhone/*", Access::block, 0).has_value());
  CHECK(outcome_of(server, folder_sync_call("14.1")) == "129");
  decide(server, Access::allow);
  CHECK(outcome_of(server, folder_sync_call("14.1")) == "1");
  ServiceFixture other;
  REQUIRE(store(other).set_default_access(Access::block).has_value());
  REQUIRE(store(other).add_rule("version", "16.*", Access::allow, 0).has_value());
  CHECK(outcome_of(other, folder_sync_call("14.1")) == "129");
  CHECK(outcome_of(other, folder_sync_call("16.1")) == "1");
}

TEST_CASE("access: a rule about models waits for the phone to tell its model, without a message") {
  ServiceFixture server;
  server.deliver(simple_mail("secret"));
  REQUIRE(store(server).set_default_access(Access::block).has_value());
  REQUIRE(store(server).add_rule("model", "Pixel*", Access::allow, 0).has_value());
  CHECK(folder_types(server, "14.1") == std::vector<std::string>{"2"});
  CHECK(subjects(server, "14.1").empty());
  CHECK(server.count(FolderRole::inbox) == 1);
  take_policy(server, "14.1");  // tells its model
  CHECK(folder_types(server, "14.1").size() > 3);
  CHECK(subjects(server, "14.1") == std::vector<std::string>{"secret"});
  CHECK(server.sender.sent.empty());
}

TEST_CASE("access: one device too many is 177, or 403; user and admin hear it once a day") {
  // covers: MS-ASCMD R4977 R4980
  eas::Limits limits;
  limits.max_devices_per_user = 1;
  for (const std::string version : kEveryVersion) {
    CAPTURE(version);
    ServiceFixture server(limits);
    CHECK(outcome_of(server, folder_sync_call(version)) == "1");
    Call second = folder_sync_call(version);
    second.device = "dev2";
    for (int i = 0; i < 3; ++i) CHECK(outcome_of(server, second) == refusal(version, 177, 403));
    CHECK(server.count(FolderRole::inbox) == 1);
    REQUIRE(server.sender.sent.size() == 1);
    server.clock.advance(24LL * 3600 * 1000);
    for (int i = 0; i < 3; ++i) CHECK(outcome_of(server, second) == refusal(version, 177, 403));
    CHECK(server.count(FolderRole::inbox) == 2);
    REQUIRE(server.sender.sent.size() == 2);
    CHECK(server.sender.sent[0].identity != server.sender.sent[1].identity);
    CHECK(outcome_of(server, folder_sync_call(version)) == "1");
  }
}

TEST_CASE("access: a decision wakes a waiting Ping, in every version") {
  for (const std::string version : kEveryVersion) {
    CAPTURE(version);
    ServiceFixture server;
    const std::string inbox = server.folder_id(2);
    server.prime(inbox);
    auto parked = server.park(ping_call(version, inbox));
    decide(server, Access::block);
    server.services.hub->publish(
        {server.user().id, server.device()->id, 0, storage::hub_event::kDevice});
    CHECK(server.waker().woken == 1);
    auto answered = parked.resume(http::WakeReason::woken);
    REQUIRE(std::holds_alternative<http::HttpReply>(answered));
    CHECK(outcome_of(std::get<http::HttpReply>(answered)) == refusal(version, 129, 403));
  }
}

TEST_CASE("access: a waiting phone that comes into quarantine has to look anew") {
  ServiceFixture server;
  const std::string inbox = server.folder_id(2);
  server.prime(inbox);
  auto parked = server.park(ping_call("14.1", inbox));
  decide(server, Access::quarantine);
  server.services.hub->publish({0, 0, 0, storage::hub_event::kDevice});
  auto answered = parked.resume(http::WakeReason::woken);
  REQUIRE(std::holds_alternative<http::HttpReply>(answered));
  CHECK(outcome_of(std::get<http::HttpReply>(answered)) == "7");
  CHECK(folder_types(server, "14.1") == std::vector<std::string>{"2"});
}

TEST_CASE("access: a user switched off and a device forgotten wake what waits") {
  ServiceFixture server;
  const std::string inbox = server.folder_id(2);
  server.prime(inbox);
  auto parked = server.park(ping_call("14.1", inbox));
  REQUIRE(server.services.directory->set_eas_enabled(ServiceFixture::kAnn, false).has_value());
  server.services.hub->publish({server.user().id, 0, 0, storage::hub_event::kDevice});
  auto answered = parked.resume(http::WakeReason::woken);
  REQUIRE(std::holds_alternative<http::HttpReply>(answered));
  CHECK(outcome_of(std::get<http::HttpReply>(answered)) == "126");

  REQUIRE(server.services.directory->set_eas_enabled(ServiceFixture::kAnn, true).has_value());
  auto second = server.park(ping_call("14.1", inbox));
  REQUIRE(server.services.state->remove_device(server.device()->id).has_value());
  server.services.hub->publish({server.user().id, 0, 0, storage::hub_event::kDevice});
  auto forgotten = second.resume(http::WakeReason::woken);
  REQUIRE(std::holds_alternative<http::HttpReply>(forgotten));
  CHECK(outcome_of(std::get<http::HttpReply>(forgotten)) == "7");
}
