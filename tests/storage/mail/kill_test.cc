// The process is killed before any step of an operation, then started again: nothing is lost and
// nothing doubled, and doing the operation again gives what doing it once would have given.
#include <functional>
#include <string_view>

#include "tests/storage/mail/mail_fixture.h"

using namespace test;
using storage::FlagChange;
using storage::FolderRole;
using storage::MessageFlags;

namespace {

struct Killed {};

// Throws at the n-th step, those of the files and those of the database counted together.
class Killer {
 public:
  void arm(int step) {
    left_ = step;
    armed_ = true;
  }
  void disarm() { armed_ = false; }
  void operator()(const char*) {
    if (!armed_) return;
    if (left_-- == 0) {
      armed_ = false;
      throw Killed();
    }
  }

 private:
  bool armed_ = false;
  int left_ = 0;
};

// Runs `prepare`, then `act` killed before its first step, its second …, until it runs through.
// After each kill everything is opened anew, `act` is done again, and `check` looks at the result.
int with_every_kill(const std::function<void(World&)>& prepare,
                    const std::function<void(World&)>& act,
                    const std::function<void(World&)>& check, bool look_before_retry) {
  for (int step = 0;; ++step) {
    REQUIRE(step < 200);
    CAPTURE(step);
    TempDir dir;
    auto killer = std::make_shared<Killer>();
    World world("sqlite:" + dir.file("i.db"), dir.file("mail"));
    world.options.before_step = [killer](const char* name) { (*killer)(name); };
    world.database_options.before_step = [killer](const char* name) { (*killer)(name); };
    world.reopen();
    prepare(world);
    bool killed = false;
    killer->arm(step);
    try {
      act(world);
    } catch (const Killed&) {
      killed = true;
    }
    killer->disarm();
    world.reopen();
    if (look_before_retry) {
      // Another device looks at all folders before the phone comes back.
      for (const auto& folder : must(world.box->folders()).folders)
        must(world.box->head(folder.id));
    }
    act(world);
    check(world);
    world.reopen();
    check(world);
    if (!killed) return step;
  }
}

int with_every_kill(const std::function<void(World&)>& prepare,
                    const std::function<void(World&)>& act,
                    const std::function<void(World&)>& check) {
  const int steps = with_every_kill(prepare, act, check, false);
  CHECK(with_every_kill(prepare, act, check, true) == steps);
  return steps;
}

std::size_t files_in(World& world, const std::string& dir) {
  return names_in(world.path(dir) / "new").size() + names_in(world.path(dir) / "cur").size();
}

}  // namespace

TEST_CASE("kill: an append with an identity stores once, with all it was given") {
  MessageFlags flags;
  flags.seen = true;
  flags.keywords = {"Work"};
  flags.annotation = "note";
  const int steps = with_every_kill(
      [](World&) {},
      [&](World& world) {
        const auto info = must(world.box->append(world.inbox(), kMessage, flags, kDate, "id"));
        CHECK(info.flags == flags);
        CHECK(info.date == kDate);
      },
      [&](World& world) {
        const auto ids = world.ids(world.inbox());
        REQUIRE(ids.size() == 1);
        CHECK(files_in(world, "") == 1);
        CHECK(names_in(world.path("tmp")).empty());
        CHECK(must(world.box->message(world.inbox(), ids[0])).flags == flags);
        CHECK(must(world.box->bytes(world.inbox(), ids[0])).view() == kMessage);
      });
  CHECK(steps >= 6);
}

TEST_CASE("kill: an append with an identity that another process was killed in stores once") {
  TempDir dir;
  World ours("sqlite:" + dir.file("i.db"), dir.file("mail"));
  const auto inbox = ours.inbox();
  must(ours.box->append(inbox, kMessage, {}, kDate, "first"));
  World theirs("sqlite:" + dir.file("i.db"), dir.file("mail"));
  theirs.options.before_step = [](const char* step) {
    if (std::string_view(step) == "index") throw Killed();
  };
  theirs.reopen();
  CHECK_THROWS_AS((void)theirs.box->append(inbox, kMessage, {}, kDate, "second"), Killed);
  CHECK(files_in(ours, "") == 2);
  const auto info = must(ours.box->append(inbox, kMessage, {}, kDate, "second"));
  CHECK(files_in(ours, "") == 2);
  CHECK(must(ours.box->append(inbox, kMessage, {}, kDate, "second")).id == info.id);
  CHECK(ours.ids(inbox).size() == 2);
}

