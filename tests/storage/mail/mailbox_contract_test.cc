// What storage/mail/mail_store.h and storage/collection.h promise, on both databases.
#include <algorithm>
#include <thread>

#include "tests/storage/mail/mail_fixture.h"

using namespace test;
using storage::ErrorKind;
using storage::FlagChange;
using storage::FolderRole;
using storage::MessageFlags;
namespace aspect = storage::aspect;

#define ON_DATABASE(DB, dir, world)         \
  TempDir dir;                              \
  const auto url_of_##world = DB::url(dir); \
  if (!url_of_##world) return;              \
  World world(*url_of_##world, dir.file("mail"))

TEST_CASE_TEMPLATE("mailbox: the role folders are there from the start, private on disk", DB,
                   Sqlite, Postgres) {
  ON_DATABASE(DB, dir, world);
  const auto page = must(world.box->folders());
  std::vector<FolderRole> roles;
  for (const auto& folder : page.folders) {
    roles.push_back(folder.role);
    CHECK(folder.parent == 0);
    CHECK(folder.created_seq > 0);
    CHECK(folder.changed_seq <= page.head);
  }
  for (const FolderRole role : {FolderRole::inbox, FolderRole::drafts, FolderRole::trash,
                                FolderRole::sent, FolderRole::outbox}) {
    CHECK(std::count(roles.begin(), roles.end(), role) == 1);
  }
  CHECK(world.by_role(FolderRole::inbox).name == "Inbox");
  CHECK(world.by_role(FolderRole::trash).name == "Trash");
  struct stat info {};
  REQUIRE(::stat(world.path("").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0700);
  REQUIRE(::stat(world.path(".Trash/cur").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0700);
}

TEST_CASE_TEMPLATE("mailbox: an appended message is stored byte for byte with flags and date", DB,
                   Sqlite, Postgres) {
  ON_DATABASE(DB, dir, world);
  const auto inbox = world.inbox();
  MessageFlags flags;
  flags.seen = true;
  flags.flagged = true;
  flags.keywords = {"Work", "Grün & gut", "a_b"};
  flags.annotation = std::string("due\0date", 8);
  const std::string text = std::string("Subject: x\r\n\r\n\0\xff", 16) + "odd\nlines\r";
  const auto info = must(world.box->append(inbox, text, flags, kDate + 5));
  CHECK(info.flags == flags);
  CHECK(info.date == kDate + 5);
  CHECK(info.size == static_cast<std::int64_t>(text.size()));
  CHECK(info.created_seq == info.seq);
  CHECK(must(world.box->head(inbox)) == info.seq);
  CHECK(must(world.box->bytes(inbox, info.id)).view() == text);
  const auto again = must(world.box->message(inbox, info.id));
  CHECK(again.flags == flags);
  CHECK(again.seq == info.seq);

  world.reopen();
  const auto later = must(world.box->message(inbox, info.id));
  CHECK(later.flags == flags);
  CHECK(later.date == info.date);
  CHECK(must(world.box->head(inbox)) == info.seq);
  const auto names = names_in(world.path("cur"));
  REQUIRE(names.size() == 1);
  CHECK(names[0].ends_with(":2,FSabc"));
  struct stat stat_info {};
  REQUIRE(::stat((world.path("cur") / names[0]).c_str(), &stat_info) == 0);
  CHECK((stat_info.st_mode & 0777) == 0600);
}

TEST_CASE_TEMPLATE("mailbox: the log tells what happened since any cursor", DB, Sqlite, Postgres) {
  ON_DATABASE(DB, dir, world);
  const auto inbox = world.inbox();
  CHECK(must(world.box->head(inbox)) == 0);
  const auto a = world.add(inbox);
  const auto b = world.add(inbox);
  const auto c = world.add(inbox);
  const auto after_adds = must(world.box->head(inbox));
  FlagChange seen;
  seen.seen = true;
  const auto a_seen = must(world.box->set_flags(inbox, a.id, seen));
  FlagChange star;
  star.flagged = true;
  const auto a_star = must(world.box->set_flags(inbox, a.id, star));
  const auto b_gone = must(world.box->remove(inbox, b.id));

  auto log = must(world.box->changes(inbox, 0, 100)).changes;
  REQUIRE(log.size() == 5);
  CHECK(log[0].id == a.id);
  CHECK(log[0].log_seq == a.created_seq);
  CHECK(log[0].aspects == aspect::kAdded);
  CHECK(log[1].id == b.id);
  CHECK(log[1].aspects == (aspect::kAdded | aspect::kRemoved));
  CHECK(log[2].id == c.id);
  CHECK(log[3].id == a.id);
  CHECK(log[3].log_seq == a_star.seq);
  CHECK(log[3].aspects == (aspect::kRead | aspect::kFlag));
  CHECK(log[4].id == b.id);
  CHECK(log[4].log_seq == b_gone);
  CHECK(log[4].aspects == aspect::kRemoved);

  log = must(world.box->changes(inbox, after_adds, 100)).changes;
  REQUIRE(log.size() == 2);
  CHECK(log[0].aspects == (aspect::kRead | aspect::kFlag));
  CHECK(log[0].created_seq == a.created_seq);
  log = must(world.box->changes(inbox, a_seen.seq, 100)).changes;
  REQUIRE(log.size() == 2);
  CHECK(log[0].aspects == aspect::kFlag);
  CHECK(must(world.box->changes(inbox, b_gone, 100)).changes.empty());
  CHECK(must(world.box->head(inbox)) == b_gone);
}

TEST_CASE_TEMPLATE("mailbox: pages of the log join without gap or overlap", DB, Sqlite, Postgres) {
  ON_DATABASE(DB, dir, world);
  const auto inbox = world.inbox();
  std::vector<storage::ItemId> ids;
  FlagChange seen;
  seen.seen = true;
  for (int i = 0; i < 12; ++i) {
    ids.push_back(world.add(inbox).id);
    if (i % 3 == 0) must(world.box->set_flags(inbox, ids.back(), seen));
    if (i % 4 == 0) must(world.box->remove(inbox, ids.front())), ids.erase(ids.begin());
  }
  const auto whole = must(world.box->changes(inbox, 0, 1000));
  CHECK_FALSE(whole.more);
  for (const int limit : {1, 2, 5}) {
    std::vector<storage::Seq> seqs;
    storage::Seq cursor = 0;
    bool more = true;
    while (more) {
      const auto page = must(world.box->changes(inbox, cursor, limit));
      REQUIRE(page.changes.size() <= static_cast<std::size_t>(limit));
      if (page.more) REQUIRE(page.changes.size() == static_cast<std::size_t>(limit));
      for (const auto& change : page.changes) seqs.push_back(change.log_seq);
      if (!page.changes.empty()) cursor = page.changes.back().log_seq;
      more = page.more;
    }
    REQUIRE(seqs.size() == whole.changes.size());
    for (std::size_t i = 0; i < seqs.size(); ++i) CHECK(seqs[i] == whole.changes[i].log_seq);
  }
}

TEST_CASE_TEMPLATE("mailbox: lists by date both ways, bounded by positions and creation", DB,
                   Sqlite, Postgres) {
  ON_DATABASE(DB, dir, world);
  const auto inbox = world.inbox();
  const auto old = world.add(inbox, {}, kDate - 1000);
  const auto twin1 = world.add(inbox, {}, kDate);
  const auto twin2 = world.add(inbox, {}, kDate);
  const auto young = world.add(inbox, {}, kDate + 1000);
  const auto late = world.add(inbox, {}, kDate - 500);  // created last, but not the newest
  const storage::Position end{INT64_MAX, INT64_MAX};
  const storage::Position begin{INT64_MIN, 0};
  const auto ids_of = [](const storage::ListPage& page) {
    std::vector<storage::ItemId> ids;
    for (const auto& item : page.items) ids.push_back(item.id);
    return ids;
  };
  using Ids = std::vector<storage::ItemId>;
  auto page = must(world.box->newest_first(inbox, end, begin, late.seq, 3));
  CHECK(ids_of(page) == Ids{young.id, twin2.id, twin1.id});
  CHECK(page.more);
  page = must(world.box->newest_first(inbox, page.items.back().position(), begin, late.seq, 3));
  CHECK(ids_of(page) == Ids{late.id, old.id});
  CHECK_FALSE(page.more);
  page = must(world.box->newest_first(inbox, end, {kDate, 0}, young.seq, 10));
  CHECK(ids_of(page) == Ids{young.id, twin2.id, twin1.id});
  CHECK(page.items[1].created_seq == twin2.created_seq);
  page = must(world.box->newest_first(inbox, end, begin, twin1.seq, 10));
  CHECK(ids_of(page) == Ids{twin1.id, old.id});
  page = must(world.box->oldest_first(inbox, begin, {kDate, twin2.id}, 10));
  CHECK(ids_of(page) == Ids{old.id, late.id, twin1.id});
  page = must(world.box->oldest_first(inbox, {kDate, twin1.id}, end, 2));
  CHECK(ids_of(page) == Ids{twin1.id, twin2.id});
  CHECK(page.more);
  CHECK(must(world.box->count(inbox, end, begin, late.seq)) == 5);
  CHECK(must(world.box->count(inbox, end, {kDate, 0}, late.seq)) == 3);
  CHECK(must(world.box->count(inbox, end, begin, twin2.seq)) == 3);
  must(world.box->remove(inbox, young.id));
  CHECK(must(world.box->count(inbox, end, begin, late.seq)) == 4);
}

TEST_CASE_TEMPLATE("mailbox: setting flags renames the file and tells each aspect", DB, Sqlite,
                   Postgres) {
  ON_DATABASE(DB, dir, world);
  const auto inbox = world.inbox();
  const auto message = world.add(inbox);
  REQUIRE(names_in(world.path("new")).size() == 1);
  const auto step = [&](const FlagChange& change, unsigned aspects, const char* ending) {
    const auto before = must(world.box->head(inbox));
    const auto info = must(world.box->set_flags(inbox, message.id, change));
    const auto log = must(world.box->changes(inbox, before, 10)).changes;
    REQUIRE(log.size() == 1);
    CHECK(log[0].aspects == aspects);
    CHECK(log[0].log_seq == info.seq);
    CHECK(info.created_seq == message.created_seq);
    REQUIRE(names_in(world.path("cur")).size() == 1);
    CHECK(names_in(world.path("cur"))[0].ends_with(ending));
    return info;
  };
  FlagChange change;
  change.seen = true;
  step(change, aspect::kRead, ":2,S");
  change = {};
  change.answered = true;
  step(change, aspect::kVerb, ":2,RS");
  change = {};
  change.flagged = true;
  change.annotation = "due tomorrow";
  CHECK(step(change, aspect::kFlag, ":2,FRS").flags.annotation == "due tomorrow");
  change = {};
  change.keywords = {{"Later", "Work"}};
  const auto info = step(change, aspect::kCategories, ":2,FRSab");
  CHECK(info.flags.keywords == std::vector<std::string>{"Later", "Work"});
  change.keywords = {{"Work", "Later"}};  // another order is another value
  step(change, aspect::kCategories, ":2,FRSab");
  change = {};
  change.forwarded = true;
  step(change, aspect::kVerb, ":2,FPRSabc");
  CHECK(slurp(world.path("dovecot-keywords")) == "0 Later\n1 Work\n2 $Forwarded\n");
  change = {};
  change.keywords = std::vector<std::string>{};
  change.forwarded = false;
  const auto last = step(change, aspect::kCategories | aspect::kVerb, ":2,FRS");
  CHECK(last.flags.annotation == "due tomorrow");

  change = {};
  change.seen = true;
  const auto same = must(world.box->set_flags(inbox, message.id, change));
  CHECK(same.seq == last.seq);
  CHECK(must(world.box->head(inbox)) == last.seq);
  CHECK(kind_of(world.box->set_flags(inbox, message.id + 100, change)) == ErrorKind::not_found);
  change.annotation = std::string(4097, 'x');
  CHECK(kind_of(world.box->set_flags(inbox, message.id, change)) == ErrorKind::too_large);
}

TEST_CASE_TEMPLATE("mailbox: more categories than letters are all kept", DB, Sqlite, Postgres) {
  ON_DATABASE(DB, dir, world);
  const auto inbox = world.inbox();
  FlagChange change;
  change.keywords.emplace();
  for (int i = 0; i < 40; ++i) change.keywords->push_back("Category " + std::to_string(i));
  const auto message = world.add(inbox);
  CHECK(must(world.box->set_flags(inbox, message.id, change)).flags.keywords == *change.keywords);
  // A change by another program to the letters leaves those without a letter alone.
  const auto name = names_in(world.path("cur")).at(0);
  const auto bare = name.substr(0, name.find(":2,")) + ":2,a";
  std::filesystem::rename(world.path("cur") / name, world.path("cur") / bare);
  must(world.box->head(inbox));
  const auto keywords = must(world.box->message(inbox, message.id)).flags.keywords;
  REQUIRE(keywords.size() == 15);
  CHECK(keywords[0] == "Category 0");
  CHECK(keywords[1] == "Category 26");
}

TEST_CASE_TEMPLATE("mailbox: a removed message leaves a tombstone and no file", DB, Sqlite,
                   Postgres) {
  ON_DATABASE(DB, dir, world);
  const auto inbox = world.inbox();
  const auto message = world.add(inbox);
  must(world.box->note_broken(inbox, message.id, "odd"));
  const auto seq = must(world.box->remove(inbox, message.id));
  CHECK(seq == must(world.box->head(inbox)));
  CHECK(names_in(world.path("new")).empty());
  CHECK(kind_of(world.box->message(inbox, message.id)) == ErrorKind::not_found);
  CHECK(kind_of(world.box->bytes(inbox, message.id)) == ErrorKind::not_found);
  CHECK(kind_of(world.box->remove(inbox, message.id)) == ErrorKind::not_found);
  CHECK(must(world.box->was_here(inbox, message.id)));
  CHECK_FALSE(must(world.box->was_here(inbox, message.id + 1)));
  CHECK(must(world.box->broken_messages()).empty());
}

TEST_CASE_TEMPLATE("mailbox: a moved message keeps all it has, and moving again finds it", DB,
                   Sqlite, Postgres) {
  ON_DATABASE(DB, dir, world);
  const auto inbox = world.inbox();
  const auto trash = world.trash();
  MessageFlags flags;
  flags.seen = true;
  flags.keywords = {"Two", "One"};
  flags.annotation = "note";
  // The letters mean something else in the destination.
  MessageFlags other;
  other.keywords = {"One"};
  world.add(trash, other);
  const auto message = world.add(inbox, flags);
  const auto moved = must(world.box->move(inbox, message.id, trash));
  CHECK(moved.source_seq == must(world.box->head(inbox)));
  CHECK(moved.destination_seq == must(world.box->head(trash)));
  const auto there = must(world.box->message(trash, moved.id));
  CHECK(there.flags == flags);
  CHECK(there.date == message.date);
  CHECK(there.size == message.size);
  CHECK(must(world.box->bytes(trash, moved.id)).view() == kMessage);
  CHECK(names_in(world.path("cur")).empty());
  CHECK(kind_of(world.box->message(inbox, message.id)) == ErrorKind::not_found);

  world.reopen();
  const auto again = must(world.box->move(inbox, message.id, trash));
  CHECK(again.id == moved.id);
  CHECK(again.source_seq == moved.source_seq);
  CHECK(again.destination_seq == moved.destination_seq);
  CHECK(world.ids(trash).size() == 2);
  CHECK(kind_of(world.box->move(inbox, message.id, world.by_role(FolderRole::sent).id)) ==
        ErrorKind::not_found);
  CHECK(kind_of(world.box->move(inbox, message.id, inbox)) == ErrorKind::invalid);
  CHECK(kind_of(world.box->move(inbox, 99, trash)) == ErrorKind::not_found);
  CHECK(kind_of(world.box->move(trash, moved.id, 4711)) == ErrorKind::not_found);
  // Back again under a third id; the first id stays a tombstone.
  const auto back = must(world.box->move(trash, moved.id, inbox));
  CHECK(back.id > message.id);
  CHECK(must(world.box->was_here(inbox, message.id)));
  CHECK(must(world.box->message(inbox, back.id)).flags == flags);
}

TEST_CASE_TEMPLATE("mailbox: a move to a folder where the base is taken by another message", DB,
                   Sqlite, Postgres) {
  ON_DATABASE(DB, dir, world);
  deliver(world.path(""), "same.base", "one");
  deliver(world.path(".Trash"), "same.base", "two");
  const auto inbox = world.inbox();
  const auto trash = world.trash();
  const auto id = world.ids(inbox).at(0);
  const auto moved = must(world.box->move(inbox, id, trash));
  CHECK(must(world.box->bytes(trash, moved.id)).view() == "one");
  CHECK(world.ids(trash).size() == 2);
  CHECK(must(world.box->move(inbox, id, trash)).id == moved.id);
}

TEST_CASE_TEMPLATE("mailbox: an identity is stored once, whatever became of it", DB, Sqlite,
                   Postgres) {
  ON_DATABASE(DB, dir, world);
  const auto inbox = world.inbox();
  const auto first = must(world.box->append(inbox, kMessage, {}, kDate, "device/1"));
  const auto again = must(world.box->append(inbox, kMessage, {}, kDate + 99, "device/1"));
  CHECK(again.id == first.id);
  CHECK(again.date == first.date);
  CHECK(must(world.box->append(inbox, kMessage, {}, kDate, "device/2")).id != first.id);
  CHECK(world.ids(inbox).size() == 2);
  CHECK(must(world.box->append(world.trash(), kMessage, {}, kDate, "device/1")).id > 0);
  FlagChange seen;
  seen.seen = true;
  must(world.box->set_flags(inbox, first.id, seen));
  CHECK(must(world.box->append(inbox, kMessage, {}, kDate, "device/1")).id == first.id);
  must(world.box->remove(inbox, first.id));
  world.reopen();
  CHECK(must(world.box->append(inbox, kMessage, {}, kDate, "device/1")).id == first.id);
  CHECK(world.ids(inbox).size() == 1);
}

TEST_CASE_TEMPLATE("mailbox: several messages are read in the order asked, gone ones left out", DB,
                   Sqlite, Postgres) {
  ON_DATABASE(DB, dir, world);
  const auto inbox = world.inbox();
  const auto a = world.add(inbox);
  const auto b = world.add(inbox);
  const auto c = world.add(inbox);
  must(world.box->remove(inbox, b.id));
  const storage::ItemId asked[] = {c.id, b.id, 999, a.id};
  const auto infos = must(world.box->messages(inbox, asked));
  REQUIRE(infos.size() == 2);
  CHECK(infos[0].id == c.id);
  CHECK(infos[0].seq == c.seq);
  CHECK(infos[1].id == a.id);
  // Where they were found spares a look at the index, and is only a hint.
  CHECK(must(world.box->bytes(inbox, infos[1])).view() ==
        must(world.box->bytes(inbox, a.id)).view());
  must(world.box->set_flags(inbox, a.id, {.seen = true}));
  CHECK(must(world.box->bytes(inbox, infos[1])).view() ==
        must(world.box->bytes(inbox, a.id)).view());
}

TEST_CASE_TEMPLATE("mailbox: broken messages are noted once", DB, Sqlite, Postgres) {
  ON_DATABASE(DB, dir, world);
  const auto inbox = world.inbox();
  const auto message = world.add(inbox);
  must(world.box->note_broken(inbox, message.id, "first reason \xff"));
  must(world.box->note_broken(inbox, message.id, "second"));
  const auto broken = must(world.box->broken_messages());
  REQUIRE(broken.size() == 1);
  CHECK(broken[0].folder == inbox);
  CHECK(broken[0].id == message.id);
  CHECK(broken[0].reason.starts_with("first reason"));
  CHECK(broken[0].noticed > 0);
}

TEST_CASE_TEMPLATE("mailbox: unknown collections are not found", DB, Sqlite, Postgres) {
  ON_DATABASE(DB, dir, world);
  CHECK(kind_of(world.box->head(77)) == ErrorKind::not_found);
  CHECK(kind_of(world.box->changes(77, 0, 1)) == ErrorKind::not_found);
  CHECK(kind_of(world.box->newest_first(77, {}, {}, 0, 1)) == ErrorKind::not_found);
  CHECK(kind_of(world.box->append(77, kMessage, {}, kDate)) == ErrorKind::not_found);
  CHECK(kind_of(world.box->folder(77)) == ErrorKind::not_found);
  const storage::CollectionId bad[] = {world.inbox(), 77};
  CHECK(kind_of(world.box->watch(bad)) == ErrorKind::not_found);
}

TEST_CASE_TEMPLATE("mailbox: folders are made, renamed, moved and removed under permanent ids", DB,
                   Sqlite, Postgres) {
  ON_DATABASE(DB, dir, world);
  const auto start = must(world.box->hierarchy_head());
  const auto work = must(world.box->create_folder(0, "Work"));
  const auto paris = must(world.box->create_folder(work.id, "Paris & Zürich"));
  CHECK(std::filesystem::is_directory(world.path(".Work.Paris &- Z&APw-rich") / "cur"));
  CHECK(kind_of(world.box->create_folder(0, "Work")) == ErrorKind::exists);
  CHECK(kind_of(world.box->create_folder(work.id + 100, "x")) == ErrorKind::not_found);
  for (const char* bad : {"", "a.b", "a/b", "x\ny", " lead", "\xff"}) {
    CHECK(kind_of(world.box->create_folder(0, bad)) == ErrorKind::invalid);
  }
  CHECK(kind_of(world.box->create_folder(0, std::string(250, 'x'))) == ErrorKind::invalid);
  const auto message = world.add(paris.id);

  auto news = must(world.box->hierarchy_changes(start));
  REQUIRE(news.folders.size() == 2);
  CHECK(news.folders[0].id == work.id);  // the parent first
  CHECK(news.folders[1].parent == work.id);
  CHECK(news.folders[1].name == "Paris & Zürich");
  CHECK(news.head == must(world.box->hierarchy_head()));

  must(world.box->rename_folder(work.id, 0, "Job"));
  CHECK(std::filesystem::is_directory(world.path(".Job.Paris &- Z&APw-rich")));
  news = must(world.box->hierarchy_changes(news.head));
  REQUIRE(news.folders.size() == 1);  // the child's own name and parent did not change
  CHECK(news.folders[0].id == work.id);
  CHECK(news.folders[0].name == "Job");
  CHECK(must(world.box->message(paris.id, message.id)).id == message.id);
  CHECK(must(world.box->bytes(paris.id, message.id)).view() == kMessage);
  CHECK(must(world.box->head(paris.id)) == message.seq);

  must(world.box->rename_folder(paris.id, 0, "Paris"));
  CHECK(must(world.box->folder(paris.id)).parent == 0);
  CHECK(world.ids(paris.id).size() == 1);
  must(world.box->rename_folder(work.id, paris.id, "Job"));
  CHECK(kind_of(world.box->rename_folder(paris.id, work.id, "P")) == ErrorKind::invalid);
  CHECK(kind_of(world.box->rename_folder(paris.id, 0, "Trash")) == ErrorKind::exists);
  CHECK(kind_of(world.box->rename_folder(world.trash(), 0, "T")) == ErrorKind::denied);
  CHECK(kind_of(world.box->remove_folder(world.inbox())) == ErrorKind::denied);

  const auto before = must(world.box->hierarchy_head());
  must(world.box->remove_folder(paris.id));
  news = must(world.box->hierarchy_changes(before));
  REQUIRE(news.folders.size() == 2);
  CHECK(news.folders[0].removed);
  CHECK(news.folders[1].removed);
  CHECK(kind_of(world.box->head(paris.id)) == ErrorKind::not_found);
  CHECK(kind_of(world.box->remove_folder(paris.id)) == ErrorKind::not_found);
  const auto again = must(world.box->create_folder(0, "Paris"));
  CHECK(again.id > work.id);
  CHECK(again.id > paris.id);
  CHECK(world.ids(again.id).empty());
  for (const auto& name : names_in(world.path(""))) CHECK_FALSE(name.starts_with(".."));
}

TEST_CASE_TEMPLATE("mailbox: changes are published after they can be read", DB, Sqlite, Postgres) {
  ON_DATABASE(DB, dir, world);
  const auto inbox = world.inbox();
  const auto trash = world.trash();
  std::vector<storage::HubEvent> events;
  const storage::CollectionId all[] = {inbox, trash};
  const auto subscription =
      world.hub.subscribe(1, all, ~0u, [&](const storage::HubEvent& e) { events.push_back(e); });
  const auto message = world.add(inbox);
  REQUIRE(events.size() == 1);
  CHECK(events[0].collection == inbox);
  CHECK(events[0].seq == message.seq);
  CHECK(events[0].kinds == storage::hub_event::kAdded);
  FlagChange seen;
  seen.seen = true;
  must(world.box->set_flags(inbox, message.id, seen));
  REQUIRE(events.size() == 2);
  CHECK(events[1].kinds == storage::hub_event::kOther);
  must(world.box->set_flags(inbox, message.id, seen));  // nothing new
  CHECK(events.size() == 2);
  must(world.box->move(inbox, message.id, trash));
  REQUIRE(events.size() == 4);
  events.clear();
  must(world.box->create_folder(0, "New"));
  REQUIRE(events.size() == 1);
  CHECK(events[0].kinds == storage::hub_event::kHierarchy);
  CHECK(events[0].seq == must(world.box->hierarchy_head()));
}

TEST_CASE_TEMPLATE("mailbox: two stores on one database and directory agree", DB, Sqlite,
                   Postgres) {
  ON_DATABASE(DB, dir, world);
  World other(world.url, world.root);
  const auto inbox = world.inbox();
  CHECK(other.inbox() == inbox);
  const auto a = world.add(inbox);
  CHECK(other.ids(inbox) == std::vector<storage::ItemId>{a.id});
  FlagChange seen;
  seen.seen = true;
  const auto changed = must(other.box->set_flags(inbox, a.id, seen));
  CHECK(must(world.box->head(inbox)) == changed.seq);
  CHECK(must(world.box->message(inbox, a.id)).flags.seen);
  const auto moved = must(world.box->move(inbox, a.id, world.trash()));
  CHECK(must(other.box->move(inbox, a.id, world.trash())).id == moved.id);
  const auto folder = must(other.box->create_folder(0, "Shared"));
  REQUIRE(world.by_name("Shared"));
  CHECK(world.by_name("Shared")->id == folder.id);
}

TEST_CASE_TEMPLATE("mailbox: threads that append, flag, move and look lose nothing", DB, Sqlite,
                   Postgres) {
  ON_DATABASE(DB, dir, world);
  const auto inbox = world.inbox();
  const auto trash = world.trash();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 15; ++i) {
        const std::string identity = std::to_string(t) + "/" + std::to_string(i);
        const auto made = world.box->append(inbox, kMessage, {}, kDate + i, identity);
        if (!made) continue;
        FlagChange change;
        change.seen = true;
        (void)world.box->set_flags(inbox, made->id, change);
        if (i % 3 == 0) (void)world.box->move(inbox, made->id, trash);
        if (i % 3 == 1) (void)world.box->head(inbox);
        if (i % 5 == 2) (void)world.box->head(trash);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(world.ids(inbox).size() == 40);
  CHECK(world.ids(trash).size() == 20);
  CHECK(names_in(world.path("cur")).size() == 40);
  CHECK(names_in(world.path(".Trash/cur")).size() == 20);
  std::vector<storage::Seq> seqs;
  for (const auto& change : world.changes(inbox, 0)) seqs.push_back(change.log_seq);
  CHECK(std::is_sorted(seqs.begin(), seqs.end()));
  CHECK(std::adjacent_find(seqs.begin(), seqs.end()) == seqs.end());
}

TEST_CASE("mail store: an address that could leave the root is refused") {
  TempDir dir;
  World world("sqlite:" + dir.file("i.db"), dir.file("mail"));
  for (const char* bad : {"", ".", "..", "../x@y", "a/b@c", ".hidden@x"}) {
    CHECK(kind_of(world.store->open(9, bad)) == ErrorKind::invalid);
  }
  storage::MailStoreOptions options;
  options.backend = "none";
  CHECK(kind_of(storage::open_mail_store(options, *world.database, world.hub)) ==
        ErrorKind::invalid);
}

TEST_CASE("mail store: one mailbox object per user while somebody holds it") {
  TempDir dir;
  World world("sqlite:" + dir.file("i.db"), dir.file("mail"));
  CHECK(must(world.store->open(1, "u@example.test")) == world.box);
  const auto other = must(world.store->open(2, "v@example.test"));
  CHECK(other != world.box);
  CHECK(must(other->folders()).folders.size() == 5);
}
