// Requests are serialised per (device, collection), not per device and not per user (DESIGN 3).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "storage/base/result.h"
#include "storage/collection.h"

namespace eas {

// Thread-safe. Must outlive its guards.
class CollectionLocks {
 public:
  CollectionLocks();
  ~CollectionLocks();

  // Holds the locks of several collections of one device; taken in a fixed order, so two requests
  // never wait for each other in a ring. Collection 0 is the folder hierarchy.
  class Guard {
   public:
    Guard();
    Guard(Guard&&) noexcept;
    Guard& operator=(Guard&&) noexcept;
    ~Guard();

   private:
    friend class CollectionLocks;
    struct Held;
    std::vector<std::unique_ptr<Held>> held_;
  };
  // Blocks until all are free.
  [[nodiscard]] Guard lock(std::int64_t device, std::vector<storage::CollectionId> collections);
  // The same, but unavailable at once when kMostWaiting requests wait for one of them already: who
  // waits holds a worker, and a phone that repeats what takes long must not get all of them.
  storage::Result<Guard> lock_unless_crowded(std::int64_t device,
                                             std::vector<storage::CollectionId> collections);
  static constexpr int kMostWaiting = 2;

 private:
  // nullopt: `most_waiting` wait for one of them already; then none is held.
  std::optional<Guard> acquire(std::int64_t device, std::vector<storage::CollectionId> collections,
                               int most_waiting);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace eas
