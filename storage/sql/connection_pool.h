// A bounded pool of connections, and the shape of a transaction, shared by the two drivers.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "storage/base/mutex.h"
#include "storage/base/result.h"
#include "storage/sql/database.h"

namespace storage::sql {

// Thread-safe. The one used last is handed out first: its caches are warm, and the others may stay
// unopened. C is the driver's connection type.
template <typename C>
class ConnectionPool {
 public:
  explicit ConnectionPool(int limit) : limit_(limit) {}

  // Hands the connection (or, when it was dropped, the right to open one) back at the end.
  class Lease {
   public:
    Lease(ConnectionPool& pool, std::unique_ptr<C> connection)
        : pool_(&pool), connection_(std::move(connection)) {}
    Lease(Lease&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)), connection_(std::move(other.connection_)) {}
    Lease& operator=(Lease&&) = delete;
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() {
      if (pool_ != nullptr) pool_->give_back(std::move(connection_));
    }

    explicit operator bool() const { return connection_ != nullptr; }
    C& operator*() const { return *connection_; }
    C* operator->() const { return connection_.get(); }
    void set(std::unique_ptr<C> connection) { connection_ = std::move(connection); }

   private:
    ConnectionPool* pool_;
    std::unique_ptr<C> connection_;
  };

  // An idle connection, or an empty lease: then the caller opens one and puts it in with set().
  // Waits while all are in use; unavailable after ten seconds.
  Result<Lease> acquire() EXCLUDES(mutex_) {
    static constexpr std::chrono::milliseconds kPatience{10'000};
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    MutexLock lock(mutex_);
    while (idle_.empty() && in_use_ >= limit_) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0) {
        return fail(ErrorKind::unavailable, "no database connection became free for 10 seconds");
      }
      returned_.wait_for(mutex_, left);
    }
    ++in_use_;
    std::unique_ptr<C> connection;
    if (!idle_.empty()) {
      connection = std::move(idle_.back());
      idle_.pop_back();
    }
    return Lease(*this, std::move(connection));
  }

  // Closes the idle ones: the server they led to went away.
  void drop_idle() EXCLUDES(mutex_) {
    std::vector<std::unique_ptr<C>> dropped;
    MutexLock lock(mutex_);
    dropped.swap(idle_);
  }

 private:
  void give_back(std::unique_ptr<C> connection) EXCLUDES(mutex_) {
    {
      MutexLock lock(mutex_);
      --in_use_;
      if (connection != nullptr && connection->usable()) idle_.push_back(std::move(connection));
    }
    returned_.notify_one();
  }

  const int limit_;
  Mutex mutex_;
  CondVar returned_;
  int in_use_ GUARDED_BY(mutex_) = 0;
  std::vector<std::unique_ptr<C>> idle_ GUARDED_BY(mutex_);
};

// Ends the transaction that `connection` is in: commits when `body` returned success and every
// statement did, and otherwise (an exception of a StepHook included) rolls back.
template <typename C>
Result<void> finish_transaction(C& connection,
                                const std::function<Result<void>(Connection&)>& body) {
  struct RollbackUnlessDone {
    C& connection;
    bool done = false;
    ~RollbackUnlessDone() {
      if (!done) connection.rollback();
    }
  } guard{connection};

  GODWIT_TRY(body(connection));
  if (connection.failure()) return fail(*connection.failure());
  GODWIT_TRY(connection.commit());
  guard.done = true;
  return {};
}

}  // namespace storage::sql
