// The hub in memory: users are spread over shards, each with its own lock; a shard maps a user to
// the intrusive list of that user's subscriptions. Callbacks run under the shard's lock. That is
// what makes the promise of ~Subscription cheap: once it has held the lock, no callback of it runs.
// It is also why a callback must neither block nor call the hub.
#include "storage/notify/change_hub.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "storage/base/mutex.h"

namespace storage {

namespace {
constexpr std::size_t kShards = 64;

std::size_t shard_of(std::int64_t user_id) {
  // Fibonacci hashing: user ids are small and dense.
  const auto mixed = static_cast<std::uint64_t>(user_id) * 0x9E3779B97F4A7C15ULL;
  return static_cast<std::size_t>(mixed >> 58);
}
static_assert(kShards == 1u << (64 - 58));
}  // namespace

struct Subscription::Entry {
  std::int64_t user_id = 0;
  ChangeHub::Callback callback;
  std::unique_ptr<CollectionId[]> collections;
  std::uint32_t count = 0;
  unsigned kinds = 0;
  Entry* previous = nullptr;  // guarded by the shard's mutex, like `next`
  Entry* next = nullptr;

  bool wants(const HubEvent& event) const {
    const unsigned common = event.kinds & kinds;
    if (common == 0) return false;
    if ((common & hub_event::kHierarchy) != 0) return true;
    const CollectionId* end = collections.get() + count;
    return std::find(static_cast<const CollectionId*>(collections.get()), end, event.collection) !=
           end;
  }
};

struct ChangeHub::Shard {
  Mutex mutex;
  std::unordered_map<std::int64_t, Subscription::Entry*> first GUARDED_BY(mutex);
};

Subscription::Subscription() noexcept = default;
Subscription::Subscription(ChangeHub* hub, std::unique_ptr<Entry> entry)
    : hub_(hub), entry_(std::move(entry)) {}

Subscription::Subscription(Subscription&& other) noexcept
    : hub_(std::exchange(other.hub_, nullptr)), entry_(std::move(other.entry_)) {}

Subscription& Subscription::operator=(Subscription&& other) noexcept {
  if (this != &other) {
    reset();
    hub_ = std::exchange(other.hub_, nullptr);
    entry_ = std::move(other.entry_);
  }
  return *this;
}

Subscription::~Subscription() { reset(); }

void Subscription::reset() {
  if (entry_ == nullptr) return;
  hub_->unsubscribe(entry_.get());
  entry_.reset();
  hub_ = nullptr;
}

ChangeHub::ChangeHub() : shards_(std::make_unique<Shard[]>(kShards)) {}
ChangeHub::~ChangeHub() = default;

Subscription ChangeHub::subscribe(std::int64_t user_id, std::span<const CollectionId> collections,
                                  unsigned kinds, Callback callback) {
  auto entry = std::make_unique<Subscription::Entry>();
  entry->user_id = user_id;
  entry->callback = std::move(callback);
  entry->kinds = kinds;
  entry->count = static_cast<std::uint32_t>(collections.size());
  entry->collections = std::make_unique<CollectionId[]>(collections.size());
  std::copy(collections.begin(), collections.end(), entry->collections.get());

  Shard& shard = shards_[shard_of(user_id)];
  {
    const MutexLock lock(shard.mutex);
    Subscription::Entry*& first = shard.first[user_id];
    entry->next = first;
    if (first != nullptr) first->previous = entry.get();
    first = entry.get();
  }
  return Subscription(this, std::move(entry));
}

void ChangeHub::unsubscribe(Subscription::Entry* entry) {
  Shard& shard = shards_[shard_of(entry->user_id)];
  const MutexLock lock(shard.mutex);
  if (entry->next != nullptr) entry->next->previous = entry->previous;
  if (entry->previous != nullptr) {
    entry->previous->next = entry->next;
  } else if (entry->next != nullptr) {
    shard.first[entry->user_id] = entry->next;
  } else {
    shard.first.erase(entry->user_id);
  }
}

void ChangeHub::publish(const HubEvent& event) {
  deliver(event);
  if (forward_) forward_(event);
}

void ChangeHub::set_forward(std::function<void(const HubEvent&)> forward) {
  forward_ = std::move(forward);
}

void ChangeHub::set_device_listener(std::function<void(const HubEvent&)> listener) {
  device_listener_ = std::move(listener);
}

void ChangeHub::deliver(const HubEvent& event) {
  if ((event.kinds & hub_event::kDevice) != 0 && device_listener_) device_listener_(event);
  Shard& shard = shards_[shard_of(event.user_id)];
  const MutexLock lock(shard.mutex);
  const auto found = shard.first.find(event.user_id);
  if (found == shard.first.end()) return;
  for (const Subscription::Entry* entry = found->second; entry != nullptr; entry = entry->next) {
    if (entry->wants(event)) entry->callback(event);
  }
}

}  // namespace storage
