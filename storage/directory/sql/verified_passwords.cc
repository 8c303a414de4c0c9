#include "storage/directory/sql/verified_passwords.h"

#include "storage/base/crypto.h"

namespace storage {

VerifiedPasswords::VerifiedPasswords() : key_(random_bytes(32)) {}

std::string VerifiedPasswords::digest(std::string_view stored_hash,
                                      std::string_view password) const {
  std::string text(stored_hash);
  text += '\0';  // neither side holds one, so the border is clear
  text += password;
  return hmac_sha256(key_, text);
}

bool VerifiedPasswords::knows(std::string_view stored_hash, std::string_view password,
                              UnixMillis now) const {
  const std::string wanted = digest(stored_hash, password);
  MutexLock lock(mutex_);
  const auto found = expiry_.find(wanted);
  // A clock that was set back must not make a password last for hours.
  return found != expiry_.end() && now < found->second && now >= found->second - kLifetime;
}

void VerifiedPasswords::remember(std::string_view stored_hash, std::string_view password,
                                 UnixMillis now) {
  std::string wanted = digest(stored_hash, password);
  MutexLock lock(mutex_);
  while (!order_.empty() && (order_.front().first <= now || expiry_.size() >= kMost)) {
    const auto oldest = expiry_.find(order_.front().second);
    if (oldest != expiry_.end() && oldest->second == order_.front().first) expiry_.erase(oldest);
    order_.pop_front();
  }
  const UnixMillis until = now + kLifetime;
  const auto [entry, added] = expiry_.try_emplace(wanted, until);
  if (!added) {
    if (entry->second == until) return;
    entry->second = until;
  }
  order_.emplace_back(until, std::move(wanted));
}

}  // namespace storage
