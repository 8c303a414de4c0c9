// The indexer and the search over a real Maildir and a real index, through the fixture of commands.
#include "server/search/mail_search.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "storage/search/backends.h"
#include "tests/contracts/expect.h"
#include "tests/support/service_fixture.h"

namespace {

using storage::FolderRole;
using storage::SearchQuery;
using test::ok;
using test::ServiceFixture;
using test::simple_mail;
using Subjects = std::vector<std::string>;

eas::MailQuery words(ServiceFixture& server, const std::string& text, std::string set = "set") {
  eas::MailQuery query;
  query.user_id = server.user().id;
  query.address = server.user().address;
  for (const auto& folder : ok(server.mailbox()->folders()).folders) {
    query.folders.push_back(folder.id);
  }
  query.query = SearchQuery::text_query(SearchQuery::Kind::words, text);
  query.set = std::move(set);
  return query;
}

// The ids found, newest first.
std::vector<storage::ItemId> found(ServiceFixture& server, const std::string& text) {
  std::vector<storage::ItemId> ids;
  const auto page = ok(server.services.search->find(*server.mailbox(), words(server, text), 0, 99));
  for (const auto& message : page.messages) ids.push_back(message.info.id);
  CHECK(page.complete);
  CHECK(page.total == static_cast<std::int64_t>(ids.size()));
  return ids;
}

using Ids = std::vector<storage::ItemId>;

}  // namespace

TEST_CASE("mail search: what comes, changes, moves and goes is found as it is now") {
  ServiceFixture server;
  const auto inbox = server.folder(FolderRole::inbox);
  const auto first = server.deliver(simple_mail("one", "apple pear"));
  CHECK(found(server, "apple") == Ids{first});
  server.clock.advance(1000);
  const auto second = server.deliver(simple_mail("two", "apple"));
  CHECK(found(server, "apple") == Ids{second, first});

  ok(server.mailbox()->set_flags(inbox, first, {.seen = true}));
  eas::MailQuery seen = words(server, "apple");
  seen.query = SearchQuery::with_flags(storage::search_flag::kSeen);
  const auto page = ok(server.services.search->find(*server.mailbox(), seen, 0, 9));
  REQUIRE(page.messages.size() == 1);
  CHECK(page.messages[0].info.id == first);

  const auto trash = server.folder(FolderRole::trash);
  const auto moved = ok(server.mailbox()->move(inbox, second, trash));
  eas::MailQuery in_inbox = words(server, "apple");
  in_inbox.folders = {inbox};
  CHECK(ok(server.services.search->find(*server.mailbox(), in_inbox, 0, 9)).total == 1);
  in_inbox.folders = {trash};
  const auto there = ok(server.services.search->find(*server.mailbox(), in_inbox, 0, 9));
  REQUIRE(there.messages.size() == 1);
  CHECK(there.messages[0].info.id == moved.id);

  ok(server.mailbox()->remove(inbox, first));
  CHECK(found(server, "pear").empty());
  server.restart();
  CHECK(found(server, "apple") == Ids{moved.id});
}

TEST_CASE("mail search: an index that was deleted is built again") {
  ServiceFixture server;
  const auto id = server.deliver(simple_mail("one", "apple"));
  CHECK(found(server, "apple") == Ids{id});
  // Between stop and start of the server; the fixture does both.
  struct Deleter {
    explicit Deleter(const test::TempDir& dir) : path(dir.file("search.db")) {}
    std::string path;
  } const deleter(server.dir);
  std::filesystem::rename(deleter.path, deleter.path + ".old");
  std::filesystem::remove(deleter.path + "-wal");
  std::filesystem::remove(deleter.path + "-shm");
  server.restart();
  CHECK(found(server, "apple") == Ids{id});
}

TEST_CASE("mail search: pages of one set belong together; what is gone is left out") {
  ServiceFixture server;
  const auto inbox = server.folder(FolderRole::inbox);
  Ids ids;
  for (int i = 0; i < 6; ++i) {
    ids.push_back(server.deliver(simple_mail("m" + std::to_string(i), "apple")));
    server.clock.advance(1000);
  }
  auto query = words(server, "apple");
  auto& search = *server.services.search;
  const auto first = ok(search.find(*server.mailbox(), query, 0, 1));
  CHECK(first.total == 6);
  server.deliver(simple_mail("new", "apple"));
  ok(server.mailbox()->remove(inbox, ids[2]));
  const auto second = ok(search.find(*server.mailbox(), query, 2, 4));
  REQUIRE(second.messages.size() == 2);
  CHECK(second.messages[0].info.id == ids[3]);
  CHECK(second.messages[1].info.id == ids[1]);
  query.rebuild = true;
  CHECK(ok(search.find(*server.mailbox(), query, 2, 4)).messages[0].info.id == ids[4]);
  query.rebuild = false;
  query.needs_set = true;
  query.set = "never begun";
  CHECK(test::kind_of(search.find(*server.mailbox(), query, 2, 4)) == "expired");
}

