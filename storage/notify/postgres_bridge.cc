// One thread waits on the connection and on an eventfd. Publishers only put an event into a map and
// touch the eventfd; the thread sends what has gathered as one NOTIFY, and while that one is on its
// way the next gathers, so bursts coalesce by themselves. A batch whose answer was lost with the
// connection is sent again: an event that arrives twice wakes somebody who finds nothing.
#include "storage/notify/postgres_bridge.h"

#include <libpq-fe.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include "storage/base/log.h"
#include "storage/base/mutex.h"
#include "storage/base/text.h"
#include "storage/base/unique_fd.h"
#include "storage/notify/pending_events.h"

namespace storage {
namespace {

constexpr std::size_t kMostPayload = 7900;  // PostgreSQL takes less than 8000 bytes
constexpr int kFirstPauseMs = 100;          // between attempts to connect; doubles up to
constexpr int kLongestPauseMs = 5000;

struct CloseConnection {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
struct FreeNotify {
  void operator()(PGnotify* notify) const { PQfreemem(notify); }
};
using ConnectionHandle = std::unique_ptr<PGconn, CloseConnection>;
using ResultHandle = std::unique_ptr<PGresult, ClearResult>;

// What publishers and the thread share. Outlives the bridge while a publisher still has it.
class Outbox {
 public:
  explicit Outbox(std::size_t most)
      : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), pending_(most) {}

  void add(const HubEvent& event) EXCLUDES(mutex_) {
    {
      MutexLock lock(mutex_);
      if (closed_) return;
      pending_.add(event);
    }
    wake();
  }
  // The next message, "" when there is none; `events` and `overflowed` say what is in it.
  std::string take(std::vector<HubEvent>& events, bool& overflowed) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    events = pending_.take(kMostPayload, overflowed);
    return to_message(events, overflowed);
  }
  // Puts back what take() gave and nobody received.
  void put_back(const std::vector<HubEvent>& events, bool overflowed) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    for (const HubEvent& event : events) pending_.add(event);
    if (overflowed) pending_.set_overflowed();
  }
  void close() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    closed_ = true;
  }
  void wake() const {
    const std::uint64_t one = 1;
    // Fails only when it is set already.
    static_cast<void>(!::write(wake_.get(), &one, sizeof one));
  }
  void clear_wake() const {
    std::uint64_t count = 0;
    static_cast<void>(!::read(wake_.get(), &count, sizeof count));
  }
  int wake_fd() const { return wake_.get(); }

 private:
  const UniqueFd wake_;
  Mutex mutex_;
  PendingEvents pending_ GUARDED_BY(mutex_);
  bool closed_ GUARDED_BY(mutex_) = false;
};

Result<ConnectionHandle> connect_and_listen(const std::string& url, const std::string& channel) {
  const char* const keywords[] = {"connect_timeout",
                                  "keepalives_idle",
                                  "keepalives_interval",
                                  "keepalives_count",
                                  "application_name",
                                  "dbname",
                                  nullptr};
  const char* const values[] = {"5", "30", "10", "3", "godwit bridge", url.c_str(), nullptr};
  ConnectionHandle connection(PQconnectdbParams(keywords, values, 1));
  const auto lost = [&] {
    return fail(ErrorKind::unavailable,
                "postgresql: " + std::string(trim(PQerrorMessage(connection.get()))));
  };
  if (PQstatus(connection.get()) != CONNECTION_OK) return lost();
  PQsetNoticeProcessor(
      connection.get(), [](void*, const char*) {}, nullptr);
  char* name = PQescapeIdentifier(connection.get(), channel.data(), channel.size());
  if (name == nullptr) return lost();
  const std::string listen = std::string("LISTEN ") + name;
  PQfreemem(name);
  const ResultHandle result(PQexec(connection.get(), listen.c_str()));
  if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) return lost();
  if (PQsetnonblocking(connection.get(), 1) != 0) return lost();
  return connection;
}

}  // namespace

class PostgresBridge::Worker {
 public:
  Worker(std::string url, ChangeHub& hub, PostgresBridgeOptions options,
         ConnectionHandle connection)
      : url_(std::move(url)),
        hub_(hub),
        options_(std::move(options)),
        outbox_(std::make_shared<Outbox>(options_.most_pending)),
        connection_(std::move(connection)) {
    hub_.set_forward([outbox = outbox_](const HubEvent& event) { outbox->add(event); });
    thread_ = std::thread([this] { run(); });
  }

