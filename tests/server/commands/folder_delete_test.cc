#include <doctest/doctest.h>

#include "server/sync/server_id.h"
#include "tests/support/folder_calls.h"
#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"

namespace {

using test::FolderAnswer;
using test::Phone;
using test::ServiceFixture;
using test::text_at;
using wbxml::Element;
namespace tag = wbxml::folder_hierarchy;
namespace airsync = wbxml::airsync;

constexpr const char* kVersions[] = {"2.5", "12.0", "12.1", "14.0", "14.1", "16.0", "16.1"};

bool is_there(ServiceFixture& server, const std::string& id) {
  return server.mailbox()->folder(*eas::parse_collection_id(id)).has_value();
}

}  // namespace

TEST_CASE("FolderDelete: the folder is gone for every phone, in every version") {
  // covers: MS-ASCMD R97 R98 R99 R3087 R1692 R4045 R4039 R2699 R2701 R2702 R5783 R5863 R1483
  // covers: MS-ASCMD R6008 R6009 R6010 R6011 R6011100601 R7224 R7225 R7225101801
  // covers: MS-ASHTTP R496
  for (const char* version : kVersions) {
    CAPTURE(version);
    ServiceFixture server;
    Phone phone{server, version};
    Phone other{server, "16.1", "dev2"};
    phone.folder_sync();
    const std::string id = phone.create("0", "Doomed").server_id;
    server.prime(id);
    other.folder_sync();
    const std::string before = phone.key;
    const FolderAnswer gone = phone.remove(id);
    CHECK(gone.status == "1");
    CHECK(gone.key != before);
    CHECK_FALSE(is_there(server, id));
    CHECK(phone.folder_sync().count == "0");
    CHECK(other.folder_sync().deleted == std::vector<std::string>{id});
    CHECK(phone.create("0", "Doomed").server_id != id);
  }
}

TEST_CASE(
    "FolderDelete: Sync of the folder then says that the hierarchy changed (quirks.md: iOS)") {
  // covers: MS-ASCMD R4453
  ServiceFixture server;
  Phone phone{server};
  phone.folder_sync();
  const std::string id = phone.create("0", "Doomed").server_id;
  const std::string key = server.prime(id);
  phone.remove(id);
  CHECK(text_at(test::sync_one(server, id, key), {airsync::kStatus}) == "12");
}

TEST_CASE("FolderDelete: a waiting Sync of another phone hears of it at once") {
  ServiceFixture server;
  Phone phone{server};
  phone.folder_sync();
  const std::string id = phone.create("0", "Doomed").server_id;
  Phone other{server, "14.1", "dev2"};
  other.folder_sync();
  test::Call call;
  call.command = "Sync";
  call.device = "dev2";
  const std::string key = server.prime(id, "dev2");
  call.body = Element(
      airsync::kSync,
      {Element(airsync::kCollections,
               {Element(airsync::kCollection,
                        {Element(airsync::kSyncKey, key), Element(airsync::kCollectionId, id)})}),
       Element(airsync::kHeartbeatInterval, "600")});
  http::Parked parked = server.park(call);
  test::TestWaker& waker = server.waker();
  const int before = waker.woken;
  REQUIRE(server.mailbox()->remove_folder(*eas::parse_collection_id(id)));
  CHECK(waker.woken > before);
  const auto outcome = parked.resume(http::WakeReason::woken);
  const auto* reply = std::get_if<http::HttpReply>(&outcome);
  REQUIRE(reply != nullptr);
  const auto root = wbxml::decode(reply->body);
  REQUIRE(root.has_value());
  CHECK(text_at(*root, {airsync::kCollections, airsync::kCollection, airsync::kStatus}) == "12");
}

