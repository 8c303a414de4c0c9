// Remembers for ten minutes that a password was right, so that its costly hash is not computed for
// every request. What is remembered is a keyed hash of the stored hash and the password, under a
// key that this process made for itself: useless elsewhere, and void as soon as the stored hash
// changes.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "storage/base/clock.h"
#include "storage/base/mutex.h"

namespace storage {

// Thread-safe. Bounded: beyond 100,000 the oldest are forgotten.
class VerifiedPasswords {
 public:
  static constexpr UnixMillis kLifetime = 10LL * 60 * 1000;
  static constexpr std::size_t kMost = 100'000;

  VerifiedPasswords();
  bool knows(std::string_view stored_hash, std::string_view password, UnixMillis now) const
      EXCLUDES(mutex_);
  void remember(std::string_view stored_hash, std::string_view password, UnixMillis now)
      EXCLUDES(mutex_);

 private:
  std::string digest(std::string_view stored_hash, std::string_view password) const;

  const std::string key_;
  mutable Mutex mutex_;
  std::unordered_map<std::string, UnixMillis> expiry_ GUARDED_BY(mutex_);  // by digest
  // The same in the order of their expiry, which is the order in which they came.
  std::deque<std::pair<UnixMillis, std::string>> order_ GUARDED_BY(mutex_);
};

}  // namespace storage
