// The store and a real Dovecot work on one Maildir at the same time.
#include <unistd.h>

#include <chrono>
#include <thread>

#include "tests/storage/mail/mail_fixture.h"
#include "tests/support/dovecot.h"

using namespace test;
using storage::FlagChange;
using storage::FolderRole;
using storage::MessageFlags;
using namespace std::chrono_literals;

namespace {

const std::string kUser = "u@example.test";

// A world whose files belong to Dovecot's mail user. Members in the order of their making.
struct Shared {
  Shared() {
    REQUIRE(::chown(dir.str().c_str(), Dovecot::mail_uid(), Dovecot::mail_gid()) == 0);
    user = std::make_unique<AsMailUser>();
    world = std::make_unique<World>("sqlite:" + dir.file("i.db"), dir.file("mail"));
    inbox = world->inbox();
    user.reset();  // Dovecot is started as who we are
    dovecot = Dovecot::start(dir.file("mail"));
    user = std::make_unique<AsMailUser>();
  }
  std::vector<std::string> imap(const std::vector<std::string>& commands) {
    return dovecot->imap(kUser, commands);
  }
  // Whether any answer line contains the text.
  static bool has(const std::vector<std::string>& answers, const std::string& text) {
    for (const std::string& line : answers) {
      if (line.find(text) != std::string::npos) return true;
    }
    return false;
  }
  bool wait_for(const std::function<bool()>& condition) const {
    for (int i = 0; i < 500; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(10ms);
    }
    return false;
  }
  MessageFlags flags(storage::ItemId id) {
    must(world->box->head(inbox));
    return must(world->box->message(inbox, id)).flags;
  }

  TempDir dir;
  std::unique_ptr<AsMailUser> user;
  std::unique_ptr<World> world;
  storage::CollectionId inbox = 0;
  std::unique_ptr<Dovecot> dovecot;
};

}  // namespace

TEST_CASE("dovecot: its deliveries, flags, keywords and removals are found under one id") {
  Shared s;
  if (s.dovecot == nullptr) return;
  s.dovecot->deliver(kUser, "From: a@example.test\r\nSubject: one\r\n\r\nbody one");
  s.dovecot->deliver(kUser, "From: a@example.test\r\nSubject: two\r\n\r\nbody two");
  const auto ids = s.world->ids(s.inbox);
  REQUIRE(ids.size() == 2);
  const auto first = ids[1];
  CHECK(must(s.world->box->bytes(s.inbox, first)).view().find("Subject: one") !=
        std::string_view::npos);

  s.imap({"SELECT INBOX", "STORE 1 +FLAGS (\\Seen \\Flagged)"});
  CHECK(s.flags(first).seen);
  CHECK(s.flags(first).flagged);
  s.imap({"SELECT INBOX", "STORE 1 +FLAGS (Red_Category $Forwarded \\Answered)",
          "STORE 2 +FLAGS (Work)"});
  CHECK(s.flags(first).keywords == std::vector<std::string>{"Red Category"});
  CHECK(s.flags(first).forwarded);
  CHECK(s.flags(first).answered);
  CHECK(s.flags(ids[0]).keywords == std::vector<std::string>{"Work"});
  s.imap({"SELECT INBOX", "STORE 1 -FLAGS (\\Seen $Forwarded)"});
  CHECK_FALSE(s.flags(first).seen);
  CHECK_FALSE(s.flags(first).forwarded);
  s.imap({"SELECT INBOX", "STORE 1 +FLAGS (\\Deleted)", "EXPUNGE"});
  CHECK(s.world->ids(s.inbox) == std::vector<storage::ItemId>{ids[0]});
  CHECK(must(s.world->box->was_here(s.inbox, first)));
}

