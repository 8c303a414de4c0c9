// Notices what other programs do in the folders that phones wait for. One inotify instance and two
// threads for the whole store: one applies events, which costs what happened and not what is there;
// the other does everything slower: polling of folders that could not be watched, scans after a
// lost event, and ending watches that nobody used for a while.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "storage/base/mutex.h"
#include "storage/base/unique_fd.h"
#include "storage/mail/maildir/scanner.h"

namespace storage::maildir {

// A mailbox as the watcher sees it. Kept alive while one of its folders is watched.
class FolderListener {
 public:
  virtual ~FolderListener() = default;
  // The directory of a folder below the store's root, "" when the folder is gone. Asks the
  // database: not to be called under a lock.
  virtual std::string folder_path(CollectionId folder) = 0;
  // Whether events now arrive for everything that happens from here on. Called under the watcher's
  // lock: must not call the watcher.
  virtual void set_watched(CollectionId folder, bool watched) = 0;
  // Events were lost, or the folder's directories were exchanged: what is known is not to be
  // trusted.
  virtual void distrust(CollectionId folder) = 0;
  // Applies names, commits, publishes. False: the folder is busy for long, look at it again later.
  virtual bool names_changed(CollectionId folder, std::span<const TouchedName> names) = 0;
  // Looks at the folder as head() does, and publishes what it finds.
  virtual void look(CollectionId folder) = 0;
  // The watch is about to end: saves the folder's stamps if the index is known to be exact, so that
  // the next look needs no scan. `settle` waits until all events up to now are applied.
  virtual void save_exact_stamps(CollectionId folder, const std::function<void()>& settle) = 0;
};

struct WatchKey {
  std::int64_t user = 0;
  CollectionId folder = 0;
  auto operator<=>(const WatchKey&) const = default;
};

// Thread-safe.
class Watcher {
 public:
  Watcher(const MaildirOptions& options, std::string root);
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  // Counts one more (one less) waiter for the folder. `path` as folder_path() has it.
  void watch(const WatchKey& key, std::shared_ptr<FolderListener> listener,
             const std::string& path);
  void unwatch(const WatchKey& key);
  // Has the folder looked at after `delay`, if it is watched.
  void look_later(const WatchKey& key, std::chrono::milliseconds delay);
  // Returns when every event that the kernel had queued before the call is applied; at once when
  // there are none. Not for the watcher's own threads.
  void settle();
  // Ends all watches and joins the threads.
  void stop();

  // For tests and metrics.
  std::size_t watched_folders();
  std::size_t polled_folders();

 private:
  using Clock = std::chrono::steady_clock;
  struct Folder {
    std::shared_ptr<FolderListener> listener;
    int waiters = 0;
    int new_wd = -1;
    int cur_wd = -1;
    bool polled = false;
    Clock::time_point idle_since;
  };
  struct Target {
    WatchKey key;
    bool in_cur = false;
  };
  struct Batch;

  void run_events();
  void read_round(Batch& batch);
  bool collect(Batch& batch);
  void dispatch(Batch& batch);
  void run_slow();
  void poll_folders();
  void do_due_looks();
  void end_idle_watches();
  void end_watch(const WatchKey& key, const std::shared_ptr<FolderListener>& listener);
  void rearm(const WatchKey& key, FolderListener& listener);
  void lost_events();
  void add_watches(const WatchKey& key, Folder& folder, const std::string& relative)
      REQUIRES(mutex_);
  void drop_watches(Folder& folder) REQUIRES(mutex_);
  int add_watch(const std::string& path) REQUIRES(mutex_);
  Clock::time_point next_slow_work() REQUIRES(mutex_);

  const MaildirOptions options_;
  const std::string root_;
  UniqueFd inotify_;
  UniqueFd stop_event_;

  Mutex mutex_;
  CondVar slow_work_;
  std::map<WatchKey, Folder> folders_ GUARDED_BY(mutex_);
  std::unordered_map<int, Target> targets_ GUARDED_BY(mutex_);
  std::multimap<Clock::time_point, WatchKey> due_ GUARDED_BY(mutex_);
  std::size_t polled_ GUARDED_BY(mutex_) = 0;
  std::size_t idle_ GUARDED_BY(mutex_) = 0;
  bool told_full_ GUARDED_BY(mutex_) = false;
  bool stopping_ GUARDED_BY(mutex_) = false;
  Clock::time_point next_poll_ GUARDED_BY(mutex_);

  std::atomic<bool> busy_{false};  // the event thread reads, holds or applies events
  Mutex rounds_mutex_;
  CondVar round_done_;
  std::uint64_t rounds_ GUARDED_BY(rounds_mutex_) = 0;

  std::thread events_;
  std::thread slow_;
};

}  // namespace storage::maildir
