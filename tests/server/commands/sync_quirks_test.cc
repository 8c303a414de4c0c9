// What single phones do in Sync, and what they cannot stand.
#include <doctest/doctest.h>

#include "server/sync/server_id.h"
#include "tests/support/sync_calls.h"
#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"

namespace {

using storage::FolderRole;
using test::change_read;
using test::collection;
using test::commands;
using test::delete_item;
using test::ServiceFixture;
using test::simple_mail;
using test::sync;
using test::SyncAnswer;
using wbxml::Element;
namespace airsync = wbxml::airsync;
namespace mail = wbxml::email;

constexpr storage::UnixMillis kDay = 86'400'000;
const std::vector<std::string> kVersions = {"2.5", "12.0", "12.1", "14.0", "14.1", "16.0", "16.1"};

Element change(const std::string& id, Element data) {
  return Element(airsync::kChange, {Element(airsync::kServerId, id),
                                    Element(airsync::kApplicationData, {std::move(data)})});
}

// A phone that has an Inbox of these messages.
struct Inbox {
  explicit Inbox(ServiceFixture& server_of, int count = 1) : server(server_of) {
    folder = server.folder(FolderRole::inbox);
    id = eas::to_collection_id(folder);
    for (int i = 0; i < count; ++i) {
      messages.push_back(server.deliver(simple_mail("m" + std::to_string(i))));
    }
    key = server.prime(id);
  }
  std::string item(std::size_t at) const { return eas::to_item_id(folder, messages.at(at)); }
  storage::MessageFlags flags(std::size_t at) const {
    const auto info = server.mailbox()->message(folder, messages.at(at));
    REQUIRE(info);
    return info->flags;
  }
  SyncAnswer send(std::vector<Element> list, const std::string& version = "14.1") const {
    return sync(server, {collection(id, key, {commands(std::move(list))})}, {}, version);
  }

  ServiceFixture& server;
  storage::CollectionId folder = 0;
  std::vector<storage::ItemId> messages;
  std::string id, key;
};

}  // namespace

TEST_CASE(
    "Sync: commands with key 0 are not done, and the folder can be started (quirks.md: Sync)") {
  for (const std::string& version : kVersions) {
    CAPTURE(version);
    ServiceFixture server;
    const Inbox inbox(server);
    const Element list = commands({delete_item(inbox.item(0))});
    CHECK(sync(server, {collection(inbox.id, "0", {list})}, {}, version).status_of(inbox.id) ==
          "4");
    CHECK(server.count(FolderRole::inbox) == 1);
    CHECK(
        sync(server, {collection(inbox.id, inbox.key, {list})}, {}, version).status_of(inbox.id) ==
        "1");  // the key from before is not lost either
    CHECK(sync(server, {collection(inbox.id, "0")}, {}, version).status_of(inbox.id) == "1");
  }
}

TEST_CASE("Sync: an empty ServerId does not spoil the other commands (quirks.md: BlackBerry)") {
  for (const std::string& version : kVersions) {
    CAPTURE(version);
    ServiceFixture server;
    const Inbox inbox(server, 2);
    const SyncAnswer answer = inbox.send(
        {change_read("", true), delete_item(""),
         Element(airsync::kFetch, {Element(airsync::kServerId)}), change_read(inbox.item(0), true)},
        version);
    CHECK(answer.status_of(inbox.id) == "1");
    CHECK(inbox.flags(0).seen);
    CHECK_FALSE(inbox.flags(1).seen);
    CHECK(server.count(FolderRole::inbox) == 2);
    CHECK_FALSE(answer.collections.at(inbox.id).has(airsync::kResponses));
  }
}

