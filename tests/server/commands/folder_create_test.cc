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

int folders_named(ServiceFixture& server, const std::string& name) {
  int count = 0;
  const auto page = server.mailbox()->folders();
  REQUIRE(page);
  for (const auto& folder : page->folders) count += folder.name == name ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("FolderCreate: a folder is made, with an id and a new key, in every version") {
  // covers: MS-ASCMD R79 R80 R3084 R1684 R3903 R5872 R4011 R4005 R2695 R2697 R2698 R4569 R4654
  // covers: MS-ASCMD R6004 R6005 R6006 R6007 R6007100601 R7218 R7219 R7220 R7221 R7221101801 R3905
  // covers: MS-ASHTTP R493
  for (const char* version : kVersions) {
    for (const char* type : {"1", "12"}) {
      CAPTURE(version);
      ServiceFixture server;
      Phone phone{server, version};
      const std::string first = phone.folder_sync().key;
      const FolderAnswer made = phone.create("0", "Projekt Ärger", type);
      CHECK(made.status == "1");
      CHECK(made.key != first);
      CHECK(made.server_id.size() <= 64);
      const auto id = eas::parse_collection_id(made.server_id);
      REQUIRE(id);
      CHECK(server.mailbox()->folder(*id)->name == "Projekt Ärger");
      // It takes mail at once.
      CHECK(server.prime(made.server_id) != "0");
      const FolderAnswer child = phone.create(made.server_id, "Inside");
      CHECK(child.status == "1");
      CHECK(server.mailbox()->folder(*eas::parse_collection_id(child.server_id))->parent == *id);
    }
  }
}

TEST_CASE("FolderCreate: FolderSync does not tell the phone again, but tells the others") {
  // covers: MS-ASCMD R5024 R5860
  ServiceFixture server;
  Phone phone{server};
  Phone other{server, "16.1", "dev2"};
  phone.folder_sync();
  other.folder_sync();
  const std::string id = phone.create("0", "New").server_id;
  CHECK(phone.folder_sync().count == "0");
  const FolderAnswer told = other.folder_sync();
  CHECK(told.count == "1");
  CHECK(told.added.at("New") == id);
  CHECK(told.types.at("New") == "12");
}

TEST_CASE("FolderCreate: what others did meanwhile is still told") {
  ServiceFixture server;
  auto mailbox = server.mailbox();
  const auto old = mailbox->create_folder(0, "Old");
  REQUIRE(old);
  Phone phone{server};
  phone.folder_sync();
  REQUIRE(mailbox->create_folder(0, "Theirs"));
  REQUIRE(mailbox->rename_folder(old->id, 0, "Older"));
  const std::string mine = phone.create("0", "Mine").server_id;
  REQUIRE(mailbox->create_folder(0, "Later"));
  const FolderAnswer news = phone.folder_sync();
  CHECK(news.count == "3");
  CHECK(news.added.size() == 2);
  CHECK(news.added.count("Theirs") == 1);
  CHECK(news.added.count("Later") == 1);
  CHECK(news.updated.count("Older") == 1);
  CHECK(phone.folder_sync().count == "0");

  // A folder of the phone's own that another one changes is one that it knows.
  const std::string second = phone.create("0", "Second").server_id;
  REQUIRE(mailbox->create_folder(0, "Between"));
  const std::string third = phone.create("0", "Third").server_id;
  REQUIRE(mailbox->rename_folder(*eas::parse_collection_id(second), 0, "Renamed"));
  REQUIRE(mailbox->remove_folder(*eas::parse_collection_id(third)));
  const FolderAnswer more = phone.folder_sync();
  CHECK(more.added.size() == 1);
  CHECK(more.updated.at("Renamed") == second);
  CHECK(more.deleted == std::vector<std::string>{third});
  CHECK(phone.folder_sync().count == "0");
}

TEST_CASE("FolderCreate: a lost answer is given again, to the byte, and nothing is made twice") {
  ServiceFixture server;
  Phone phone{server};
  phone.folder_sync();
  const std::string before = phone.key;
  const FolderAnswer once = phone.create("0", "Once");
  server.restart();
  for (int i = 0; i < 3; ++i) {
    phone.key = before;
    const FolderAnswer again = phone.create("0", "Once");
    CHECK(again.status == "1");
    CHECK(again.key == once.key);
    CHECK(again.server_id == once.server_id);
  }
  CHECK(folders_named(server, "Once") == 1);
  CHECK(phone.folder_sync().count == "0");
}

TEST_CASE("FolderCreate: after a lost answer another command with the old key loses nothing") {
  ServiceFixture server;
  Phone phone{server};
  phone.folder_sync();
  const std::string before = phone.key;
  const std::string lost = phone.create("0", "Lost").server_id;
  phone.key = before;
  const FolderAnswer other = phone.create("0", "Other");
  CHECK(other.status == "1");
  const FolderAnswer news = phone.folder_sync();
  CHECK(news.count == "1");
  CHECK(news.added.at("Lost") == lost);

  // And with FolderSync instead the folder comes as an Add.
  phone.folder_sync();
  const std::string again = phone.key;
  const std::string second = phone.create("0", "Second").server_id;
  phone.key = again;
  CHECK(phone.folder_sync().added.at("Second") == second);
}

TEST_CASE("FolderCreate: a process that is killed at any step leaves nothing doubled or lost") {
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
    test::Call call;
    call.command = "FolderCreate";
    call.body = test::folder_body("FolderCreate",
                                  {Element(tag::kSyncKey, phone.key), Element(tag::kParentId, "0"),
                                   Element(tag::kDisplayName, "Mine"), Element(tag::kType, "12")});
    left = step;
    const bool cut_off = server.reply(call).status == 500;
    left = -1;
    server.restart();
    const FolderAnswer answer = phone.create("0", "Mine");
    CHECK(answer.status == "1");
    CHECK_FALSE(answer.server_id.empty());
    CHECK(folders_named(server, "Mine") == 1);
    CHECK(phone.folder_sync().count == "0");
    if (!cut_off) {
      CHECK(step > 3);  // there were steps at which it was cut off
      return;
    }
  }
  FAIL("it never came to an end");
}

