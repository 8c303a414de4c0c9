// The default folders of classes other than mail: listed, and like any empty folder.
#include <doctest/doctest.h>

#include "server/commands/hierarchy.h"
#include "server/sync/compact.h"
#include "server/sync/server_id.h"
#include "tests/support/folder_calls.h"
#include "wbxml/code_pages.h"

namespace {

using storage::FolderRole;
using test::Call;
using test::FolderAnswer;
using test::Phone;
using test::ServiceFixture;
using test::sync_one;
using test::text_at;
using wbxml::Element;
namespace airsync = wbxml::airsync;

constexpr const char* kVersions[] = {"2.5", "12.0", "12.1", "14.0", "14.1", "16.0", "16.1"};

bool is_new(const std::string& version) { return version[0] == '1' && version[1] != '2'; }

// The last key of an empty folder's first sync.
std::string primed(ServiceFixture& server, const std::string& folder, const std::string& version) {
  const Element first = sync_one(server, folder, "0", {}, version);
  REQUIRE(text_at(first, {airsync::kStatus}) == "1");
  const Element second = sync_one(server, folder, text_at(first, {airsync::kSyncKey}), {}, version);
  REQUIRE(text_at(second, {airsync::kStatus}) == "1");
  return text_at(second, {airsync::kSyncKey});
}

Element options(const char* item_class, const char* filter) {
  return Element(airsync::kOptions,
                 {Element(airsync::kFilterType, filter), Element(airsync::kClass, item_class)});
}

Element add_command(const char* name) {
  return Element(airsync::kCommands,
                 {Element(airsync::kAdd, {Element(airsync::kClientId, "c1"),
                                          Element(airsync::kApplicationData,
                                                  {Element(wbxml::calendar::kSubject, name)})})});
}

std::string estimate_status(ServiceFixture& server, const std::string& folder,
                            const std::string& key, const char* filter, std::string* count) {
  namespace tag = wbxml::get_item_estimate;
  Call call;
  call.command = "GetItemEstimate";
  call.body = Element(
      tag::kGetItemEstimate,
      {Element(tag::kCollections,
               {Element(tag::kCollection,
                        {Element(airsync::kSyncKey, key), Element(tag::kCollectionId, folder),
                         Element(airsync::kOptions, {Element(airsync::kFilterType, filter)})})})});
  const Element root = server.element(call);
  if (root.has(tag::kStatus)) return text_at(root, {tag::kStatus});
  *count = text_at(root, {tag::kResponse, tag::kCollection, tag::kEstimate});
  return text_at(root, {tag::kResponse, tag::kStatus});
}

}  // namespace

TEST_CASE("FolderSync: every user has the default folders of all types that the version knows") {
  // covers: MS-ASCMD R119 R5440 R4665 R4666 R5884 R5885 R2195
  for (const std::string version : kVersions) {
    CAPTURE(version);
    ServiceFixture server;
    Phone phone{server, version};
    const FolderAnswer all = phone.folder_sync();
    std::map<std::string, std::string> by_type;  // type → name
    for (const auto& [name, type] : all.types) by_type[type] = name;
    CHECK(by_type["8"] == "Calendar");
    CHECK(by_type["9"] == "Contacts");
    CHECK(by_type["7"] == "Tasks");
    CHECK(by_type["11"] == "Journal");
    CHECK(by_type.count("10") == (is_new(version) ? 1 : 0));
    CHECK(by_type.count("19") == (is_new(version) ? 1 : 0));
    for (const char* name : {"Calendar", "Contacts", "Tasks", "Journal"}) {
      CHECK(all.parents.at(name) == "0");
    }
    CHECK(all.count == std::to_string(all.added.size()));
    CHECK(phone.folder_sync().count == "0");
  }
}

TEST_CASE("FolderSync: the ids of default folders are the same for every user, device and time") {
  ServiceFixture server;
  Phone phone{server};
  const FolderAnswer first = phone.folder_sync();
  CHECK(first.added.at("Calendar") == "c1");
  CHECK(first.added.at("Contacts") == "p1");
  CHECK(first.added.at("Tasks") == "t1");
  CHECK(first.added.at("Notes") == "n1");
  CHECK(first.added.at("Journal") == "j1");
  CHECK(first.added.at("RecipientInfo") == "r1");
  server.restart();
  Phone other{server, "16.1", "dev2"};
  CHECK(other.folder_sync().added == first.added);
}

