#include "server/client/replay_map.h"

#include <doctest/doctest.h>

#include "wbxml/code_pages.h"

namespace {

using eas::client::AddressRewriter;
using eas::client::ReplayMap;
using wbxml::Element;
using wbxml::Tag;
namespace as = wbxml::airsync;
namespace base = wbxml::airsync_base;
namespace em = wbxml::email;
namespace fh = wbxml::folder_hierarchy;
namespace io = wbxml::item_operations;
namespace mv = wbxml::move;

struct FolderRow {
  const char *id, *name, *type;
};

Element folder_sync(const std::string& key, const std::vector<FolderRow>& rows) {
  Element changes(fh::kChanges);
  for (const FolderRow& row : rows) {
    changes.children.push_back(
        Element(fh::kAdd, {Element(fh::kServerId, row.id), Element(fh::kParentId, "0"),
                           Element(fh::kDisplayName, row.name), Element(fh::kType, row.type)}));
  }
  return Element(fh::kFolderSync,
                 {Element(fh::kStatus, "1"), Element(fh::kSyncKey, key), std::move(changes)});
}

Element sync_request(const std::string& folder, const std::string& key) {
  return Element(as::kSync,
                 {Element(as::kCollections,
                          {Element(as::kCollection, {Element(as::kSyncKey, key),
                                                     Element(as::kCollectionId, folder)})})});
}

struct ItemRow {
  std::string id, subject;
  std::vector<std::string> files = {};
};

Element sync_answer(const std::string& folder, const std::string& key,
                    const std::vector<ItemRow>& items) {
  Element commands(as::kCommands);
  for (const ItemRow& row : items) {
    Element data(as::kApplicationData, {Element(em::kSubject, row.subject)});
    Element files(base::kAttachments);
    for (const std::string& file : row.files) {
      files.children.push_back(Element(base::kAttachment, {Element(base::kFileReference, file)}));
    }
    if (!files.children.empty()) data.children.push_back(std::move(files));
    commands.children.push_back(
        Element(as::kAdd, {Element(as::kServerId, row.id), std::move(data)}));
  }
  return Element(as::kSync,
                 {Element(as::kCollections,
                          {Element(as::kCollection,
                                   {Element(as::kSyncKey, key), Element(as::kCollectionId, folder),
                                    Element(as::kStatus, "1"), std::move(commands)})})});
}

// A map that knows Inbox R1 = L1 and Trash R2 = L2.
struct Fixture {
  Fixture() {
    const Element request(fh::kFolderSync, {Element(fh::kSyncKey, "0")});
    const Element recorded = folder_sync("rk1", {{"R1", "INBOX", "2"}, {"R2", "Trash", "4"}});
    const Element live = folder_sync("lk1", {{"L2", "Deleted Items", "4"}, {"L1", "Inbox", "2"}});
    map.learn(&request, &recorded, &request, &live);
  }
  void sync(const std::string& recorded_key, const Element& recorded, const std::string& live_key,
            const Element& live) {
    const Element recorded_request = sync_request("R1", recorded_key);
    const Element live_request = sync_request("L1", live_key);
    map.learn(&recorded_request, &recorded, &live_request, &live);
  }
  std::string item(const std::string& id) {
    unknown.clear();
    return map.item("R1", id, unknown);
  }
  std::string key(const std::string& recorded) {
    unknown.clear();
    Element request = sync_request("R1", recorded);
    map.rewrite(request, unknown);
    return std::string(
        request.child(as::kCollections)->children.front().text_of(as::kSyncKey).value());
  }

  AddressRewriter addresses;
  ReplayMap map{addresses};
  std::vector<std::string> unknown;
};

}  // namespace

