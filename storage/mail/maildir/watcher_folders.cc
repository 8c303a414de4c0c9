// Which folders are watched, and the slow thread: polling, scans that were asked for, and the end
// of watches that nobody needs any more.
#include <sys/inotify.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "storage/base/log.h"
#include "storage/mail/maildir/watcher.h"

namespace storage::maildir {

namespace {
constexpr std::uint32_t kMask = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
                                IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW |
                                IN_EXCL_UNLINK;
}  // namespace

void Watcher::watch(const WatchKey& key, std::shared_ptr<FolderListener> listener,
                    const std::string& path) {
  const MutexLock lock(mutex_);
  if (stopping_) return;
  auto [at, fresh] = folders_.try_emplace(key);
  Folder& folder = at->second;
  if (!fresh && folder.waiters == 0) --idle_;
  ++folder.waiters;
  if (!fresh) return;
  folder.listener = std::move(listener);
  add_watches(key, folder, path);
}

void Watcher::unwatch(const WatchKey& key) {
  std::shared_ptr<FolderListener> released;
  const MutexLock lock(mutex_);
  const auto found = folders_.find(key);
  if (found == folders_.end() || found->second.waiters == 0) return;
  Folder& folder = found->second;
  if (--folder.waiters > 0) return;
  if (folder.polled) {
    // A polled folder gains nothing by lingering.
    drop_watches(folder);
    --polled_;
    released = std::move(folder.listener);
    folders_.erase(found);
    return;
  }
  folder.idle_since = Clock::now();
  ++idle_;
  slow_work_.notify_all();
}

void Watcher::look_later(const WatchKey& key, std::chrono::milliseconds delay) {
  const MutexLock lock(mutex_);
  if (stopping_ || folders_.find(key) == folders_.end()) return;
  due_.emplace(Clock::now() + delay, key);
  slow_work_.notify_all();
}

int Watcher::add_watch(const std::string& path) {
  if (options_.add_watch) return options_.add_watch(inotify_.get(), path.c_str(), kMask);
  return ::inotify_add_watch(inotify_.get(), path.c_str(), kMask);
}

// Watches both directories or neither; a folder that cannot be watched is polled.
void Watcher::add_watches(const WatchKey& key, Folder& folder, const std::string& relative) {
  int error = ENOENT;
  if (inotify_ && !relative.empty()) {
    const std::string path = root_ + "/" + relative;
    folder.new_wd = add_watch(path + "/new");
    if (folder.new_wd >= 0) folder.cur_wd = add_watch(path + "/cur");
    error = errno;
  }
  const bool watched = folder.new_wd >= 0 && folder.cur_wd >= 0;
  if (!watched) drop_watches(folder);
  if (folder.polled && watched) --polled_;
  if (!folder.polled && !watched) ++polled_;
  folder.polled = !watched;
  if (watched) {
    targets_[folder.new_wd] = {key, false};
    targets_[folder.cur_wd] = {key, true};
  } else {
    slow_work_.notify_all();
  }
  folder.listener->set_watched(key.folder, watched);
  if (!watched && (error == ENOSPC || error == ENOMEM) && !told_full_) {
    told_full_ = true;
    log_event(LogLevel::warning, "the system's watch table is full: mail folders are polled",
              {{"remedy", "raise sysctl fs.inotify.max_user_watches"},
               {"poll_ms", options_.poll_interval.count()},
               {"watched_folders", folders_.size() - polled_}});
  }
}

void Watcher::drop_watches(Folder& folder) {
  for (int* wd : {&folder.new_wd, &folder.cur_wd}) {
    if (*wd < 0) continue;
    targets_.erase(*wd);
    ::inotify_rm_watch(inotify_.get(), *wd);
    *wd = -1;
  }
}

// --- the slow thread -----------------------------------------------------------------------------

Watcher::Clock::time_point Watcher::next_slow_work() {
  auto next = Clock::now() + std::chrono::hours(1);
  if (polled_ > 0) next = std::min(next, next_poll_);
  if (!due_.empty()) next = std::min(next, due_.begin()->first);
  if (idle_ > 0) {
    next = std::min(
        next, Clock::now() + std::max(options_.watch_linger / 4, std::chrono::milliseconds(10)));
  }
  return next;
}

void Watcher::run_slow() {
  while (true) {
    bool poll = false;
    {
      const MutexLock lock(mutex_);
      if (stopping_) return;
      const auto wait =
          std::chrono::duration_cast<std::chrono::milliseconds>(next_slow_work() - Clock::now());
      if (wait.count() > 0) slow_work_.wait_for(mutex_, wait);
      if (stopping_) return;
      poll = polled_ > 0 && Clock::now() >= next_poll_;
    }
    do_due_looks();
    if (poll) poll_folders();
    end_idle_watches();
  }
}

// Looks at the polled folders, and tries to watch them again: the table may have room by now.
void Watcher::poll_folders() {
  std::vector<WatchKey> polled;
  {
    const MutexLock lock(mutex_);
    for (const auto& [key, folder] : folders_) {
      if (folder.polled) polled.push_back(key);
    }
  }
  for (const WatchKey& key : polled) {
    std::shared_ptr<FolderListener> listener;
    {
      const MutexLock lock(mutex_);
      if (stopping_) return;
      const auto found = folders_.find(key);
      if (found == folders_.end()) continue;
      listener = found->second.listener;
    }
    rearm(key, *listener);
    listener->look(key.folder);
  }
  const MutexLock lock(mutex_);
  next_poll_ = Clock::now() + options_.poll_interval;
}

void Watcher::do_due_looks() {
  while (true) {
    WatchKey key;
    std::shared_ptr<FolderListener> listener;
    bool broken = false;
    {
      const MutexLock lock(mutex_);
      if (stopping_ || due_.empty() || due_.begin()->first > Clock::now()) return;
      key = due_.begin()->second;
      due_.erase(due_.begin());
      const auto found = folders_.find(key);
      if (found == folders_.end()) continue;
      listener = found->second.listener;
      // The kernel ended a watch by itself: the directory was exchanged for another one.
      const Folder& folder = found->second;
      broken = !folder.polled && (targets_.find(folder.new_wd) == targets_.end() ||
                                  targets_.find(folder.cur_wd) == targets_.end());
    }
    listener->look(key.folder);  // finds a renamed folder's new place
    if (broken) {
      rearm(key, *listener);
      listener->look(key.folder);
    }
  }
}

void Watcher::rearm(const WatchKey& key, FolderListener& listener) {
  const std::string path = listener.folder_path(key.folder);
  const MutexLock lock(mutex_);
  const auto found = folders_.find(key);
  if (found == folders_.end() || stopping_) return;
  drop_watches(found->second);
  add_watches(key, found->second, path);
}

void Watcher::end_idle_watches() {
  std::vector<std::pair<WatchKey, std::shared_ptr<FolderListener>>> ended;
  {
    const MutexLock lock(mutex_);
    if (idle_ == 0) return;
    for (const auto& [key, folder] : folders_) {
      if (folder.waiters == 0 && Clock::now() - folder.idle_since >= options_.watch_linger) {
        ended.emplace_back(key, folder.listener);
      }
    }
  }
  for (const auto& [key, listener] : ended) end_watch(key, listener);
}

void Watcher::end_watch(const WatchKey& key, const std::shared_ptr<FolderListener>& listener) {
  listener->save_exact_stamps(key.folder, [this] { settle(); });
  const MutexLock lock(mutex_);
  const auto found = folders_.find(key);
  if (found == folders_.end() || found->second.waiters > 0) return;
  drop_watches(found->second);
  --idle_;
  if (found->second.polled) --polled_;
  folders_.erase(found);  // `listener` still holds the mailbox
  listener->set_watched(key.folder, false);
}

}  // namespace storage::maildir