TEST_CASE("FolderSync: a phone that goes to 14.0 or later gets what the older version lacks") {
  ServiceFixture server;
  Phone phone{server, "12.1"};
  phone.folder_sync();
  phone.version = "16.1";
  const FolderAnswer more = phone.folder_sync();
  CHECK(more.added.size() == 2);
  CHECK(more.types.at("Notes") == "10");
  CHECK(more.types.at("RecipientInfo") == "19");
  CHECK(phone.folder_sync().count == "0");
  phone.version = "12.1";
  CHECK(phone.folder_sync().count == "0");
}

TEST_CASE(
    "FolderSync: a state of the first release, which had mail folders only, gets the others") {
  ServiceFixture server;
  Phone phone{server};
  phone.folder_sync();
  // What that release would have stored under the key.
  const std::int64_t device = server.device()->id;
  auto stored = server.services.state->state(device, 0);
  REQUIRE(stored);
  eas::CompactWriter old;
  old.number(1);
  old.number(*server.mailbox()->hierarchy_head());
  auto next = *stored;
  next.current = old.take();
  REQUIRE(server.services.state->commit_state(device, 0, *stored, next));

  Call ping;
  ping.command = "Ping";
  namespace tag = wbxml::ping;
  ping.body = Element(tag::kPing,
                      {Element(tag::kHeartbeatInterval, "480"),
                       Element(tag::kFolders, {Element(tag::kFolder, {Element(tag::kId, "c1")})})});
  CHECK(text_at(server.element(ping), {tag::kStatus}) == "7");
  const FolderAnswer news = phone.folder_sync();
  CHECK(news.added.size() == 6);
  CHECK(news.types.at("Calendar") == "8");
  CHECK(phone.folder_sync().count == "0");
  server.park(ping);
}

TEST_CASE("FolderSync: a mail folder that is called like a default folder is told apart") {
  // covers: MS-ASCMD R2198 R5416
  ServiceFixture server;
  const auto notes = server.mailbox()->create_folder(0, "notes");
  REQUIRE(notes);
  REQUIRE(server.mailbox()->create_folder(notes->id, "Tasks"));
  Phone phone{server};
  const FolderAnswer all = phone.folder_sync();
  CHECK(all.types.at("Notes") == "10");
  CHECK(all.types.at("notes (mail)") == "12");
  CHECK(all.parents.at("notes (mail)") == "0");
  CHECK(all.count == "13");  // the one in it may be called "Tasks"
}

TEST_CASE("Sync: a default folder without a store is an empty folder of its class") {
  for (const std::string version : kVersions) {
    CAPTURE(version);
    ServiceFixture server;
    Phone phone{server, version};
    phone.folder_sync();
    for (const char* folder : {"c1", "p1", "t1", "j1", "n1", "r1"}) {
      CAPTURE(folder);
      const std::string id = folder;
      if ((id == "n1" || id == "r1") && !is_new(version)) {
        CHECK(text_at(sync_one(server, id, "0", {}, version), {airsync::kStatus}) == "8");
        continue;
      }
      const std::string key = primed(server, id, version);
      const Element none = sync_one(server, id, key, {}, version);
      if (version == "2.5" || version == "12.0") {
        CHECK(text_at(none, {airsync::kSyncKey}) == key);
      } else {
        CHECK(none == Element());
      }
    }
  }
}

TEST_CASE("Sync: Class of a default folder stands in the answer of 2.5 and 12.0 only") {
  // covers: MS-ASCMD R6319
  ServiceFixture server;
  const std::pair<const char*, const char*> expected[] = {
      {"c1", "Calendar"}, {"p1", "Contacts"}, {"t1", "Tasks"}};
  for (const auto& [folder, name] : expected) {
    CHECK(text_at(sync_one(server, folder, "0", {}, "2.5"), {airsync::kClass}) == name);
    CHECK(text_at(sync_one(server, folder, "0", {}, "12.0"), {airsync::kClass}) == name);
    CHECK_FALSE(sync_one(server, folder, "0", {}, "12.1").has(airsync::kClass));
  }
}

