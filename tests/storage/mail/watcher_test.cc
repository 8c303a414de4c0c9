// Changes by other programs in watched folders: noticed at once, applied by name, published.
#include <sys/inotify.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <random>
#include <string_view>
#include <thread>

#include "tests/storage/mail/mail_fixture.h"

using namespace test;
using storage::FlagChange;
using storage::HubEvent;
namespace hub_event = storage::hub_event;
namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

namespace {

// Collects the events of one user.
class Ear {
 public:
  Ear(storage::ChangeHub& hub, std::vector<storage::CollectionId> folders, std::int64_t user = 1)
      : subscription_(hub.subscribe(user, folders, ~0u, [this](const HubEvent& event) {
          const std::lock_guard lock(mutex_);
          events_.push_back(event);
          heard_.notify_all();
        })) {}
  // Waits for an event of `folder` with any of these kinds at or after `seq`.
  bool hears(storage::CollectionId folder, unsigned kinds, storage::Seq seq = 0,
             std::chrono::milliseconds within = 5000ms) {
    std::unique_lock lock(mutex_);
    return heard_.wait_for(lock, within, [&] {
      for (const HubEvent& event : events_) {
        if (event.collection == folder && (event.kinds & kinds) != 0 && event.seq >= seq) {
          return true;
        }
      }
      return false;
    });
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return events_.size();
  }
  void clear() {
    const std::lock_guard lock(mutex_);
    events_.clear();
  }

 private:
  std::mutex mutex_;
  std::condition_variable heard_;
  std::vector<HubEvent> events_;
  storage::Subscription subscription_;
};

struct Watched {
  explicit Watched(const std::function<void(storage::maildir::MaildirOptions&)>& adjust = {})
      : world("sqlite:" + dir.file("i.db"), dir.file("mail")) {
    if (adjust) {
      adjust(world.options);
      world.reopen();
    }
    inbox = world.inbox();
    start();
  }
  void start() {
    const storage::CollectionId folders[] = {inbox};
    must(world.box->watch(folders));
    must(world.box->head(inbox));
  }
  void stop() {
    const storage::CollectionId folders[] = {inbox};
    world.box->unwatch(folders);
  }
  bool wait_for(const std::function<bool()>& condition,
                std::chrono::milliseconds within = 5000ms) const {
    const auto deadline = Steady::now() + within;
    while (!condition()) {
      if (Steady::now() > deadline) return false;
      std::this_thread::sleep_for(2ms);
    }
    return true;
  }

  TempDir dir;
  World world;
  storage::CollectionId inbox = 0;
};

}  // namespace

TEST_CASE("watcher: a delivery is indexed and published within milliseconds (field.md pain 12)") {
  Watched w;
  Ear ear(w.world.hub, {w.inbox});
  std::vector<double> took;
  for (int i = 0; i < 40; ++i) {
    ear.clear();
    std::ofstream(w.world.path("tmp/d")) << kMessage;
    const auto begin = Steady::now();
    fs::rename(w.world.path("tmp/d"), w.world.path("new/m" + std::to_string(i)));
    REQUIRE(ear.hears(w.inbox, hub_event::kAdded));
    took.push_back(std::chrono::duration<double, std::milli>(Steady::now() - begin).count());
    REQUIRE(must(w.world.box->changes(w.inbox, i, 10)).changes.size() == 1);
  }
  std::sort(took.begin(), took.end());
  MESSAGE("rename to publish: median " << took[took.size() / 2] << " ms, slowest " << took.back()
                                       << " ms");
  CHECK(took[took.size() / 2] < 50);  // about 1 ms on an idle machine
}

TEST_CASE("watcher: an IMAP server's renames keep the id, and its removals leave tombstones") {
  Watched w;
  Ear ear(w.world.hub, {w.inbox});
  deliver(w.world.path(""), "1.host");
  REQUIRE(ear.hears(w.inbox, hub_event::kAdded));
  const auto id = w.world.ids(w.inbox).at(0);
  ear.clear();
  fs::rename(w.world.path("new/1.host"), w.world.path("cur/1.host:2,S"));
  REQUIRE(ear.hears(w.inbox, hub_event::kOther));
  CHECK(must(w.world.box->message(w.inbox, id)).flags.seen);
  ear.clear();
  fs::remove(w.world.path("cur/1.host:2,S"));
  REQUIRE(ear.hears(w.inbox, hub_event::kOther));
  CHECK(must(w.world.box->was_here(w.inbox, id)));
  CHECK(w.world.ids(w.inbox).empty());
}

