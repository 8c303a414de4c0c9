// What ThreadIndex promises (storage/mail/thread_index.h), on both databases.
#include "storage/mail/thread_index.h"

#include <doctest/doctest.h>

#include "tests/storage/mail/mail_fixture.h"

namespace {

using storage::CollectionId;
using storage::ThreadMember;
using test::must;

// The key is what stands behind "Thread: " in the first line.
std::string key_of(std::string_view head, const storage::MessageInfo&) {
  return std::string(head.substr(8, head.find('\r') - 8));
}

struct Threads {
  explicit Threads(const std::string& url) : world(url, dir.file("mail")) {
    index = must(storage::open_thread_index(
        *world.database, [this](std::string_view head, const auto& info) {
          ++read;
          heads_ended = heads_ended && head.ends_with("\r\n\r\n");
          return key_of(head, info);
        }));
    for (const storage::MailFolder& folder : must(world.box->folders()).folders) {
      if (folder.role == storage::FolderRole::inbox) inbox = folder.id;
      if (folder.role == storage::FolderRole::trash) trash = folder.id;
    }
  }
  storage::ItemId append(CollectionId folder, const std::string& key, storage::UnixMillis date) {
    return must(world.box->append(folder, "Thread: " + key + "\r\n\r\nbody\r\n", {}, date)).id;
  }
  std::vector<ThreadMember> members(const std::string& key) {
    must(index->update_all(1, *world.box));
    return must(index->members(1, key));
  }

  test::TempDir dir;
  test::World world;
  std::unique_ptr<storage::ThreadIndex> index;
  CollectionId inbox = 0, trash = 0;
  int read = 0;
  bool heads_ended = true;
};

}  // namespace

TEST_CASE_TEMPLATE("thread index", Database, test::Sqlite, test::Postgres) {
  const test::TempDir place;
  const auto url = Database::url(place);
  if (!url) return;
  Threads threads(*url);

  SUBCASE("members of all folders, oldest first; each head is read once") {
    const auto late = threads.append(threads.inbox, "a", 5000);
    const auto early = threads.append(threads.inbox, "a", 3000);
    const auto other = threads.append(threads.trash, "a", 4000);
    threads.append(threads.inbox, "b", 1000);
    const std::vector<ThreadMember> found = threads.members("a");
    const std::vector<ThreadMember> expected = {
        {threads.inbox, early, 3000}, {threads.inbox, late, 5000}, {threads.trash, other, 4000}};
    CHECK(found == expected);
    CHECK(threads.members("nobody").empty());
    CHECK(threads.read == 4);
    threads.append(threads.inbox, "a", 6000);
    CHECK(threads.members("a").size() == 4);
    CHECK(threads.read == 5);
    CHECK(threads.heads_ended);
    const auto siblings = must(threads.index->siblings(1, threads.inbox, early));
    CHECK(siblings.size() == 3);
    CHECK(must(threads.index->key(1, threads.inbox, early)) == "a");
  }
  SUBCASE("what moves or goes away is followed; flags cost no reading") {
    const auto first = threads.append(threads.inbox, "a", 1000);
    const auto second = threads.append(threads.inbox, "a", 2000);
    CHECK(threads.members("a").size() == 2);
    const auto moved = must(threads.world.box->move(threads.inbox, first, threads.trash));
    must(threads.world.box->remove(threads.inbox, second));
    const std::vector<ThreadMember> expected = {{threads.trash, moved.id, 1000}};
    CHECK(threads.members("a") == expected);
    const int before = threads.read;
    storage::FlagChange seen;
    seen.seen = true;
    must(threads.world.box->set_flags(threads.trash, moved.id, seen));
    CHECK(threads.members("a") == expected);
    CHECK(threads.read == before);
    CHECK(test::kind_of(threads.index->key(1, threads.inbox, second)) ==
          storage::ErrorKind::not_found);
    CHECK(must(threads.index->siblings(1, threads.inbox, second)).empty());
  }
  SUBCASE("a removed folder is forgotten, and users are apart") {
    const auto folder = must(threads.world.box->create_folder(0, "Work")).id;
    threads.append(folder, "a", 1000);
    CHECK(threads.members("a").size() == 1);
    CHECK(must(threads.index->members(2, "a")).empty());
    must(threads.world.box->remove_folder(folder));
    CHECK(test::kind_of(threads.index->update(1, *threads.world.box, folder)) ==
          storage::ErrorKind::not_found);
    CHECK(threads.members("a").empty());
    threads.append(threads.inbox, "a", 1000);
    CHECK(threads.members("a").size() == 1);
    must(threads.index->forget(1));
    CHECK(must(threads.index->members(1, "a")).empty());
  }
  SUBCASE("more than a page of the log") {
    for (int i = 0; i < 600; ++i) threads.append(threads.inbox, i % 2 == 0 ? "a" : "b", 1000 + i);
    CHECK(threads.members("a").size() == 300);
    CHECK(threads.read == 600);
  }
}
