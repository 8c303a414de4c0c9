// Which requests are parked, by user and device, so that a newer one can end an older one and no
// phone can park without bound.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "server/commands/command.h"
#include "storage/base/mutex.h"
#include "storage/collection.h"

namespace eas {

class ParkedRegistry;

// What is parked, and for whom.
struct ParkedRequest {
  std::int64_t user = 0;
  std::int64_t device = 0;
  const CommandInfo* command = nullptr;
  // That it waits for, sorted. Empty: whatever they are, as of a Ping.
  std::vector<storage::CollectionId> collections;
};

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
  ParkedEntry(ParkedRegistry& registry, ParkedRequest request)
      : registry_(registry), request_(std::move(request)) {}

  ParkedRegistry& registry_;
  const ParkedRequest request_;
  std::shared_ptr<http::Waker> waker_;  // guarded by the registry's mutex
  std::atomic<bool> superseded_{false};
  std::atomic<bool> must_ask_{false};
};

// Thread-safe. Must outlive its entries.
class ParkedRegistry {
 public:
  // Enters a request that is about to park. With `max_per_device` entries of the device there
  // already, the oldest is ended. nullptr: the user has `max_per_user` parked.
  std::shared_ptr<ParkedEntry> add(ParkedRequest request, std::shared_ptr<http::Waker> waker,
                                   int max_per_device, int max_per_user);
  // The entry parks again, with another waker.
  void set_waker(ParkedEntry& entry, std::shared_ptr<http::Waker> waker);
  // Ends all parked requests of the same device and command that wait for one of the same
  // collections.
  void supersede(const ParkedRequest& newer);
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
