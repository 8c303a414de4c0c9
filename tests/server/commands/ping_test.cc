#include <doctest/doctest.h>
#include <malloc.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "server/sync/server_id.h"
#include "tests/support/service_fixture.h"
#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"

namespace {

using storage::FolderRole;
using test::Call;
using test::ServiceFixture;
using test::text_at;
using wbxml::Element;
namespace tag = wbxml::ping;

Element folders(const std::vector<std::string>& ids) {
  Element element(tag::kFolders);
  for (const std::string& id : ids) {
    element.children.push_back(
        Element(tag::kFolder, {Element(tag::kId, id), Element(tag::kClass, "Email")}));
  }
  return element;
}

Call ping(std::vector<Element> children, const char* version = "14.1") {
  Call call;
  call.command = "Ping";
  call.version = version;
  call.body = Element(tag::kPing, std::move(children));
  return call;
}

Call ping(const std::vector<std::string>& ids, const char* interval = "480") {
  return ping({Element(tag::kHeartbeatInterval, interval), folders(ids)});
}

Call empty_ping() {
  Call call;
  call.command = "Ping";
  return call;
}

Element decoded(const http::Outcome& outcome) {
  const auto* reply = std::get_if<http::HttpReply>(&outcome);
  REQUIRE(reply != nullptr);
  REQUIRE(reply->status == 200);
  auto root = wbxml::decode(reply->body);
  REQUIRE(root.has_value());
  return *std::move(root);
}

Element resumed(http::Parked& parked, http::WakeReason reason) {
  return decoded(parked.resume(reason));
}

}  // namespace

TEST_CASE("Ping: a delivery wakes it and it names the folder, in every version") {
  // covers: MS-ASHTTP R504
  // covers: MS-ASCMD R4235 R4236 R5639 R4227
  for (const char* version : {"2.5", "12.0", "12.1", "14.0", "14.1", "16.0", "16.1"}) {
    CAPTURE(version);
    ServiceFixture server;
    const std::string inbox = server.folder_id(2);
    const std::string sent = server.folder_id(5);
    server.folder_id(2);
    server.prime(inbox);
    server.prime(sent);
    Call call = ping({inbox, sent});
    call.version = version;
    http::Parked parked = server.park(call);
    CHECK(server.waker().woken == 0);
    server.deliver(test::simple_mail("new"));
    CHECK(server.waker().woken >= 1);
    const Element answer = resumed(parked, http::WakeReason::woken);
    CHECK(text_at(answer, {tag::kStatus}) == "2");
    REQUIRE(answer.child(tag::kFolders) != nullptr);
    REQUIRE(answer.child(tag::kFolders)->children.size() == 1);
    CHECK(answer.child(tag::kFolders)->children[0].text == inbox);
    CHECK(server.dispatcher->parked() == 1);  // until the connection layer lets go of it
    parked = {};
    CHECK(server.dispatcher->parked() == 0);
  }
}

TEST_CASE("Ping: a folder whose first Sync was empty fires") {
  ServiceFixture server;
  const std::string inbox = server.folder_id(2);
  server.prime(inbox);
  http::Parked parked = server.park(ping({inbox}));
  server.deliver(test::simple_mail("first ever"));
  CHECK(text_at(resumed(parked, http::WakeReason::woken), {tag::kStatus}) == "2");
}

TEST_CASE("Ping: news that came before the Ping is told at once, until a Sync has told it") {
  // covers: MS-ASCMD R5636
  ServiceFixture server;
  const std::string inbox = server.folder_id(2);
  server.prime(inbox);
  server.deliver(test::simple_mail("before"));
  CHECK(text_at(server.element(ping({inbox})), {tag::kStatus}) == "2");
  CHECK(text_at(server.element(ping({inbox})), {tag::kStatus}) == "2");
  server.prime(inbox);
  server.park(ping({inbox}));
}

TEST_CASE(
    "Ping: flags and removals do not count, and a wake for nothing parks again (quirks.md: "
    "Android)") {
  // covers: MS-ASCMD R5641
  ServiceFixture server;
  const std::string inbox = server.folder_id(2);
  const auto id = server.deliver(test::simple_mail("one"));
  server.prime(inbox);
  http::Parked parked = server.park(ping({inbox}));
  storage::FlagChange seen;
  seen.seen = true;
  REQUIRE(server.mailbox()->set_flags(server.folder(FolderRole::inbox), id, seen));
  CHECK(server.waker().woken == 0);
  REQUIRE(server.mailbox()->remove(server.folder(FolderRole::inbox), id));
  http::Outcome outcome = parked.resume(http::WakeReason::woken);
  auto* again = std::get_if<http::Parked>(&outcome);
  REQUIRE(again != nullptr);
  CHECK(again->deadline > std::chrono::steady_clock::now() + std::chrono::seconds(470));
  server.deliver(test::simple_mail("two"));
  CHECK(text_at(resumed(*again, http::WakeReason::woken), {tag::kStatus}) == "2");
}

