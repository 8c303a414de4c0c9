// What a phone in quarantine must not touch: it sees one message, and the user's other phones go on
// as if it was not there.
#include <doctest/doctest.h>

#include "server/sync/server_id.h"
#include "tests/support/provision_calls.h"

namespace {

using namespace test;
using storage::Access;
using storage::FolderRole;
using wbxml::Element;
namespace airsync = wbxml::airsync;
namespace settings = wbxml::settings;

storage::PolicyStore& store(ServiceFixture& server) { return server.services.devices->store; }

std::string mail_of_thread(const std::string& id) {
  return "From: Carl <carl@elsewhere.test>\r\nTo: ann@example.test\r\nSubject: about it\r\n"
         "Message-ID: <" +
         id + "@e>\r\n" + (id == "root" ? "" : "References: <root@e>\r\n") + "\r\nText.\r\n";
}

storage::ItemId put(ServiceFixture& server, const std::string& bytes) {
  const auto stored =
      server.mailbox()->append(server.folder(FolderRole::inbox), bytes, {}, server.clock.now_ms());
  REQUIRE(stored.has_value());
  return stored->id;
}

// What is in the Inbox now and what comes later of its conversation always goes to Deleted Items.
void always_to_trash(ServiceFixture& server, storage::ItemId item) {
  const auto inbox = server.folder(FolderRole::inbox);
  const auto mailbox = server.mailbox();
  REQUIRE(server.services.threads->update_all(server.user().id, *mailbox).has_value());
  const auto key = server.services.threads->key(server.user().id, inbox, item);
  REQUIRE(key.has_value());
  REQUIRE(server.services.conversations
              ->always_move(server.user(), *mailbox, *key, server.folder(FolderRole::trash))
              .has_value());
}

Call sync_call(const std::string& folder, const std::string& key, const std::string& device) {
  Call call;
  call.command = "Sync";
  call.device = device;
  call.body = Element(
      airsync::kSync,
      {Element(airsync::kCollections,
               {Element(airsync::kCollection,
                        {Element(airsync::kSyncKey, key), Element(airsync::kCollectionId, folder),
                         Element(airsync::kConversationMode, "1")})})});
  return call;
}

std::string sync_key(const Element& root) {
  return text_at(root, {airsync::kCollections, airsync::kCollection, airsync::kSyncKey});
}

Element estimate_body(const std::string& folder, const std::string& key) {
  namespace estimate = wbxml::get_item_estimate;
  return Element(
      estimate::kGetItemEstimate,
      {Element(estimate::kCollections,
               {Element(estimate::kCollection,
                        {Element(airsync::kSyncKey, key), Element(estimate::kCollectionId, folder),
                         Element(airsync::kConversationMode, "1")})})});
}

Call settings_call(const std::string& version, std::vector<Element> properties) {
  Call call;
  call.command = "Settings";
  call.version = version;
  call.body = Element(settings::kSettings, std::move(properties));
  return call;
}

}  // namespace

TEST_CASE(
    "quarantine: a phone in it ends no rule about conversations, and hides no mail from them") {
  ServiceFixture server;
  server.folder_id(2);
  always_to_trash(server, put(server, mail_of_thread("root")));
  CHECK(server.count(FolderRole::trash) == 1);

  server.clock.advance(60'000);
  put(server, mail_of_thread("later"));
  const std::string inbox = server.folder_id(2, "dev2");
  REQUIRE(store(server).set_access(server.device("dev2")->id, Access::quarantine).has_value());
  CHECK(server.folder_id(2, "dev2") == inbox);
  const std::string first = sync_key(server.element(sync_call(inbox, "0", "dev2")));
  const std::string key = sync_key(server.element(sync_call(inbox, first, "dev2")));
  Call estimate;
  estimate.command = "GetItemEstimate";
  estimate.device = "dev2";
  estimate.body = estimate_body(inbox, key);
  server.element(estimate);
  Call ping = ping_call("14.1", inbox);
  ping.device = "dev2";
  server.park(ping);
  CHECK(server.services.conversations->has_rules(server.user().id));
  CHECK(server.count(FolderRole::trash) == 1);

  server.prime(inbox);  // the user's other phone
  CHECK(server.count(FolderRole::trash) == 2);
  server.restart();
  CHECK(server.services.conversations->has_rules(server.user().id));
}

TEST_CASE("quarantine: Settings takes what the phone says of itself, and refuses the rest") {
  // covers: MS-ASCMD R5383
  for (const std::string version : {"12.0", "12.1", "14.0", "14.1", "16.0", "16.1"}) {
    CAPTURE(version);
    ServiceFixture server;
    REQUIRE(store(server).set_default_access(Access::quarantine).has_value());
    const Element off(settings::kOof,
                      {Element(settings::kSet, {Element(settings::kOofState, "1"),
                                                Element(settings::kOofMessage,
                                                        {Element(settings::kAppliesToInternal),
                                                         Element(settings::kEnabled, "1"),
                                                         Element(settings::kReplyMessage, "gone"),
                                                         Element(settings::kBodyType, "Text")})})});
    const Element answer = server.element(settings_call(
        version, {off, Element(settings::kUserInformation, {Element(settings::kGet)}),
                  Element(settings::kDevicePassword,
                          {Element(settings::kSet, {Element(settings::kPassword, "")})}),
                  Element(settings::kDeviceInformation,
                          {Element(settings::kSet, {Element(settings::kModel, "Pixel 9")})})}));
    CHECK(text_at(answer, {settings::kStatus}) == "1");
    CHECK(text_at(answer, {settings::kOof, settings::kStatus}) == "3");
    CHECK(text_at(answer, {settings::kUserInformation, settings::kStatus}) == "3");
    CHECK_FALSE(answer.child(settings::kUserInformation)->has(settings::kGet));
    CHECK(text_at(answer, {settings::kDevicePassword, settings::kStatus}) == "3");
    CHECK(text_at(answer, {settings::kDeviceInformation, settings::kStatus}) == "1");
    CHECK(server.device()->info.find("Pixel 9") != std::string::npos);

    REQUIRE(store(server).set_access(server.device()->id, Access::allow).has_value());
    const Element oof = server.element(settings_call(
        version, {Element(settings::kOof,
                          {Element(settings::kGet, {Element(settings::kBodyType, "Text")})})}));
    CHECK(text_at(oof, {settings::kOof, settings::kGet, settings::kOofState}) == "0");
  }
}
