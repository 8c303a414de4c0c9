// The statuses of Sync: of the request, of a collection, of an item. [MS-ASCMD] 2.2.3.177.17
#include <doctest/doctest.h>

#include "server/sync/server_id.h"
#include "tests/support/sync_calls.h"
#include "wbxml/code_pages.h"

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

Element options(std::vector<Element> list) { return Element(airsync::kOptions, std::move(list)); }

Element change(const std::string& id, std::vector<Element> data) {
  return Element(airsync::kChange, {Element(airsync::kServerId, id),
                                    Element(airsync::kApplicationData, std::move(data))});
}

Element fetch(const std::string& id) {
  return Element(airsync::kFetch, {Element(airsync::kServerId, id)});
}

// A phone that has an Inbox of one message.
struct Inbox {
  explicit Inbox(ServiceFixture& server_of) : server(server_of) {
    folder = server.folder(FolderRole::inbox);
    id = eas::to_collection_id(folder);
    message = server.deliver(simple_mail("one"));
    item = eas::to_item_id(folder, message);
    key = server.prime(id);
  }
  storage::MessageFlags flags() const {
    const auto info = server.mailbox()->message(folder, message);
    REQUIRE(info);
    return info->flags;
  }
  bool is_there() const { return server.mailbox()->message(folder, message).has_value(); }

  ServiceFixture& server;
  storage::CollectionId folder = 0;
  storage::ItemId message = 0;
  std::string id, item, key;
};

}  // namespace

TEST_CASE("Sync: a wait out of range is status 14 with the nearest bound") {
  // covers: MS-ASCMD R3225 R3227 R3228 R3229 R3230 R3160 R4746 R4459 R5780 R4460 R5781 R4461 R5782
  const struct {
    wbxml::Tag tag;
    const char* value;
    const char* limit;  // "": taken
  } rows[] = {{airsync::kWait, "0", "1"},
              {airsync::kWait, "-1", "1"},
              {airsync::kWait, "1", ""},
              {airsync::kWait, "59", ""},
              {airsync::kWait, "60", "59"},
              {airsync::kWait, "1000000", "59"},
              {airsync::kHeartbeatInterval, "0", "60"},
              {airsync::kHeartbeatInterval, "59", "60"},
              {airsync::kHeartbeatInterval, "60", ""},
              {airsync::kHeartbeatInterval, "3540", ""},
              {airsync::kHeartbeatInterval, "3541", "3540"}};
  ServiceFixture server;
  const Inbox inbox(server);
  for (const char* version : {"12.1", "14.0", "14.1", "16.0", "16.1"}) {
    for (const auto& row : rows) {
      CAPTURE(version);
      CAPTURE(row.value);
      if (version == std::string("12.1") && (row.tag == airsync::kHeartbeatInterval)) continue;
      const test::Call call = test::sync_request({collection(inbox.id, inbox.key)},
                                                 {Element(row.tag, row.value)}, version);
      if (*row.limit == '\0') {
        server.park(call);
        continue;
      }
      const SyncAnswer answer = test::sync_answer(server.reply(call));
      CHECK(answer.status == "14");
      CHECK(answer.limit == row.limit);
    }
  }
}

TEST_CASE("Sync: both Wait and HeartbeatInterval, or no number in them, is status 4") {
  // covers: MS-ASCMD R3162 R4748
  ServiceFixture server;
  const Inbox inbox(server);
  const Element wait(airsync::kWait, "5");
  const Element heartbeat(airsync::kHeartbeatInterval, "300");
  for (const char* version : {"14.0", "14.1", "16.0", "16.1"}) {
    const auto one = collection(inbox.id, inbox.key);
    CHECK(sync(server, {one}, {wait, heartbeat}, version).status == "4");
    CHECK(sync(server, {one}, {Element(airsync::kWait, "soon")}, version).status == "4");
    CHECK(sync(server, {one}, {Element(airsync::kHeartbeatInterval)}, version).status == "4");
  }
}