TEST_CASE("watcher: a message renamed again before its first rename is looked at keeps its id") {
  TempDir dir;
  World world("sqlite:" + dir.file("i.db"), dir.file("mail"));
  const auto inbox = world.inbox();
  deliver(world.path(""), "1.host");
  const auto id = world.ids(inbox).at(0);
  auto& listener = dynamic_cast<storage::maildir::FolderListener&>(*world.box);
  using Names = std::vector<storage::maildir::TouchedName>;
  // Read from the kernel was the first rename, but the file is two names further by now.
  fs::rename(world.path("new/1.host"), world.path("cur/1.host:2,S"));
  REQUIRE(
      listener.names_changed(inbox, Names{{false, "1.host", false}, {true, "1.host:2,", true}}));
  CHECK(must(world.box->message(inbox, id)).id == id);
  REQUIRE(
      listener.names_changed(inbox, Names{{true, "1.host:2,", false}, {true, "1.host:2,S", true}}));
  CHECK(must(world.box->message(inbox, id)).flags.seen);
  // The same with a removal: the event that tells of it is the one that counts.
  fs::remove(world.path("cur/1.host:2,S"));
  REQUIRE(listener.names_changed(inbox,
                                 Names{{true, "1.host:2,S", false}, {true, "1.host:2,FS", true}}));
  REQUIRE(listener.names_changed(inbox, Names{{true, "1.host:2,FS", false}}));
  CHECK(must(world.box->was_here(inbox, id)));
  CHECK(kind_of(world.box->message(inbox, id)) == storage::ErrorKind::not_found);
}

TEST_CASE("watcher: files moved away without end keep nobody's delivery from being told") {
  Watched w;
  const auto busy = must(w.world.box->create_folder(0, "Busy"));
  const storage::CollectionId folders[] = {busy.id};
  must(w.world.box->watch(folders));
  must(w.world.box->head(busy.id));
  const fs::path inside = w.world.path(".Busy/cur/1.host:2,");
  const fs::path outside = w.world.path(".Busy/tmp/1.host");
  std::ofstream(outside) << kMessage;
  std::atomic<bool> done{false};
  std::thread mover([&] {
    while (!done.load()) {
      fs::rename(outside, inside);
      fs::rename(inside, outside);
      std::this_thread::sleep_for(200us);
    }
  });
  Ear ear(w.world.hub, {w.inbox});
  std::this_thread::sleep_for(50ms);
  deliver(w.world.path(""), "2.host");
  CHECK(ear.hears(w.inbox, hub_event::kAdded, 0, 2000ms));
  done.store(true);
  mover.join();
  CHECK(w.world.ids(busy.id).empty());
  w.world.box->unwatch(folders);
}

TEST_CASE("watcher: while a folder is slow, the other folders' deliveries are told") {
  std::mutex mutex;
  std::condition_variable changed;
  bool removing = false;
  bool go_on = false;
  Watched w([&](auto& options) {
    options.before_step = [&](const char* step) {
      if (std::string_view(step) != "remove files") return;
      std::unique_lock lock(mutex);
      removing = true;
      changed.notify_all();
      changed.wait_for(lock, 5000ms, [&] { return go_on; });
    };
  });
  const auto large = must(w.world.box->create_folder(0, "Large"));
  const storage::CollectionId folders[] = {large.id};
  must(w.world.box->watch(folders));
  must(w.world.box->head(large.id));
  std::thread remover([&] { must(w.world.box->remove_folder(large.id)); });
  {
    std::unique_lock lock(mutex);
    REQUIRE(changed.wait_for(lock, 5000ms, [&] { return removing; }));
  }
  const fs::path hidden =
      w.world.path("..godwit-removed-" + std::to_string(large.id)) / "cur" / "1.host:2,";
  std::ofstream(hidden) << kMessage;  // an event of the folder that is being removed
  Ear ear(w.world.hub, {w.inbox});
  deliver(w.world.path(""), "1.host");
  CHECK(ear.hears(w.inbox, hub_event::kAdded, 0, 2000ms));
  {
    const std::lock_guard lock(mutex);
    go_on = true;
    changed.notify_all();
  }
  remover.join();
  w.world.box->unwatch(folders);
}

TEST_CASE("watcher: head() right after a change by another program sees it") {
  Watched w;
  for (int i = 0; i < 100; ++i) {
    deliver(w.world.path(""), "m" + std::to_string(i));
    REQUIRE(w.world.ids(w.inbox).size() == static_cast<std::size_t>(i + 1));
  }
}

