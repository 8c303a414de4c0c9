#include <doctest/doctest.h>

#include "server/sync/server_id.h"
#include "tests/support/folder_calls.h"
#include "wbxml/code_pages.h"

namespace {

using storage::FolderRole;
using test::FolderAnswer;
using test::Phone;
using test::ServiceFixture;
using wbxml::Element;
namespace tag = wbxml::folder_hierarchy;

constexpr const char* kVersions[] = {"2.5", "12.0", "12.1", "14.0", "14.1", "16.0", "16.1"};

storage::MailFolder live(ServiceFixture& server, const std::string& id) {
  const auto folder = server.mailbox()->folder(*eas::parse_collection_id(id));
  REQUIRE(folder);
  return *folder;
}

}  // namespace

TEST_CASE(
    "FolderUpdate: renames and moves; id, mail and the folder's sync state stay (field.md 1.2)") {
  // covers: MS-ASCMD R139 R140 R3099 R1724 R4100 R4094 R2707 R2709 R2710 R5784
  // covers: MS-ASCMD R6016 R6017 R6018 R6019 R6019100601 R7230 R7231 R7232 R7233 R7233101801
  // covers: MS-ASHTTP R68 R431
  for (const char* version : kVersions) {
    CAPTURE(version);
    ServiceFixture server;
    Phone phone{server, version};
    phone.folder_sync();
    const std::string a = phone.create("0", "A").server_id;
    const std::string b = phone.create("0", "B").server_id;
    REQUIRE(server.mailbox()->append(*eas::parse_collection_id(a), test::simple_mail("s"), {},
                                     server.clock.now_ms()));
    const std::string sync_key = server.prime(a);
    const std::string before = phone.key;
    const FolderAnswer renamed = phone.update(a, "0", "Zimmer");
    CHECK(renamed.status == "1");
    CHECK(renamed.key != before);
    CHECK(live(server, a).name == "Zimmer");
    const FolderAnswer moved = phone.update(a, b, "Inner");
    CHECK(moved.status == "1");
    CHECK(live(server, a).parent == live(server, b).id);
    CHECK(live(server, a).name == "Inner");
    CHECK(phone.folder_sync().count == "0");
    CHECK(test::sync_one(server, a, sync_key) == Element());  // nothing new, the key is good
    CHECK(phone.update(a, "0", "A").status == "1");
    CHECK(live(server, a).parent == 0);
  }
}

TEST_CASE("FolderUpdate: other phones are told an Update, subfolders keep their ids") {
  ServiceFixture server;
  Phone phone{server};
  Phone other{server, "12.1", "dev2"};
  phone.folder_sync();
  const std::string a = phone.create("0", "A").server_id;
  const std::string inner = phone.create(a, "Inner").server_id;
  other.folder_sync();
  CHECK(phone.update(a, "0", "B").status == "1");
  const FolderAnswer told = other.folder_sync();
  CHECK(told.count == "1");
  CHECK(told.updated.at("B") == a);
  CHECK(told.types.at("B") == "12");
  CHECK(live(server, inner).parent == live(server, a).id);
}

TEST_CASE("FolderUpdate: a lost answer is given again; what is as asked is success") {
  ServiceFixture server;
  Phone phone{server};
  phone.folder_sync();
  const std::string a = phone.create("0", "A").server_id;
  const std::string before = phone.key;
  const std::string after = phone.update(a, "0", "B").key;
  server.restart();
  phone.key = before;
  const FolderAnswer again = phone.update(a, "0", "B");
  CHECK(again.status == "1");
  CHECK(again.key == after);
  CHECK(phone.update(a, "0", "B").status == "1");
  CHECK(phone.folder_sync().count == "0");
}

TEST_CASE("FolderUpdate: a process that is killed at any step leaves the folder whole") {
  struct Killed {};
  for (int step = 0; step < 40; ++step) {
    CAPTURE(step);
    int left = -1;
    ServiceFixture server({}, {}, [&left](std::string_view) {
      if (left == 0) throw Killed();
      if (left > 0) --left;
    });
    Phone phone{server};
    phone.folder_sync();
    const std::string a = phone.create("0", "A").server_id;
    const std::string inner = phone.create(a, "Inner").server_id;
    test::Call call;
    call.command = "FolderUpdate";
    call.body = test::folder_body("FolderUpdate",
                                  {Element(tag::kSyncKey, phone.key), Element(tag::kServerId, a),
                                   Element(tag::kParentId, "0"), Element(tag::kDisplayName, "B")});
    left = step;
    const bool cut_off = server.reply(call).status == 500;
    left = -1;
    server.restart();
    CHECK(phone.update(a, "0", "B").status == "1");
    CHECK(live(server, a).name == "B");
    CHECK(live(server, inner).parent == live(server, a).id);
    CHECK(phone.folder_sync().count == "0");
    if (!cut_off) {
      CHECK(step > 2);
      return;
    }
  }
  FAIL("it never came to an end");
}