TEST_CASE("FolderCreate: a name that is taken is status 2") {
  // covers: MS-ASCMD R4013 R2198
  ServiceFixture server;
  Phone phone{server};
  phone.folder_sync();
  const std::string a = phone.create("0", "A").server_id;
  CHECK(phone.create("0", "A").status == "2");
  CHECK(phone.create("0", " A ").status == "2");
  CHECK(phone.create(a, "A").status == "1");
  for (const char* name : {"Calendar", "contacts", "Notes", "RecipientInfo", "Drafts", "Inbox"}) {
    CAPTURE(name);
    CHECK(phone.create("0", name).status == "2");
  }
  CHECK(phone.create(a, "Calendar").status == "1");
  CHECK(folders_named(server, "A") == 2);
}

TEST_CASE("FolderCreate: a parent that takes no folders is status 3, one that is gone status 5") {
  // covers: MS-ASCMD R5769 R4016 R4018 R4019
  ServiceFixture server;
  Phone phone{server};
  phone.folder_sync();
  for (const char* parent : {"r1", "c1", "p1", "t1", "n1", "j1"}) {
    CHECK(phone.create(parent, "x").status == "3");
  }
  const auto gone = server.mailbox()->create_folder(0, "Gone");
  REQUIRE(gone);
  REQUIRE(server.mailbox()->remove_folder(gone->id));
  for (const std::string& parent :
       {std::string("m999"), eas::to_collection_id(gone->id), std::string("c2"), std::string("x"),
        std::string("../.."), std::string(64, 'm')}) {
    CAPTURE(parent);
    CHECK(phone.create(parent, "x").status == "5");
  }
  phone.version = "12.1";  // there is none
  CHECK(phone.create("r1", "x").status == "5");
  CHECK(folders_named(server, "x") == 0);
}

TEST_CASE("FolderCreate: types that have no store are status 12, default folders and others 10") {
  // covers: MS-ASCMD R81 R4035 R4655 R5771
  ServiceFixture server;
  Phone phone{server};
  phone.folder_sync();
  for (const char* type : {"13", "14", "15", "16", "17"}) {
    CHECK(phone.create("0", "x", type).status == "12");
  }
  for (const char* type : {"0", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "18", "19",
                           "20", "-1", "", "mail", "1.0", "4294967308"}) {
    CAPTURE(type);
    CHECK(phone.create("0", "x", type).status == "10");
  }
  CHECK(folders_named(server, "x") == 0);
}

TEST_CASE("FolderCreate: a key that is not the phone's is status 9") {
  // covers: MS-ASCMD R4032 R4572 R4573 R4570 R3904
  ServiceFixture server;
  Phone phone{server};
  const std::string older = phone.folder_sync().key;
  const std::string good = phone.create("0", "A").key;
  phone.create("0", "B");
  for (const std::string& key : {std::string("0"), std::string("x"), older, good + "7",
                                 std::string("ffffffff-1"), std::string(100, '1')}) {
    CAPTURE(key);
    phone.key = key;
    const FolderAnswer answer = phone.create("0", "C");
    CHECK(answer.status == "9");
    CHECK(answer.server_id.empty());
  }
  Phone fresh{server, "14.1", "dev2", "ffffffff-1"};
  CHECK(fresh.create("0", "C").status == "9");
  CHECK(folders_named(server, "C") == 0);
}

