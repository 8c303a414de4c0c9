#include "server/commands/spare_threads.h"

#include <utility>

namespace eas {

struct SpareThreads::Share::State {
  explicit State(std::function<void()> what) : work(std::move(what)) {}
  const std::function<void()> work;
  storage::Mutex mutex;
  storage::CondVar changed;
  bool done GUARDED_BY(mutex) = false;
};

SpareThreads::Share::~Share() {
  const storage::MutexLock lock(state_->mutex);
  while (!state_->done) state_->changed.wait(state_->mutex);
}

SpareThreads::SpareThreads(int count) {
  for (int i = 0; i < count; ++i) threads_.emplace_back([this] { run(); });
}

SpareThreads::~SpareThreads() {
  {
    const storage::MutexLock lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
}

std::unique_ptr<SpareThreads::Share> SpareThreads::take(std::function<void()> work) {
  auto state = std::make_shared<Share::State>(std::move(work));
  {
    const storage::MutexLock lock(mutex_);
    if (stopping_ || idle_ == 0) return nullptr;
    --idle_;
    taken_.push_back(state);
    wake_.notify_one();
  }
  return std::unique_ptr<Share>(new Share(std::move(state)));
}

void SpareThreads::run() {
  for (;;) {
    std::shared_ptr<Share::State> state;
    {
      const storage::MutexLock lock(mutex_);
      ++idle_;
      while (!stopping_ && taken_.empty()) wake_.wait(mutex_);
      if (taken_.empty()) return;
      state = std::move(taken_.back());
      taken_.pop_back();
    }
    state->work();
    const storage::MutexLock lock(state->mutex);
    state->done = true;
    state->changed.notify_all();
  }
}

}  // namespace eas