TEST_CASE("FolderUpdate: taken names and special folders are status 2, the information cache 3") {
  // covers: MS-ASCMD R4101 R4102 R5438 R4103 R4104 R141 R142 R143 R4096
  ServiceFixture server;
  Phone phone{server};
  const FolderAnswer all = phone.folder_sync();
  const std::string a = phone.create("0", "A").server_id;
  phone.create("0", "B");
  CHECK(phone.update(a, "0", "B").status == "2");
  CHECK(phone.update(a, "0", "Tasks").status == "2");
  CHECK(phone.update(a, "0", "drafts").status == "1");  // Maildir tells the case apart
  CHECK(phone.update(a, "0", "A").status == "1");
  for (const char* special : {"2", "3", "4", "5", "6", "7", "8", "9", "10", "11"}) {
    CAPTURE(special);
    for (const auto& [name, type] : all.types) {
      if (type == special) CHECK(phone.update(all.added.at(name), "0", "Other").status == "2");
    }
  }
  CHECK(phone.update("r1", "0", "Other").status == "3");
  CHECK(phone.update(a, "r1", "A").status == "3");
  CHECK(live(server, a).name == "A");
  CHECK(phone.folder_sync().count == "0");
}

TEST_CASE("FolderUpdate: folders that are not there are status 4, parents status 5") {
  // covers: MS-ASCMD R4105 R4106 R4108 R4109
  ServiceFixture server;
  Phone phone{server};
  phone.folder_sync();
  const std::string a = phone.create("0", "A").server_id;
  for (const char* id : {"m999", "c2", "x", "0"}) {
    CHECK(phone.update(id, "0", "B").status == "4");
  }
  for (const char* parent : {"m999", "c2", "x"}) {
    CHECK(phone.update(a, parent, "B").status == "5");
  }
  phone.version = "12.1";
  CHECK(phone.update("r1", "0", "B").status == "4");
  CHECK(phone.update("n1", "0", "B").status == "4");
}

TEST_CASE("FolderUpdate: a folder does not go into itself, nor below itself") {
  ServiceFixture server;
  Phone phone{server};
  phone.folder_sync();
  const std::string a = phone.create("0", "A").server_id;
  const std::string inner = phone.create(a, "Inner").server_id;
  CHECK(phone.update(a, a, "A").status == "10");
  CHECK(phone.update(a, inner, "A").status == "10");
  CHECK(live(server, a).parent == 0);
}

TEST_CASE("FolderUpdate: a wrong key is status 9, a missing one and malformed requests 10") {
  // covers: MS-ASCMD R4120 R4123 R4568 R4572 R4573 R5786 R3102
  ServiceFixture server;
  Phone phone{server};
  phone.folder_sync();
  const std::string a = phone.create("0", "A").server_id;
  const std::string good = phone.key;
  phone.key = "0";
  CHECK(phone.update(a, "0", "B").status == "9");
  phone.key = good + "9";
  CHECK(phone.update(a, "0", "B").status == "9");
  phone.key = good;
  const Element key(tag::kSyncKey, good), id(tag::kServerId, a), parent(tag::kParentId, "0"),
      name(tag::kDisplayName, "B");
  const auto status = [&](std::vector<Element> children) {
    return phone.call("FolderUpdate", std::move(children)).status;
  };
  CHECK(status({id, parent, name}) == "10");
  CHECK(status({key, parent, name}) == "10");
  CHECK(status({key, id, name}) == "10");
  CHECK(status({key, id, parent}) == "10");
  CHECK(status({key, id, parent, Element(tag::kDisplayName, std::string(257, 'x'))}) == "10");
  CHECK(status({key, id, parent, name, Element(tag::kStatus, "1")}) == "10");
  CHECK(status({key, id, parent, Element(tag::kDisplayName, "a/b")}) == "10");
  CHECK(live(server, a).name == "A");
  CHECK(status({key, id, parent, name}) == "1");
}

TEST_CASE("FolderUpdate: a folder moved into the Inbox stays at the top, and the phone is told") {
  ServiceFixture server;
  Phone phone{server};
  const std::string inbox = phone.folder_sync().added.at("Inbox");
  const std::string a = phone.create("0", "A").server_id;
  CHECK(phone.update(a, inbox, "A").status == "1");
  const FolderAnswer told = phone.folder_sync();
  CHECK(told.updated.at("A") == a);
  CHECK(told.parents.at("A") == "0");
  CHECK(phone.folder_sync().count == "0");
}

TEST_CASE("FolderUpdate: a folder that is shown with an addition to its name can be renamed") {
  ServiceFixture server;
  const auto notes = server.mailbox()->create_folder(0, "Notes");
  REQUIRE(notes);
  Phone phone{server};
  const std::string id = phone.folder_sync().added.at("Notes (mail)");
  CHECK(phone.update(id, "0", "Notes (mail)").status == "1");
  CHECK(live(server, id).name == "Notes");
  CHECK(phone.folder_sync().count == "0");
  CHECK(phone.update(id, "0", "Letters").status == "1");
  CHECK(live(server, id).name == "Letters");
  CHECK(phone.folder_sync().count == "0");
}
