// A Sync that waits: what wakes it, what does not, and what it then says. [MS-ASCMD] 3.1.5.4
#include <doctest/doctest.h>

#include "server/sync/server_id.h"
#include "tests/support/sync_calls.h"
#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"
#include "wbxml/dump.h"

namespace {

using http::WakeReason;
using storage::FolderRole;
using test::change_read;
using test::collection;
using test::commands;
using test::ServiceFixture;
using test::simple_mail;
using test::SyncAnswer;
using wbxml::Element;
namespace airsync = wbxml::airsync;

constexpr storage::UnixMillis kDay = 86'400'000;

struct Row {
  const char* version;
  wbxml::Tag tag;
  const char* value;
};
const std::vector<Row> kWaits = {
    {"12.1", airsync::kWait, "10"},
    {"14.0", airsync::kWait, "10"},
    {"14.0", airsync::kHeartbeatInterval, "600"},
    {"14.1", airsync::kHeartbeatInterval, "600"},
    {"16.0", airsync::kWait, "10"},
    {"16.1", airsync::kHeartbeatInterval, "600"},
};

SyncAnswer answered(http::Outcome outcome) {
  auto* reply = std::get_if<http::HttpReply>(&outcome);
  REQUIRE(reply != nullptr);
  return test::sync_answer(*reply);
}

http::Parked parked_again(http::Outcome outcome) {
  auto* parked = std::get_if<http::Parked>(&outcome);
  const auto* reply = std::get_if<http::HttpReply>(&outcome);
  if (reply != nullptr && !reply->body.empty()) {
    FAIL(wbxml::to_xml(*wbxml::decode(reply->body)));
  }
  REQUIRE(parked != nullptr);
  return std::move(*parked);
}

// A phone that has all of its Inbox.
struct Phone {
  explicit Phone(ServiceFixture& server_of, Row row_of = kWaits[3])
      : server(server_of), row(row_of) {
    folder = server.folder(FolderRole::inbox);
    inbox = eas::to_collection_id(folder);
    key = server.prime(inbox);
  }
  test::Call request(std::vector<Element> more = {}) const {
    return test::sync_request({collection(inbox, key, std::move(more))},
                              {Element(row.tag, row.value)}, row.version);
  }

  ServiceFixture& server;
  Row row;
  storage::CollectionId folder = 0;
  std::string inbox, key;
};

}  // namespace

TEST_CASE("Sync: new mail wakes one that waits, and is in its answer") {
  // covers: MS-ASCMD R5595 R5788 R5596
  for (const Row& row : kWaits) {
    CAPTURE(row.version);
    ServiceFixture server;
    const Phone phone(server, row);
    http::Parked parked = server.park(phone.request());
    test::TestWaker& waker = server.waker();
    CHECK(waker.woken == 0);
    const auto id = server.deliver(simple_mail("news"));
    CHECK(waker.woken > 0);
    const SyncAnswer answer = answered(parked.resume(WakeReason::woken));
    CHECK(answer.status_of(phone.inbox) == "1");
    CHECK(answer.told(phone.inbox, airsync::kAdd) ==
          std::vector<std::string>{eas::to_item_id(phone.folder, id)});
    CHECK(answer.key_of(phone.inbox) != phone.key);
  }
}

TEST_CASE("Sync: one that waits is answered without a body when its time is over") {
  // covers: MS-ASCMD R5595 R5788 R679 R4739
  for (const Row& row : kWaits) {
    CAPTURE(row.version);
    ServiceFixture server;
    const Phone phone(server, row);
    const auto before = std::chrono::steady_clock::now();
    http::Parked parked = server.park(phone.request());
    CHECK(parked.deadline - before >= std::chrono::seconds(599));
    CHECK(parked.deadline - before <= std::chrono::seconds(660));
    CHECK(answered(parked.resume(WakeReason::deadline)).empty);
    server.deliver(simple_mail("later"));  // the key is as good as before
    CHECK(answered(server.reply(phone.request())).told(phone.inbox, airsync::kAdd).size() == 1);
  }
}

TEST_CASE("Sync: versions that cannot wait are answered at once") {
  ServiceFixture server;
  for (const char* version : {"2.5", "12.0"}) {
    CAPTURE(version);
    for (const char* minutes : {"10", "100"}) {
      const Phone phone(server, {version, airsync::kWait, minutes});
      CHECK(answered(server.reply(phone.request())).status_of(phone.inbox) == "1");
    }
  }
  // 12.1 has Wait alone.
  const Phone phone(server, {"12.1", airsync::kHeartbeatInterval, "600"});
  CHECK(answered(server.reply(phone.request())).empty);
}

TEST_CASE("Sync: what is there already is told at once, however long it may wait") {
  ServiceFixture server;
  const Phone phone(server);
  server.deliver(simple_mail("before"));
  CHECK(answered(server.reply(phone.request())).told(phone.inbox, airsync::kAdd).size() == 1);
}

TEST_CASE("Sync: mail that comes between the look and the parking is not missed") {
  ServiceFixture server;
  const Phone phone(server);
  server.on_make_waker = [&] {
    server.on_make_waker = {};
    server.deliver(simple_mail("in between"));
  };
  CHECK(answered(server.reply(phone.request())).told(phone.inbox, airsync::kAdd).size() == 1);
}