TEST_CASE("Sync: Options and Supported of the class are taken, a FilterType it lacks is status 4") {
  // covers: MS-ASCMD R3044 R3048 R3049 R3050 R3051 R3045 R3046 R3047 R3052 R3053 R3061 R3054 R3055
  // covers: MS-ASCMD R3056 R3057 R3058 R3059 R3060 R3078 R3079 R3041 R3042 R3080
  ServiceFixture server;
  const std::string inbox = eas::to_collection_id(server.folder(FolderRole::inbox));
  const struct {
    std::string folder;
    const char* item_class;
    std::string good;
  } rows[] = {{"c1", "Calendar", "04567"},
              {"t1", "Tasks", "08"},
              {"p1", "Contacts", "012345678"},
              {"n1", "Notes", "012345678"},
              {inbox, "Email", "012345"}};
  for (const auto& row : rows) {
    CAPTURE(row.folder);
    for (char filter = '0'; filter <= '8'; ++filter) {
      CAPTURE(filter);
      const std::string text(1, filter);
      const std::string key = text_at(sync_one(server, row.folder, "0"), {airsync::kSyncKey});
      const Element answer =
          sync_one(server, row.folder, key, {options(row.item_class, text.c_str())});
      const bool good = row.good.find(filter) != std::string::npos;
      CHECK(text_at(answer, {airsync::kStatus}) == (good ? "1" : "4"));
    }
  }
  const Element supported = sync_one(
      server, "p1", "0",
      {Element(airsync::kSupported,
               {Element(wbxml::contacts::kFirstName), Element(wbxml::contacts::kLastName)})});
  CHECK(text_at(supported, {airsync::kStatus}) == "1");
}

TEST_CASE("Sync: an item for a class without a store is refused, and the folder goes on") {
  ServiceFixture server;
  for (const char* folder : {"c1", "p1", "t1", "n1"}) {
    CAPTURE(folder);
    const std::string key = primed(server, folder, "14.1");
    const Element answer = sync_one(server, folder, key, {add_command("Dentist")});
    CHECK(text_at(answer, {airsync::kStatus}) == "1");
    CHECK(text_at(answer, {airsync::kResponses, airsync::kAdd, airsync::kStatus}) == "6");
    CHECK(text_at(answer, {airsync::kResponses, airsync::kAdd, airsync::kClientId}) == "c1");
    CHECK_FALSE(answer.child(airsync::kResponses)->child(airsync::kAdd)->has(airsync::kServerId));
    const std::string next = text_at(answer, {airsync::kSyncKey});
    const Element more = sync_one(
        server, folder, next,
        {Element(
            airsync::kCommands,
            {Element(airsync::kDelete, {Element(airsync::kServerId, std::string(folder) + ":7")}),
             Element(airsync::kFetch,
                     {Element(airsync::kServerId, std::string(folder) + ":7")})})});
    CHECK(text_at(more, {airsync::kStatus}) == "1");
    CHECK(text_at(more, {airsync::kResponses, airsync::kDelete, airsync::kStatus}) == "8");
    CHECK(text_at(more, {airsync::kResponses, airsync::kFetch, airsync::kStatus}) == "8");
  }
}

TEST_CASE("Sync: an item for the recipient information cache is status 4 of the whole Sync") {
  // covers: MS-ASCMD R756
  ServiceFixture server;
  const std::string key = primed(server, "r1", "14.1");
  const Element answer = sync_one(server, "r1", key, {add_command("x")});
  CHECK(answer.tag == airsync::kSync);
  CHECK(text_at(answer, {airsync::kStatus}) == "4");
  CHECK(sync_one(server, "r1", key) == Element());  // nothing was lost
}

