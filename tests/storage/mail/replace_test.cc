// Replacing a message's content: what mail_store.h promises, on both databases, and what other
// programs and processes that work on the same Maildir see and do.
#include <algorithm>
#include <chrono>
#include <thread>

#include "storage/mail/maildir/filename.h"
#include "tests/storage/mail/mail_fixture.h"

using namespace test;
using storage::ErrorKind;
using storage::FlagChange;
using storage::MessageFlags;
namespace aspect = storage::aspect;

namespace {

const std::string kOther = "Subject: other\r\n\r\nquite another text\r\n";

}  // namespace

TEST_CASE_TEMPLATE("replace: the message has the new content under its id; the rest stays", DB,
                   Sqlite, Postgres) {
  TempDir dir;
  const auto url = DB::url(dir);
  if (!url) return;
  World world(*url, dir.file("mail"));
  const auto inbox = world.inbox();
  MessageFlags flags;
  flags.draft = true;
  flags.seen = true;
  flags.keywords = {"Work"};
  flags.annotation = "note";
  const auto a = must(world.box->append(inbox, kMessage, flags, kDate, "draft"));
  const auto b = world.add(inbox);
  must(world.box->note_broken(inbox, a.id, "old reason"));
  const auto before = must(world.box->head(inbox));

  const auto now = must(world.box->replace(inbox, a.id, kOther, a.seq));
  CHECK(now.id == a.id);
  CHECK(now.flags == flags);
  CHECK(now.date == kDate);
  CHECK(now.created_seq == a.created_seq);
  CHECK(now.seq > b.seq);
  CHECK(now.size == static_cast<std::int64_t>(kOther.size()));
  CHECK(must(world.box->broken_messages()).empty());
  CHECK(must(world.box->bytes(inbox, a.id)).view() == kOther);
  const auto log = must(world.box->changes(inbox, before, 10)).changes;
  REQUIRE(log.size() == 1);
  CHECK(log[0].id == a.id);
  CHECK(log[0].aspects == aspect::kContent);
  CHECK(must(world.box->changes(inbox, now.seq, 10)).changes.empty());

  for (int i = 0; i < 12; ++i) {
    const auto seq = must(world.box->message(inbox, a.id)).seq;
    must(world.box->replace(inbox, a.id, kOther + std::to_string(i), seq));
  }
  world.reopen();
  CHECK(world.ids(inbox) == std::vector<storage::ItemId>{b.id, a.id});
  CHECK(must(world.box->bytes(inbox, a.id)).view() == kOther + "11");
  CHECK(names_in(world.path("cur")).size() + names_in(world.path("new")).size() == 2);
  // Doing the append again finds it whatever became of it.
  CHECK(must(world.box->append(inbox, kMessage, flags, kDate, "draft")).id == a.id);
  CHECK(must(world.box->bytes(inbox, a.id)).view() == kOther + "11");
  FlagChange unread;
  unread.seen = false;
  const auto changed = must(world.box->set_flags(inbox, a.id, unread));
  CHECK(changed.id == a.id);
  const auto moved = must(world.box->move(inbox, a.id, world.trash()));
  CHECK(must(world.box->append(inbox, kMessage, flags, kDate, "draft")).id == a.id);
  CHECK(world.ids(inbox) == std::vector<storage::ItemId>{b.id});
  CHECK(must(world.box->bytes(world.trash(), moved.id)).view() == kOther + "11");
}

TEST_CASE_TEMPLATE("replace: a seq that is no longer the message's is a conflict", DB, Sqlite,
                   Postgres) {
  TempDir dir;
  const auto url = DB::url(dir);
  if (!url) return;
  World world(*url, dir.file("mail"));
  const auto inbox = world.inbox();
  const auto info = world.add(inbox);
  FlagChange seen;
  seen.seen = true;
  const auto now = must(world.box->set_flags(inbox, info.id, seen));
  CHECK(kind_of(world.box->replace(inbox, info.id, kOther, info.seq)) == ErrorKind::conflict);
  CHECK(must(world.box->bytes(inbox, info.id)).view() == kMessage);
  must(world.box->replace(inbox, info.id, kOther, now.seq));
  CHECK(kind_of(world.box->replace(inbox, info.id, kOther, now.seq)) == ErrorKind::conflict);
  CHECK(kind_of(world.box->replace(inbox, 999, kOther, 1)) == ErrorKind::not_found);
  const auto gone = must(world.box->remove(inbox, info.id));
  CHECK(kind_of(world.box->replace(inbox, info.id, kOther, gone)) == ErrorKind::not_found);
  CHECK(kind_of(world.box->replace(4711, info.id, kOther, 1)) == ErrorKind::not_found);
  CHECK(world.ids(inbox).empty());
}

