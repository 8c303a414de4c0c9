// Mutex, MutexLock and CondVar with clang thread-safety annotations (no-ops under gcc).
// State that a mutex protects carries GUARDED_BY(mutex_); `scripts/check` compiles with
// clang -Wthread-safety -Werror.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define GODWIT_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define GODWIT_THREAD_ANNOTATION(x)
#endif

#define CAPABILITY(x) GODWIT_THREAD_ANNOTATION(capability(x))
#define SCOPED_CAPABILITY GODWIT_THREAD_ANNOTATION(scoped_lockable)
#define GUARDED_BY(x) GODWIT_THREAD_ANNOTATION(guarded_by(x))
#define REQUIRES(...) GODWIT_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) GODWIT_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
#define ACQUIRE(...) GODWIT_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define RELEASE(...) GODWIT_THREAD_ANNOTATION(release_capability(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS GODWIT_THREAD_ANNOTATION(no_thread_safety_analysis)

namespace storage {

class CAPABILITY("mutex") Mutex {
 public:
  void lock() ACQUIRE() { mutex_.lock(); }
  void unlock() RELEASE() { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

class SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

class CondVar {
 public:
  void wait(Mutex& mutex) REQUIRES(mutex) NO_THREAD_SAFETY_ANALYSIS {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  // Returns false when `timeout` passed without a notification.
  bool wait_for(Mutex& mutex, std::chrono::milliseconds timeout)
      REQUIRES(mutex) NO_THREAD_SAFETY_ANALYSIS {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const bool notified = condition_.wait_for(lock, timeout) == std::cv_status::no_timeout;
    lock.release();
    return notified;
  }
  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace storage
