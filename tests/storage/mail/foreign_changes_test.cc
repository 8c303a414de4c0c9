// Other programs work on the same Maildir with plain file operations: everything they do is found.
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>

#include "tests/storage/mail/mail_fixture.h"

using namespace test;
using storage::ErrorKind;
using storage::FlagChange;
using storage::FolderRole;
namespace aspect = storage::aspect;
namespace fs = std::filesystem;

namespace {
struct Local {
  TempDir dir;
  World world{"sqlite:" + dir.file("i.db"), dir.file("mail")};
  storage::CollectionId inbox = world.inbox();
};
}  // namespace

TEST_CASE("maildir: delivered messages get ids in the order of their time, then name") {
  Local local;
  World& world = local.world;
  deliver(world.path(""), "b");
  deliver(world.path(""), "c");
  deliver(world.path(""), "a");
  set_mtime(world.path("new/a"), kDate + 2000);
  set_mtime(world.path("new/b"), kDate + 1000);
  set_mtime(world.path("new/c"), kDate + 1000);
  const auto log = world.changes(local.inbox, 0);
  REQUIRE(log.size() == 3);
  CHECK(log[0].date == kDate + 1000);
  CHECK(log[2].date == kDate + 2000);
  CHECK(must(world.box->bytes(local.inbox, log[0].id)).view() == kMessage);
  const auto info = must(world.box->message(local.inbox, log[2].id));
  CHECK(info.size == static_cast<std::int64_t>(std::string(kMessage).size()));
  CHECK_FALSE(info.flags.seen);
}

TEST_CASE("maildir: a message read, flagged and filed by an IMAP server keeps its id") {
  Local local;
  World& world = local.world;
  deliver(world.path(""), "1.host");
  const auto id = world.ids(local.inbox).at(0);
  auto head = must(world.box->head(local.inbox));
  fs::rename(world.path("new/1.host"), world.path("cur/1.host:2,"));  // seen by a session
  CHECK(must(world.box->head(local.inbox)) == head);                  // nothing a phone must know
  CHECK(must(world.box->bytes(local.inbox, id)).view() == kMessage);
  fs::rename(world.path("cur/1.host:2,"), world.path("cur/1.host:2,FS"));
  auto log = world.changes(local.inbox, head);
  REQUIRE(log.size() == 1);
  CHECK(log[0].id == id);
  CHECK(log[0].aspects == (aspect::kRead | aspect::kFlag));
  head = must(world.box->head(local.inbox));
  std::ofstream(world.path("dovecot-keywords")) << "0 $Forwarded\n1 Red_Category\n";
  fs::rename(world.path("cur/1.host:2,FS"), world.path("cur/1.host:2,Fab"));
  log = world.changes(local.inbox, head);
  REQUIRE(log.size() == 1);
  CHECK(log[0].aspects == (aspect::kRead | aspect::kVerb | aspect::kCategories));
  const auto flags = must(world.box->message(local.inbox, id)).flags;
  CHECK(flags.keywords == std::vector<std::string>{"Red Category"});
  CHECK(flags.forwarded);
  CHECK_FALSE(flags.seen);
}

TEST_CASE("maildir: a keyword that is explained only after the rename is found") {
  Local local;
  World& world = local.world;
  deliver(world.path(""), "1.host:2,a", kMessage, "cur");
  const auto id = world.ids(local.inbox).at(0);
  CHECK(must(world.box->message(local.inbox, id)).flags.keywords.empty());
  std::ofstream(world.path("dovecot-keywords")) << "0 Late\n";
  must(world.box->head(local.inbox));
  CHECK(must(world.box->message(local.inbox, id)).flags.keywords ==
        std::vector<std::string>{"Late"});
}

TEST_CASE("maildir: messages removed by another program leave tombstones") {
  Local local;
  World& world = local.world;
  const auto a = world.add(local.inbox);
  const auto b = world.add(local.inbox);
  const auto head = must(world.box->head(local.inbox));
  fs::remove(world.path("new") / names_in(world.path("new"))[0]);
  const auto log = world.changes(local.inbox, head);
  REQUIRE(log.size() == 1);
  CHECK(log[0].aspects == aspect::kRemoved);
  CHECK(must(world.box->was_here(local.inbox, log[0].id)));
  CHECK(world.ids(local.inbox).size() == 1);
  CHECK((log[0].id == a.id || log[0].id == b.id));
}

