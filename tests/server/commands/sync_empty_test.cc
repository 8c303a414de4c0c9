// Sync without a body, and Sync that names a part of the folders: the rest comes from the request
// before. [MS-ASCMD] 2.2.1.21.1, 2.2.3.131
#include <doctest/doctest.h>

#include "server/sync/server_id.h"
#include "tests/support/sync_calls.h"
#include "wbxml/code_pages.h"

namespace {

using storage::FolderRole;
using test::change_read;
using test::collection;
using test::commands;
using test::ServiceFixture;
using test::simple_mail;
using test::sync;
using test::SyncAnswer;
using wbxml::Element;
namespace airsync = wbxml::airsync;

const std::vector<std::string> kVersions = {"12.1", "14.0", "14.1", "16.0", "16.1"};

Element window(const char* size) { return Element(airsync::kWindowSize, size); }
Element partial() { return Element(airsync::kPartial); }

// A phone that has everything of two folders.
struct Folders {
  explicit Folders(ServiceFixture& server_of, std::string version_of = "14.1")
      : server(server_of), version(std::move(version_of)) {
    inbox = eas::to_collection_id(server.folder(FolderRole::inbox));
    sent = eas::to_collection_id(server.folder(FolderRole::sent));
    inbox_key = server.prime(inbox);
    sent_key = server.prime(sent);
  }
  // A full request for both with nothing to say.
  void full() {
    CHECK(sync(server, {collection(inbox, inbox_key, {window("3")}), collection(sent, sent_key)},
               {}, version)
              .empty);
  }
  SyncAnswer empty() { return sync(server, {}, {}, version); }

  ServiceFixture& server;
  std::string version, inbox, sent, inbox_key, sent_key;
};

}  // namespace

TEST_CASE("Sync: an empty one when no request is known is status 13 (quirks.md: Sync)") {
  // covers: MS-ASCMD R4456
  for (const char* version : {"2.5", "12.0", "12.1", "14.0", "14.1", "16.0", "16.1"}) {
    CAPTURE(version);
    ServiceFixture server;
    Folders phone(server, version);
    server.restart();
    test::Call call = test::sync_request({}, {}, version, "dev2");
    CHECK(test::sync_answer(server.reply(call)).status == "13");
    // Asking again and again gets the same, and the full request then works.
    CHECK(test::sync_answer(server.reply(call)).status == "13");
    CHECK(
        sync(server, {collection(phone.inbox, "0")}, {}, version, "dev2").status_of(phone.inbox) ==
        "1");
  }
}

TEST_CASE("Sync: versions without empty requests keep none") {
  for (const char* version : {"2.5", "12.0"}) {
    CAPTURE(version);
    ServiceFixture server;
    const std::string inbox = eas::to_collection_id(server.folder(FolderRole::inbox));
    CHECK(sync(server, {collection(inbox, "0")}, {}, version).status_of(inbox) == "1");
    CHECK(sync(server, {}, {}, version).status == "13");
  }
}

TEST_CASE("Sync: an empty one is the request before it, with all its folders and windows") {
  // covers: MS-ASCMD R656 R658 R666 R667 R673 R675 R679
  for (const std::string& version : kVersions) {
    CAPTURE(version);
    ServiceFixture server;
    Folders phone(server, version);
    phone.full();
    CHECK(phone.empty().empty);
    CHECK(phone.empty().empty);
    for (int i = 0; i < 5; ++i) server.deliver(simple_mail("m" + std::to_string(i)));
    server.deliver(simple_mail("sent"), FolderRole::sent);
    server.restart();  // it outlasts the process
    const SyncAnswer answer = phone.empty();
    CHECK(answer.told(phone.inbox, airsync::kAdd).size() == 3);
    CHECK(answer.told(phone.sent, airsync::kAdd).size() == 1);
    REQUIRE(answer.collections.count(phone.inbox) == 1);
    CHECK(answer.collections.at(phone.inbox).has(airsync::kMoreAvailable));
    // Its keys go on as those of any other answer.
    const SyncAnswer rest =
        sync(server, {collection(phone.inbox, answer.key_of(phone.inbox))}, {}, version);
    CHECK(rest.told(phone.inbox, airsync::kAdd).size() == 2);
  }
}

TEST_CASE("Sync: an empty one does not repeat the commands of the request before it") {
  ServiceFixture server;
  const auto id = server.deliver(simple_mail("one"));
  Folders phone(server);
  const std::string item = eas::to_item_id(server.folder(FolderRole::inbox), id);
  const SyncAnswer answer = sync(
      server, {collection(phone.inbox, phone.inbox_key, {commands({change_read(item, true)})})});
  CHECK(answer.status_of(phone.inbox) == "1");
  REQUIRE(server.mailbox()->set_flags(server.folder(FolderRole::inbox), id, {.seen = false}));
  const SyncAnswer next = phone.empty();
  CHECK(next.told(phone.inbox, airsync::kChange) == std::vector<std::string>{item});
  CHECK_FALSE(server.mailbox()->message(server.folder(FolderRole::inbox), id)->flags.seen);
}