TEST_CASE("replay map: folders are matched by type, then name") {
  AddressRewriter addresses;
  ReplayMap map(addresses);
  const Element recorded = folder_sync("a", {{"R1", "INBOX", "2"},
                                             {"R2", "Junk", "12"},
                                             {"R3", "Work", "12"},
                                             {"R4", "Lost", "12"},
                                             {"R5", "Notes", "10"}});
  const Element live = folder_sync("b", {{"9", "Work", "12"},
                                         {"8", "Inbox", "2"},
                                         {"7", "Junk", "1"},
                                         {"6", "Other", "12"},
                                         {"5", "Notizen", "10"}});
  const Element request(fh::kFolderSync, {Element(fh::kSyncKey, "0")});
  map.learn(&request, &recorded, &request, &live);
  std::vector<std::string> unknown;
  CHECK(map.folder("R1", unknown) == "8");
  CHECK(map.folder("R2", unknown) == "7");
  CHECK(map.folder("R3", unknown) == "9");
  CHECK(map.folder("R5", unknown) == "5");
  CHECK(map.folder("0", unknown) == "0");
  CHECK(map.recorded_folder("9") == "R3");
  CHECK(map.recorded_folder("6").empty());
  CHECK(unknown.empty());
  CHECK(map.folder("R4", unknown) == "R4");
  CHECK(unknown == std::vector<std::string>{"folder R4 has no counterpart"});
}

TEST_CASE("replay map: hierarchy keys follow every command that gives one") {
  Fixture f;
  const Element request(
      fh::kFolderCreate,
      {Element(fh::kSyncKey, "rk1"), Element(fh::kDisplayName, "New"), Element(fh::kType, "12")});
  const auto answer = [](const char* key, const char* id) {
    return Element(fh::kFolderCreate, {Element(fh::kStatus, "1"), Element(fh::kSyncKey, key),
                                       Element(fh::kServerId, id)});
  };
  const Element recorded = answer("rk2", "R9"), live = answer("lk2", "L9");
  f.map.learn(&request, &recorded, &request, &live);
  Element next(fh::kFolderDelete, {Element(fh::kSyncKey, "rk2"), Element(fh::kServerId, "R9")});
  f.map.rewrite(next, f.unknown);
  CHECK(next.text_of(fh::kSyncKey) == "lk2");
  CHECK(next.text_of(fh::kServerId) == "L9");
  Element old(fh::kFolderSync, {Element(fh::kSyncKey, "rk1")});
  f.map.rewrite(old, f.unknown);
  CHECK(old.text_of(fh::kSyncKey) == "lk1");
  CHECK(f.unknown.empty());
  Element foreign(fh::kFolderSync, {Element(fh::kSyncKey, "h0_1_2")});
  f.map.rewrite(foreign, f.unknown);
  CHECK(f.unknown == std::vector<std::string>{"key h0_1_2 has no counterpart"});
}

TEST_CASE("replay map: sync keys are learnt for each folder") {
  Fixture f;
  f.sync("0", sync_answer("R1", "-1", {}), "0", sync_answer("L1", "k1", {}));
  CHECK(f.key("-1") == "k1");
  CHECK(f.key("0") == "0");
  CHECK(f.unknown.empty());
  CHECK(f.key("bogus") == "bogus");
  CHECK(f.unknown.size() == 1);
  // The same key in another folder is another key.
  Element other = sync_request("R2", "-1");
  f.map.rewrite(other, f.unknown);
  CHECK(f.unknown.size() == 2);
}

TEST_CASE("replay map: a side that says nothing of a folder stays at the key of its request") {
  Fixture f;
  f.sync("0", sync_answer("R1", "r1", {}), "0", sync_answer("L1", "l1", {}));
  const Element recorded_request = sync_request("R1", "r1"),
                live_request = sync_request("L1", "l1");
  SUBCASE("the live answer is empty, the recorded one has a new key") {
    const Element recorded = sync_answer("R1", "r2", {});
    f.map.learn(&recorded_request, &recorded, &live_request, nullptr);
    CHECK(f.key("r2") == "l1");
  }
  SUBCASE("the recorded answer is empty, the live one has a new key") {
    const Element live = sync_answer("L1", "l2", {});
    f.map.learn(&recorded_request, nullptr, &live_request, &live);
    CHECK(f.key("r1") == "l2");
  }
  SUBCASE("a key that the recorded server repeats stands for the newest") {
    const Element recorded = sync_answer("R1", "r1", {}), live = sync_answer("L1", "l7", {});
    f.map.learn(&recorded_request, &recorded, &live_request, &live);
    CHECK(f.key("r1") == "l7");
  }
}

