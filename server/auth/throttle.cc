#include "server/auth/throttle.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "storage/base/crypto.h"

namespace eas {
namespace {

constexpr std::size_t kIpv6NetworkBytes = 8;

// An IPv6 client has a whole network of addresses to guess from.
std::string network_of(std::string_view address) {
  std::string text(address);
  in6_addr v6{};
  if (::inet_pton(AF_INET6, text.c_str(), &v6) != 1) return text;
  return "v6" + std::string(reinterpret_cast<const char*>(v6.s6_addr), kIpv6NetworkBytes);
}

// The network first: has_failures() asks for all of its accounts.
std::string pair_key(std::string_view network, std::string_view account) {
  return std::string(network) + '\n' + std::string(account);
}

}  // namespace

GuessTable::GuessTable(std::size_t max_guesses, std::size_t max_entries)
    : max_guesses_(std::max<std::size_t>(max_guesses, 1)),
      max_entries_(std::max<std::size_t>(max_entries, 1)) {}

void GuessTable::drop_old(storage::UnixMillis now) {
  while (!entries_.empty() && now - entries_.front().start >= kWindow) erase(entries_.begin());
}

GuessTable::Entries::iterator GuessTable::find(const std::string& key, storage::UnixMillis now) {
  drop_old(now);
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? entries_.end() : found->second;
}

void GuessTable::erase(Entries::iterator entry) {
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

bool GuessTable::has_any(const std::string& prefix, storage::UnixMillis now) {
  drop_old(now);
  const auto found = by_key_.lower_bound(prefix);
  return found != by_key_.end() && found->first.starts_with(prefix);
}

bool GuessTable::is_full(const std::string& key, storage::UnixMillis now) {
  const auto entry = find(key, now);
  return entry != entries_.end() && entry->guesses.size() >= max_guesses_;
}

void GuessTable::note(const std::string& key, std::uint64_t guess, storage::UnixMillis now) {
  auto entry = find(key, now);
  if (entry == entries_.end()) {
    if (entries_.size() >= max_entries_) erase(entries_.begin());
    entries_.push_back(Entry{key, now, {}});
    entry = std::prev(entries_.end());
    by_key_.emplace(key, entry);
  }
  std::vector<std::uint64_t>& guesses = entry->guesses;
  if (guesses.size() < max_guesses_ &&
      std::find(guesses.begin(), guesses.end(), guess) == guesses.end()) {
    guesses.push_back(guess);
  }
}

void GuessTable::forget(const std::string& key) {
  const auto found = by_key_.find(key);
  if (found != by_key_.end()) erase(found->second);
}

LoginThrottle::LoginThrottle(int max_failures, int max_address_failures, std::size_t max_entries)
    : watches_addresses_(max_address_failures > 0),
      hash_key_(storage::random_bytes(32)),
      pairs_(static_cast<std::size_t>(std::max(max_failures, 1)), max_entries),
      addresses_(static_cast<std::size_t>(std::max(max_address_failures, 1)), max_entries) {}

bool LoginThrottle::has_failures(std::string_view address, storage::UnixMillis now) {
  const std::string prefix = pair_key(network_of(address), "");
  storage::MutexLock lock(mutex_);
  return pairs_.has_any(prefix, now);
}

bool LoginThrottle::is_blocked(std::string_view account, std::string_view address,
                               storage::UnixMillis now) {
  const std::string key = pair_key(network_of(address), account);
  storage::MutexLock lock(mutex_);
  return pairs_.is_full(key, now);
}

bool LoginThrottle::is_address_blocked(std::string_view address, storage::UnixMillis now) {
  if (!watches_addresses_) return false;
  const std::string network = network_of(address);
  storage::MutexLock lock(mutex_);
  return addresses_.is_full(network, now);
}

void LoginThrottle::note_failure(std::string_view account, std::string_view address,
                                 std::string_view password, storage::UnixMillis now) {
  const std::string network = network_of(address);
  const std::string digest =
      storage::hmac_sha256(hash_key_, std::string(account) + '\0' + std::string(password));
  std::uint64_t guess = 0;
  std::memcpy(&guess, digest.data(), sizeof guess);

  storage::MutexLock lock(mutex_);
  pairs_.note(pair_key(network, account), guess, now);
  if (watches_addresses_) addresses_.note(network, guess, now);
}

void LoginThrottle::note_success(std::string_view account, std::string_view address) {
  const std::string key = pair_key(network_of(address), account);
  storage::MutexLock lock(mutex_);
  pairs_.forget(key);
}

std::size_t LoginThrottle::size() {
  storage::MutexLock lock(mutex_);
  return pairs_.size();
}

}  // namespace eas