TEST_CASE("Sync: more than 300 collections are status 15 with the limit, before any work") {
  // covers: MS-ASCMD R3231 R4464
  ServiceFixture server;
  const Inbox inbox(server);
  std::vector<Element> list = {
      collection(inbox.id, inbox.key, {commands({delete_item(inbox.item)})})};
  while (list.size() < 301)
    list.push_back(collection("m" + std::to_string(9000 + list.size()), "0"));
  for (const char* version : {"2.5", "12.0", "12.1", "14.0", "14.1", "16.0", "16.1"}) {
    CAPTURE(version);
    const SyncAnswer answer = sync(server, list, {}, version);
    CHECK(answer.status == "15");
    const bool has_limit = version != std::string("2.5") && version != std::string("12.0");
    CHECK(answer.limit == (has_limit ? "300" : ""));
    CHECK(inbox.is_there());
  }
  list.pop_back();
  CHECK(sync(server, list).collections.size() == 300);
  CHECK_FALSE(inbox.is_there());
}

TEST_CASE("Sync: what the request as a whole may not be is status 4, and nothing is done") {
  // covers: MS-ASCMD R4415 R5778 R5779 R5659 R5862
  ServiceFixture server;
  const Inbox inbox(server);
  const Element removes = commands({delete_item(inbox.item)});
  std::vector<Element> many(201, delete_item(inbox.item));
  const std::vector<std::vector<Element>> bad = {
      {collection(inbox.id, inbox.key, {removes}), collection(inbox.id, inbox.key)},
      {collection(inbox.id, inbox.key, {removes}), Element(airsync::kSyncKey, "0")},
      {collection(inbox.id, inbox.key, {removes}), collection("c1", std::string(65, '1'))},
      {collection(inbox.id, inbox.key, {removes}), collection(std::string(65, 'm'), "0")},
      {collection(inbox.id, inbox.key, {commands(many)})},
  };
  for (const auto& list : bad) {
    CAPTURE(&list - bad.data());
    CHECK(sync(server, list).status == "4");
    CHECK(inbox.is_there());
  }
  CHECK(sync(server, {collection(inbox.id, inbox.key, {removes})},
             {Element(airsync::kWindowSize, "many")})
            .status == "4");
  CHECK(inbox.is_there());
  many.pop_back();
  CHECK(sync(server, {collection(inbox.id, inbox.key, {commands(many)})}).status_of(inbox.id) ==
        "1");
}

