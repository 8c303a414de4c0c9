#include "server/auth/throttle.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "storage/base/crypto.h"
#include "storage/base/text.h"

namespace eas {
namespace {

std::string make_key(std::string_view login, std::string_view address) {
  // A long login is cut: it names nobody, and the table stays small.
  constexpr std::size_t kMaxLogin = 128;
  std::string key = storage::to_lower(login.substr(0, kMaxLogin));
  key += '\n';
  key += address;
  return key;
}

}  // namespace

LoginThrottle::LoginThrottle(int max_failures, std::size_t max_entries)
    : max_failures_(static_cast<std::size_t>(std::max(max_failures, 1))),
      max_entries_(std::max<std::size_t>(max_entries, 1)),
      hash_key_(storage::random_bytes(32)) {}

LoginThrottle::Entries::iterator LoginThrottle::find(const std::string& key,
                                                     storage::UnixMillis now) {
  while (!entries_.empty() && now - entries_.front().start >= kWindow) erase(entries_.begin());
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? entries_.end() : found->second;
}

void LoginThrottle::erase(Entries::iterator entry) {
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

bool LoginThrottle::is_blocked(std::string_view login, std::string_view address,
                               storage::UnixMillis now) {
  const std::string key = make_key(login, address);
  storage::MutexLock lock(mutex_);
  const auto entry = find(key, now);
  return entry != entries_.end() && entry->guesses.size() >= max_failures_;
}

void LoginThrottle::note_failure(std::string_view login, std::string_view address,
                                 std::string_view password, storage::UnixMillis now) {
  const std::string key = make_key(login, address);
  const std::string digest = storage::hmac_sha256(hash_key_, password);
  std::uint64_t guess = 0;
  std::memcpy(&guess, digest.data(), sizeof guess);

  storage::MutexLock lock(mutex_);
  auto entry = find(key, now);
  if (entry == entries_.end()) {
    if (entries_.size() >= max_entries_) erase(entries_.begin());
    entries_.push_back(Entry{key, now, {}});
    entry = std::prev(entries_.end());
    by_key_.emplace(key, entry);
  }
  std::vector<std::uint64_t>& guesses = entry->guesses;
  if (guesses.size() < max_failures_ &&
      std::find(guesses.begin(), guesses.end(), guess) == guesses.end()) {
    guesses.push_back(guess);
  }
}

void LoginThrottle::note_success(std::string_view login, std::string_view address) {
  const std::string key = make_key(login, address);
  storage::MutexLock lock(mutex_);
  const auto found = by_key_.find(key);
  if (found != by_key_.end()) erase(found->second);
}

std::size_t LoginThrottle::size() {
  storage::MutexLock lock(mutex_);
  return entries_.size();
}

}  // namespace eas
