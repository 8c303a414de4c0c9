// The event thread: reads, pairs, and hands over what inotify tells.
//
// A rename within a folder (new/ to cur/, or a flag change) arrives as two events. If only the
// first half has been read, the second is waited for a few milliseconds: applied alone, the first
// would look like a removal, and the message would come back under another id. Only that half
// waits: what else was read is handed over after a short while, however many files one user moves
// to where nobody watches.
#include "storage/mail/maildir/watcher.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <set>

#include "storage/base/log.h"

namespace storage::maildir {

namespace {
constexpr int kPairWaitMs = 5;
constexpr std::chrono::milliseconds kLongestRound{15};
constexpr std::size_t kLargestRound = 4096;  // names
constexpr std::chrono::milliseconds kLongestSettle{500};
constexpr std::size_t kBuffer = 64 * 1024;
}  // namespace

struct Watcher::Batch {
  // The first half of a rename, as long as the second may still come.
  struct FirstHalf {
    WatchKey key;
    TouchedName name;
    Clock::time_point read;
  };

  bool awaits_halves(Clock::time_point now) const {
    return std::any_of(open_moves.begin(), open_moves.end(),
                       [&](const auto& move) { return !is_late(move.second, now); });
  }
  // Halves whose partner has not come in time: the file went where nobody watches.
  void give_up_late_halves(Clock::time_point now) {
    std::erase_if(open_moves, [&](auto& move) {
      if (!is_late(move.second, now)) return false;
      add(move.second.key, std::move(move.second.name));
      return true;
    });
  }
  void add(const WatchKey& key, TouchedName name) {
    names[key].push_back(std::move(name));
    ++count;
  }
  static bool is_late(const FirstHalf& half, Clock::time_point now) {
    return now - half.read >= std::chrono::milliseconds(kPairWaitMs);
  }

  std::map<WatchKey, std::vector<TouchedName>> names;
  std::size_t count = 0;
  std::set<WatchKey> exchanged;                   // directories deleted, moved or unmounted
  std::map<std::uint32_t, FirstHalf> open_moves;  // by cookie
  bool overflow = false;
};

Watcher::Watcher(const MaildirOptions& options, std::string root)
    : options_(options), root_(std::move(root)), next_poll_(Clock::now()) {
  inotify_.reset(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  stop_event_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!inotify_) {
    log_event(LogLevel::warning, "no inotify: mail folders are polled",
              {{"reason", std::strerror(errno)},
               {"remedy", "raise sysctl fs.inotify.max_user_instances"},
               {"poll_ms", options_.poll_interval.count()}});
  } else {
    events_ = std::thread([this] { run_events(); });
  }
  slow_ = std::thread([this] { run_slow(); });
}

Watcher::~Watcher() { stop(); }

void Watcher::stop() {
  std::vector<std::pair<WatchKey, std::shared_ptr<FolderListener>>> watched;
  {
    const MutexLock lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
    slow_work_.notify_all();
    for (const auto& [key, folder] : folders_) {
      if (!folder.polled) watched.emplace_back(key, folder.listener);
    }
  }
  slow_.join();
  settle();
  for (const auto& [key, listener] : watched) listener->save_exact_stamps(key.folder, [] {});
  if (events_.joinable()) {
    const std::uint64_t one = 1;
    (void)!::write(stop_event_.get(), &one, sizeof one);
    events_.join();
  }
  std::map<WatchKey, Folder> released;  // the last references may go here: not under the lock
  const MutexLock lock(mutex_);
  for (auto& [key, folder] : folders_) {
    drop_watches(folder);
    folder.listener->set_watched(key.folder, false);
  }
  released.swap(folders_);
}

void Watcher::run_events() {
  Batch batch;
  while (true) {
    std::array<pollfd, 2> waits{pollfd{inotify_.get(), POLLIN, 0},
                                pollfd{stop_event_.get(), POLLIN, 0}};
    const int wait = batch.open_moves.empty() ? -1 : kPairWaitMs;
    if (::poll(waits.data(), waits.size(), wait) < 0 && errno != EINTR) return;
    if (waits[1].revents != 0) return;
    if (waits[0].revents == 0 && batch.open_moves.empty()) continue;
    busy_.store(true);
    read_round(batch);
    Batch held;
    held.open_moves.swap(batch.open_moves);
    dispatch(batch);
    batch = std::move(held);
    busy_.store(!batch.open_moves.empty());
    const MutexLock lock(rounds_mutex_);
    ++rounds_;
    round_done_.notify_all();
  }
}

// Reads until nothing is half read, or enough is. What is still in `open_moves` then belongs to the
// next round.
void Watcher::read_round(Batch& batch) {
  const auto end = Clock::now() + kLongestRound;
  while (collect(batch)) {
    const auto now = Clock::now();
    if (now >= end || batch.count >= kLargestRound || !batch.awaits_halves(now)) break;
    pollfd more{inotify_.get(), POLLIN, 0};
    if (::poll(&more, 1, kPairWaitMs) <= 0) break;
  }
  batch.give_up_late_halves(Clock::now());
}

// Reads what is queued into the batch. False when there was nothing.
bool Watcher::collect(Batch& batch) {
  alignas(inotify_event) std::array<char, kBuffer> buffer;
  const ssize_t got = ::read(inotify_.get(), buffer.data(), buffer.size());
  if (got <= 0) return false;
  const auto now = Clock::now();
  const MutexLock lock(mutex_);
  for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
    inotify_event event{};
    std::memcpy(&event, buffer.data() + at, sizeof event);
    const char* name = buffer.data() + at + sizeof event;
    at += sizeof event + event.len;
    if ((event.mask & IN_Q_OVERFLOW) != 0) {
      batch.overflow = true;
      continue;
    }
    if ((event.mask & IN_MOVED_TO) != 0) {
      const auto half = batch.open_moves.find(event.cookie);
      if (half != batch.open_moves.end()) {
        batch.add(half->second.key, std::move(half->second.name));
        batch.open_moves.erase(half);
      }
    }
    const auto target = targets_.find(event.wd);
    if (target == targets_.end()) continue;
    const WatchKey key = target->second.key;
    if ((event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)) != 0) {
      batch.exchanged.insert(key);
      if ((event.mask & IN_IGNORED) != 0) targets_.erase(target);
    } else if (event.len > 0 && (event.mask & IN_ISDIR) == 0) {
      const bool appeared = (event.mask & (IN_CREATE | IN_MOVED_TO)) != 0;
      TouchedName touched{target->second.in_cur, std::string(name), appeared};
      if ((event.mask & IN_MOVED_FROM) != 0) {
        batch.open_moves.insert_or_assign(event.cookie,
                                          Batch::FirstHalf{key, std::move(touched), now});
      } else {
        batch.add(key, std::move(touched));
      }
    }
  }
  return true;
}

