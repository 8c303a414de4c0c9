// A phone that sends a Sync again: after a lost answer, as an empty or partial request, or while
// the first one still waits.
#include <doctest/doctest.h>

#include "tests/support/folder_calls.h"
#include "tests/support/service_fixture.h"
#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"

namespace {

using test::Call;
using test::ServiceFixture;
using test::text_at;
using wbxml::Element;
namespace tag = wbxml::airsync;

std::string mail(const std::string& subject) {
  return "From: bob@example.test\r\nTo: ann@example.test\r\nSubject: " + subject +
         "\r\nDate: Wed, 18 Nov 2026 10:00:00 +0000\r\n\r\nText.\r\n";
}

Element collection(const std::string& id, const std::string& key) {
  return Element(tag::kCollection, {Element(tag::kSyncKey, key), Element(tag::kCollectionId, id)});
}

Call sync_call(std::vector<Element> children) {
  Call call;
  call.command = "Sync";
  if (!children.empty()) call.body = Element(tag::kSync, std::move(children));
  return call;
}

Call waiting_sync(const std::string& id, const std::string& key) {
  return sync_call(
      {Element(tag::kCollections, {collection(id, key)}), Element(tag::kHeartbeatInterval, "600")});
}

struct Answer {
  std::string key;
  std::vector<std::string> subjects;
};

Answer read(const http::HttpReply& reply) {
  Answer answer;
  if (reply.body.empty()) return answer;
  const auto root = wbxml::decode(reply.body);
  REQUIRE(root.has_value());
  answer.key = text_at(*root, {tag::kCollections, tag::kCollection, tag::kSyncKey});
  const Element* const commands =
      root->child(tag::kCollections)->child(tag::kCollection)->child(tag::kCommands);
  if (commands == nullptr) return answer;
  for (const Element& add : commands->children) {
    answer.subjects.push_back(text_at(add, {tag::kApplicationData, wbxml::email::kSubject}));
  }
  return answer;
}

Answer resume(http::Parked& parked, http::WakeReason reason = http::WakeReason::woken) {
  auto outcome = parked.resume(reason);
  const auto* reply = std::get_if<http::HttpReply>(&outcome);
  REQUIRE(reply != nullptr);
  return read(*reply);
}

using Subjects = std::vector<std::string>;

}  // namespace

TEST_CASE("Sync: an empty request after a lost answer is told the same again, nothing is lost") {
  // covers: MS-ASCMD R673 R5120
  ServiceFixture server;
  const std::string inbox = server.folder_id(2);
  const std::string key = server.prime(inbox);
  auto first = server.park(waiting_sync(inbox, key));
  server.deliver(mail("A"));
  const Answer lost = resume(first);
  CHECK(lost.subjects == Subjects{"A"});

  const Answer again = read(server.reply(sync_call({})));
  CHECK(again.subjects == Subjects{"A"});
  server.deliver(mail("B"));
  const Answer more = read(server.reply(sync_call({})));
  CHECK(more.subjects == Subjects{"A", "B"});
  // The newest answer's key goes on.
  CHECK(read(server.reply(waiting_sync(inbox, key))).subjects == Subjects{"A", "B"});
}

TEST_CASE("Sync: a partial request goes on from the keys that were sent for the others") {
  // covers: MS-ASCMD R3644 R3645
  ServiceFixture server;
  const std::string inbox = server.folder_id(2);
  const std::string key = server.prime(inbox);
  server.deliver(mail("A"));
  CHECK(read(server.reply(sync_call({Element(tag::kCollections, {collection(inbox, key)})})))
            .subjects == Subjects{"A"});
  const Answer again =
      read(server.reply(sync_call({Element(tag::kPartial), Element(tag::kWindowSize, "50")})));
  CHECK(again.subjects == Subjects{"A"});
}

TEST_CASE(
    "Sync: a newer Sync of the folder ends the one that waits, which says and keeps nothing") {
  ServiceFixture server;
  const std::string inbox = server.folder_id(2);
  const std::string key = server.prime(inbox);
  auto left_behind = server.park(waiting_sync(inbox, key));
  const auto waker = server.waker_pointer();
  auto second = server.park(waiting_sync(inbox, key));
  CHECK(waker->woken == 1);
  server.deliver(mail("A"));
  CHECK(resume(left_behind).key.empty());
  CHECK(resume(second).subjects == Subjects{"A"});
}

TEST_CASE("Sync: one that waits for another folder goes on waiting") {
  ServiceFixture server;
  const std::string inbox = server.folder_id(2);
  const std::string sent = server.folder_id(5);
  const std::string key = server.prime(inbox);
  auto first = server.park(waiting_sync(inbox, key));
  const auto first_waker = server.waker_pointer();
  auto second = server.park(waiting_sync(sent, server.prime(sent)));
  CHECK(first_waker->woken == 0);
  server.deliver(mail("A"));
  CHECK(resume(first).subjects == Subjects{"A"});
}