TEST_CASE("watcher: a change between subscribing and the first look is not lost") {
  Watched w;
  w.stop();
  w.world.reopen();
  const storage::CollectionId folders[] = {w.inbox};
  must(w.world.box->watch(folders));
  deliver(w.world.path(""), "1.host");  // after the watch, before the look
  CHECK(w.world.ids(w.inbox).size() == 1);
  Ear ear(w.world.hub, {w.inbox});
  deliver(w.world.path(""), "2.host");
  CHECK(ear.hears(w.inbox, hub_event::kAdded, 2));
}

TEST_CASE("watcher: own changes are published once, and cost no scan") {
  Watched w;
  Ear ear(w.world.hub, {w.inbox});
  const auto message = w.world.add(w.inbox);
  FlagChange seen;
  seen.seen = true;
  must(w.world.box->set_flags(w.inbox, message.id, seen));
  must(w.world.box->remove(w.inbox, message.id));
  w.world.store->watcher().settle();
  std::this_thread::sleep_for(30ms);
  CHECK(ear.count() == 3);
  CHECK(must(w.world.box->head(w.inbox)) == 3);
}

TEST_CASE("watcher: unwatched folders are silent, watched ones are counted once") {
  Watched w([](auto& options) { options.watch_linger = 0ms; });
  const auto trash = w.world.trash();
  Ear ear(w.world.hub, {w.inbox, trash});
  w.start();  // a second waiter
  CHECK(w.world.store->watcher().watched_folders() == 1);
  deliver(w.world.path(".Trash"), "t.host");
  w.stop();
  deliver(w.world.path(""), "1.host");
  CHECK(ear.hears(w.inbox, hub_event::kAdded));
  CHECK_FALSE(ear.hears(trash, ~0u, 0, 50ms));
  w.stop();
  CHECK(w.wait_for([&] { return w.world.store->watcher().watched_folders() == 0; }));
  ear.clear();
  deliver(w.world.path(""), "2.host");
  CHECK_FALSE(ear.hears(w.inbox, ~0u, 0, 50ms));
  CHECK(w.world.ids(w.inbox).size() == 2);  // but a look finds it
}

TEST_CASE("watcher: a folder lingers, so a phone that comes back needs no scan") {
  Watched w([](auto& options) {
    options.watch_linger = 400ms;
    options.granularity = 0;
  });
  w.stop();
  deliver(w.world.path(""), "1.host");
  CHECK(w.world.store->watcher().watched_folders() == 1);
  CHECK(w.world.ids(w.inbox).size() == 1);
  w.start();
  std::this_thread::sleep_for(600ms);
  CHECK(w.world.store->watcher().watched_folders() == 1);
  w.stop();
  CHECK(w.wait_for([&] { return w.world.store->watcher().watched_folders() == 0; }));
  // Its end saved the stamps: the next look finds nothing to do.
  std::atomic<int> writes{0};
  w.world.database_options.before_step = [&](const char*) { ++writes; };
  w.world.reopen();
  writes = 0;
  CHECK(w.world.ids(w.inbox).size() == 1);
  CHECK(writes == 0);
}

TEST_CASE(
    "watcher: when the watch table is full folders are polled, and watched once it has room") {
  auto full = std::make_shared<std::atomic<bool>>(true);
  Watched w([&](auto& options) {
    options.poll_interval = 30ms;
    options.add_watch = [full](int fd, const char* path, std::uint32_t mask) {
      if (!full->load()) return ::inotify_add_watch(fd, path, mask);
      errno = ENOSPC;
      return -1;
    };
  });
  CHECK(w.world.store->watcher().polled_folders() == 1);
  CHECK(w.world.store->watcher().watched_folders() == 0);
  Ear ear(w.world.hub, {w.inbox});
  deliver(w.world.path(""), "1.host");
  CHECK(ear.hears(w.inbox, hub_event::kAdded));
  deliver(w.world.path(""), "2.host");
  CHECK(w.world.ids(w.inbox).size() == 2);  // a look of one's own does not wait for the poll
  full->store(false);
  CHECK(w.wait_for([&] { return w.world.store->watcher().watched_folders() == 1; }));
  CHECK(w.world.store->watcher().polled_folders() == 0);
  deliver(w.world.path(""), "3.host");
  CHECK(ear.hears(w.inbox, hub_event::kAdded, 3));
  full->store(true);
  w.stop();
  w.world.reopen();
  w.start();
  w.stop();
  CHECK(w.world.store->watcher().polled_folders() == 0);
}

