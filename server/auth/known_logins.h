// Remembers which Authorization headers were right not long ago, for decisions that come before a
// login can be checked: how large a body may be, who is let in when an address is suspicious.
// Never a login by itself: what is known here is checked against the directory all the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>

#include "storage/base/clock.h"
#include "storage/base/mutex.h"

namespace eas {

// Holds keyed hashes under a key of this process's own, useless elsewhere. Thread-safe. Bounded:
// when there are too many, the older half is forgotten.
class KnownLogins {
 public:
  // A header is known for at least that long after a login, and at most three times as long.
  static constexpr storage::UnixMillis kLifetime = storage::UnixMillis{24} * 60 * 60 * 1000;

  explicit KnownLogins(std::size_t max_entries = 100'000);

  bool knows(std::string_view authorization, storage::UnixMillis now) const EXCLUDES(mutex_);
  void note(std::string_view authorization, storage::UnixMillis now) EXCLUDES(mutex_);
  void forget(std::string_view authorization) EXCLUDES(mutex_);

 private:
  std::uint64_t digest(std::string_view authorization) const;

  const std::size_t max_generation_;
  const std::string hash_key_;
  mutable storage::Mutex mutex_;
  storage::UnixMillis begun_ GUARDED_BY(mutex_) = 0;  // of the newer generation
  std::unordered_set<std::uint64_t> newer_ GUARDED_BY(mutex_);
  std::unordered_set<std::uint64_t> older_ GUARDED_BY(mutex_);
};

}  // namespace eas