  ~Worker() {
    stopping_ = true;
    outbox_->close();
    outbox_->wake();
    thread_.join();
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

 private:
  void run() {
    while (!stopping_) {
      if (connection_ == nullptr) {
        reconnect();
      } else if (!exchange()) {
        drop_connection();
      }
    }
  }

  void reconnect() {
    auto opened = connect_and_listen(url_, options_.channel);
    if (!opened) {
      pause_ms_ = std::clamp(pause_ms_ * 2, kFirstPauseMs, kLongestPauseMs);
      outbox_->clear_wake();
      pollfd wake{outbox_->wake_fd(), POLLIN, 0};
      // Events that come meanwhile must not make this a busy loop; only stopping cuts it short.
      const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(pause_ms_);
      while (!stopping_ && std::chrono::steady_clock::now() < until) {
        if (::poll(&wake, 1, 50) > 0) outbox_->clear_wake();
      }
      return;
    }
    pause_ms_ = 0;
    connection_ = std::move(*opened);
    log_event(LogLevel::info, "the bridge to the other nodes is connected again");
    if (options_.on_gap) options_.on_gap();
  }

  void drop_connection() {
    if (stopping_) return;
    log_event(LogLevel::warning, "the bridge to the other nodes lost its connection",
              {{"reason", trim(PQerrorMessage(connection_.get()))}});
    connection_.reset();
    if (sending_) outbox_->put_back(sent_, sent_overflowed_);
    sending_ = false;
  }

  // Sends what waits, sleeps until something happens, takes what came. False: connection lost.
  bool exchange() {
    if (!sending_ && !send_next()) return false;
    const int unsent = PQflush(connection_.get());
    if (unsent < 0) return false;
    const short wanted = unsent > 0 ? POLLIN | POLLOUT : POLLIN;
    std::array<pollfd, 2> fds = {pollfd{PQsocket(connection_.get()), wanted, 0},
                                 pollfd{outbox_->wake_fd(), POLLIN, 0}};
    if (::poll(fds.data(), fds.size(), 30'000) < 0 && errno != EINTR) return false;
    if (fds[1].revents != 0) outbox_->clear_wake();
    if (fds[0].revents == 0) return true;
    if (PQconsumeInput(connection_.get()) == 0) return false;
    while (sending_ && PQisBusy(connection_.get()) == 0) {
      const ResultHandle result(PQgetResult(connection_.get()));
      if (result == nullptr) {
        sending_ = false;
      } else if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) {
        return false;
      }
    }
    take_notifications();
    return true;
  }

  bool send_next() {
    const std::string message = outbox_->take(sent_, sent_overflowed_);
    if (message.empty()) return true;
    sending_ = true;
    const char* const values[] = {options_.channel.c_str(), message.c_str()};
    return PQsendQueryParams(connection_.get(), "SELECT pg_notify($1, $2)", 2, nullptr, values,
                             nullptr, nullptr, 0) == 1;
  }

  void take_notifications() {
    const int own = PQbackendPID(connection_.get());
    for (;;) {
      const std::unique_ptr<PGnotify, FreeNotify> notify(PQnotifies(connection_.get()));
      if (notify == nullptr) return;
      if (notify->be_pid == own) continue;  // our hub has delivered it already
      const auto message = parse_message(notify->extra);
      if (!message) {
        log_event(LogLevel::warning, "a foreign notification on the bridge's channel is ignored");
        continue;
      }
      for (const HubEvent& event : message->events) hub_.deliver(event);
      if (message->overflowed && options_.on_gap) options_.on_gap();
    }
  }

  const std::string url_;
  ChangeHub& hub_;
  const PostgresBridgeOptions options_;
  const std::shared_ptr<Outbox> outbox_;
  std::atomic<bool> stopping_ = false;
  // The rest belongs to the thread.
  ConnectionHandle connection_;
  std::vector<HubEvent> sent_;  // what is under way, while sending_
  bool sent_overflowed_ = false;
  bool sending_ = false;
  int pause_ms_ = 0;
  std::thread thread_;
};

Result<std::unique_ptr<PostgresBridge>> PostgresBridge::start(const std::string& url,
                                                              ChangeHub& hub,
                                                              PostgresBridgeOptions options) {
  GODWIT_ASSIGN(auto connection, connect_and_listen(url, options.channel));
  auto worker = std::make_unique<Worker>(url, hub, std::move(options), std::move(connection));
  return std::unique_ptr<PostgresBridge>(new PostgresBridge(std::move(worker)));
}

PostgresBridge::PostgresBridge(std::unique_ptr<Worker> worker) : worker_(std::move(worker)) {}
PostgresBridge::~PostgresBridge() = default;

}  // namespace storage