TEST_CASE("Sync: MoreAvailable stands between Status and Commands (quirks.md: Windows Mobile)") {
  for (const std::string& version : kVersions) {
    CAPTURE(version);
    ServiceFixture server;
    const Inbox inbox(server);
    for (int i = 0; i < 3; ++i) server.deliver(simple_mail("n" + std::to_string(i)));
    const Element fetch(airsync::kFetch, {Element(airsync::kServerId, inbox.item(0))});
    const SyncAnswer answer = sync(
        server,
        {collection(inbox.id, inbox.key, {Element(airsync::kWindowSize, "1"), commands({fetch})})},
        {}, version);
    std::vector<wbxml::Tag> order;
    for (const Element& child : answer.collections.at(inbox.id).children) {
      if (child.tag != airsync::kClass) order.push_back(child.tag);
    }
    const std::vector<wbxml::Tag> expected = {airsync::kSyncKey,   airsync::kCollectionId,
                                              airsync::kStatus,    airsync::kMoreAvailable,
                                              airsync::kResponses, airsync::kCommands};
    CHECK((order == expected));
  }
}

TEST_CASE("Sync: there is no empty Responses and no empty Commands (quirks.md: Windows Phone)") {
  // covers: MS-ASCMD R3836
  for (const std::string& version : kVersions) {
    CAPTURE(version);
    ServiceFixture server;
    const Inbox inbox(server);
    const SyncAnswer answer = inbox.send({change_read(inbox.item(0), true)}, version);
    CHECK(answer.status_of(inbox.id) == "1");
    CHECK_FALSE(answer.collections.at(inbox.id).has(airsync::kResponses));
    CHECK_FALSE(answer.collections.at(inbox.id).has(airsync::kCommands));
  }
}

TEST_CASE("Sync: Collections is never empty: no news have no body at all (quirks.md: iOS)") {
  for (const std::string& version : kVersions) {
    CAPTURE(version);
    ServiceFixture server;
    const Inbox inbox(server);
    const std::string sent = eas::to_collection_id(server.folder(FolderRole::sent));
    const http::HttpReply reply = server.reply(test::sync_request(
        {collection(inbox.id, inbox.key), collection(sent, server.prime(sent))}, {}, version));
    if (version == "2.5" || version == "12.0") {
      CHECK(test::sync_answer(reply).collections.size() == 2);
    } else {
      CHECK(reply.body.empty());
    }
  }
}

TEST_CASE("Sync: an empty Supported is taken (quirks.md: LG)") {
  // covers: MS-ASCMD R4551 R4552
  for (const std::string& version : kVersions) {
    CAPTURE(version);
    ServiceFixture server;
    const Inbox inbox(server);
    const Element supported(airsync::kSupported);
    const SyncAnswer first = sync(server, {collection(inbox.id, "0", {supported})}, {}, version);
    CHECK(first.status_of(inbox.id) == "1");
    // Later it says nothing.
    const SyncAnswer next =
        sync(server, {collection(inbox.id, first.key_of(inbox.id), {supported})}, {}, version);
    CHECK(next.status_of(inbox.id) == "1");
    CHECK(next.told(inbox.id, airsync::kAdd).size() == 1);
  }
}

TEST_CASE("Sync: SMS is taken and not kept, and costs no mail (quirks.md: Galaxy S3)") {
  for (const char* version : {"14.0", "14.1", "16.1"}) {
    CAPTURE(version);
    ServiceFixture server;
    Inbox inbox(server);
    const Element add(
        airsync::kAdd,
        {Element(airsync::kClass, "SMS"), Element(airsync::kClientId, "sms1"),
         Element(airsync::kApplicationData, {Element(mail::kFrom, "\"+1\" [MOBILE:+1]")})});
    const SyncAnswer added = inbox.send({add}, version);
    CHECK(added.response(inbox.id, airsync::kAdd, "sms1") == "1");
    const std::string sms = test::text_at(added.collections.at(inbox.id),
                                          {airsync::kResponses, airsync::kAdd, airsync::kServerId});
    CHECK_FALSE(sms.empty());
    inbox.key = added.key_of(inbox.id);
    const Element removes(airsync::kDelete,
                          {Element(airsync::kClass, "SMS"), Element(airsync::kServerId, sms)});
    CHECK(inbox.send({removes}, version).status_of(inbox.id) == "1");
    CHECK(server.count(FolderRole::inbox) == 1);
  }
}

