// Password hashes through libcrypt: yescrypt for new ones, and whatever libcrypt knows for old
// ones.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "storage/base/mutex.h"
#include "storage/base/result.h"

namespace storage {

// Thread-safe. At most `concurrent` hashes are computed at once; each takes a core and some MiB,
// so more would only make all of them slower.
class PasswordHasher {
 public:
  // libcrypt takes no longer ones.
  static constexpr std::size_t kMostPasswordBytes = 511;

  // cost 0: libcrypt's default. `counter`, when set, counts the hashes that verify() computes.
  PasswordHasher(int cost, int concurrent, std::atomic<std::int64_t>* counter);

  // The hash to store. REQUIRES: 1 to kMostPasswordBytes bytes without NUL. Waits like verify().
  Result<std::string> hash(std::string_view password) EXCLUDES(mutex_);

  // A slot in which one login's hashes are computed; the others wait until it is given back.
  class Slot {
   public:
    ~Slot();
    Slot(Slot&& other) noexcept;
    Slot& operator=(Slot&&) = delete;
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;

    // Whether `password` is the one that `stored` was made of. With an empty `stored` (an unknown
    // user) the answer is no, and it takes as long as with a hash of the present cost.
    bool verify(std::string_view password, std::string_view stored) const;

   private:
    friend class PasswordHasher;
    explicit Slot(PasswordHasher* hasher) : hasher_(hasher) {}
    PasswordHasher* hasher_;
  };
  // Waits for its turn; unavailable after twenty seconds.
  Result<Slot> slot() EXCLUDES(mutex_);

 private:
  void give_back() EXCLUDES(mutex_);
  Result<std::string> new_setting() const;

  const int cost_;
  std::atomic<std::int64_t>* const counter_;
  std::string nobody_setting_;  // what the password of an unknown user is hashed with
  Mutex mutex_;
  CondVar returned_;
  int free_ GUARDED_BY(mutex_);
};

}  // namespace storage