TEST_CASE("Sync: a collection that is badly made is status 4, and the others go on") {
  // covers: MS-ASCMD R4417 R4430 R4431 R4545 R4546 R2117
  // covers: MS-ASAIRS R348 R350 R351
  namespace base = wbxml::airsync_base;
  ServiceFixture server;
  const Inbox inbox(server);
  const std::string sent = eas::to_collection_id(server.folder(FolderRole::sent));
  const std::string calendar_key = server.prime("c1");
  const auto with = [&](Element more) {
    return collection(inbox.id, inbox.key, {std::move(more)});
  };
  const auto preference = [](std::vector<Element> list) {
    return options({Element(base::kBodyPreference, std::move(list))});
  };
  const Element type(base::kType, "1");
  const Element size(base::kTruncationSize, "100");
  const std::pair<const char*, Element> bad[] = {
      {"no CollectionId", Element(airsync::kCollection, {Element(airsync::kSyncKey, "0")})},
      {"no SyncKey", Element(airsync::kCollection, {Element(airsync::kCollectionId, inbox.id)})},
      {"Supported first",
       Element(airsync::kCollection, {Element(airsync::kSyncKey, "0"), Element(airsync::kSupported),
                                      Element(airsync::kCollectionId, inbox.id)})},
      {"WindowSize", with(Element(airsync::kWindowSize, "-1"))},
      {"DeletesAsMoves", with(Element(airsync::kDeletesAsMoves, "2"))},
      {"GetChanges", with(Element(airsync::kGetChanges, "yes"))},
      {"FilterType 9", with(options({Element(airsync::kFilterType, "9")}))},
      {"Conflict 2", with(options({Element(airsync::kConflict, "2")}))},
      {"BodyPreference without Type", with(preference({size}))},
      {"BodyPreference out of order", with(preference({size, type}))},
      {"AllOrNone twice", with(preference({type, size, Element(base::kAllOrNone, "1"),
                                           Element(base::kAllOrNone, "1")}))},
      {"AllOrNone no boolean", with(preference({type, size, Element(base::kAllOrNone, "2")}))},
      {"Replace",
       with(commands({Element(airsync::kSoftDelete, {Element(airsync::kServerId, inbox.item)})}))},
      {"Change without ServerId",
       with(commands({Element(airsync::kChange, {Element(airsync::kApplicationData)})}))},
      {"ConversationMode of a calendar",
       collection("c1", calendar_key, {Element(airsync::kConversationMode, "1")})},
  };
  for (const auto& [name, element] : bad) {
    const std::string shown(name);  // clang 14 captures no structured binding
    CAPTURE(shown);
    const SyncAnswer answer = sync(server, {element, collection(sent, "0")});
    const std::string id = test::text_at(element, {airsync::kCollectionId});
    CHECK(answer.status_of(id) == "4");
    CHECK(answer.status_of(sent) == "1");
  }
  CHECK(sync(server, {collection(inbox.id, inbox.key)}).empty);  // its key is as good as before
}

TEST_CASE("Sync: with key 0 there is nothing to get yet: GetChanges is status 4 from 12.1 on") {
  // covers: MS-ASCMD R648 R3128 R5838 R3129 R5839 R5555
  ServiceFixture server;
  const Inbox inbox(server);
  const auto status = [&](std::vector<Element> more, const char* version) {
    return sync(server, {collection(inbox.id, "0", std::move(more))}, {}, version)
        .status_of(inbox.id);
  };
  for (const char* version : {"12.1", "14.0", "14.1", "16.0", "16.1"}) {
    CAPTURE(version);
    CHECK(status({Element(airsync::kGetChanges, "1")}, version) == "4");
    CHECK(status({Element(airsync::kGetChanges)}, version) == "4");
    CHECK(status({Element(airsync::kGetChanges, "0")}, version) == "1");
    const SyncAnswer first = sync(server, {collection(inbox.id, "0")}, {}, version);
    CHECK(first.status_of(inbox.id) == "1");
    CHECK(first.told(inbox.id, airsync::kAdd).empty());
  }
  for (const char* version : {"2.5", "12.0"}) {
    CHECK(status({Element(airsync::kGetChanges, "1")}, version) == "1");
    CHECK(status({Element(airsync::kGetChanges)}, version) == "1");
  }
}

TEST_CASE("Sync: commands with a key that is not known are not done, and the good key goes on") {
  // covers: MS-ASCMD R4425
  for (const char* version : {"2.5", "12.0", "12.1", "14.0", "14.1", "16.0", "16.1"}) {
    CAPTURE(version);
    ServiceFixture server;
    const Inbox inbox(server);
    for (const char* key : {"4711", "1-99", "99-1", "key"}) {
      CAPTURE(key);
      const SyncAnswer answer = sync(
          server, {collection(inbox.id, key, {commands({delete_item(inbox.item)})})}, {}, version);
      CHECK(answer.status_of(inbox.id) == "3");
      CHECK(inbox.is_there());
    }
    const SyncAnswer good =
        sync(server, {collection(inbox.id, inbox.key, {commands({delete_item(inbox.item)})})}, {},
             version);
    CHECK(good.status_of(inbox.id) == "1");
    CHECK_FALSE(inbox.is_there());
  }
}