TEST_CASE("Ping: time over and shutdown are status 1") {
  // covers: MS-ASCMD R5638 R5714
  ServiceFixture server;
  const std::string inbox = server.folder_id(2);
  server.prime(inbox);
  http::Parked first = server.park(ping({inbox}, "60"));
  const auto left = first.deadline - std::chrono::steady_clock::now();
  CHECK(left > std::chrono::seconds(55));
  CHECK(left <= std::chrono::seconds(61));
  const Element over = resumed(first, http::WakeReason::deadline);
  CHECK(text_at(over, {tag::kStatus}) == "1");
  CHECK(over.children.size() == 1);
  http::Parked second = server.park(ping({inbox}, "60"));
  CHECK(text_at(resumed(second, http::WakeReason::shutdown), {tag::kStatus}) == "1");
}

TEST_CASE("Ping: mail that comes with the deadline is told") {
  ServiceFixture server;
  const std::string inbox = server.folder_id(2);
  server.prime(inbox);
  http::Parked parked = server.park(ping({inbox}));
  server.deliver(test::simple_mail("just in time"));
  CHECK(text_at(resumed(parked, http::WakeReason::deadline), {tag::kStatus}) == "2");
}

TEST_CASE(
    "Ping: parameters are remembered per device, each part alone, also over a restart (quirks.md: "
    "empty Ping)") {
  // covers: MS-ASCMD R5632 R5831 R5634 R5832 R322 R4240 R4241 R5836
  ServiceFixture server;
  const std::string inbox = server.folder_id(2);
  server.folder_id(2, "dev2");
  server.prime(inbox);
  CHECK(text_at(server.element(empty_ping()), {tag::kStatus}) == "3");
  CHECK(text_at(server.element(ping({Element(tag::kHeartbeatInterval, "480")})), {tag::kStatus}) ==
        "3");
  CHECK(text_at(server.element(ping({folders({inbox})})), {tag::kStatus}) == "3");
  server.park(ping({inbox}, "300"));
  server.restart();
  http::Parked from_cache = server.park(empty_ping());
  CHECK(from_cache.deadline < std::chrono::steady_clock::now() + std::chrono::seconds(302));
  CHECK(from_cache.deadline > std::chrono::steady_clock::now() + std::chrono::seconds(290));
  server.deliver(test::simple_mail("x"));
  CHECK(text_at(resumed(from_cache, http::WakeReason::woken), {tag::kStatus}) == "2");
  from_cache = {};
  CHECK(text_at(server.element(ping({folders({inbox})})), {tag::kStatus}) == "2");
  Call other = empty_ping();
  other.device = "dev2";
  CHECK(text_at(server.element(other), {tag::kStatus}) == "3");
}

TEST_CASE("Ping: an interval outside the bounds is status 5 with the nearest, and is not kept") {
  // covers: MS-ASCMD R4249 R5837 R7493 R4228
  ServiceFixture server;
  const std::string inbox = server.folder_id(2);
  for (const auto& [asked, bound] : {std::pair{"1", "60"}, std::pair{"59", "60"},
                                     std::pair{"3541", "3540"}, std::pair{"999999999", "3540"}}) {
    const Element answer = server.element(ping({inbox}, asked));
    CHECK(text_at(answer, {tag::kStatus}) == "5");
    CHECK(text_at(answer, {tag::kHeartbeatInterval}) == bound);
  }
  CHECK(text_at(server.element(empty_ping()), {tag::kStatus}) == "3");
}

TEST_CASE("Ping: too many folders is status 6 with the number allowed") {
  // covers: MS-ASCMD R3259 R4254
  ServiceFixture server;
  server.folder_id(2);
  const Element answer = server.element(ping(std::vector<std::string>(301, "m1")));
  CHECK(text_at(answer, {tag::kStatus}) == "6");
  CHECK(text_at(answer, {tag::kMaxFolders}) == "300");
}

TEST_CASE("Ping: malformed parameters are status 4") {
  ServiceFixture server;
  server.folder_id(2);
  CHECK(text_at(server.element(ping({"m1"}, "soon")), {tag::kStatus}) == "4");
  CHECK(text_at(server.element(ping({Element(tag::kHeartbeatInterval, "480"),
                                     Element(tag::kFolders, {Element(tag::kFolder)})})),
                {tag::kStatus}) == "4");
}

TEST_CASE("Ping: a changed folder list is status 7, at once or when it changes, until FolderSync") {
  // covers: MS-ASCMD R4257 R4258
  ServiceFixture server;
  CHECK(text_at(server.element(ping({"m1"})), {tag::kStatus}) == "7");  // never had the list
  const std::string inbox = server.folder_id(2);
  server.prime(inbox);
  http::Parked parked = server.park(ping({inbox}));
  const auto made = server.mailbox()->create_folder(0, "New");
  REQUIRE(made);
  CHECK(server.waker().woken >= 1);
  CHECK(text_at(resumed(parked, http::WakeReason::woken), {tag::kStatus}) == "7");
  CHECK(text_at(server.element(ping({inbox})), {tag::kStatus}) == "7");
  server.folder_id(2);
  server.park(ping({inbox}));
}