TEST_CASE("Sync: Options replace all earlier ones, none keep them (quirks.md: Exchange)") {
  // covers: MS-ASCMD R3598 R3599
  for (const std::string& version : kVersions) {
    CAPTURE(version);
    ServiceFixture server;
    const storage::CollectionId folder = server.folder(FolderRole::inbox);
    const std::string inbox = eas::to_collection_id(folder);
    const auto old =
        server.mailbox()->append(folder, simple_mail("old"), {}, server.clock.now_ms() - 60 * kDay);
    REQUIRE(old);
    const Element month(airsync::kOptions, {Element(airsync::kFilterType, "3")});
    const Element other(airsync::kOptions, {Element(airsync::kMIMESupport, "0")});
    std::string key = sync(server, {collection(inbox, "0")}, {}, version).key_of(inbox);
    const auto told = [&](std::vector<Element> more) {
      const SyncAnswer answer =
          sync(server, {collection(inbox, key, std::move(more))}, {}, version);
      if (answer.collections.count(inbox) == 1) key = answer.key_of(inbox);
      return answer.told(inbox, airsync::kAdd).size();
    };
    CHECK(told({month}) == 0);
    server.deliver(simple_mail("new"));
    CHECK(told({}) == 1);       // the old one stays out
    CHECK(told({other}) == 1);  // no FilterType: everything
  }
}

TEST_CASE("Sync: two commands for one message are both done (quirks.md: Exchange 16.x)") {
  for (const char* version : {"12.1", "14.1", "16.0", "16.1"}) {
    CAPTURE(version);
    ServiceFixture server;
    const Inbox inbox(server);
    const Element flag(mail::kFlag, {Element(mail::kStatus, "2"), Element(mail::kFlagType, "x")});
    const SyncAnswer answer =
        inbox.send({change_read(inbox.item(0), true), change(inbox.item(0), flag)}, version);
    CHECK(answer.status_of(inbox.id) == "1");
    CHECK_FALSE(answer.collections.at(inbox.id).has(airsync::kResponses));
    CHECK(inbox.flags(0).seen);
    CHECK(inbox.flags(0).flagged);
    // Nor is either told to the phone as news.
    const SyncAnswer next =
        sync(server, {collection(inbox.id, answer.key_of(inbox.id))}, {}, version);
    CHECK(next.told(inbox.id, airsync::kChange).empty());
  }
}

TEST_CASE("Sync: empty DeletesAsMoves and GetChanges of 2.5 are set (quirks.md: Android AOSP)") {
  ServiceFixture server;
  const Inbox inbox(server);
  server.deliver(simple_mail("news"));
  const SyncAnswer answer =
      sync(server,
           {Element(airsync::kCollection,
                    {Element(airsync::kClass, "Email"), Element(airsync::kSyncKey, inbox.key),
                     Element(airsync::kCollectionId, inbox.id), Element(airsync::kDeletesAsMoves),
                     Element(airsync::kGetChanges), commands({delete_item(inbox.item(0))})})},
           {}, "2.5");
  CHECK(answer.told(inbox.id, airsync::kAdd).size() == 1);
  CHECK(server.count(FolderRole::trash) == 1);
}

TEST_CASE(
    "Sync: several commands under one old key are all done (quirks.md: Microsoft's test client)") {
  for (const std::string& version : kVersions) {
    CAPTURE(version);
    ServiceFixture server;
    const Inbox inbox(server, 4);
    for (std::size_t at = 0; at < 3; ++at) {
      const SyncAnswer answer = inbox.send({delete_item(inbox.item(at))}, version);
      CHECK(answer.status_of(inbox.id) == "1");
      CHECK(answer.response(inbox.id, airsync::kDelete, inbox.item(at)).empty());
    }
    CHECK(server.count(FolderRole::inbox) == 1);
    CHECK(server.count(FolderRole::trash) == 3);
  }
}
