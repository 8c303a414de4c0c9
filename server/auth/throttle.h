// Counts failed logins per login name and address, so that passwords cannot be guessed quickly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "storage/base/clock.h"
#include "storage/base/mutex.h"

namespace eas {

// A guess is a wrong password that was not tried before in the window: a tablet that keeps sending
// the old password after a change does not lock out the phone behind the same router.
// Thread-safe. Memory is bounded: the oldest entries make room for new ones.
class LoginThrottle {
 public:
  static constexpr storage::UnixMillis kWindow = storage::UnixMillis{5} * 60 * 1000;

  // `max_failures` (> 0) different wrong passwords within kWindow block the pair for the rest of
  // the window.
  explicit LoginThrottle(int max_failures, std::size_t max_entries = 10'000);

  bool is_blocked(std::string_view login, std::string_view address, storage::UnixMillis now);
  void note_failure(std::string_view login, std::string_view address, std::string_view password,
                    storage::UnixMillis now);
  // Forgets the failures of the pair.
  void note_success(std::string_view login, std::string_view address);

  std::size_t size();  // entries held now

 private:
  struct Entry {
    std::string key;
    storage::UnixMillis start = 0;       // of its window
    std::vector<std::uint64_t> guesses;  // keyed hashes, at most max_failures_
  };
  using Entries = std::list<Entry>;  // oldest window first

  // The live entry, or end(). Drops those whose window is over.
  Entries::iterator find(const std::string& key, storage::UnixMillis now) REQUIRES(mutex_);
  void erase(Entries::iterator entry) REQUIRES(mutex_);

  const std::size_t max_failures_;
  const std::size_t max_entries_;
  const std::string hash_key_;  // random per process: hashes are useless outside it
  storage::Mutex mutex_;
  Entries entries_ GUARDED_BY(mutex_);
  std::unordered_map<std::string, Entries::iterator> by_key_ GUARDED_BY(mutex_);
};

}  // namespace eas
