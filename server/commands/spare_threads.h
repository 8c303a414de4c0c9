// A few threads that lend a hand to requests whose answer is long: a phone's first sync is made on
// more than one core when the others have nothing to do. Never a queue: without a free hand the
// caller does the work itself, so a busy server loses nothing by it.
#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "storage/base/mutex.h"

namespace eas {

// Thread-safe. Must outlive whoever uses it; the destructor joins the threads.
class SpareThreads {
 public:
  explicit SpareThreads(int count);
  ~SpareThreads();
  SpareThreads(const SpareThreads&) = delete;
  SpareThreads& operator=(const SpareThreads&) = delete;

  // A piece of work that one of the threads does. Destroying it waits for the end.
  class Share {
   public:
    ~Share();
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

   private:
    friend class SpareThreads;
    struct State;
    explicit Share(std::shared_ptr<State> state) : state_(std::move(state)) {}
    const std::shared_ptr<State> state_;
  };

  // `work` must not throw and stays valid until the share has ended. An empty pointer: no thread is
  // free, and nothing was taken.
  std::unique_ptr<Share> take(std::function<void()> work);

 private:
  void run();

  storage::Mutex mutex_;
  storage::CondVar wake_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  int idle_ GUARDED_BY(mutex_) = 0;
  std::vector<std::shared_ptr<Share::State>> taken_
      GUARDED_BY(mutex_);  // at most one a free thread
  std::vector<std::thread> threads_;
};

}  // namespace eas