TEST_CASE("maildir: operations find a file that was renamed since the index was made") {
  Local local;
  World& world = local.world;
  deliver(world.path(""), "1.host");
  const auto id = world.ids(local.inbox).at(0);
  SUBCASE("reading") {
    fs::rename(world.path("new/1.host"), world.path("cur/1.host:2,S"));
    CHECK(must(world.box->bytes(local.inbox, id)).view() == kMessage);
    CHECK(must(world.box->message(local.inbox, id)).flags.seen);
  }
  SUBCASE("flags: both changes survive") {
    fs::rename(world.path("new/1.host"), world.path("cur/1.host:2,R"));
    FlagChange change;
    change.seen = true;
    const auto info = must(world.box->set_flags(local.inbox, id, change));
    CHECK(info.flags.seen);
    CHECK(info.flags.answered);
    CHECK(names_in(world.path("cur")) == std::vector<std::string>{"1.host:2,RS"});
  }
  SUBCASE("moving") {
    fs::rename(world.path("new/1.host"), world.path("cur/1.host:2,F"));
    const auto moved = must(world.box->move(local.inbox, id, world.trash()));
    CHECK(must(world.box->message(world.trash(), moved.id)).flags.flagged);
    CHECK(names_in(world.path(".Trash/cur")) == std::vector<std::string>{"1.host:2,F"});
  }
  SUBCASE("removing") {
    fs::rename(world.path("new/1.host"), world.path("cur/1.host:2,F"));
    must(world.box->remove(local.inbox, id));
    CHECK(names_in(world.path("cur")).empty());
  }
  SUBCASE("a message that is gone is not found") {
    fs::remove(world.path("new/1.host"));
    CHECK(kind_of(world.box->bytes(local.inbox, id)) == ErrorKind::not_found);
    CHECK(kind_of(world.box->set_flags(local.inbox, id, {.seen = true})) == ErrorKind::not_found);
    CHECK(kind_of(world.box->remove(local.inbox, id)) == ErrorKind::not_found);
    CHECK(kind_of(world.box->move(local.inbox, id, world.trash())) == ErrorKind::not_found);
    CHECK(must(world.box->was_here(local.inbox, id)));
  }
}

TEST_CASE("maildir: letters that are not ours survive a flag change") {
  Local local;
  World& world = local.world;
  std::ofstream(world.path("dovecot-keywords")) << "0 $label1\n1 Work\n";
  deliver(world.path(""), "1.host:2,Tab", kMessage, "cur");
  const auto id = world.ids(local.inbox).at(0);
  CHECK(must(world.box->message(local.inbox, id)).flags.keywords ==
        std::vector<std::string>{"Work"});
  FlagChange change;
  change.seen = true;
  change.keywords = std::vector<std::string>{};
  must(world.box->set_flags(local.inbox, id, change));
  CHECK(names_in(world.path("cur")) == std::vector<std::string>{"1.host:2,STa"});
}

TEST_CASE("maildir: what is no message does not disturb the folder") {
  Local local;
  World& world = local.world;
  deliver(world.path(""), "good");
  fs::create_directory(world.path("cur/directory"));
  std::ofstream(world.path("new/.hidden")) << "x";
  std::ofstream(world.path("new/with\nbreak")) << "x";
  std::ofstream(world.path("cur/:2,S")) << "x";
  std::ofstream(world.path("cur/\xff\xfe binary:2,S")) << "odd name";
  fs::create_symlink("/etc/passwd", world.path("cur/link:2,S"));
  REQUIRE(::mkfifo(world.path("new/pipe").c_str(), 0600) == 0);
  CHECK(world.ids(local.inbox).size() == 2);  // "good" and the binary name
  const std::string longest(250, 'n');
  deliver(world.path(""), longest);
  const auto ids = world.ids(local.inbox);
  REQUIRE(ids.size() == 3);
  for (const auto id : ids) {
    FlagChange change;
    change.seen = true;
    change.flagged = true;
    change.keywords = {{"Cat"}};
    const auto info = must(world.box->set_flags(local.inbox, id, change));
    CHECK(info.flags.flagged);
    CHECK(info.id == id);
    CHECK_FALSE(must(world.box->bytes(local.inbox, id)).view().empty());
  }
  CHECK(world.ids(local.inbox) == ids);
}

TEST_CASE("maildir: a link planted in place of a message or folder leads nowhere") {
  Local local;
  World& world = local.world;
  deliver(world.path(""), "1.host");
  const auto id = world.ids(local.inbox).at(0);
  std::ofstream(local.dir.file("secret")) << "secret";
  fs::remove(world.path("new/1.host"));
  fs::create_symlink(local.dir.file("secret"), world.path("new/1.host"));
  const auto bytes = world.box->bytes(local.inbox, id);
  CHECK_FALSE(bytes.has_value());
  fs::create_directories(local.dir.path() / "outside" / "cur");
  deliver(local.dir.path() / "outside", "stolen");
  fs::create_directory_symlink(local.dir.path() / "outside", world.path(".Evil"));
  CHECK_FALSE(world.by_name("Evil"));
}

