// The embedded database. Readers take connections from a pool. All writers of this process use one
// connection and queue on a mutex, so they never poll each other's lock, and what they wrote stays
// in that connection's cache. A writer of another process is waited for by SQLite's busy handler.
#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

#include "storage/base/mutex.h"
#include "storage/base/unique_fd.h"
#include "storage/sql/connection_pool.h"
#include "storage/sql/drivers.h"
#include "storage/sql/sqlite_connection.h"

namespace storage::sql {
namespace {

class SqliteDatabase final : public Database {
 public:
  SqliteDatabase(std::string_view url, std::string path, DatabaseOptions options)
      : url_(url),
        path_(std::move(path)),
        options_(std::move(options)),
        pool_(options_.max_connections) {}

  // Opens the writer's connection, so that a bad path is told at once.
  Result<void> start() EXCLUDES(writer_mutex_) {
    MutexLock lock(writer_mutex_);
    return ensure_writer();
  }

  Result<void> read(const std::function<Result<void>(Connection&)>& body) override {
    GODWIT_ASSIGN(auto lease, pool_.acquire());
    if (!lease) {
      GODWIT_ASSIGN(auto opened, SqliteConnection::open(path_, options_));
      lease.set(std::move(opened));
    }
    GODWIT_TRY(lease->begin(SqliteConnection::Mode::read));
    return finish_transaction(*lease, body);
  }

  Result<void> write(const std::function<Result<void>(Connection&)>& body) override
      EXCLUDES(writer_mutex_) {
    if (writer_thread_.load(std::memory_order_relaxed) == std::this_thread::get_id()) {
      return fail(ErrorKind::internal, "write() inside write()");
    }
    MutexLock lock(writer_mutex_);
    struct Owner {
      std::atomic<std::thread::id>& thread;
      explicit Owner(std::atomic<std::thread::id>& slot) : thread(slot) {
        thread.store(std::this_thread::get_id(), std::memory_order_relaxed);
      }
      ~Owner() { thread.store({}, std::memory_order_relaxed); }
    } const owner(writer_thread_);
    GODWIT_TRY(ensure_writer());
    GODWIT_TRY(writer_->begin(SqliteConnection::Mode::write));
    return finish_transaction(*writer_, body);
  }

  bool is_sqlite() const override { return true; }
  const std::string& url() const override { return url_; }

 private:
  Result<void> ensure_writer() REQUIRES(writer_mutex_) {
    if (writer_ != nullptr && writer_->usable()) return {};
    GODWIT_ASSIGN(writer_, SqliteConnection::open(path_, options_));
    return {};
  }

  const std::string url_;
  const std::string path_;
  const DatabaseOptions options_;
  ConnectionPool<SqliteConnection> pool_;
  Mutex writer_mutex_;
  std::unique_ptr<SqliteConnection> writer_ GUARDED_BY(writer_mutex_);
  std::atomic<std::thread::id> writer_thread_;
};

}  // namespace

namespace {

// SQLite gives its -wal and -shm files the mode of the database file. An existing file must not be
// opened here: closing any descriptor of it would drop the locks that this process's connections
// hold on it (POSIX), and the next other process to close the database would delete the log that is
// still in use.
Result<void> create_private_file(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (fd || errno == EEXIST) return {};
  return fail(ErrorKind::unavailable, "cannot create " + path + ": " + std::strerror(errno));
}

}  // namespace

Result<std::unique_ptr<Database>> open_sqlite(std::string_view url, DatabaseOptions options) {
  std::string path(url.substr(url.find(':') + 1));
  if (path.empty() || path.starts_with(":memory:")) {
    return fail(ErrorKind::invalid, "sqlite: needs the path of a file");
  }
  GODWIT_TRY(create_private_file(path));
  auto database = std::make_unique<SqliteDatabase>(url, std::move(path), std::move(options));
  GODWIT_TRY(database->start());
  return database;
}

}  // namespace storage::sql