TEST_CASE("FolderCreate: state that cannot be read is status 9, and key 0 mends it") {
  // covers: MS-ASCMD R4032 R5441 R5835
  ServiceFixture server;
  Phone phone{server};
  phone.folder_sync();
  const std::int64_t device = server.device()->id;
  const auto stored = server.services.state->state(device, 0);
  REQUIRE(stored);
  auto broken = *stored;
  broken.current = "\xFF\xFF";
  REQUIRE(server.services.state->commit_state(device, 0, *stored, broken));
  CHECK(phone.create("0", "C").status == "9");
  CHECK(phone.folder_sync().status == "9");
  CHECK(phone.remove("m1").status == "9");
  phone.key = "0";
  phone.folder_sync();
  CHECK(phone.create("0", "C").status == "1");
}

TEST_CASE("FolderCreate: what is missing or impossible is status 10") {
  // covers: MS-ASCMD R4035
  ServiceFixture server;
  Phone phone{server};
  const std::string key = phone.folder_sync().key;
  const Element sync_key(tag::kSyncKey, key), parent(tag::kParentId, "0"),
      name(tag::kDisplayName, "x"), type(tag::kType, "12");
  const auto status = [&](std::vector<Element> children) {
    return phone.call("FolderCreate", std::move(children)).status;
  };
  CHECK(status({}) == "10");
  CHECK(status({parent, name, type}) == "10");
  CHECK(status({sync_key, name, type}) == "10");
  CHECK(status({sync_key, parent, type}) == "10");
  CHECK(status({sync_key, parent, name}) == "10");
  CHECK(status({Element(tag::kSyncKey), parent, name, type}) == "10");
  for (const std::string& bad : {std::string(""), std::string("  "), std::string("a\x01\x62"),
                                 std::string("a/b"), std::string(257, 'x')}) {
    CAPTURE(bad);
    CHECK(phone.create("0", bad).status == "10");
  }
  std::string longest;
  for (int i = 0; i < 64; ++i) longest += "x";
  CHECK(phone.create("0", longest).status == "1");
}

TEST_CASE("FolderCreate: an empty ServerId does no harm (quirks.md: BlackBerry)") {
  ServiceFixture server;
  Phone phone{server};
  phone.folder_sync();
  const FolderAnswer answer =
      phone.call("FolderCreate", {Element(tag::kSyncKey, phone.key), Element(tag::kServerId),
                                  Element(tag::kParentId, "0"), Element(tag::kDisplayName, "Berry"),
                                  Element(tag::kType, "12")});
  CHECK(answer.status == "1");
  CHECK(folders_named(server, "Berry") == 1);
}

TEST_CASE("FolderCreate: a folder in the Inbox is kept at the top level, and the phone is told") {
  ServiceFixture server;
  Phone phone{server};
  const std::string inbox = phone.folder_sync().added.at("Inbox");
  const FolderAnswer made = phone.create(inbox, "Receipts");
  CHECK(made.status == "1");
  const FolderAnswer told = phone.folder_sync();
  CHECK(told.count == "1");
  CHECK(told.updated.at("Receipts") == made.server_id);
  CHECK(told.parents.at("Receipts") == "0");
  CHECK(phone.folder_sync().count == "0");
}

TEST_CASE("FolderCreate: a Ping of another phone notices, the phone's own does not") {
  ServiceFixture server;
  Phone phone{server};
  Phone other{server, "14.1", "dev2"};
  const std::string inbox = phone.folder_sync().added.at("Inbox");
  other.folder_sync();
  namespace ping = wbxml::ping;
  test::Call call;
  call.command = "Ping";
  call.body =
      Element(ping::kPing,
              {Element(ping::kHeartbeatInterval, "480"),
               Element(ping::kFolders, {Element(ping::kFolder, {Element(ping::kId, inbox)})})});
  call.device = "dev2";
  http::Parked parked = server.park(call);
  test::TestWaker& waker = server.waker();
  const int before = waker.woken;
  // The fixture keeps only the newest waker: look at it before the next request.
  REQUIRE(server.mailbox()->create_folder(0, "By hand"));
  CHECK(waker.woken > before);
  phone.create("0", "By phone");
  const auto outcome = parked.resume(http::WakeReason::woken);
  const auto* reply = std::get_if<http::HttpReply>(&outcome);
  REQUIRE(reply != nullptr);
  CHECK(reply->body.find("\x47\x03"
                         "7") != std::string::npos);
  phone.folder_sync();
  phone.create("0", "One more");
  call.device = "dev1";
  server.park(call);
}
