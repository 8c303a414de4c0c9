// Bounds what the bodies of requests that nobody vouches for take up in files, all together.
#pragma once

#include <atomic>
#include <cstddef>

namespace http {

// Thread-safe.
class SpoolBudget {
 public:
  explicit SpoolBudget(std::size_t limit) : limit_(limit) {}
  SpoolBudget(const SpoolBudget&) = delete;
  SpoolBudget& operator=(const SpoolBudget&) = delete;

  // False: there is no room for so many more, and nothing was taken.
  bool take(std::size_t bytes) {
    if (used_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= limit_) return true;
    give_back(bytes);
    return false;
  }
  void give_back(std::size_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }

 private:
  const std::size_t limit_;
  std::atomic<std::size_t> used_{0};
};

// What one body has of it; given back at its end. The budget must outlive it.
class SpoolShare {
 public:
  explicit SpoolShare(SpoolBudget& budget) : budget_(budget) {}
  ~SpoolShare() { budget_.give_back(bytes_); }
  SpoolShare(const SpoolShare&) = delete;
  SpoolShare& operator=(const SpoolShare&) = delete;

  bool grow(std::size_t bytes) {
    if (!budget_.take(bytes)) return false;
    bytes_ += bytes;
    return true;
  }

 private:
  SpoolBudget& budget_;
  std::size_t bytes_ = 0;
};

}  // namespace http
