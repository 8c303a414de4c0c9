// A map of the locks that are held or waited for now; an entry lives as long as somebody needs it,
// so ten thousand idle phones cost nothing here.
#include "server/sync/collection_locks.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "storage/base/mutex.h"

namespace eas {

using Key = std::pair<std::int64_t, storage::CollectionId>;

struct CollectionLocks::Impl {
  struct Entry {
    bool locked = false;
    int waiting = 0;
    storage::CondVar released;
  };
  storage::Mutex mutex;
  std::map<Key, Entry> entries GUARDED_BY(mutex);

  // False: `most_waiting` wait already.
  bool acquire(const Key& key, int most_waiting) {
    storage::MutexLock lock(mutex);
    Entry& entry = entries[key];
    if (entry.locked && entry.waiting >= most_waiting) return false;
    ++entry.waiting;
    while (entry.locked) entry.released.wait(mutex);
    --entry.waiting;
    entry.locked = true;
    return true;
  }

  void release(const Key& key) {
    storage::MutexLock lock(mutex);
    const auto found = entries.find(key);
    found->second.locked = false;
    if (found->second.waiting == 0) {
      entries.erase(found);
    } else {
      found->second.released.notify_one();
    }
  }
};

struct CollectionLocks::Guard::Held {
  // REQUIRES: acquired.
  Held(Impl* impl, Key key) : impl_(impl), key_(key) {}
  ~Held() { impl_->release(key_); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  Impl* impl_;
  Key key_;
};

CollectionLocks::Guard::Guard() = default;
CollectionLocks::Guard::Guard(Guard&&) noexcept = default;
CollectionLocks::Guard& CollectionLocks::Guard::operator=(Guard&&) noexcept = default;
CollectionLocks::Guard::~Guard() = default;

CollectionLocks::CollectionLocks() : impl_(std::make_unique<Impl>()) {}
CollectionLocks::~CollectionLocks() = default;

std::optional<CollectionLocks::Guard> CollectionLocks::acquire(
    std::int64_t device, std::vector<storage::CollectionId> collections, int most_waiting) {
  std::sort(collections.begin(), collections.end());
  collections.erase(std::unique(collections.begin(), collections.end()), collections.end());
  Guard guard;
  guard.held_.reserve(collections.size());
  for (const storage::CollectionId collection : collections) {
    const Key key(device, collection);
    if (!impl_->acquire(key, most_waiting)) return std::nullopt;
    guard.held_.push_back(std::make_unique<Guard::Held>(impl_.get(), key));
  }
  return guard;
}

CollectionLocks::Guard CollectionLocks::lock(std::int64_t device,
                                             std::vector<storage::CollectionId> collections) {
  return *acquire(device, std::move(collections), std::numeric_limits<int>::max());
}

storage::Result<CollectionLocks::Guard> CollectionLocks::lock_unless_crowded(
    std::int64_t device, std::vector<storage::CollectionId> collections) {
  auto guard = acquire(device, std::move(collections), kMostWaiting);
  if (guard) return *std::move(guard);
  return storage::fail(storage::ErrorKind::unavailable,
                       "too many requests of the device wait for the same collection");
}

}  // namespace eas