TEST_CASE("Sync: an empty one waits when the request before it did") {
  ServiceFixture server;
  Folders phone(server);
  const auto full = test::sync_request({collection(phone.inbox, phone.inbox_key)},
                                       {Element(airsync::kHeartbeatInterval, "600")});
  CHECK(std::holds_alternative<http::HttpReply>(
      server.park(full).resume(http::WakeReason::deadline)));
  http::Parked parked = server.park(test::sync_request({}));
  server.deliver(simple_mail("news"));
  CHECK(server.waker().woken > 0);
  const auto outcome = parked.resume(http::WakeReason::woken);
  const auto* reply = std::get_if<http::HttpReply>(&outcome);
  REQUIRE(reply != nullptr);
  CHECK(test::sync_answer(*reply).told(phone.inbox, airsync::kAdd).size() == 1);
}

TEST_CASE("Sync: Partial without a request before it is status 13, and nothing but it is 4") {
  // covers: MS-ASCMD R4456
  for (const std::string& version : kVersions) {
    CAPTURE(version);
    ServiceFixture server;
    const std::string inbox = eas::to_collection_id(server.folder(FolderRole::inbox));
    CHECK(sync(server, {}, {window("5"), partial()}, version).status == "13");
    CHECK(sync(server, {collection(inbox, "0")}, {partial()}, version).status == "13");
    CHECK(sync(server, {}, {partial()}, version).status == "4");
    Folders phone(server, version);
    phone.full();
    CHECK(sync(server, {}, {partial()}, version).status == "4");
    CHECK(phone.empty().empty);  // the bad one is not what was kept
  }
}

TEST_CASE("Sync: Partial with a window alone asks for the folders of the request before") {
  for (const std::string& version : kVersions) {
    CAPTURE(version);
    ServiceFixture server;
    Folders phone(server, version);
    phone.full();
    for (int i = 0; i < 4; ++i) server.deliver(simple_mail("m" + std::to_string(i)));
    server.deliver(simple_mail("sent"), FolderRole::sent);
    const SyncAnswer answer = sync(server, {}, {window("4"), partial()}, version);
    CHECK(answer.told(phone.inbox, airsync::kAdd).size() == 3);  // its own window
    CHECK(answer.told(phone.sent, airsync::kAdd).size() == 1);   // what the whole window leaves
  }
}

TEST_CASE("Sync: Partial may carry commands, and the other folders come along (quirks.md: Sync)") {
  for (const std::string& version : kVersions) {
    CAPTURE(version);
    ServiceFixture server;
    const auto id = server.deliver(simple_mail("one"));
    Folders phone(server, version);
    phone.full();
    server.deliver(simple_mail("sent"), FolderRole::sent);
    const std::string item = eas::to_item_id(server.folder(FolderRole::inbox), id);
    const SyncAnswer answer = sync(
        server, {collection(phone.inbox, phone.inbox_key, {commands({change_read(item, true)})})},
        {partial()}, version);
    CHECK(answer.status_of(phone.inbox) == "1");
    CHECK(server.mailbox()->message(server.folder(FolderRole::inbox), id)->flags.seen);
    CHECK(answer.told(phone.sent, airsync::kAdd).size() == 1);
    // The completed request is the one that is kept, with the keys that were sent: an empty one
    // after it means that its answer was lost.
    server.deliver(simple_mail("more"), FolderRole::sent);
    CHECK(phone.empty().told(phone.sent, airsync::kAdd).size() == 2);
  }
}

TEST_CASE("Sync: what Partial names replaces that folder of the request before, and no other") {
  ServiceFixture server;
  Folders phone(server);
  phone.full();
  for (int i = 0; i < 3; ++i) {
    server.deliver(simple_mail("m" + std::to_string(i)));
    server.deliver(simple_mail("s" + std::to_string(i)), FolderRole::sent);
  }
  const SyncAnswer answer =
      sync(server, {collection(phone.sent, phone.sent_key, {window("1")})}, {partial()});
  CHECK(answer.told(phone.sent, airsync::kAdd).size() == 1);
  CHECK(answer.told(phone.inbox, airsync::kAdd).size() == 3);
}

TEST_CASE("Sync: a partial one that becomes too large with the folders before it is status 15") {
  eas::Limits limits;
  limits.max_collections = 2;
  ServiceFixture server(limits);
  Folders phone(server);
  phone.full();
  const std::string trash = eas::to_collection_id(server.folder(FolderRole::trash));
  const SyncAnswer answer = sync(server, {collection(trash, "0")}, {partial()});
  CHECK(answer.status == "15");
  CHECK(answer.limit == "2");
  CHECK(phone.empty().empty);
}

TEST_CASE("Sync: of a request that is badly made nothing is kept") {
  ServiceFixture server;
  Folders phone(server);
  phone.full();
  const SyncAnswer bad = sync(server, {collection(phone.sent, phone.sent_key, {window("many")})});
  CHECK(bad.status_of(phone.sent) == "4");
  server.deliver(simple_mail("news"));
  CHECK(phone.empty().told(phone.inbox, airsync::kAdd).size() == 1);
}
