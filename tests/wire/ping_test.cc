// Ping on the wire.
#include <doctest/doctest.h>

#include <chrono>
#include <thread>

#include "tests/support/phone.h"
#include "wbxml/code_pages.h"

using namespace std::chrono_literals;
using eas::Version;
using eas::client::MailFolder;
using test::Phone;
using wbxml::Element;
namespace pg = wbxml::ping;

namespace {

using Clock = std::chrono::steady_clock;

Element ping(int heartbeat, const std::string& folder) {
  return Element(
      pg::kPing,
      {Element(pg::kHeartbeatInterval, std::to_string(heartbeat)),
       Element(pg::kFolders,
               {Element(pg::kFolder, {Element(pg::kId, folder), Element(pg::kClass, "Email")})})});
}

}  // namespace

TEST_CASE("ping: ends with status 1 when its time is over and nothing came") {
  for (const Version version : test::kAllVersions) {
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    MailFolder inbox(phone.inbox());
    phone.sync_all(inbox);
    const auto start = Clock::now();
    const Element answer = phone.call(ping(1, phone.inbox()));
    CHECK(answer.text_of(pg::kStatus) == "1");
    CHECK(Clock::now() - start >= 900ms);
    CHECK(Clock::now() - start < 20s);
  }
}

TEST_CASE("ping: mail that came before it is told at once") {
  for (const Version version : test::kAllVersions) {
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    MailFolder inbox(phone.inbox());
    phone.sync_all(inbox);
    test::shared_server().deliver(phone.user(), test::mail_text(phone.user(), "Before"));
    const auto start = Clock::now();
    const Element answer = phone.call(ping(60, phone.inbox()));
    CHECK(answer.text_of(pg::kStatus) == "2");
    CHECK(test::find_text(*answer.child(pg::kFolders), pg::kFolder) == phone.inbox());
    CHECK(Clock::now() - start < 10s);
  }
}

TEST_CASE(
    "ping: a body that is left out means the one before; without one it is status 3 (quirks.md: "
    "Android)") {
  for (const Version version : test::kAllVersions) {
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    eas::client::PostRequest empty;
    empty.command = "Ping";
    empty.content_type = "";
    auto answer = phone.post(empty);
    REQUIRE(answer.tree.has_value());
    CHECK(answer.tree->text_of(pg::kStatus) == "3");
    MailFolder inbox(phone.inbox());
    phone.sync_all(inbox);
    phone.call(ping(1, phone.inbox()));
    answer = phone.post(empty);
    REQUIRE(answer.tree.has_value());
    CHECK(answer.tree->text_of(pg::kStatus) == "1");
  }
}

TEST_CASE("ping: a heartbeat out of range is status 5 with the nearest bound") {
  for (const Version version : {Version::v2_5, Version::v14_1, Version::v16_1}) {
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    const Element answer = phone.call(ping(100'000, phone.inbox()));
    CHECK(answer.text_of(pg::kStatus) == "5");
    CHECK(answer.text_of(pg::kHeartbeatInterval) == "3540");
  }
}

TEST_CASE("ping: a folder whose first Sync was empty fires when something comes") {
  for (const Version version : {Version::v2_5, Version::v12_1, Version::v14_1, Version::v16_1}) {
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    const std::string sent = phone.folder_id(5);
    MailFolder folder(sent);
    phone.sync_all(folder);
    REQUIRE(folder.items().empty());
    std::thread mover([&] {
      std::this_thread::sleep_for(300ms);
      Phone other(test::shared_server(), phone.user(), Version::v14_1, "Mover");
      other.connect();
      MailFolder inbox(other.inbox());
      other.sync_all(inbox);
      namespace mv = wbxml::move;
      other.call(Element(mv::kMoveItems,
                         {Element(mv::kMove, {Element(mv::kSrcMsgId, inbox.items().begin()->first),
                                              Element(mv::kSrcFldId, other.inbox()),
                                              Element(mv::kDstFldId, sent)})}));
    });
    const Element answer = phone.call(ping(60, sent));
    mover.join();
    CHECK(answer.text_of(pg::kStatus) == "2");
    CHECK(phone.sync(folder).added.size() == 1);
  }
}

TEST_CASE("ping: a newer one of the same device ends the older one") {
  Phone phone(Version::v14_1);
  phone.connect();
  MailFolder inbox(phone.inbox());
  phone.sync_all(inbox);
  const auto start = Clock::now();
  std::thread older([&] {
    Phone same(test::shared_server(), phone.user(), Version::v14_1);
    const Element answer = same.call(ping(600, phone.inbox()));
    CHECK(answer.child(pg::kStatus) != nullptr);
  });
  std::this_thread::sleep_for(500ms);
  const Element answer = phone.call(ping(1, phone.inbox()));
  CHECK(answer.text_of(pg::kStatus) == "1");
  older.join();
  CHECK(Clock::now() - start < 30s);
}

TEST_CASE("ping: a delivery wakes the phones concerned and no other") {
  Phone one(Version::v14_1);
  Phone two(Version::v16_1);
  for (Phone* phone : {&one, &two}) {
    phone->connect();
    MailFolder inbox(phone->inbox());
    phone->sync_all(inbox);
  }
  std::string quiet_status;
  std::thread quiet(
      [&] { quiet_status = two.call(ping(3, two.inbox())).text_of(pg::kStatus).value_or(""); });
  std::thread delivery([&] {
    std::this_thread::sleep_for(500ms);
    test::shared_server().deliver(one.user(), test::mail_text(one.user(), "For one only"));
  });
  CHECK(one.call(ping(60, one.inbox())).text_of(pg::kStatus) == "2");
  quiet.join();
  delivery.join();
  CHECK(quiet_status == "1");
}