TEST_CASE("mail search: without time nothing is indexed, and the answer says so") {
  ServiceFixture server;
  server.deliver(simple_mail("one", "apple"));
  const auto database = ok(storage::open_search_database("sqlite:" + server.dir.file("other.db")));
  const auto index = ok(storage::open_search_index(*database));
  eas::MailSearchOptions options;
  options.catch_up = std::chrono::milliseconds(0);
  eas::MailSearch search(*index, *server.services.mail, *server.services.directory,
                         *server.services.state, options);
  const auto page = ok(search.find(*server.mailbox(), words(server, "apple"), 0, 9));
  CHECK_FALSE(page.complete);
  CHECK(page.messages.empty());
}

TEST_CASE("mail search: the background indexes users with devices and forgets users who are gone") {
  ServiceFixture server;
  server.deliver(simple_mail("one", "apple"));
  server.folder_id(2);  // so there is a device
  namespace fs = std::chrono;
  REQUIRE(server.services.state->ensure_device(server.user().id, "phone", "t", "a", 1, 10));
  const auto database = ok(storage::open_search_database("sqlite:" + server.dir.file("other.db")));
  const auto index = ok(storage::open_search_index(*database));
  storage::SearchBatch stale;
  stale.put.emplace_back();
  stale.put.back().item = 1;
  ok(index->apply(4711, 1, std::nullopt, stale));
  eas::MailSearchOptions options;
  options.first_round = std::chrono::seconds(0);
  eas::MailSearch search(*index, *server.services.mail, *server.services.directory,
                         *server.services.state, options);
  search.start();
  std::int64_t total = 0;
  bool stranger = true;
  for (int i = 0; i < 500 && (total == 0 || stranger); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    const auto query = words(server, "apple");
    total = ok(index->search(query.user_id, query.folders, query.query, 0, 1)).total;
    const auto users = ok(index->users());
    stranger = std::find(users.begin(), users.end(), 4711) != users.end();
  }
  CHECK(total == 1);
  CHECK_FALSE(stranger);
  const auto before = std::chrono::steady_clock::now();
  search.stop();
  CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds(5));
}

TEST_CASE("mail search: an index that does not go with the mailbox is never believed") {
  ServiceFixture server;
  const auto inbox = server.folder(FolderRole::inbox);
  const auto id = server.deliver(simple_mail("one", "apple"));
  const auto user = server.user().id;
  const auto database = ok(storage::open_search_database("sqlite:" + server.dir.file("other.db")));
  const auto index = ok(storage::open_search_index(*database));
  eas::MailSearch search(*index, *server.services.mail, *server.services.directory,
                         *server.services.state);
  eas::MailQuery query = words(server, "pear");
  SUBCASE("a cursor beyond the log: made anew at once") {
    storage::SearchBatch batch;
    batch.put.emplace_back();
    batch.put.back().item = id;
    batch.put.back().text(storage::SearchField::body) = "pear";
    batch.next = {1'000'000, 1'000'000, {}, true};
    ok(index->apply(user, inbox, std::nullopt, batch));
    CHECK(ok(search.find(*server.mailbox(), query, 0, 9)).messages.empty());
    query = words(server, "apple");
    CHECK(ok(search.find(*server.mailbox(), query, 0, 9)).messages.size() == 1);
  }
  SUBCASE("an item of another life: not shown, and the folder is made anew") {
    storage::SearchBatch batch;
    batch.put.emplace_back();
    batch.put.back().item = id;
    batch.put.back().date = 5;
    batch.put.back().text(storage::SearchField::body) = "pear";
    const auto head = ok(server.mailbox()->head(inbox));
    batch.next = {head, head, {}, true};
    ok(index->apply(user, inbox, std::nullopt, batch));
    CHECK(ok(search.find(*server.mailbox(), query, 0, 9)).messages.empty());
    query = words(server, "apple");
    CHECK(ok(search.find(*server.mailbox(), query, 0, 9)).messages.size() == 1);
  }
}

TEST_CASE("mail search: a large mailbox is loaded newest first, in batches, and kept up") {
  ServiceFixture server;
  const auto inbox = server.folder(FolderRole::inbox);
  for (int i = 0; i < 450; ++i) {
    server.deliver(simple_mail("m" + std::to_string(i), "apple number" + std::to_string(i)));
    server.clock.advance(1000);
  }
  const auto database = ok(storage::open_search_database("sqlite:" + server.dir.file("other.db")));
  const auto index = ok(storage::open_search_index(*database));
  eas::MailSearch search(*index, *server.services.mail, *server.services.directory,
                         *server.services.state);
  const std::vector<storage::CollectionId> folders = {inbox};
  const auto user = server.user().id;
  // One batch at a time: a deadline that has passed lets none through, so count the steps by hand.
  eas::MailQuery query = words(server, "apple");
  query.folders = folders;
  CHECK(ok(search.find(*server.mailbox(), query, 0, 99)).total == 450);
  const auto newest = server.deliver(simple_mail("late", "apple number450"));
  ok(server.mailbox()->remove(inbox, newest - 1));
  CHECK(ok(search.catch_up(user, *server.mailbox(), folders,
                           std::chrono::steady_clock::now() + std::chrono::seconds(60))));
  const auto hits = ok(index->search(user, folders, query.query, 0, 2));
  CHECK(hits.total == 450);
  REQUIRE(hits.hits.size() == 2);
  CHECK(hits.hits[0].item == newest);
  CHECK(hits.hits[1].item == newest - 2);
}