TEST_CASE("maildir: folders made, renamed and removed by another program") {
  Local local;
  World& world = local.world;
  auto head = must(world.box->hierarchy_head());
  deliver(world.path(".Projects"), "1.host");
  deliver(world.path(".Projects.Gr&APw-n"), "2.host");
  auto news = must(world.box->hierarchy_changes(head));
  REQUIRE(news.folders.size() == 2);
  const auto projects = news.folders[0];
  const auto green = news.folders[1];
  CHECK(green.name == "Grün");
  CHECK(green.parent == projects.id);
  const auto message = world.ids(green.id).at(0);
  // A rename of the parent, as Dovecot does it: every directory by itself.
  fs::rename(world.path(".Projects"), world.path(".Done"));
  fs::rename(world.path(".Projects.Gr&APw-n"), world.path(".Done.Gr&APw-n"));
  news = must(world.box->hierarchy_changes(news.head));
  REQUIRE(world.by_name("Done"));
  CHECK(world.by_name("Done")->id == projects.id);
  CHECK(world.by_name("Grün")->id == green.id);
  CHECK(world.by_name("Grün")->parent == projects.id);
  CHECK(must(world.box->bytes(green.id, message)).view() == kMessage);
  CHECK(world.ids(green.id) == std::vector<storage::ItemId>{message});
  // The parent goes, the child stays: Maildir++ allows that, and the phone needs the parent.
  head = must(world.box->hierarchy_head());
  fs::remove_all(world.path(".Done"));
  CHECK(world.by_name("Done")->id == projects.id);
  CHECK(must(world.box->head(projects.id)) >= 0);
  CHECK(kind_of(world.box->message(projects.id, 1)) == ErrorKind::not_found);
  const auto put = world.add(projects.id);  // makes the directory again
  CHECK(fs::is_directory(world.path(".Done/cur")));
  CHECK(world.ids(projects.id) == std::vector<storage::ItemId>{put.id});
  fs::remove_all(world.path(".Done.Gr&APw-n"));
  fs::remove_all(world.path(".Done"));
  CHECK_FALSE(world.by_name("Done"));
  CHECK_FALSE(world.by_name("Grün"));
  news = must(world.box->hierarchy_changes(head));
  REQUIRE(news.folders.size() == 2);
  CHECK(news.folders[0].removed);
}

TEST_CASE(
    "maildir: a folder renamed without its subfolders keeps its id, they stay where they are") {
  for (const auto& names : {std::pair{".A", ".Z"}, std::pair{".P", ".D"}}) {
    const char* const from = names.first;
    const char* const to = names.second;
    CAPTURE(from);
    Local local;
    World& world = local.world;
    const std::string left = std::string(from) + ".Left";
    deliver(world.path(from), "1.host");
    deliver(world.path(left), "2.host");
    const auto head = must(world.box->hierarchy_head());
    const auto parent = world.by_name(from + 1);
    const auto child = world.by_name("Left");
    REQUIRE(parent);
    REQUIRE(child);
    CHECK(world.ids(parent->id).size() == 1);
    fs::rename(world.path(from), world.path(to));
    const auto news = must(world.box->hierarchy_changes(head));
    CHECK(news.folders.size() == 3);
    CHECK(world.by_name(to + 1)->id == parent->id);
    REQUIRE(world.by_name(from + 1));  // the parent that the phone needs for the one left behind
    CHECK(world.by_name("Left")->parent == world.by_name(from + 1)->id);
    CHECK(world.by_name("Left")->id == child->id);
    CHECK(world.ids(parent->id).size() == 1);
    CHECK(world.ids(child->id).size() == 1);
    // The second half of a rename as an IMAP server does it.
    fs::rename(world.path(left), world.path(std::string(to) + ".Left"));
    CHECK(world.by_name("Left")->id == child->id);
    CHECK(world.by_name("Left")->parent == parent->id);
    CHECK_FALSE(world.by_name(from + 1));
    deliver(world.path(".Later"), "3.host");
    CHECK(world.by_name("Later"));
  }
}

TEST_CASE("maildir: a folder renamed under the feet of an operation is found again") {
  Local local;
  World& world = local.world;
  const auto folder = must(world.box->create_folder(0, "Old"));
  const auto message = world.add(folder.id);
  fs::rename(world.path(".Old"), world.path(".New"));
  SUBCASE("reading") { CHECK(must(world.box->bytes(folder.id, message.id)).view() == kMessage); }
  SUBCASE("flags") {
    CHECK(must(world.box->set_flags(folder.id, message.id, {.seen = true})).flags.seen);
  }
  SUBCASE("head") { CHECK(must(world.box->head(folder.id)) == message.seq); }
  CHECK(must(world.box->folder(folder.id)).name == "New");
}