TEST_CASE("Sync: a state that cannot be read is status 3, and the folder starts again") {
  // covers: MS-ASCMD R4426
  ServiceFixture server;
  const Inbox inbox(server);
  const std::int64_t device = server.device()->id;
  const auto stored = server.services.state->state(device, inbox.folder);
  REQUIRE(stored);
  storage::StoredState broken = *stored;
  broken.current = "\xFF nonsense";
  REQUIRE(server.services.state->commit_state(device, inbox.folder, *stored, broken));
  CHECK(sync(server, {collection(inbox.id, inbox.key)}).status_of(inbox.id) == "3");
  const SyncAnswer first = sync(server, {collection(inbox.id, "0")});
  CHECK(first.status_of(inbox.id) == "1");
  CHECK(
      sync(server, {collection(inbox.id, first.key_of(inbox.id))}).told(inbox.id, airsync::kAdd) ==
      std::vector<std::string>{inbox.item});
}

TEST_CASE("Sync: commands for a folder that is not there are status 8, and the others are done") {
  ServiceFixture server;
  const Inbox inbox(server);
  for (const char* folder : {"m9999", "9999", "x", "p7"}) {
    CAPTURE(folder);
    const SyncAnswer answer =
        sync(server, {collection(folder, inbox.key, {commands({delete_item(inbox.item)})}),
                      collection("c1", "0")});
    CHECK(answer.status_of(folder) == "8");
    CHECK(answer.status_of("c1") == "1");
    CHECK(inbox.is_there());
  }
}

TEST_CASE("Sync: Change and Fetch of a message that is gone are status 8 of the item") {
  // covers: MS-ASCMD R4419 R4447 R5846
  for (const char* version : {"2.5", "12.1", "14.1", "16.1"}) {
    CAPTURE(version);
    ServiceFixture server;
    const Inbox inbox(server);
    REQUIRE(server.mailbox()->remove(inbox.folder, inbox.message));
    const std::string never = eas::to_item_id(inbox.folder, 4711);
    const SyncAnswer answer =
        sync(server,
             {collection(inbox.id, inbox.key,
                         {commands({change_read(inbox.item, true), fetch(inbox.item), fetch(never),
                                    delete_item(never), fetch("nonsense")})})},
             {}, version);
    CHECK(answer.status_of(inbox.id) == "1");
    CHECK(answer.response(inbox.id, airsync::kChange, inbox.item) == "8");
    CHECK(answer.response(inbox.id, airsync::kFetch, inbox.item) == "8");
    CHECK(answer.response(inbox.id, airsync::kFetch, never) == "8");
    CHECK(answer.response(inbox.id, airsync::kDelete, never) == "8");
    CHECK(answer.response(inbox.id, airsync::kFetch, "nonsense") == "8");
    CHECK(answer.told(inbox.id, airsync::kDelete) == std::vector<std::string>{inbox.item});
  }
}

TEST_CASE("Sync: Conflict decides between the phone and the server, for each thing that changed") {
  // covers: MS-ASCMD R2066 R2067 R2068 R2069 R4444
  const Element categories(mail::kCategories, {Element(mail::kCategory, "Phone")});
  const struct {
    const char* name;
    storage::FlagChange server;
    Element phone;
  } rows[] = {{"Read", {.seen = true}, Element(mail::kRead, "0")},
              {"Flag", {.flagged = true}, Element(mail::kFlag)},
              {"Categories", {.keywords = std::vector<std::string>{"Server"}}, categories}};
  for (const auto& row : rows) {
    for (const char* conflict : {"", "0", "1"}) {
      CAPTURE(row.name);
      CAPTURE(conflict);
      ServiceFixture server;
      const Inbox inbox(server);
      // The server's change, the phone's, and the message as both would have it.
      REQUIRE(server.mailbox()->set_flags(inbox.folder, inbox.message, row.server));
      const storage::MessageFlags servers = inbox.flags();
      std::vector<Element> more = {commands({change(inbox.item, {row.phone})})};
      if (*conflict != '\0') {
        more.insert(more.begin(), options({Element(airsync::kConflict, conflict)}));
      }
      const SyncAnswer answer = sync(server, {collection(inbox.id, inbox.key, more)});
      CHECK(answer.status_of(inbox.id) == "1");
      const bool phone_wins = *conflict == '0';
      CHECK(answer.response(inbox.id, airsync::kChange, inbox.item) == (phone_wins ? "" : "7"));
      CHECK((inbox.flags() == servers) == !phone_wins);
      // What the phone gave up it is told.
      CHECK(answer.told(inbox.id, airsync::kChange).size() == (phone_wins ? 0 : 1));
    }
  }
}

