#include "server/auth/known_logins.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "storage/base/crypto.h"

namespace eas {

KnownLogins::KnownLogins(std::size_t max_entries)
    : max_generation_(std::max<std::size_t>(max_entries / 2, 1)),
      hash_key_(storage::random_bytes(32)) {}

std::uint64_t KnownLogins::digest(std::string_view authorization) const {
  const std::string bytes = storage::hmac_sha256(hash_key_, authorization);
  std::uint64_t result = 0;
  std::memcpy(&result, bytes.data(), sizeof result);
  return result;
}

bool KnownLogins::knows(std::string_view authorization, storage::UnixMillis now) const {
  const std::uint64_t wanted = digest(authorization);
  const storage::MutexLock lock(mutex_);
  const storage::UnixMillis age = now - begun_;
  if (age < kLifetime && older_.contains(wanted)) return true;
  return age < 2 * kLifetime && newer_.contains(wanted);
}

void KnownLogins::note(std::string_view authorization, storage::UnixMillis now) {
  const std::uint64_t wanted = digest(authorization);
  const storage::MutexLock lock(mutex_);
  if (newer_.size() >= max_generation_ || now - begun_ >= kLifetime) {
    older_ = now - begun_ < 2 * kLifetime ? std::move(newer_) : std::unordered_set<std::uint64_t>{};
    newer_.clear();
    begun_ = now;
  }
  newer_.insert(wanted);
}

void KnownLogins::forget(std::string_view authorization) {
  const std::uint64_t wanted = digest(authorization);
  const storage::MutexLock lock(mutex_);
  newer_.erase(wanted);
  older_.erase(wanted);
}

}  // namespace eas