TEST_CASE("Sync: changes, removals and mail in other folders do not wake it") {
  // covers: MS-ASCMD R5598
  ServiceFixture server;
  const auto first = server.deliver(simple_mail("first"));
  const auto second = server.deliver(simple_mail("second"));
  const Phone phone(server);
  http::Parked parked = server.park(phone.request());
  test::TestWaker& waker = server.waker();
  REQUIRE(server.mailbox()->set_flags(phone.folder, first, {.seen = true}));
  REQUIRE(server.mailbox()->remove(phone.folder, second));
  server.deliver(simple_mail("elsewhere"), FolderRole::sent);
  CHECK(waker.woken == 0);
  // They come along with what does.
  server.deliver(simple_mail("news"));
  CHECK(waker.woken > 0);
  const SyncAnswer answer = answered(parked.resume(WakeReason::woken));
  CHECK(answer.told(phone.inbox, airsync::kAdd).size() == 1);
  CHECK(answer.told(phone.inbox, airsync::kChange).size() == 1);
  CHECK(answer.told(phone.inbox, airsync::kDelete).size() == 1);
}

TEST_CASE("Sync: old mail outside the filter gives no answer without content (quirks.md: Sync)") {
  ServiceFixture server;
  Phone phone(server);
  const Element options(airsync::kOptions, {Element(airsync::kFilterType, "3")});
  http::Parked parked = server.park(phone.request({options}));
  REQUIRE(server.mailbox()->append(phone.folder, simple_mail("old"), {},
                                   server.clock.now_ms() - 60 * kDay));
  http::Parked again = parked_again(parked.resume(WakeReason::woken));
  server.deliver(simple_mail("new"));
  CHECK(answered(again.resume(WakeReason::woken)).told(phone.inbox, airsync::kAdd).size() == 1);
}

TEST_CASE("Sync: one that was woken for nothing waits for the rest of its time only") {
  ServiceFixture server;
  const Phone phone(server);
  http::Parked parked = server.park(phone.request());
  server.clock.advance(200'000);
  const auto before = std::chrono::steady_clock::now();
  http::Parked again = parked_again(parked.resume(WakeReason::woken));
  CHECK(again.deadline - before <= std::chrono::seconds(410));
  server.clock.advance(400'000);
  CHECK(answered(again.resume(WakeReason::woken)).empty);
}

TEST_CASE("Sync: with commands it is answered at once, whatever they change") {
  // covers: MS-ASCMD R5599 R5789
  ServiceFixture server;
  const auto id = server.deliver(simple_mail("one"));
  const Phone phone(server, kWaits[5]);
  const std::string item = eas::to_item_id(phone.folder, id);
  CHECK(answered(server.reply(phone.request({commands({change_read(item, true)})})))
            .status_of(phone.inbox) == "1");
  const std::string drafts = eas::to_collection_id(server.folder(FolderRole::drafts));
  const Element add(airsync::kAdd, {Element(airsync::kClientId, "c1"),
                                    Element(airsync::kApplicationData,
                                            {Element(wbxml::email::kSubject, "a draft")})});
  const SyncAnswer answer = answered(
      server.reply(test::sync_request({collection(drafts, server.prime(drafts), {commands({add})})},
                                      {Element(airsync::kHeartbeatInterval, "600")}, "16.1")));
  CHECK(answer.response(drafts, airsync::kAdd, "c1") == "1");
}

TEST_CASE("Sync: the Outbox and folders without a store wait like any other (quirks.md: Sync)") {
  ServiceFixture server;
  const std::string outbox = server.folder_id(6);
  const Phone phone(server);
  http::Parked parked = server.park(
      test::sync_request({collection(outbox, server.prime(outbox)),
                          collection("c1", server.prime("c1")), collection(phone.inbox, phone.key)},
                         {Element(airsync::kHeartbeatInterval, "600")}));
  server.deliver(simple_mail("news"));
  CHECK(server.waker().woken > 0);
  const SyncAnswer answer = answered(parked.resume(WakeReason::woken));
  CHECK(answer.told(phone.inbox, airsync::kAdd).size() == 1);
  CHECK(answer.collections.size() == 1);
}

TEST_CASE("Sync: waiting without a folder to wait for is status 13 or 4 (quirks.md: Sync)") {
  ServiceFixture server;
  for (const Row& row : kWaits) {
    CAPTURE(row.version);
    const Element wait(row.tag, row.value);
    CHECK(test::sync(server, {}, {wait}, row.version).status == "13");
    test::Call call = test::sync_request({}, {wait}, row.version);
    call.body.children.insert(call.body.children.begin(), Element(airsync::kCollections));
    CHECK(answered(server.reply(call)).status == "4");
  }
}

TEST_CASE("Sync: GetChanges 0 keeps back the news and loses none (quirks.md: Sync)") {
  // covers: MS-ASCMD R3119 R3125 R3126 R3127 R5556
  for (const char* version : {"2.5", "12.0", "12.1", "14.1", "16.1"}) {
    CAPTURE(version);
    ServiceFixture server;
    const auto id = server.deliver(simple_mail("one"));
    const Phone phone(server);
    const std::string item = eas::to_item_id(phone.folder, id);
    server.deliver(simple_mail("news"));
    const SyncAnswer pushed = test::sync(
        server,
        {collection(phone.inbox, phone.key,
                    {Element(airsync::kGetChanges, "0"), commands({change_read(item, true)})})},
        {}, version);
    CHECK(pushed.status_of(phone.inbox) == "1");
    CHECK(pushed.told(phone.inbox, airsync::kAdd).empty());
    const SyncAnswer pulled = test::sync(
        server,
        {collection(phone.inbox, pushed.key_of(phone.inbox), {Element(airsync::kGetChanges)})}, {},
        version);
    CHECK(pulled.told(phone.inbox, airsync::kAdd).size() == 1);
    CHECK(pulled.told(phone.inbox, airsync::kChange).empty());  // its own change is no news
  }
}