TEST_CASE("Sync: different things changed on both sides are no conflict, nor is the same change") {
  ServiceFixture server;
  const Inbox inbox(server);
  REQUIRE(server.mailbox()->set_flags(inbox.folder, inbox.message, {.flagged = true}));
  SyncAnswer answer =
      sync(server, {collection(inbox.id, inbox.key, {commands({change_read(inbox.item, true)})})});
  CHECK(answer.response(inbox.id, airsync::kChange, inbox.item).empty());
  CHECK(inbox.flags().seen);
  CHECK(inbox.flags().flagged);
  REQUIRE(server.mailbox()->set_flags(inbox.folder, inbox.message, {.seen = false}));
  answer = sync(server, {collection(inbox.id, answer.key_of(inbox.id),
                                    {commands({change_read(inbox.item, false)})})});
  CHECK(answer.response(inbox.id, airsync::kChange, inbox.item).empty());
  CHECK_FALSE(inbox.flags().seen);
}

TEST_CASE("Sync: a message that the phone deletes is gone, whatever the server changed in it") {
  // covers: MS-ASCMD R2076
  ServiceFixture server;
  const Inbox inbox(server);
  REQUIRE(server.mailbox()->set_flags(inbox.folder, inbox.message, {.seen = true}));
  const SyncAnswer answer =
      sync(server, {collection(inbox.id, inbox.key, {commands({delete_item(inbox.item)})})});
  CHECK(answer.response(inbox.id, airsync::kDelete, inbox.item).empty());
  CHECK_FALSE(inbox.is_there());
}

TEST_CASE("Sync: DeletesAsMoves 1, empty or absent moves to Deleted Items, 0 removes for good") {
  // covers: MS-ASCMD R2158 R2160 R2161 R5874 R5875
  for (const char* version : {"2.5", "12.0", "12.1", "14.0", "14.1", "16.0", "16.1"}) {
    CAPTURE(version);
    ServiceFixture server;
    const std::vector<std::vector<Element>> moves = {{},
                                                     {Element(airsync::kDeletesAsMoves)},
                                                     {Element(airsync::kDeletesAsMoves, "1")},
                                                     {Element(airsync::kDeletesAsMoves, "0")}};
    const int expected[] = {1, 2, 3, 3};
    for (std::size_t i = 0; i < moves.size(); ++i) {
      CAPTURE(i);
      const Inbox inbox(server);
      std::vector<Element> more = moves[i];
      more.push_back(commands({delete_item(inbox.item)}));
      const SyncAnswer answer = sync(server, {collection(inbox.id, inbox.key, more)}, {}, version);
      CHECK(answer.status_of(inbox.id) == "1");
      CHECK_FALSE(inbox.is_there());
      CHECK(server.count(FolderRole::trash) == expected[i]);
    }
    // In Deleted Items there is nowhere to move it.
    const storage::CollectionId trash = server.folder(FolderRole::trash);
    const std::string id = eas::to_collection_id(trash);
    const auto item = server.deliver(simple_mail("more"), FolderRole::trash);
    const std::string key = server.prime(id);
    sync(server, {collection(id, key, {commands({delete_item(eas::to_item_id(trash, item))})})}, {},
         version);
    CHECK(server.count(FolderRole::trash) == 3);
  }
}