TEST_CASE("FolderDelete: subfolders go too, each told once (quirks.md: Windows Phone)") {
  ServiceFixture server;
  Phone phone{server};
  Phone other{server, "14.1", "dev2"};
  phone.folder_sync();
  const std::string a = phone.create("0", "A").server_id;
  const std::string inner = phone.create(a, "Inner").server_id;
  other.folder_sync();
  CHECK(phone.remove(a).status == "1");
  CHECK_FALSE(is_there(server, inner));
  CHECK(phone.folder_sync().deleted == std::vector<std::string>{inner});
  FolderAnswer told = other.folder_sync();
  std::sort(told.deleted.begin(), told.deleted.end());
  CHECK(told.deleted == std::vector<std::string>{a, inner});
}

TEST_CASE("FolderDelete: a lost answer is given again") {
  ServiceFixture server;
  Phone phone{server};
  phone.folder_sync();
  const std::string id = phone.create("0", "Doomed").server_id;
  const std::string before = phone.key;
  const std::string after = phone.remove(id).key;
  server.restart();
  phone.key = before;
  const FolderAnswer again = phone.remove(id);
  CHECK(again.status == "1");
  CHECK(again.key == after);
  CHECK(phone.remove(id).status == "4");  // with the key after it, it is a new wish
}

TEST_CASE("FolderDelete: a process that is killed at any step ends it when it is asked again") {
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
    const std::string id = phone.create("0", "Doomed").server_id;
    test::Call call;
    call.command = "FolderDelete";
    call.body = test::folder_body("FolderDelete",
                                  {Element(tag::kSyncKey, phone.key), Element(tag::kServerId, id)});
    left = step;
    const bool cut_off = server.reply(call).status == 500;
    left = -1;
    server.restart();
    CHECK(phone.remove(id).status == "1");
    CHECK_FALSE(is_there(server, id));
    CHECK(phone.folder_sync().count == "0");
    if (!cut_off) {
      CHECK(step > 2);
      return;
    }
  }
  FAIL("it never came to an end");
}

TEST_CASE("FolderDelete: special folders are status 3 and stay") {
  // covers: MS-ASCMD R100 R101 R4046 R4047 R4040
  ServiceFixture server;
  Phone phone{server};
  const FolderAnswer all = phone.folder_sync();
  for (const auto& folder : all.added) {
    CAPTURE(folder.first);
    CHECK(phone.remove(folder.second).status == "3");
  }
  CHECK(phone.folder_sync().count == "0");
  phone.key = "0";
  CHECK(phone.folder_sync().added == all.added);
}

TEST_CASE("FolderDelete: folders that are not there are status 4") {
  // covers: MS-ASCMD R4048 R4049
  ServiceFixture server;
  Phone phone{server};
  phone.folder_sync();
  for (const char* id : {"m999", "c2", "x", "0", "m1:1"}) CHECK(phone.remove(id).status == "4");
  const auto gone = server.mailbox()->create_folder(0, "Gone");
  REQUIRE(gone);
  phone.folder_sync();
  REQUIRE(server.mailbox()->remove_folder(gone->id));
  CHECK(phone.remove(eas::to_collection_id(gone->id)).status == "4");
  CHECK(phone.folder_sync().deleted.size() == 1);
  phone.version = "12.1";
  CHECK(phone.remove("r1").status == "4");
}

TEST_CASE("FolderDelete: a wrong key is status 9, what is missing status 10, and nothing is lost") {
  // covers: MS-ASCMD R4060 R4063 R5785 R4572 R4573
  ServiceFixture server;
  Phone phone{server};
  phone.folder_sync();
  const std::string id = phone.create("0", "Stays").server_id;
  const std::string good = phone.key;
  for (const std::string& key : {std::string("0"), good + "1", std::string("x")}) {
    phone.key = key;
    CHECK(phone.remove(id).status == "9");
  }
  phone.key = good;
  CHECK(phone.call("FolderDelete", {Element(tag::kSyncKey, good)}).status == "10");
  CHECK(phone.call("FolderDelete", {Element(tag::kServerId, id)}).status == "10");
  CHECK(phone.remove("").status == "10");
  CHECK(is_there(server, id));
  CHECK(phone.folder_sync().count == "0");
}
