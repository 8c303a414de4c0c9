// Carries "this collection changed" from stores and watchers to parked requests.
//
// A waiter subscribes first, then looks at the store once more, then parks, so that no change falls
// between. Callbacks run on the publisher's thread, must not block, and must not call the hub.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "storage/collection.h"

namespace storage {

// What kind of change is published (a bit set), so that a Ping wakes only for what concerns it.
namespace hub_event {
inline constexpr unsigned kAdded = 1u << 0;      // an item was added to the collection
inline constexpr unsigned kOther = 1u << 1;      // flags, content or removals
inline constexpr unsigned kHierarchy = 1u << 2;  // the folder list; collection is 0
// Policy, wipe, block: something was decided about the device whose row id is `collection`, 0:
// about all of the user's; with user 0 about everybody's.
inline constexpr unsigned kDevice = 1u << 3;
}  // namespace hub_event

struct HubEvent {
  std::int64_t user_id = 0;
  CollectionId collection = 0;
  Seq seq = 0;
  unsigned kinds = 0;  // hub_event:: bits
};

class ChangeHub;

// Ends its subscription when destroyed; after that the callback does not run and is not running.
class Subscription {
 public:
  Subscription() noexcept;  // of nothing
  Subscription(Subscription&&) noexcept;
  Subscription& operator=(Subscription&&) noexcept;
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;
  ~Subscription();
  void reset();

 private:
  friend class ChangeHub;
  struct Entry;
  Subscription(ChangeHub* hub, std::unique_ptr<Entry> entry);
  ChangeHub* hub_ = nullptr;
  std::unique_ptr<Entry> entry_;
};

// Thread-safe; sharded by user, so publishing costs what that user's waiters cost. Must outlive
// its subscriptions. About 200 bytes per waiter.
class ChangeHub {
 public:
  ChangeHub();
  ~ChangeHub();
  ChangeHub(const ChangeHub&) = delete;
  ChangeHub& operator=(const ChangeHub&) = delete;

  // `callback` runs for every event of `user_id` with kinds & `kinds` whose collection is among
  // `collections`; kHierarchy events match always when asked for in `kinds`.
  using Callback = std::function<void(const HubEvent&)>;
  [[nodiscard]] Subscription subscribe(std::int64_t user_id,
                                       std::span<const CollectionId> collections, unsigned kinds,
                                       Callback callback);
  void publish(const HubEvent& event);

  // Also hands every published event to `forward` (a bridge to other nodes); at most one, set at
  // start-up.
  void set_forward(std::function<void(const HubEvent&)> forward);
  // Also hands every kDevice event, published or delivered, to `listener`; at most one, set at
  // start-up (an empty one ends it). It must not block.
  void set_device_listener(std::function<void(const HubEvent&)> listener);
  // An event that came from another node: like publish(), but not forwarded.
  void deliver(const HubEvent& event);

 private:
  friend class Subscription;
  struct Shard;
  void unsubscribe(Subscription::Entry* entry);
  std::unique_ptr<Shard[]> shards_;
  std::function<void(const HubEvent&)> forward_;
  std::function<void(const HubEvent&)> device_listener_;
};

}  // namespace storage