TEST_CASE("watcher: a watched folder whose directories are exchanged stays watched") {
  Watched w;
  const auto folder = must(w.world.box->create_folder(0, "Busy"));
  const storage::CollectionId folders[] = {folder.id};
  must(w.world.box->watch(folders));
  must(w.world.box->head(folder.id));
  Ear ear(w.world.hub, {folder.id});
  SUBCASE("renamed") {
    fs::rename(w.world.path(".Busy"), w.world.path(".Calm"));
    deliver(w.world.path(".Calm"), "1.host");
    CHECK(ear.hears(folder.id, hub_event::kAdded));
    CHECK(w.world.ids(folder.id).size() == 1);
  }
  SUBCASE("new/ replaced") {
    fs::rename(w.world.path(".Busy/new"), w.world.path(".Busy/elsewhere"));
    fs::create_directory(w.world.path(".Busy/new"));
    std::this_thread::sleep_for(100ms);
    deliver(w.world.path(".Busy"), "1.host");
    CHECK(ear.hears(folder.id, hub_event::kAdded));
    deliver(w.world.path(".Busy"), "2.host");
    CHECK(ear.hears(folder.id, hub_event::kAdded, 2));
  }
  w.world.box->unwatch(folders);
}

TEST_CASE("watcher: a keyword explained late is found without another change") {
  Watched w;
  Ear ear(w.world.hub, {w.inbox});
  deliver(w.world.path(""), "1.host:2,a", kMessage, "cur");
  REQUIRE(ear.hears(w.inbox, hub_event::kAdded));
  std::ofstream(w.world.path("dovecot-keywords")) << "0 Late\n";
  CHECK(w.wait_for([&] {
    const auto infos = w.world.box->message(w.inbox, 1);
    return infos && infos->flags.keywords == std::vector<std::string>{"Late"};
  }));
}

TEST_CASE("watcher: a storm of deliveries, renames and removals ends with a true index") {
  Watched w;
  std::atomic<bool> done{false};
  std::thread looker([&] {
    while (!done.load()) {
      (void)w.world.box->head(w.inbox);
      (void)w.world.box->changes(w.inbox, 0, 50);
      std::this_thread::sleep_for(1ms);
    }
  });
  std::vector<std::thread> programs;
  std::atomic<int> kept{0};
  for (int t = 0; t < 3; ++t) {
    programs.emplace_back([&, t] {
      std::mt19937 random(static_cast<unsigned>(t));
      for (int i = 0; i < 120; ++i) {
        const std::string base = std::to_string(t) + "." + std::to_string(i);
        const fs::path tmp = w.world.path("tmp/" + base);
        std::ofstream(tmp) << kMessage;
        fs::rename(tmp, w.world.path("new/" + base));
        if (random() % 2 == 0) {
          ++kept;
          continue;
        }
        fs::rename(w.world.path("new/" + base), w.world.path("cur/" + base + ":2,"));
        fs::rename(w.world.path("cur/" + base + ":2,"), w.world.path("cur/" + base + ":2,S"));
        if (random() % 2 == 0) {
          fs::remove(w.world.path("cur/" + base + ":2,S"));
        } else {
          ++kept;
        }
      }
    });
  }
  for (std::thread& program : programs) program.join();
  CHECK(w.world.ids(w.inbox).size() == static_cast<std::size_t>(kept.load()));
  done.store(true);
  looker.join();
  // No message came back under another id after a rename.
  must(w.world.database->read([](storage::Connection& connection) -> storage::Result<void> {
    const auto rows =
        must(connection.query("SELECT COUNT(*), COUNT(DISTINCT base) FROM mail_item"));
    CHECK(rows.integer(0, 0) == rows.integer(0, 1));
    return {};
  }));
  const auto head = must(w.world.box->head(w.inbox));
  w.stop();
  w.world.reopen();
  CHECK(must(w.world.box->head(w.inbox)) == head);  // a scan finds nothing that events missed
}

TEST_CASE("watcher: stopping with watched folders and waiting users joins and forgets them") {
  Watched w;
  const auto second = must(w.world.store->open(2, "v@example.test"));
  const auto page = must(second->folders());
  std::vector<storage::CollectionId> all;
  for (const auto& folder : page.folders) all.push_back(folder.id);
  must(second->watch(all));
  CHECK(w.world.store->watcher().watched_folders() == 6);
  w.world.store->stop();
  CHECK(w.world.store->watcher().watched_folders() == 0);
  CHECK(second.use_count() == 1);
  w.world.store->stop();
}
