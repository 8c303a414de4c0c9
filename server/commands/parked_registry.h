// Which requests are parked, by user and device, so that a newer one can end an older one and no
// phone can park without bound.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "server/commands/command.h"
#include "storage/base/mutex.h"

namespace eas {

class ParkedRegistry;

// One parked request; leaves the registry when destroyed. Thread-safe.
class ParkedEntry {
 public:
  ~ParkedEntry();
  ParkedEntry(const ParkedEntry&) = delete;
  ParkedEntry& operator=(const ParkedEntry&) = delete;

  // A newer request has taken its place: it must be answered, not parked again.
  bool superseded() const { return superseded_.load(std::memory_order_acquire); }
  // Something was decided about the device since it was asked last: ask whether it may go on.
  bool must_ask() const { return must_ask_.load(std::memory_order_acquire); }
  // The same, and it counts as asked from now on.
  bool take_must_ask() { return must_ask_.exchange(false, std::memory_order_acq_rel); }
  void set_must_ask() { must_ask_.store(true, std::memory_order_release); }

 private:
  friend class ParkedRegistry;
  ParkedEntry(ParkedRegistry& registry, std::int64_t user, std::int64_t device,
              const CommandInfo* command)
      : registry_(registry), user_(user), device_(device), command_(command) {}

  ParkedRegistry& registry_;
  const std::int64_t user_;
  const std::int64_t device_;
  const CommandInfo* const command_;
  std::shared_ptr<http::Waker> waker_;  // guarded by the registry's mutex
  std::atomic<bool> superseded_{false};
  std::atomic<bool> must_ask_{false};
};

// Thread-safe. Must outlive its entries.
class ParkedRegistry {
 public:
  // Enters a request that is about to park. With `max_per_device` entries of the device there
  // already, the oldest is ended. nullptr: the user has `max_per_user` parked.
  std::shared_ptr<ParkedEntry> add(std::int64_t user, std::int64_t device,
                                   const CommandInfo* command, std::shared_ptr<http::Waker> waker,
                                   int max_per_device, int max_per_user);
  // The entry parks again, with another waker.
  void set_waker(ParkedEntry& entry, std::shared_ptr<http::Waker> waker);
  // Ends all parked requests of this device and command.
  void supersede(std::int64_t user, std::int64_t device, const CommandInfo* command);
  // Marks all parked requests of this device (0: of all devices; user 0: of everybody) with
  // set_must_ask() and wakes them.
  void ask_again(std::int64_t user, std::int64_t device);
  std::size_t size() const;

 private:
  friend class ParkedEntry;
  void remove(ParkedEntry* entry);
  // Marks the entry and returns what wakes it; the caller wakes without holding the mutex.
  static std::shared_ptr<http::Waker> end(ParkedEntry& entry);

  mutable storage::Mutex mutex_;
  // By user, each list oldest first. Entries take themselves out.
  std::unordered_map<std::int64_t, std::vector<ParkedEntry*>> by_user_ GUARDED_BY(mutex_);
  std::size_t size_ GUARDED_BY(mutex_) = 0;
};

}  // namespace eas