TEST_CASE("dovecot: shows what the store appended, flagged, moved and removed") {
  Shared s;
  if (s.dovecot == nullptr) return;
  MessageFlags flags;
  flags.seen = true;
  flags.keywords = {"Grün 1", "Work"};
  const auto a = must(s.world->box->append(s.inbox, kMessage, flags, kDate));
  const auto b = must(s.world->box->append(s.inbox, kMessage, {}, kDate + 1000));
  auto answers = s.imap({"SELECT INBOX", "FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE)"});
  CHECK(Shared::has(answers, "* 2 EXISTS"));
  CHECK(Shared::has(answers, "Gr&APw-n_1"));
  CHECK(Shared::has(answers, "Work"));
  CHECK(Shared::has(answers, "14-Nov-2023"));
  CHECK(Shared::has(answers, "RFC822.SIZE " + std::to_string(std::string(kMessage).size())));
  FlagChange change;
  change.flagged = true;
  change.forwarded = true;
  must(s.world->box->set_flags(s.inbox, b.id, change));
  answers = s.imap({"SELECT INBOX", "SEARCH FLAGGED", "SEARCH KEYWORD $Forwarded"});
  CHECK(Shared::has(answers, "* SEARCH 2"));
  CHECK_FALSE(Shared::has(answers, "* SEARCH 1"));
  const auto moved = must(s.world->box->move(s.inbox, a.id, s.world->trash()));
  answers = s.imap({"SELECT INBOX", "SELECT Trash", "FETCH 1:* FLAGS"});
  CHECK(Shared::has(answers, "* 1 EXISTS"));
  CHECK(Shared::has(answers, "Gr&APw-n_1"));
  must(s.world->box->remove(s.world->trash(), moved.id));
  answers = s.imap({"SELECT Trash"});
  CHECK(Shared::has(answers, "* 0 EXISTS"));
  CHECK(s.dovecot->log().find("Error") == std::string::npos);
}

TEST_CASE("dovecot: folders renamed on either side keep their ids and messages") {
  Shared s;
  if (s.dovecot == nullptr) return;
  s.imap({"CREATE \"Projekte/Gr&APw-n\"", "APPEND \"Projekte/Gr&APw-n\" (\\Seen) {5+}\r\na: b\n"});
  const auto green = s.world->by_name("Grün");
  const auto projects = s.world->by_name("Projekte");
  REQUIRE(green);
  REQUIRE(projects);
  CHECK(green->parent == projects->id);
  const auto ids = s.world->ids(green->id);
  REQUIRE(ids.size() == 1);
  s.imap({"RENAME Projekte Archiv2026"});
  REQUIRE(s.world->by_name("Archiv2026"));
  CHECK(s.world->by_name("Archiv2026")->id == projects->id);
  CHECK(s.world->by_name("Grün")->id == green->id);
  CHECK(s.world->ids(green->id) == ids);
  CHECK(must(s.world->box->message(green->id, ids[0])).flags.seen);
  must(s.world->box->rename_folder(green->id, 0, "Größe & Co"));
  auto answers = s.imap({"LIST \"\" *", "SELECT \"Gr&APYA3w-e &- Co\""});
  CHECK(Shared::has(answers, "* 1 EXISTS"));
  const auto made = must(s.world->box->create_folder(0, "日本"));
  answers = s.imap({"LIST \"\" *", "DELETE \"&ZeVnLA-\""});
  CHECK(Shared::has(answers, "&ZeVnLA-"));
  CHECK_FALSE(s.world->by_name("日本"));
  CHECK(kind_of(s.world->box->head(made.id)) == storage::ErrorKind::not_found);
  CHECK(s.dovecot->log().find("Error") == std::string::npos);
}

TEST_CASE("dovecot: a parked phone is told of its deliveries and flag changes") {
  Shared s;
  if (s.dovecot == nullptr) return;
  const storage::CollectionId folders[] = {s.inbox};
  must(s.world->box->watch(folders));
  must(s.world->box->head(s.inbox));
  std::atomic<int> added{0};
  std::atomic<int> other{0};
  const auto subscription =
      s.world->hub.subscribe(1, folders, ~0u, [&](const storage::HubEvent& event) {
        if ((event.kinds & storage::hub_event::kAdded) != 0) ++added;
        if ((event.kinds & storage::hub_event::kOther) != 0) ++other;
      });
  s.dovecot->deliver(kUser, "Subject: one\r\n\r\nbody");
  CHECK(s.wait_for([&] { return added.load() == 1; }));
  s.imap({"SELECT INBOX", "STORE 1 +FLAGS (Category_One)"});
  CHECK(s.wait_for([&] {
    return must(s.world->box->message(s.inbox, 1)).flags.keywords ==
           std::vector<std::string>{"Category One"};
  }));
  CHECK(other.load() >= 1);
  s.imap({"SELECT INBOX", "COPY 1 Trash", "STORE 1 +FLAGS (\\Deleted)", "EXPUNGE"});
  CHECK(s.wait_for([&] { return s.world->ids(s.inbox).empty(); }));
  CHECK(s.world->ids(s.world->trash()).size() == 1);
  s.world->box->unwatch(folders);
}
