// What the parts of a Maildir store share: its options and what it works with.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "storage/base/clock.h"
#include "storage/base/unique_fd.h"
#include "storage/notify/change_hub.h"
#include "storage/sql/database.h"

namespace storage::maildir {

struct MaildirOptions {
  std::string root;              // holds one Maildir++ per user; made (0700) when missing
  const Clock* clock = nullptr;  // must outlive the store; the system's when null
  // How often folders are looked at that cannot be watched.
  std::chrono::milliseconds poll_interval{3000};
  // How long a folder stays watched after the last waiter left. A phone comes back within seconds,
  // and a watched folder needs no scan after changes, the phone's own ones included.
  std::chrono::milliseconds watch_linger{60'000};
  // A directory changed within this time before a scan is scanned again the next time: a later
  // change may carry the same time stamp. Two seconds cover every file system in use.
  UnixMillis granularity = 2000;
  // Rows per write transaction of a scan: other writers wait that long.
  std::size_t index_batch = 2000;
  // Flush each stored message to the disk before it appears.
  bool fsync = true;
  // Called before every step that changes the file system, with its name. Only tests set it: it may
  // throw to simulate that the process is killed there.
  StepHook before_step;
  // Stands in for inotify_add_watch() in tests.
  std::function<int(int fd, const char* path, std::uint32_t mask)> add_watch;
};

class Watcher;

struct StoreContext {
  Database& database;
  ChangeHub& hub;
  MaildirOptions options;
  const Clock& clock;
  UniqueFd root;
  Watcher* watcher = nullptr;

  void step(const char* name) const {
    if (options.before_step) options.before_step(name);
  }
};

}  // namespace storage::maildir