TEST_CASE("replay map: items are joined by subject, in any order") {
  Fixture f;
  f.sync("0", sync_answer("R1", "r", {{"10", "a"}, {"11", "b"}, {"12", "c"}}), "0",
         sync_answer("L1", "l", {{"1:3", "c"}, {"1:2", "x"}, {"1:1", "a"}}));
  CHECK(f.item("12") == "1:3");
  CHECK(f.item("10") == "1:1");
  CHECK(f.item("11") == "1:2");  // the only one left on both sides
  CHECK(f.item("12") == "1:3");  // and it stays so
  CHECK(f.unknown.empty());
  CHECK(f.item("99") == "99");
  CHECK(f.unknown == std::vector<std::string>{"item 99 has no counterpart"});
}

TEST_CASE("replay map: items with the same subject are joined in the order of appearance") {
  Fixture f;
  f.sync("0", sync_answer("R1", "r", {{"10", "a"}, {"11", "a"}, {"12", "z"}}), "0",
         sync_answer("L1", "l", {{"1:9", "q"}, {"1:5", "a"}, {"1:6", "a"}, {"1:7", "a"}}));
  CHECK(f.item("11") == "1:6");
  CHECK(f.item("10") == "1:5");
  CHECK(f.item("12") == "1:9");
}

TEST_CASE("replay map: without common subjects the n-th stands for the n-th") {
  Fixture f;
  f.sync("0", sync_answer("R1", "r", {{"10", "a"}, {"11", "b"}, {"12", "c"}}), "0",
         sync_answer("L1", "l", {{"1:1", "x"}, {"1:2", "y"}}));
  CHECK(f.item("11") == "1:2");
  CHECK(f.item("10") == "1:1");
  CHECK(f.item("12") == "12");
  CHECK(f.unknown.size() == 1);
}

TEST_CASE("replay map: attachments follow their item and their place in it") {
  Fixture f;
  f.sync("0", sync_answer("R1", "r", {{"10", "a", {"mail/INBOX/10/2", "mail/INBOX/10/3"}}}), "0",
         sync_answer("L1", "l", {{"1:1", "b", {"other"}}, {"1:2", "a", {"f1", "f2"}}}));
  Element request(io::kItemOperations,
                  {Element(io::kFetch, {Element(base::kFileReference, "mail/INBOX/10/3")})});
  f.map.rewrite(request, f.unknown);
  CHECK(request.child(io::kFetch)->text_of(base::kFileReference) == "f2");
  CHECK(f.unknown.empty());
  CHECK(f.map.file_reference("nothing", f.unknown) == "nothing");
  CHECK(f.unknown.size() == 1);
}

TEST_CASE("replay map: a moved item is known under its new id in its new folder") {
  Fixture f;
  f.sync("0", sync_answer("R1", "r", {{"10", "a"}}), "0", sync_answer("L1", "l", {{"1:1", "a"}}));
  const auto request = [](const char* item, const char* from, const char* to) {
    return Element(mv::kMoveItems,
                   {Element(mv::kMove, {Element(mv::kSrcMsgId, item), Element(mv::kSrcFldId, from),
                                        Element(mv::kDstFldId, to)})});
  };
  const auto answer = [](const char* item, const char* moved) {
    return Element(mv::kMoveItems,
                   {Element(mv::kResponse, {Element(mv::kSrcMsgId, item), Element(mv::kStatus, "3"),
                                            Element(mv::kDstMsgId, moved)})});
  };
  const Element recorded_request = request("10", "R1", "R2");
  Element live_request = recorded_request;
  f.map.rewrite(live_request, f.unknown);
  CHECK(live_request == request("1:1", "L1", "L2"));
  const Element recorded = answer("10", "4"), live = answer("1:1", "2:8");
  f.map.learn(&recorded_request, &recorded, &live_request, &live);
  CHECK(f.map.item("R2", "4", f.unknown) == "2:8");
  CHECK(f.unknown.empty());
}

TEST_CASE("replay map: an item that the client added is known by its ClientId") {
  Fixture f;
  const auto answer = [](const char* folder, const char* key, const char* id) {
    Element whole = sync_answer(folder, key, {});
    whole.children[0].children[0].children.push_back(
        Element(as::kResponses,
                {Element(as::kAdd, {Element(as::kClientId, "c7"), Element(as::kServerId, id),
                                    Element(as::kStatus, "1")})}));
    return whole;
  };
  f.sync("a", answer("R1", "r", "77"), "b", answer("L1", "l", "1:9"));
  CHECK(f.item("77") == "1:9");
}