TEST_CASE("kill: an append whose file came into place, but not into the index, stores once") {
  TempDir dir;
  World world("sqlite:" + dir.file("i.db"), dir.file("mail"));
  bool fail = false;
  world.options.before_step = [&](const char* step) {
    if (fail && std::string_view(step) == "index") throw Killed();
  };
  world.reopen();
  const auto inbox = world.inbox();
  must(world.box->append(inbox, kMessage, {}, kDate, "first"));
  fail = true;
  CHECK_THROWS_AS((void)world.box->append(inbox, kMessage, {}, kDate, "second"), Killed);
  fail = false;
  // An IMAP server takes the file over before the same process tries again.
  for (const std::string& name : names_in(world.path("new"))) {
    std::filesystem::rename(world.path("new") / name, world.path("cur") / (name + ":2,S"));
  }
  const auto info = must(world.box->append(inbox, kMessage, {}, kDate, "second"));
  CHECK(info.flags.seen);
  CHECK(files_in(world, "") == 2);
  CHECK(world.ids(inbox).size() == 2);
}

TEST_CASE("kill: a move cut off between two names of the file ends in one place") {
  // As on a file system that cannot rename without overwriting: first a link, then its removal.
  TempDir dir;
  World world("sqlite:" + dir.file("i.db"), dir.file("mail"));
  const auto message = world.add(world.inbox(), {.seen = true});
  const std::string name = names_in(world.path("cur")).at(0);
  std::filesystem::create_hard_link(world.path("cur") / name, world.path(".Trash/cur") / name);
  const auto moved = must(world.box->move(world.inbox(), message.id, world.trash()));
  CHECK(world.ids(world.inbox()).empty());
  CHECK(world.ids(world.trash()) == std::vector<storage::ItemId>{moved.id});
  CHECK(files_in(world, "") == 0);
  CHECK(files_in(world, ".Trash") == 1);
}

TEST_CASE("kill: a flag change arrives, with its follow-up, under the same id") {
  FlagChange change;
  change.seen = true;
  change.flagged = true;
  change.keywords = {{"Later"}};
  change.annotation = "tomorrow";
  with_every_kill([](World& world) { world.add(world.inbox()); },
                  [&](World& world) { must(world.box->set_flags(world.inbox(), 1, change)); },
                  [&](World& world) {
                    const auto info = must(world.box->message(world.inbox(), 1));
                    CHECK(info.flags.seen);
                    CHECK(info.flags.flagged);
                    CHECK(info.flags.keywords == std::vector<std::string>{"Later"});
                    CHECK(info.flags.annotation == "tomorrow");
                    CHECK(world.ids(world.inbox()) == std::vector<storage::ItemId>{1});
                    CHECK(files_in(world, "") == 1);
                  });
}

TEST_CASE("kill: a move ends in one place, and is found again under one id") {
  MessageFlags flags;
  flags.seen = true;
  flags.keywords = {"B", "A"};
  flags.annotation = "note";
  storage::ItemId destination = 0;
  with_every_kill([&](World& world) { world.add(world.inbox(), flags); },
                  [&](World& world) {
                    destination = must(world.box->move(world.inbox(), 1, world.trash())).id;
                  },
                  [&](World& world) {
                    CHECK(must(world.box->move(world.inbox(), 1, world.trash())).id == destination);
                    CHECK(world.ids(world.inbox()).empty());
                    CHECK(world.ids(world.trash()) == std::vector<storage::ItemId>{destination});
                    const auto info = must(world.box->message(world.trash(), destination));
                    CHECK(info.flags.seen);
                    CHECK(info.flags.annotation == "note");
                    CHECK(info.flags.keywords.size() == 2);
                    CHECK(info.date == kDate);
                    CHECK(files_in(world, "") == 0);
                    CHECK(files_in(world, ".Trash") == 1);
                  });
}