TEST_CASE("replace: the file was renamed by another program meanwhile") {
  TempDir dir;
  World world("sqlite:" + dir.file("i.db"), dir.file("mail"));
  const auto info = world.add(world.inbox());
  const auto name = names_in(world.path("new")).at(0);
  std::filesystem::rename(world.path("new") / name, world.path("cur") / (name + ":2,FS"));
  const auto result = world.box->replace(world.inbox(), info.id, kOther, info.seq);
  // It was looked at anew, so its seq is another one.
  CHECK(kind_of(result) == ErrorKind::conflict);
  const auto now = must(world.box->message(world.inbox(), info.id));
  const auto replaced = must(world.box->replace(world.inbox(), info.id, kOther, now.seq));
  CHECK(replaced.flags.flagged);
  CHECK(replaced.flags.seen);
  CHECK(names_in(world.path("cur")).size() == 1);
}

TEST_CASE("replace: another process on the same Maildir sees a change, not another message") {
  for (const bool watched : {false, true}) {
    CAPTURE(watched);
    TempDir dir;
    World ours("sqlite:" + dir.file("a.db"), dir.file("mail"));
    World theirs("sqlite:" + dir.file("b.db"), dir.file("mail"));  // an index of its own
    const auto info = ours.add(ours.inbox());
    const auto inbox = theirs.inbox();
    REQUIRE(theirs.ids(inbox).size() == 1);
    const auto id = theirs.ids(inbox).at(0);
    const auto before = must(theirs.box->head(inbox));
    const storage::CollectionId folders[] = {inbox};
    if (watched) must(theirs.box->watch(folders));
    must(ours.box->replace(ours.inbox(), info.id, kOther, info.seq));
    for (int i = 0; watched && i < 500 && must(theirs.box->head(inbox)) == before; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    CHECK(theirs.ids(inbox) == std::vector<storage::ItemId>{id});
    const auto log = theirs.changes(inbox, before);
    REQUIRE(log.size() == 1);
    CHECK((log[0].aspects & aspect::kContent) != 0);
    CHECK(must(theirs.box->bytes(inbox, id)).view() == kOther);
    CHECK(must(theirs.box->message(inbox, id)).size == static_cast<std::int64_t>(kOther.size()));
    if (watched) theirs.box->unwatch(folders);
  }
}

TEST_CASE("replace: what looks like a replacement of nothing is a message of its own") {
  TempDir dir;
  World world("sqlite:" + dir.file("i.db"), dir.file("mail"));
  deliver(world.path(""), "1.M1P1.host.godwit-r3,S=5");
  deliver(world.path(""), "1.M1P1.hostess,S=5");
  CHECK(world.ids(world.inbox()).size() == 2);
}

TEST_CASE("replace: names say the message and the generation") {
  using storage::maildir::lineage_of;
  using storage::maildir::replacement_base;
  CHECK(replacement_base("1.M2.host,S=4,W=5", 77) == "1.M2.host.godwit-r1,S=77");
  CHECK(replacement_base("1.M2.host.godwit-r1,S=77", 8) == "1.M2.host.godwit-r2,S=8");
  CHECK(replacement_base(std::string(240, 'x'), 8).size() < 120);
  CHECK(lineage_of("1.M2.host.godwit-r12,S=77").stem == "1.M2.host");
  CHECK(lineage_of("1.M2.host.godwit-r12,S=77").generation == 12);
  for (const char* name : {"1.M2.host,S=77", "a.godwit-r", "a.godwit-rx", "a.godwit-r0",
                           "a.godwit-r99999999999", "a,S=1.godwit-r1"}) {
    CHECK(lineage_of(name).generation == 0);
  }
}
