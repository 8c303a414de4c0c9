// Counts failed logins per account and address, and per address over all accounts, so that
// passwords cannot be guessed quickly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/clock.h"
#include "storage/base/mutex.h"

namespace eas {

// Different guesses per key within a window that begins with the first. Not thread-safe; memory is
// bounded: the oldest entries make room for new ones.
class GuessTable {
 public:
  static constexpr storage::UnixMillis kWindow = storage::UnixMillis{5} * 60 * 1000;

  GuessTable(std::size_t max_guesses, std::size_t max_entries);

  // Whether there is a key that begins so.
  bool has_any(const std::string& prefix, storage::UnixMillis now);
  bool is_full(const std::string& key, storage::UnixMillis now);  // max_guesses were noted
  void note(const std::string& key, std::uint64_t guess, storage::UnixMillis now);
  void forget(const std::string& key);
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string key;
    storage::UnixMillis start = 0;  // of its window
    std::vector<std::uint64_t> guesses;
  };
  using Entries = std::list<Entry>;  // oldest window first

  void drop_old(storage::UnixMillis now);  // entries whose window is over
  // The live entry, or end().
  Entries::iterator find(const std::string& key, storage::UnixMillis now);
  void erase(Entries::iterator entry);

  const std::size_t max_guesses_;
  const std::size_t max_entries_;
  Entries entries_;
  std::map<std::string, Entries::iterator> by_key_;
};

// A guess is a wrong password that was not tried before in the window: a tablet that keeps sending
// the old password after a change does not lock out the phone behind the same router. `account` is
// whatever stands for an account and for no other; all spellings of a login are one account.
// IPv6 addresses count by their network (/64), which is what one client has.
// Thread-safe. Memory is bounded.
class LoginThrottle {
 public:
  static constexpr storage::UnixMillis kWindow = GuessTable::kWindow;

  // `max_failures` (> 0) guesses within kWindow block the pair of account and address for the rest
  // of the window, `max_address_failures` all of the address; 0: never.
  explicit LoginThrottle(int max_failures, int max_address_failures = 0,
                         std::size_t max_entries = 10'000);

  // Whether any account's login failed from there. If not, no account is blocked there.
  bool has_failures(std::string_view address, storage::UnixMillis now) EXCLUDES(mutex_);
  bool is_blocked(std::string_view account, std::string_view address, storage::UnixMillis now)
      EXCLUDES(mutex_);
  bool is_address_blocked(std::string_view address, storage::UnixMillis now) EXCLUDES(mutex_);
  void note_failure(std::string_view account, std::string_view address, std::string_view password,
                    storage::UnixMillis now) EXCLUDES(mutex_);
  // Forgets the failures of the pair; the address's stay.
  void note_success(std::string_view account, std::string_view address) EXCLUDES(mutex_);

  std::size_t size() EXCLUDES(mutex_);  // pairs held now

 private:
  const bool watches_addresses_;
  const std::string hash_key_;  // random per process: hashes are useless outside it
  storage::Mutex mutex_;
  GuessTable pairs_ GUARDED_BY(mutex_);
  GuessTable addresses_ GUARDED_BY(mutex_);
};

}  // namespace eas
