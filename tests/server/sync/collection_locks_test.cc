#include "server/sync/collection_locks.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

using eas::CollectionLocks;

TEST_CASE("locks: a phone that repeats what takes long holds few workers; the rest is sent away") {
  CollectionLocks locks;
  std::atomic<int> served{0};
  std::atomic<int> refused{0};
  std::vector<std::thread> requests;
  {
    const CollectionLocks::Guard held = locks.lock(1, {4, 5});
    for (int i = 0; i < CollectionLocks::kMostWaiting + 3; ++i) {
      requests.emplace_back([&] {
        const auto guard = locks.lock_unless_crowded(1, {3, 5});
        ++(guard ? served : refused);
      });
    }
    while (refused == 0) std::this_thread::yield();
    CHECK(locks.lock_unless_crowded(2, {5}));  // another device
    CHECK(locks.lock_unless_crowded(1, {6}));  // another collection
    CHECK(served == 0);
  }
  for (std::thread& request : requests) request.join();
  CHECK(served >= 1);
  CHECK(refused >= 1);
  CHECK(served + refused == CollectionLocks::kMostWaiting + 3);
  CHECK(locks.lock_unless_crowded(1, {3, 5}));  // nothing stays locked
}
