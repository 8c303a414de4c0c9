// One thread with its own epoll, listener, timers and connections. Loops share nothing but the
// ServerContext; other threads reach a loop through its Mailbox only.
//
// A turn: mailbox first (wakes must not wait behind handshakes), then sockets, then connections
// that had more to do than their share, then new clients (at most 16), then deadlines.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "server/http/connection.h"
#include "server/http/listener.h"
#include "server/http/mailbox.h"
#include "server/http/server_context.h"
#include "server/http/timer_wheel.h"
#include "storage/base/result.h"
#include "storage/base/unique_fd.h"

namespace http {

class EventLoop {
 public:
  EventLoop(ServerContext& context, Listener listener);
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // unavailable: no descriptors for epoll and the mailbox.
  storage::Result<void> prepare();

  // Serves until a shutdown message has come and every connection has ended, or the drain time is
  // over. The loop's thread.
  void run();

  const std::shared_ptr<Mailbox>& mailbox() const { return mailbox_; }

  // The rest is for its connections, on its thread.
  ServerContext& context() { return context_; }
  TimePoint now() const { return now_; }
  TimerWheel& timers() { return timers_; }
  std::span<char> scratch() { return scratch_; }
  bool is_draining() const { return draining_; }
  void continue_later(Connection& connection) { continued_.push_back(connection.ref()); }
  void release(Connection& connection);

 private:
  static constexpr std::size_t kChunk = 64;
  using Chunk = std::array<Connection, kChunk>;

  void turn();
  int wait_milliseconds() const;
  void read_mailbox();
  void handle(Message message);
  void accept_clients();
  bool admit(Listener::Accepted& accepted);
  void pause_listener();
  void run_timers();
  void start_draining();
  void trim_memory();
  bool is_finished() const;
  bool watch(int fd, std::uint32_t events, std::uint64_t tag);
  Connection* find(ConnectionRef ref);  // null when it has ended
  Connection& slot(std::uint32_t index) { return (*chunks_[index / kChunk])[index % kChunk]; }
  Connection& take_slot();

  ServerContext& context_;
  Listener listener_;
  std::shared_ptr<Mailbox> mailbox_;
  storage::UniqueFd epoll_;
  TimePoint now_;
  TimerWheel timers_;
  bool listening_ = false;
  bool clients_wait_ = false;
  bool draining_ = false;
  TimePoint drain_end_;
  TimePoint last_refusal_log_;
  TimerNode accept_again_;
  TimerNode trim_;

  std::vector<std::unique_ptr<Chunk>> chunks_;
  std::vector<std::uint32_t> free_;
  std::size_t open_ = 0;
  std::size_t peak_ = 0;  // most open since the last trim
  std::vector<Message> inbox_;
  std::size_t inbox_next_ = 0;
  std::vector<ConnectionRef> continued_;
  std::vector<char> scratch_;  // reads go here first
};

}  // namespace http