TEST_CASE(
    "Ping: folders that are unknown or were never synced are left out in silence (quirks.md: iOS, "
    "Outlook)") {
  ServiceFixture server;
  const std::string inbox = server.folder_id(2);
  server.prime(inbox);
  const std::string sent = server.folder_id(5);
  http::Parked parked = server.park(ping({"m999", "RI", "", sent, inbox}, "480"));
  server.deliver(test::simple_mail("sent"), FolderRole::sent);
  http::Outcome outcome = parked.resume(http::WakeReason::woken);
  REQUIRE(std::holds_alternative<http::Parked>(outcome));
  parked = std::get<http::Parked>(std::move(outcome));
  server.deliver(test::simple_mail("inbox"));
  const Element answer = resumed(parked, http::WakeReason::woken);
  REQUIRE(answer.child(tag::kFolders) != nullptr);
  CHECK(answer.child(tag::kFolders)->children.size() == 1);
}

TEST_CASE("Ping: another program's delivery wakes it, whatever other folders it names") {
  ServiceFixture server;
  const std::string inbox = server.folder_id(2);
  server.prime(inbox);
  const auto gone = server.mailbox()->create_folder(0, "Gone");
  REQUIRE(gone);
  REQUIRE(server.mailbox()->remove_folder(gone->id));
  server.folder_id(2);
  http::Parked parked = server.park(ping({"m999", eas::to_collection_id(gone->id), inbox}, "480"));
  const std::filesystem::path home = server.dir.path() / "mail" / ServiceFixture::kAnn;
  std::ofstream(home / "tmp" / "1.host") << test::simple_mail("by Postfix");
  std::filesystem::rename(home / "tmp" / "1.host", home / "new" / "1.host");
  for (int i = 0; i < 500 && server.waker().woken == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  REQUIRE(server.waker().woken >= 1);
  CHECK(text_at(resumed(parked, http::WakeReason::woken), {tag::kStatus}) == "2");
}

TEST_CASE("Ping: a newer Ping of the device answers the older one at once") {
  ServiceFixture server;
  const std::string inbox = server.folder_id(2);
  server.folder_id(2, "dev2");
  server.prime(inbox);
  http::Parked older = server.park(ping({inbox}));
  auto& older_waker = server.waker();
  auto keep = older.waker;  // the fixture's reference moves on with the next request
  Call other_device = ping({inbox});
  other_device.device = "dev2";
  http::Parked other = server.park(other_device);
  CHECK(older_waker.woken == 0);
  http::Parked newer = server.park(ping({inbox}));
  CHECK(older_waker.woken == 1);
  CHECK(text_at(resumed(older, http::WakeReason::woken), {tag::kStatus}) == "1");
  server.deliver(test::simple_mail("x"));
  CHECK(text_at(resumed(newer, http::WakeReason::woken), {tag::kStatus}) == "2");
}

TEST_CASE("Ping: a user cannot park without bound") {
  eas::Limits limits;
  limits.max_parked_per_user = 3;
  ServiceFixture server(limits);
  const std::string inbox = server.folder_id(2);
  std::vector<http::Parked> parked;
  for (int i = 0; i < 3; ++i) {
    Call call = ping({inbox});
    call.device = "dev" + std::to_string(10 + i);
    server.folder_id(2, call.device);
    parked.push_back(server.park(call));
  }
  Call more = ping({inbox});
  CHECK(text_at(server.element(more), {tag::kStatus}) == "111");
  more.version = "12.1";
  CHECK(server.reply(more).status == 503);
  parked.pop_back();
  server.park(more);
}

TEST_CASE("Ping: a phone that hangs up leaves nothing behind") {
  ServiceFixture server;
  const std::string inbox = server.folder_id(2);
  server.prime(inbox);
  std::weak_ptr<http::Waker> waker;
  {
    http::Parked parked = server.park(ping({inbox}));
    waker = parked.waker;
    CHECK(server.dispatcher->parked() == 1);
  }
  CHECK(server.dispatcher->parked() == 0);
  server.deliver(test::simple_mail("x"));
  CHECK(server.waker().woken == 0);
}

TEST_CASE("Ping: a parked request keeps less than a kilobyte") {
  ServiceFixture server;
  const std::string inbox = server.folder_id(2);
  constexpr int kCount = 90;
  std::vector<Call> calls;
  for (int i = 0; i < kCount; ++i) {
    Call call = ping({inbox});
    call.device = "dev" + std::to_string(1000 + i);
    server.folder_id(2, call.device);
    server.prime(inbox, call.device);
    server.park(call);  // everything that is made once is there now
    calls.push_back(std::move(call));
  }
  std::vector<http::Parked> parked;
  parked.reserve(kCount);
  const std::size_t before = ::mallinfo2().uordblks;
  for (const Call& call : calls) parked.push_back(server.park(call));
  const std::size_t after = ::mallinfo2().uordblks;
  MESSAGE("bytes per parked Ping: ", (after - before) / kCount);
  CHECK(after - before < kCount * 1024);
}
