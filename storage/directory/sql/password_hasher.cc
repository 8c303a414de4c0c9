// libcrypt's reentrant calls; its 32 KiB work area is on the heap, for one call.
#include "storage/directory/sql/password_hasher.h"

#include <crypt.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <thread>
#include <utility>

#include "storage/base/crypto.h"

namespace storage {
namespace {

constexpr const char* kYescrypt = "$y$";
constexpr std::chrono::milliseconds kPatience{20'000};

// "" when libcrypt refuses the password or the setting.
std::string run_crypt(std::string_view password, const std::string& setting) {
  const auto data = std::make_unique<crypt_data>();
  const std::string text(password);
  const char* result =
      ::crypt_rn(text.c_str(), setting.c_str(), data.get(), static_cast<int>(sizeof(crypt_data)));
  if (result == nullptr || *result == '*') return {};
  return result;
}

}  // namespace

PasswordHasher::PasswordHasher(int cost, int concurrent, std::atomic<std::int64_t>* counter)
    : cost_(std::clamp(cost, 0, 11)),
      counter_(counter),
      nobody_setting_(new_setting().value_or("")),
      free_(concurrent > 0 ? concurrent
                           : std::max(1, static_cast<int>(std::thread::hardware_concurrency()))) {}

Result<std::string> PasswordHasher::new_setting() const {
  const std::string random = random_bytes(16);
  char* setting = ::crypt_gensalt_ra(kYescrypt, static_cast<unsigned long>(cost_), random.data(),
                                     static_cast<int>(random.size()));
  if (setting == nullptr) return fail(ErrorKind::internal, "libcrypt has no yescrypt");
  std::string result(setting);
  std::free(setting);
  return result;
}

Result<std::string> PasswordHasher::hash(std::string_view password) {
  GODWIT_ASSIGN(const Slot turn, slot());
  GODWIT_ASSIGN(const std::string setting, new_setting());
  std::string result = run_crypt(password, setting);
  if (result.empty()) return fail(ErrorKind::internal, "libcrypt cannot hash the password");
  return result;
}

Result<PasswordHasher::Slot> PasswordHasher::slot() {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  MutexLock lock(mutex_);
  while (free_ == 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) {
      return fail(ErrorKind::unavailable, "too many passwords to verify at once");
    }
    returned_.wait_for(mutex_, left);
  }
  --free_;
  return Slot(this);
}

void PasswordHasher::give_back() {
  {
    MutexLock lock(mutex_);
    ++free_;
  }
  returned_.notify_one();
}

PasswordHasher::Slot::Slot(Slot&& other) noexcept
    : hasher_(std::exchange(other.hasher_, nullptr)) {}

PasswordHasher::Slot::~Slot() {
  if (hasher_ != nullptr) hasher_->give_back();
}

bool PasswordHasher::Slot::verify(std::string_view password, std::string_view stored) const {
  if (hasher_->counter_ != nullptr) ++*hasher_->counter_;
  const std::string setting = stored.empty() ? hasher_->nobody_setting_ : std::string(stored);
  const std::string computed = run_crypt(password, setting);
  return !computed.empty() && !stored.empty() && equals_constant_time(computed, stored);
}

}  // namespace storage
