// A fixed number of threads that run handlers, and a queue in front of them. New requests are
// refused when the queue is full; resumed ones never are, since they have been accepted already.
// Thread-safe.
#pragma once

#include <pthread.h>

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "server/http/job.h"
#include "storage/base/mutex.h"
#include "storage/base/result.h"

namespace http {

class WorkerPool {
 public:
  // `run` is called on the workers, for one job at a time each. Threads start with start().
  WorkerPool(int threads, std::size_t max_queued, std::function<void(Job&)> run);
  ~WorkerPool();  // stops
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // unavailable: the system gives no more threads.
  storage::Result<void> start();

  // False when the queue is full or the pool is stopping; the job stays with the caller then.
  bool submit(std::unique_ptr<Job>& job) EXCLUDES(mutex_);
  // For resumed requests; dropped only after stop().
  void submit_resumed(std::unique_ptr<Job> job) EXCLUDES(mutex_);

  // Waits for the jobs that are running; queued ones are dropped.
  void stop() EXCLUDES(mutex_);

 private:
  static void* thread_main(void* pool);
  void work() EXCLUDES(mutex_);
  std::unique_ptr<Job> take() EXCLUDES(mutex_);  // null: the pool is stopping
  bool claim_wake_up() REQUIRES(mutex_);

  const int thread_count_;
  const std::size_t max_queued_;
  const std::function<void(Job&)> run_;
  std::vector<pthread_t> threads_;  // start() and stop() only
  storage::Mutex mutex_;
  storage::CondVar wanted_;
  std::deque<std::unique_ptr<Job>> queue_ GUARDED_BY(mutex_);
  std::size_t queued_new_ GUARDED_BY(mutex_) = 0;  // those of queue_ that are not resumed ones
  int idle_ GUARDED_BY(mutex_) = 0;                // workers that wait
  bool waking_ GUARDED_BY(mutex_) = false;  // one of them has been called and has not come yet
  bool stopping_ GUARDED_BY(mutex_) = false;
};

}  // namespace http