TEST_CASE("replay map: policy keys, and the one of a device that was provisioned apart") {
  namespace pv = wbxml::provision;
  Fixture f;
  const auto provision = [](const char* key) {
    return Element(
        pv::kProvision,
        {Element(pv::kPolicies, {Element(pv::kPolicy, {Element(pv::kPolicyKey, key)})})});
  };
  const Element recorded = provision("111"), live = provision("999");
  f.map.learn(&recorded, &recorded, &live, &live);
  CHECK(f.map.policy_key("111") == "999");
  CHECK(f.map.policy_key("0") == "0");
  Element request = provision("111");
  f.map.rewrite(request, f.unknown);
  CHECK(request == provision("999"));
  f.map.set_policy_key("5");
  CHECK(f.map.policy_key("0") == "5");
}

TEST_CASE("replay map: every command's ids are rewritten") {
  namespace cm = wbxml::compose_mail;
  namespace pg = wbxml::ping;
  Fixture f;
  f.sync("0", sync_answer("R1", "r", {{"10", "a"}}), "0", sync_answer("L1", "l", {{"1:1", "a"}}));
  const std::pair<Element, Element> rows[] = {
      {Element(pg::kPing,
               {Element(pg::kFolders, {Element(pg::kFolder, {Element(pg::kId, "R2")})})}),
       Element(pg::kPing,
               {Element(pg::kFolders, {Element(pg::kFolder, {Element(pg::kId, "L2")})})})},
      {Element(cm::kSmartReply,
               {Element(cm::kSource, {Element(cm::kFolderId, "R1"), Element(cm::kItemId, "10")})}),
       Element(cm::kSmartReply, {Element(cm::kSource, {Element(cm::kFolderId, "L1"),
                                                       Element(cm::kItemId, "1:1")})})},
      {Element(io::kItemOperations, {Element(io::kFetch, {Element(as::kCollectionId, "R1"),
                                                          Element(as::kServerId, "10")})}),
       Element(io::kItemOperations, {Element(io::kFetch, {Element(as::kCollectionId, "L1"),
                                                          Element(as::kServerId, "1:1")})})},
  };
  for (const auto& row : rows) {
    const auto& [recorded, live] = row;
    CAPTURE(wbxml::to_string(row.first.tag));
    Element request = recorded;
    f.map.rewrite(request, f.unknown);
    CHECK(request == live);
  }
  CHECK(f.unknown.empty());
}

TEST_CASE("address rewriter: recorded users become the live one, others stay") {
  AddressRewriter addresses;
  addresses.add("user252", "live@example.test");
  addresses.add("user245@example.test", "live@example.test");
  const std::pair<const char*, const char*> rows[] = {
      {"From: user252@example.test\r\nTo: <user245@example.test>\r\n",
       "From: live@example.test\r\nTo: <live@example.test>\r\n"},
      {"USER252@other.test.", "live@example.test."},
      {"user2520@example.test", "user2520@example.test"},
      {"xuser252@example.test", "xuser252@example.test"},
      {"user245@other.test", "user245@other.test"},
      {"user252 without a domain", "user252 without a domain"},
      {"", ""},
      {"@", "@"},
  };
  for (const auto& [text, expected] : rows) CHECK(addresses.rewrite(text) == expected);
}

TEST_CASE("replay map: a tree that begins anew stands for the live folders as well") {
  Fixture f;
  const Element request(fh::kFolderSync, {Element(fh::kSyncKey, "0")});
  const Element recorded = folder_sync("rk9", {{"S1", "INBOX", "2"}});
  const Element live = folder_sync("lk9", {{"L1", "Inbox", "2"}});
  f.map.learn(&request, &recorded, &request, &live);
  CHECK(f.map.folder("S1", f.unknown) == "L1");
  CHECK(f.map.folder("R1", f.unknown) == "L1");
  CHECK(f.map.recorded_folder("L1") == "S1");
  CHECK(f.unknown.empty());
}
