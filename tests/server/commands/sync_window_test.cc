// How much one Sync answer holds. [MS-ASCMD] 2.2.3.116, 2.2.3.199
#include <doctest/doctest.h>

#include <set>

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

Element window(const std::string& size) { return Element(airsync::kWindowSize, size); }

std::string deliver_many(ServiceFixture& server, int count, FolderRole role = FolderRole::inbox) {
  for (int i = 0; i < count; ++i) server.deliver(simple_mail("m" + std::to_string(i)), role);
  return eas::to_collection_id(server.folder(role));
}

bool has_more(const SyncAnswer& answer, const std::string& folder) {
  const auto found = answer.collections.find(folder);
  return found != answer.collections.end() && found->second.has(airsync::kMoreAvailable);
}

}  // namespace

TEST_CASE("Sync: WindowSize 0 and above 512 mean 512, none means 100 (quirks.md: Sync)") {
  // covers: MS-ASCMD R4764 R4765 R4767 R4768 R4771 R5787 R3456 R3459 R3460 R5041 R4602 R5015
  // covers: MS-ASCMD R4599 R4606 R5034
  ServiceFixture server;
  const std::string inbox = deliver_many(server, 520);
  const struct {
    const char* window;  // nullptr: none
    std::size_t most;
  } rows[] = {{"0", 512},   {"512", 512},   {"513", 512}, {"100000", 512},
              {"511", 511}, {nullptr, 100}, {"1", 1}};
  for (const auto& row : rows) {
    CAPTURE(row.most);
    std::vector<Element> more;
    if (row.window != nullptr) more.push_back(window(row.window));
    const std::string first = sync(server, {collection(inbox, "0")}).key_of(inbox);
    const SyncAnswer answer = sync(server, {collection(inbox, first, more)});
    CHECK(answer.told(inbox, airsync::kAdd).size() == row.most);
    CHECK(has_more(answer, inbox));
    if (row.most < 511) continue;
    const SyncAnswer rest = sync(server, {collection(inbox, answer.key_of(inbox), more)});
    CHECK(rest.told(inbox, airsync::kAdd).size() == 520 - row.most);
    CHECK_FALSE(has_more(rest, inbox));
    CHECK(sync(server, {collection(inbox, rest.key_of(inbox), more)}).empty);
  }
}

TEST_CASE("Sync: responses to the phone's commands do not count into the window") {
  ServiceFixture server;
  const std::string inbox = deliver_many(server, 6);
  const std::string key = server.prime(inbox);
  std::vector<Element> list;
  for (int i = 1; i <= 6; ++i) {
    list.push_back(
        Element(airsync::kFetch, {Element(airsync::kServerId, inbox + ":" + std::to_string(i))}));
  }
  deliver_many(server, 5);
  const SyncAnswer answer =
      sync(server, {collection(inbox, key, {window("3"), commands(std::move(list))})});
  CHECK(answer.told(inbox, airsync::kAdd).size() == 3);
  CHECK(has_more(answer, inbox));
  const Element* responses = answer.collections.at(inbox).child(airsync::kResponses);
  REQUIRE(responses != nullptr);
  CHECK(responses->children.size() == 6);
}

TEST_CASE("Sync: the window of the whole is filled folder by folder, in the order of the request") {
  // covers: MS-ASCMD R4776 R4778 R4779 R4782
  for (const char* version : {"12.1", "14.0", "14.1", "16.0", "16.1"}) {
    CAPTURE(version);
    ServiceFixture server;
    const std::string inbox = deliver_many(server, 4);
    const std::string sent = deliver_many(server, 4, FolderRole::sent);
    const std::string trash = deliver_many(server, 4, FolderRole::trash);
    const auto start = [&](const std::string& folder) {
      return sync(server, {collection(folder, "0")}).key_of(folder);
    };
    const std::string keys[] = {start(sent), start(inbox), start(trash)};
    const SyncAnswer answer = sync(server,
                                   {collection(sent, keys[0], {window("2")}),
                                    collection(inbox, keys[1]), collection(trash, keys[2])},
                                   {window("5")}, version);
    CHECK(answer.told(sent, airsync::kAdd).size() == 2);
    CHECK(has_more(answer, sent));
    CHECK(answer.told(inbox, airsync::kAdd).size() == 3);
    CHECK(has_more(answer, inbox));
    CHECK(answer.told(trash, airsync::kAdd).empty());
    // What did not fit comes next, under the key that the phone has.
    const SyncAnswer next = sync(server, {collection(trash, keys[2])}, {window("5")}, version);
    CHECK(next.told(trash, airsync::kAdd).size() == 4);
    CHECK_FALSE(has_more(next, trash));
  }
}

TEST_CASE("Sync: commands for a folder that the window leaves no room for are done all the same") {
  ServiceFixture server;
  const std::string inbox = deliver_many(server, 1);
  const std::string sent = deliver_many(server, 2, FolderRole::sent);
  const std::string key = server.prime(inbox);
  const std::string first = sync(server, {collection(sent, "0")}).key_of(sent);
  deliver_many(server, 1);
  const SyncAnswer answer =
      sync(server,
           {collection(sent, first),
            collection(inbox, key, {commands({change_read(inbox + ":1", true)})})},
           {window("2")});
  CHECK(answer.told(sent, airsync::kAdd).size() == 2);
  CHECK(answer.status_of(inbox) == "1");
  CHECK(answer.told(inbox, airsync::kAdd).empty());
  CHECK(server.mailbox()->message(server.folder(FolderRole::inbox), 1)->flags.seen);
  CHECK(sync(server, {collection(inbox, answer.key_of(inbox))}).told(inbox, airsync::kAdd).size() ==
        1);
}

TEST_CASE(
    "Sync: an answer that grows too large ends early with MoreAvailable, and nothing is lost") {
  eas::Limits limits;
  limits.max_answer = 100'000;
  ServiceFixture server(limits);
  for (int i = 0; i < 7; ++i) {
    server.deliver(simple_mail("m" + std::to_string(i), std::string(30'000, 'x')));
  }
  // One that does not fit by itself goes alone.
  server.deliver(simple_mail("large", std::string(300'000, 'x')));
  const std::string inbox = eas::to_collection_id(server.folder(FolderRole::inbox));
  const std::string sent = deliver_many(server, 2, FolderRole::sent);
  const Element options(airsync::kOptions, {Element(wbxml::airsync_base::kBodyPreference,
                                                    {Element(wbxml::airsync_base::kType, "1")})});
  std::string key = sync(server, {collection(inbox, "0", {options})}).key_of(inbox);
  std::string sent_key = sync(server, {collection(sent, "0", {options})}).key_of(sent);
  std::set<std::string> seen;
  int rounds = 0;
  for (bool more = true; more && rounds < 20; ++rounds) {
    const http::HttpReply reply =
        server.reply(test::sync_request({collection(inbox, key), collection(sent, sent_key)}));
    CHECK(reply.body.size() < 330'000);
    const SyncAnswer answer = test::sync_answer(reply);
    const auto told = answer.told(inbox, airsync::kAdd);
    CHECK((told.size() >= 1 && told.size() <= 3));  // never a turn without anything
    for (const std::string& id : told) CHECK(seen.insert(id).second);
    for (const std::string& id : answer.told(sent, airsync::kAdd)) {
      CHECK(seen.insert(id).second);
    }
    more = has_more(answer, inbox);
    key = answer.key_of(inbox);
    if (answer.collections.count(sent) == 1) sent_key = answer.key_of(sent);
  }
  CHECK(seen.size() == 10);
  CHECK(rounds >= 3);
}