TEST_CASE("kill: a replaced message has one content under its id, and one file") {
  MessageFlags flags;
  flags.seen = true;
  flags.draft = true;
  flags.keywords = {"A"};
  flags.annotation = "note";
  const std::string text = "Subject: new\r\n\r\nnew\r\n";
  const int steps =
      with_every_kill([&](World& world) { world.add(world.inbox(), flags); },
                      [&](World& world) {
                        must(world.box->head(world.inbox()));
                        const auto before = must(world.box->message(world.inbox(), 1));
                        const std::string stored(must(world.box->bytes(world.inbox(), 1)).view());
                        CHECK((stored == kMessage || stored == text));
                        must(world.box->replace(world.inbox(), 1, text, before.seq));
                      },
                      [&](World& world) {
                        CHECK(world.ids(world.inbox()) == std::vector<storage::ItemId>{1});
                        CHECK(must(world.box->bytes(world.inbox(), 1)).view() == text);
                        const auto info = must(world.box->message(world.inbox(), 1));
                        CHECK(info.flags == flags);
                        CHECK(info.date == kDate);
                        CHECK(info.size == static_cast<std::int64_t>(text.size()));
                        CHECK(files_in(world, "") == 1);
                        const auto log = world.changes(world.inbox(), 1);
                        REQUIRE(log.size() == 1);
                        CHECK(log[0].aspects == storage::aspect::kContent);
                      });
  CHECK(steps >= 5);
}

TEST_CASE("kill: a removal ends in a tombstone") {
  with_every_kill([](World& world) { world.add(world.inbox()); },
                  [&](World& world) {
                    const auto result = world.box->remove(world.inbox(), 1);
                    if (!result) {
                      CHECK(result.error().kind == storage::ErrorKind::not_found);
                      CHECK(must(world.box->was_here(world.inbox(), 1)));
                    }
                  },
                  [&](World& world) {
                    CHECK(world.ids(world.inbox()).empty());
                    CHECK(files_in(world, "") == 0);
                    const auto log = world.changes(world.inbox(), 0);
                    REQUIRE(log.size() == 2);
                    CHECK(log[1].aspects == storage::aspect::kRemoved);
                  });
}

TEST_CASE("kill: the first indexing goes on where it stopped") {
  const int messages = 100;  // three batches
  with_every_kill(
      [&](World& world) {
        world.options.index_batch = 40;
        world.reopen();
        for (int i = 0; i < messages; ++i) {
          std::ofstream(world.path("new") / ("m" + std::to_string(i))) << "x";
        }
      },
      [](World& world) { must(world.box->head(world.inbox())); },
      [&](World& world) {
        const auto ids = world.ids(world.inbox());
        CHECK(ids.size() == static_cast<std::size_t>(messages));
        CHECK(world.changes(world.inbox(), 0).size() == static_cast<std::size_t>(messages));
      },
      false);
}

TEST_CASE("kill: first use of a mailbox ends with one of each role folder") {
  with_every_kill([](World&) {},
                  [](World& world) {
                    auto box = world.store->open(2, "new@example.test");
                    REQUIRE(box);
                    must((*box)->folders());
                  },
                  [](World& world) {
                    const auto box = must(world.store->open(2, "new@example.test"));
                    CHECK(must(box->folders()).folders.size() == 5);
                  });
}

TEST_CASE("kill: a folder and its subfolders are renamed as a whole") {
  with_every_kill(
      [](World& world) {
        const auto work = must(world.box->create_folder(0, "Work"));
        const auto sub = must(world.box->create_folder(work.id, "Sub"));
        world.add(work.id);
        world.add(sub.id);
      },
      [](World& world) {
        const auto work = world.by_name("Work");
        if (work) must(world.box->rename_folder(work->id, 0, "Job"));
      },
      [](World& world) {
        CHECK_FALSE(world.by_name("Work"));
        const auto job = world.by_name("Job");
        const auto sub = world.by_name("Sub");
        REQUIRE(job);
        REQUIRE(sub);
        CHECK(sub->parent == job->id);
        CHECK(job->id == 6);
        CHECK(sub->id == 7);
        CHECK(world.ids(job->id) == std::vector<storage::ItemId>{1});
        CHECK(world.ids(sub->id) == std::vector<storage::ItemId>{1});
      });
}

TEST_CASE("kill: a folder and its subfolders are removed as a whole") {
  with_every_kill(
      [](World& world) {
        const auto work = must(world.box->create_folder(0, "Work"));
        const auto sub = must(world.box->create_folder(work.id, "Sub"));
        world.add(work.id);
        world.add(sub.id);
      },
      [](World& world) {
        const auto work = world.by_name("Work");
        if (work) must(world.box->remove_folder(work->id));
      },
      [](World& world) {
        CHECK_FALSE(world.by_name("Work"));
        CHECK_FALSE(world.by_name("Sub"));
        CHECK_FALSE(std::filesystem::exists(world.path(".Work")));
        int removed = 0;
        for (const auto& folder : must(world.box->hierarchy_changes(0)).folders) {
          removed += folder.removed ? 1 : 0;
        }
        CHECK(removed == 2);
      });
}
