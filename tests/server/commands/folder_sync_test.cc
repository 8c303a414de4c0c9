#include <doctest/doctest.h>

#include <map>

#include "tests/support/service_fixture.h"
#include "wbxml/code_pages.h"

namespace {

using test::Call;
using test::ServiceFixture;
using test::text_at;
using wbxml::Element;
namespace tag = wbxml::folder_hierarchy;

Call folder_sync(const std::string& key, const char* version = "14.1") {
  Call call;
  call.command = "FolderSync";
  call.version = version;
  call.body = Element(tag::kFolderSync, {Element(tag::kSyncKey, key)});
  return call;
}

struct Answer {
  std::string status, key, count;
  std::map<std::string, std::string> added, updated;  // name → server id
  std::vector<std::string> deleted;
  std::map<std::string, std::string> types;    // name → type
  std::map<std::string, std::string> parents;  // name → parent id
};

Answer read(const Element& root) {
  Answer answer;
  answer.status = text_at(root, {tag::kStatus});
  answer.key = text_at(root, {tag::kSyncKey});
  answer.count = text_at(root, {tag::kChanges, tag::kCount});
  const Element* changes = root.child(tag::kChanges);
  if (changes == nullptr) return answer;
  for (const Element& child : changes->children) {
    const std::string id = text_at(child, {tag::kServerId});
    const std::string name = text_at(child, {tag::kDisplayName});
    if (child.tag == tag::kAdd) answer.added[name] = id;
    if (child.tag == tag::kUpdate) answer.updated[name] = id;
    if (child.tag == tag::kDelete) answer.deleted.push_back(id);
    answer.types[name] = text_at(child, {tag::kType});
    answer.parents[name] = text_at(child, {tag::kParentId});
  }
  return answer;
}

Answer ask(ServiceFixture& server, const std::string& key) {
  return read(server.element(folder_sync(key)));
}

}  // namespace

TEST_CASE(
    "FolderSync: key 0 gives all folders with their types, in every version (quirks.md: all-digit "
    "ids)") {
  // covers: MS-ASHTTP R491 R201 R219 R229
  // covers: MS-ASCMD R5008 R5020 R4578 R4074 R4066
  for (const char* version : {"2.5", "12.0", "12.1", "14.0", "14.1", "16.0", "16.1"}) {
    CAPTURE(version);
    ServiceFixture server;
    const Answer all = read(server.element(folder_sync("0", version)));
    CHECK(all.status == "1");
    CHECK_FALSE(all.key.empty());
    CHECK(all.count == std::to_string(all.added.size()));
    std::map<std::string, int> by_type;
    for (const auto& [name, type] : all.types) ++by_type[type];
    for (const char* type : {"2", "3", "4", "5", "6"}) CHECK(by_type[type] == 1);
    CHECK(all.types.at("Inbox") == "2");
    CHECK(all.parents.at("Inbox") == "0");
    // An all-digit id would be taken for a number by some phones. (quirks.md: Some)
    for (const auto& [name, id] : all.added) CHECK((id.front() >= 'a' && id.front() <= 'z'));
  }
}

TEST_CASE("FolderSync: key 0 carries the headers for a new start, others do not") {
  // covers: MS-ASHTTP R1104 R1105 R1202 R708 R800
  ServiceFixture server;
  const http::HttpReply first = server.reply(folder_sync("0"));
  int found = 0;
  for (const http::Header& header : first.headers) {
    found += header.first == "X-MS-RP" || header.first == "MS-ASProtocolVersions" ||
             header.first == "MS-ASProtocolCommands";
  }
  CHECK(found == 3);
  const std::string key = ask(server, "0").key;
  CHECK(server.reply(folder_sync(key)).headers.empty());
  CHECK(server.reply(folder_sync(key + "9")).headers.size() == 3);  // begin with key 0 again
}

TEST_CASE("FolderSync: without changes the key stays and nothing is written") {
  ServiceFixture server;
  const std::string key = ask(server, "0").key;
  for (int i = 0; i < 3; ++i) {
    const Answer none = ask(server, key);
    CHECK(none.status == "1");
    CHECK(none.key == key);
    CHECK(none.count == "0");
  }
}

TEST_CASE("FolderSync: new, renamed and removed folders, each told once") {
  // covers: MS-ASCMD R3622 R3625 R3911 R3916 R4663
  ServiceFixture server;
  auto mailbox = server.mailbox();
  const auto old = mailbox->create_folder(0, "Old");
  const auto gone = mailbox->create_folder(0, "Gone");
  REQUIRE(old);
  REQUIRE(gone);
  const Answer start = ask(server, "0");
  REQUIRE(start.added.count("Old") == 1);

  const auto fresh = mailbox->create_folder(old->id, "Fresh");
  REQUIRE(fresh);
  REQUIRE(mailbox->rename_folder(old->id, 0, "Renamed"));
  REQUIRE(mailbox->remove_folder(gone->id));
  const Answer changes = ask(server, start.key);
  CHECK(changes.status == "1");
  CHECK(changes.key != start.key);
  CHECK(changes.count == "3");
  CHECK(changes.added.count("Fresh") == 1);
  CHECK(changes.types.at("Fresh") == "12");
  CHECK(changes.parents.at("Fresh") == start.added.at("Old"));
  CHECK(changes.updated.at("Renamed") == start.added.at("Old"));  // the id stays
  CHECK(changes.deleted == std::vector<std::string>{start.added.at("Gone")});
  CHECK(ask(server, changes.key).count == "0");
}