TEST_CASE("GetItemEstimate: a default folder without a store has nothing, filters go by class") {
  // covers: MS-ASCMD R3008 R3009 R3010 R3011 R3012 R3013 R3014 R3015 R3016 R3017 R3018 R3019 R3020
  // covers: MS-ASCMD R3021 R3022 R3023 R3024 R3025 R2973 R2984
  ServiceFixture server;
  std::string count;
  CHECK(estimate_status(server, "c1", "0", "0", &count) == "3");
  const struct {
    const char* folder;
    std::string good;
  } rows[] = {{"c1", "04567"}, {"t1", "08"}, {"p1", "012345678"}};
  for (const auto& row : rows) {
    CAPTURE(row.folder);
    const std::string key = primed(server, row.folder, "14.1");
    for (char filter = '0'; filter <= '9'; ++filter) {
      CAPTURE(filter);
      const std::string text(1, filter);
      const bool good = row.good.find(filter) != std::string::npos;
      count.clear();
      CHECK(estimate_status(server, row.folder, key, text.c_str(), &count) == (good ? "1"
                                                                               : filter == '9'
                                                                                   ? "103"
                                                                                   : "110"));
      CHECK(count == (good ? "0" : ""));
    }
  }
  CHECK(estimate_status(server, "c2", "1-1", "0", &count) == "2");
}

TEST_CASE("Ping: default folders can be watched beside mail, and do not disturb it") {
  ServiceFixture server;
  Phone phone{server};
  phone.folder_sync();
  const std::string inbox = server.folder_id(2);
  server.prime(inbox);
  for (const char* folder : {"c1", "p1", "t1"}) primed(server, folder, "14.1");
  namespace tag = wbxml::ping;
  Call ping;
  ping.command = "Ping";
  Element folders(tag::kFolders);
  for (const std::string& id : {std::string("c1"), std::string("p1"), std::string("t1"), inbox}) {
    folders.children.push_back(Element(tag::kFolder, {Element(tag::kId, id)}));
  }
  ping.body = Element(tag::kPing, {Element(tag::kHeartbeatInterval, "480"), std::move(folders)});
  http::Parked parked = server.park(ping);
  server.deliver(test::simple_mail("news"));
  CHECK(server.waker().woken > 0);
  const auto outcome = parked.resume(http::WakeReason::woken);
  CHECK(std::holds_alternative<http::HttpReply>(outcome));
}

TEST_CASE("MoveItems: mail does not go into a folder of another class, and stays where it is") {
  // covers: MS-ASCMD R4212
  ServiceFixture server;
  const std::string inbox = eas::to_collection_id(server.folder(FolderRole::inbox));
  const std::string item = inbox + ":" + std::to_string(server.deliver(test::simple_mail("a")));
  namespace tag = wbxml::move;
  const auto move = [&](const std::string& id, const std::string& from, const std::string& to,
                        const char* version = "14.1") {
    Call call;
    call.command = "MoveItems";
    call.version = version;
    call.body =
        Element(tag::kMoveItems,
                {Element(tag::kMove, {Element(tag::kSrcMsgId, id), Element(tag::kSrcFldId, from),
                                      Element(tag::kDstFldId, to)})});
    return text_at(server.element(call), {tag::kResponse, tag::kStatus});
  };
  for (const char* folder : {"c1", "p1", "t1", "n1", "j1", "r1", "c2"}) {
    CHECK(move(item, inbox, folder) == "2");
  }
  CHECK(move("c1:1", "c1", inbox) == "2");
  CHECK(move("c1:1", "c2", inbox) == "1");
  CHECK(move("c1:1", "c1", "c1") == "4");
  CHECK(move(item, inbox, "n1", "12.1") == "2");
  CHECK(server.count(FolderRole::inbox) == 1);
}

TEST_CASE("ItemOperations: nothing can be fetched from a folder without a store") {
  // covers: MS-ASCMD R196
  ServiceFixture server;
  namespace tag = wbxml::item_operations;
  for (const std::string folder : {"c1", "p1", "r1"}) {
    Call call;
    call.command = "ItemOperations";
    call.body = Element(tag::kItemOperations,
                        {Element(tag::kFetch, {Element(tag::kStore, "Mailbox"),
                                               Element(airsync::kCollectionId, folder),
                                               Element(airsync::kServerId, folder + ":1")})});
    CHECK(text_at(server.element(call), {tag::kResponse, tag::kFetch, tag::kStatus}) == "6");
  }
}
