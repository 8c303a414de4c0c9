// pthreads and not std::thread, because the stack size must be certain: route patterns are regular
// expressions, whose recursion on a long path needs megabytes.
//
// Waking a thread costs more than most requests. So one worker is called at a time; it calls the
// next when it finds that there is more than one job, and nobody is called while workers that are
// awake keep the queue empty. Whenever jobs wait and workers are idle, one of them has been called.
#include "server/http/worker_pool.h"

#include <utility>

#include "server/http/thread_signals.h"

namespace http {
namespace {

constexpr std::size_t kStackSize = 8u << 20;

}  // namespace

WorkerPool::WorkerPool(int threads, std::size_t max_queued, std::function<void(Job&)> run)
    : thread_count_(threads), max_queued_(max_queued), run_(std::move(run)) {}

WorkerPool::~WorkerPool() { stop(); }

storage::Result<void> WorkerPool::start() {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackSize);
  for (int i = 0; i < thread_count_; ++i) {
    pthread_t thread{};
    if (pthread_create(&thread, &attributes, &WorkerPool::thread_main, this) != 0) break;
    threads_.push_back(thread);
  }
  pthread_attr_destroy(&attributes);
  if (threads_.empty()) {
    return storage::fail(storage::ErrorKind::unavailable, "no worker thread could be started");
  }
  return {};
}

void* WorkerPool::thread_main(void* pool) {
  leave_signals_to_main();
  static_cast<WorkerPool*>(pool)->work();
  return nullptr;
}

void WorkerPool::work() {
  while (const std::unique_ptr<Job> job = take()) run_(*job);
}

// Whether the caller must notify, having left the lock.
bool WorkerPool::claim_wake_up() {
  if (queue_.empty() || idle_ == 0 || waking_) return false;
  waking_ = true;
  return true;
}

std::unique_ptr<Job> WorkerPool::take() {
  std::unique_ptr<Job> job;
  bool call_next = false;
  {
    const storage::MutexLock lock(mutex_);
    while (queue_.empty() && !stopping_) {
      ++idle_;
      wanted_.wait(mutex_);
      --idle_;
      waking_ = false;
    }
    if (stopping_) return nullptr;
    job = std::move(queue_.front());
    queue_.pop_front();
    if (!job->resume) --queued_new_;
    call_next = claim_wake_up();
  }
  if (call_next) wanted_.notify_one();
  return job;
}

bool WorkerPool::submit(std::unique_ptr<Job>& job) {
  bool call = false;
  {
    const storage::MutexLock lock(mutex_);
    if (stopping_ || queued_new_ >= max_queued_) return false;
    ++queued_new_;
    queue_.push_back(std::move(job));
    call = claim_wake_up();
  }
  if (call) wanted_.notify_one();
  return true;
}

void WorkerPool::submit_resumed(std::unique_ptr<Job> job) {
  bool call = false;
  {
    const storage::MutexLock lock(mutex_);
    if (stopping_) return;
    queue_.push_back(std::move(job));
    call = claim_wake_up();
  }
  if (call) wanted_.notify_one();
}

void WorkerPool::stop() {
  std::deque<std::unique_ptr<Job>> dropped;
  {
    const storage::MutexLock lock(mutex_);
    stopping_ = true;
    dropped.swap(queue_);
    queued_new_ = 0;
  }
  wanted_.notify_all();
  for (const pthread_t thread : threads_) pthread_join(thread, nullptr);
  threads_.clear();
}

}  // namespace http