TEST_CASE(
    "FolderSync: the previous key gives the lost answer again, a key before that is status 9") {
  ServiceFixture server;
  auto mailbox = server.mailbox();
  const std::string first = ask(server, "0").key;
  REQUIRE(mailbox->create_folder(0, "One"));
  const Answer lost = ask(server, first);
  CHECK(lost.added.count("One") == 1);
  REQUIRE(mailbox->create_folder(0, "Two"));
  const Answer again = ask(server, first);
  CHECK(again.status == "1");
  CHECK(again.added.count("One") == 1);
  CHECK(again.added.count("Two") == 1);
  CHECK(again.key != lost.key);
  CHECK(ask(server, lost.key).status == "9");  // the dropped generation never existed
  REQUIRE(mailbox->create_folder(0, "Three"));
  const Answer third = ask(server, again.key);
  CHECK(third.added.size() == 1);
  CHECK(ask(server, first).status == "9");
}

TEST_CASE(
    "FolderSync: key 0 in mid-life keeps ids, and the sync state of the folders (field.md pain "
    "7)") {
  // covers: MS-ASHTTP R428
  // covers: MS-ASCMD R5012
  ServiceFixture server;
  server.deliver(test::simple_mail("one"));
  const std::string inbox = server.folder_id(2);
  const std::string sync_key = server.prime(inbox);
  const Answer again = ask(server, "0");
  CHECK(again.added.at("Inbox") == inbox);
  CHECK(server.reply(folder_sync("0")).body.find("Hello.") == std::string::npos);  // no items
  namespace airsync = wbxml::airsync;
  Call sync;
  sync.command = "Sync";
  sync.body =
      Element(airsync::kSync,
              {Element(airsync::kCollections,
                       {Element(airsync::kCollection, {Element(airsync::kSyncKey, sync_key),
                                                       Element(airsync::kCollectionId, inbox)})})});
  CHECK(server.reply(sync).body.empty());  // the key is good, nothing is new
}

TEST_CASE("FolderSync: unknown keys are status 9, a missing one is status 10") {
  // covers: MS-ASCMD R4580 R4581 R4083 R4086 R4068
  ServiceFixture server;
  const std::string good = ask(server, "0").key;
  for (const std::string& key : {std::string("1"), std::string("-1"), std::string("no"), good + "1",
                                 std::string(1 << 19, '7'), std::string("\xFF\xFE")}) {
    const Answer answer = ask(server, key);
    CHECK(answer.status == "9");
    CHECK(answer.key.empty());
  }
  CHECK(ask(server, "").status == "10");
  Call empty = folder_sync("0");
  empty.body = Element(tag::kFolderSync);
  CHECK(text_at(server.element(empty), {tag::kStatus}) == "10");
  CHECK(ask(server, good).status == "1");  // nothing was lost
}

TEST_CASE("FolderSync: a key of another device or of an older epoch is status 9") {
  ServiceFixture server;
  const std::string first = ask(server, "0").key;
  const std::string second = ask(server, "0").key;
  CHECK(ask(server, first).status == "9");
  Call other = folder_sync(second);
  other.device = "dev2";
  CHECK(text_at(server.element(other), {tag::kStatus}) == "9");
  CHECK(ask(server, second).status == "1");
}

TEST_CASE("FolderSync: a folder that came and went is passed in silence") {
  ServiceFixture server;
  auto mailbox = server.mailbox();
  const std::string key = ask(server, "0").key;
  const auto brief = mailbox->create_folder(0, "Brief");
  REQUIRE(brief);
  REQUIRE(mailbox->remove_folder(brief->id));
  const Answer none = ask(server, key);
  CHECK(none.count == "0");
  CHECK(none.key == key);
  server.restart();
  CHECK(ask(server, key).status == "1");
}

TEST_CASE(
    "FolderSync: Android's probe gets the folders and leaves no record (quirks.md: validate)") {
  ServiceFixture server;
  Call probe = folder_sync("0");
  probe.device = "validate";
  CHECK(text_at(server.element(probe), {tag::kStatus}) == "1");
  CHECK(server.device("validate").error().kind == storage::ErrorKind::not_found);
  probe.body = Element(tag::kFolderSync, {Element(tag::kSyncKey, "00000001-1")});
  CHECK(text_at(server.element(probe), {tag::kStatus}) == "9");
  probe.command = "Sync";
  probe.body = Element(wbxml::airsync::kSync);
  CHECK(text_at(server.element(probe), {wbxml::airsync::kStatus}) == "108");
}

TEST_CASE("FolderSync: state survives a restart") {
  ServiceFixture server;
  const std::string key = ask(server, "0").key;
  server.restart();
  REQUIRE(server.mailbox()->create_folder(0, "Later"));
  CHECK(ask(server, key).added.count("Later") == 1);
}