TEST_CASE("maildir: a folder removed under the feet of an operation is not found") {
  Local local;
  World& world = local.world;
  const auto folder = must(world.box->create_folder(0, "Old"));
  const auto message = world.add(folder.id);
  fs::remove_all(world.path(".Old"));
  SUBCASE("head") { CHECK(kind_of(world.box->head(folder.id)) == ErrorKind::not_found); }
  SUBCASE("reading") {
    CHECK(kind_of(world.box->bytes(folder.id, message.id)) == ErrorKind::not_found);
  }
  SUBCASE("writing") {
    CHECK(kind_of(world.box->append(folder.id, kMessage, {}, kDate)) == ErrorKind::not_found);
  }
}

TEST_CASE("maildir: a role folder that vanishes is made again under its id") {
  Local local;
  World& world = local.world;
  const auto trash = world.trash();
  world.add(trash);
  fs::remove_all(world.path(".Trash"));
  CHECK(world.trash() == trash);
  CHECK(fs::is_directory(world.path(".Trash/cur")));
  CHECK(world.ids(trash).empty());
}

TEST_CASE("maildir: an existing mailbox is taken over with its own folder names") {
  TempDir dir;
  const fs::path home = dir.path() / "mail" / "u@example.test";
  deliver(home, "1.host:2,S", kMessage, "cur");
  deliver(home / ".Deleted Items", "2.host");
  deliver(home / ".Sent Messages", "3.host");
  deliver(home / ".Trash", "4.host");
  World world("sqlite:" + dir.file("i.db"), dir.file("mail"));
  CHECK(world.by_role(FolderRole::sent).name == "Sent Messages");
  CHECK_FALSE(world.by_name("Sent"));
  CHECK(world.ids(world.inbox()).size() == 1);
  int trashes = 0;
  for (const auto& folder : must(world.box->folders()).folders) {
    trashes += folder.role == FolderRole::trash ? 1 : 0;
  }
  CHECK(trashes == 1);
  CHECK(world.ids(world.trash()).size() == 1);
}

TEST_CASE("maildir: files left in tmp/ for long are removed, young ones stay") {
  Local local;
  World& world = local.world;
  fs::create_directories(world.path("tmp"));
  std::ofstream(world.path("tmp/old")) << "x";
  std::ofstream(world.path("tmp/young")) << "x";
  set_mtime(world.path("tmp/old"), 1'000'000'000'000);
  world.reopen();
  deliver(world.path(""), "1.host");
  must(world.box->head(world.inbox()));
  CHECK(names_in(world.path("tmp")) == std::vector<std::string>{"young"});
}

TEST_CASE("maildir: an unchanged folder is not listed again, a changed one always is") {
  Local local;
  World& world = local.world;
  deliver(world.path(""), "1.host");
  CHECK(world.ids(local.inbox).size() == 1);
  // Settle the directories: a change of long ago cannot share its time with one to come.
  const auto settle = [&](storage::UnixMillis when) {
    set_mtime(world.path("new"), when);
    set_mtime(world.path("cur"), when);
  };
  settle(kDate);
  must(world.box->head(local.inbox));
  // A file that appears without a change of the directory's time cannot be seen: so it is not
  // listed.
  std::ofstream(world.path("new/2.host")) << kMessage;
  settle(kDate);
  CHECK(world.ids(local.inbox).size() == 1);
  settle(kDate + 1);
  CHECK(world.ids(local.inbox).size() == 2);
  // Changed within the last two seconds: looked at every time, whatever the time stamps say.
  struct stat info {};
  std::ofstream(world.path("new/3.host")) << kMessage;
  CHECK(world.ids(local.inbox).size() == 3);
  REQUIRE(::stat(world.path("new").c_str(), &info) == 0);
  std::ofstream(world.path("new/4.host")) << kMessage;
  const timespec times[2] = {info.st_mtim, info.st_mtim};
  REQUIRE(::utimensat(AT_FDCWD, world.path("new").c_str(), times, 0) == 0);
  CHECK(world.ids(local.inbox).size() == 4);
}

TEST_CASE("maildir: reading the log of an unchanged mailbox writes nothing") {
  TempDir dir;
  World world("sqlite:" + dir.file("i.db"), dir.file("mail"));
  const auto inbox = world.inbox();
  world.add(inbox);
  for (const char* sub : {"new", "cur", ""}) set_mtime(world.path(sub), kDate);
  must(world.box->head(inbox));
  must(world.box->folders());
  int writes = 0;
  world.database_options.before_step = [&](const char*) { ++writes; };
  world.reopen();
  writes = 0;
  for (int i = 0; i < 3; ++i) {
    must(world.box->folders());
    must(world.box->hierarchy_head());
    must(world.box->head(inbox));
    must(world.box->changes(inbox, 0, 10));
    must(world.box->newest_first(inbox, {INT64_MAX, 0}, {}, 100, 10));
  }
  CHECK(writes == 0);
}