void Watcher::dispatch(Batch& batch) {
  if (batch.overflow) lost_events();
  for (const WatchKey& key : batch.exchanged) {
    std::shared_ptr<FolderListener> listener;
    {
      const MutexLock lock(mutex_);
      const auto found = folders_.find(key);
      if (found == folders_.end()) continue;
      listener = found->second.listener;
      // Without targets the slow thread takes the watches for broken and sets new ones.
      targets_.erase(found->second.new_wd);
      targets_.erase(found->second.cur_wd);
    }
    listener->distrust(key.folder);
    look_later(key, std::chrono::milliseconds(0));
  }
  for (const auto& [key, names] : batch.names) {
    std::shared_ptr<FolderListener> listener;
    {
      const MutexLock lock(mutex_);
      const auto found = folders_.find(key);
      if (found == folders_.end()) continue;
      listener = found->second.listener;
    }
    if (!listener->names_changed(key.folder, names)) {
      listener->distrust(key.folder);
      look_later(key, std::chrono::milliseconds(50));
    }
  }
}

// The kernel's queue ran over: every watched folder has to be looked at.
void Watcher::lost_events() {
  log_event(LogLevel::warning, "inotify events were lost: watched mail folders are scanned",
            {{"remedy", "raise sysctl fs.inotify.max_queued_events"}});
  std::vector<std::pair<CollectionId, std::shared_ptr<FolderListener>>> all;
  {
    const MutexLock lock(mutex_);
    for (const auto& [key, folder] : folders_) {
      all.emplace_back(key.folder, folder.listener);
      due_.emplace(Clock::now(), key);
    }
    slow_work_.notify_all();
  }
  for (const auto& [folder, listener] : all) listener->distrust(folder);
}

void Watcher::settle() {
  if (!inotify_) return;
  const auto quiet = [this] {
    int queued = 0;
    return ::ioctl(inotify_.get(), FIONREAD, &queued) == 0 && queued == 0 && !busy_.load();
  };
  if (quiet()) return;
  const auto deadline = Clock::now() + kLongestSettle;
  const MutexLock lock(rounds_mutex_);
  // Three rounds from here at most: the one going on, the one that reads what is queued now, and
  // one for the first half of a rename at its end.
  const std::uint64_t enough = rounds_ + 3;
  while (rounds_ < enough && !quiet() && Clock::now() < deadline) {
    round_done_.wait_for(rounds_mutex_, std::chrono::milliseconds(5));
  }
}

std::size_t Watcher::watched_folders() {
  const MutexLock lock(mutex_);
  return folders_.size() - polled_;
}

std::size_t Watcher::polled_folders() {
  const MutexLock lock(mutex_);
  return polled_;
}

}  // namespace storage::maildir
