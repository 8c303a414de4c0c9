// A map of the locks that are held or waited for now; an entry lives as long as somebody needs it,
// so ten thousand idle phones cost nothing here.
#include "server/sync/collection_locks.h"

#include <algorithm>
#include <map>
#include <utility>

#include "storage/base/mutex.h"

namespace eas {

using Key = std::pair<std::int64_t, storage::CollectionId>;

struct CollectionLocks::Impl {
  struct Entry {
    bool locked = false;
    int waiting = 0;
  };
  storage::Mutex mutex;
  storage::CondVar released;
  std::map<Key, Entry> entries GUARDED_BY(mutex);

  void acquire(const Key& key) {
    storage::MutexLock lock(mutex);
    Entry& entry = entries[key];
    ++entry.waiting;
    while (entry.locked) released.wait(mutex);
    --entry.waiting;
    entry.locked = true;
  }

  void release(const Key& key) {
    storage::MutexLock lock(mutex);
    const auto found = entries.find(key);
    found->second.locked = false;
    if (found->second.waiting == 0) {
      entries.erase(found);
    } else {
      released.notify_all();
    }
  }
};

struct CollectionLocks::Guard::Held {
  Held(Impl* impl, Key key) : impl_(impl), key_(key) { impl_->acquire(key_); }
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

CollectionLocks::Guard CollectionLocks::lock(std::int64_t device,
                                             std::vector<storage::CollectionId> collections) {
  std::sort(collections.begin(), collections.end());
  collections.erase(std::unique(collections.begin(), collections.end()), collections.end());
  Guard guard;
  guard.held_.reserve(collections.size());
  for (const storage::CollectionId collection : collections) {
    guard.held_.push_back(std::make_unique<Guard::Held>(impl_.get(), Key(device, collection)));
  }
  return guard;
}

}  // namespace eas
