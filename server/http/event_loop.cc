#include "server/http/event_loop.h"

#include <malloc.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "server/http/thread_signals.h"
#include "storage/base/log.h"

namespace http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using storage::log_event;
using storage::LogLevel;

constexpr std::size_t kScratchSize = 64u << 10;
// Small, so that a storm of handshakes (0.3 ms each) does not keep wakes waiting.
constexpr int kEventsPerTurn = 32;
constexpr std::size_t kMessagesPerTurn = 512;
constexpr int kAcceptsPerTurn = 16;
constexpr milliseconds kAcceptPause{100};
// The memory of connections goes back to the system when most of many have ended.
constexpr std::size_t kTrimMinimum = 1000;
constexpr seconds kTrimDelay{2};
constexpr seconds kLogInterval{10};

// Tags of epoll events that belong to no connection; slots never get that high.
constexpr std::uint64_t kListenerTag = 0xFFFFFFFF;
constexpr std::uint64_t kMailboxTag = 0xFFFFFFFE;

std::uint64_t tag_of(ConnectionRef ref) {
  return static_cast<std::uint64_t>(ref.generation) << 32 | ref.slot;
}

}  // namespace

EventLoop::EventLoop(ServerContext& context, Listener listener)
    : context_(context),
      listener_(std::move(listener)),
      mailbox_(std::make_shared<Mailbox>()),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      now_(std::chrono::steady_clock::now()),
      timers_(now_),
      scratch_(kScratchSize) {}

EventLoop::~EventLoop() { mailbox_->close(); }

storage::Result<void> EventLoop::prepare() {
  if (epoll_ && mailbox_->is_valid() && watch(mailbox_->fd(), EPOLLIN, kMailboxTag) &&
      watch(listener_.fd(), EPOLLIN, kListenerTag)) {
    listening_ = true;
    return {};
  }
  return storage::fail(storage::ErrorKind::unavailable,
                       std::string("event loop: ") + std::strerror(errno));
}

bool EventLoop::watch(int fd, std::uint32_t events, std::uint64_t tag) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void EventLoop::run() {
  leave_signals_to_main();
  while (!is_finished()) turn();
  for (const auto& chunk : chunks_) {
    for (Connection& connection : *chunk) connection.close();
  }
  mailbox_->close();
  inbox_.clear();
}

bool EventLoop::is_finished() const { return draining_ && (open_ == 0 || now_ >= drain_end_); }

void EventLoop::turn() {
  std::array<epoll_event, kEventsPerTurn> events{};
  const int count = ::epoll_wait(epoll_.get(), events.data(), kEventsPerTurn, wait_milliseconds());
  now_ = std::chrono::steady_clock::now();
  read_mailbox();
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.u64 == kMailboxTag) continue;
    if (event.data.u64 == kListenerTag) {
      clients_wait_ = true;
      continue;
    }
    const ConnectionRef ref{static_cast<std::uint32_t>(event.data.u64),
                            static_cast<std::uint32_t>(event.data.u64 >> 32)};
    if (Connection* const connection = find(ref)) connection->on_socket(event.events);
  }
  const std::vector<ConnectionRef> continued = std::exchange(continued_, {});
  for (const ConnectionRef ref : continued) {
    if (Connection* const connection = find(ref)) connection->advance();
  }
  if (clients_wait_) accept_clients();
  run_timers();
}

int EventLoop::wait_milliseconds() const {
  if (!continued_.empty() || inbox_next_ < inbox_.size()) return 0;
  const TimePoint now = std::chrono::steady_clock::now();
  int wait = -1;
  if (const auto timer = timers_.wait_time(now)) wait = static_cast<int>(timer->count());
  if (draining_) {
    const auto left = std::chrono::ceil<milliseconds>(drain_end_ - now);
    const int drain = static_cast<int>(std::max<std::int64_t>(0, left.count()));
    wait = wait < 0 ? drain : std::min(wait, drain);
  }
  return wait;
}

// ---- messages ----

void EventLoop::read_mailbox() {
  if (inbox_next_ == inbox_.size()) {
    inbox_.clear();
    inbox_next_ = 0;
    mailbox_->take(inbox_);
  }
  const std::size_t end = std::min(inbox_.size(), inbox_next_ + kMessagesPerTurn);
  while (inbox_next_ < end) handle(std::move(inbox_[inbox_next_++]));
}

void EventLoop::handle(Message message) {
  if (message.kind == Message::Kind::shutdown) {
    start_draining();
    return;
  }
  Connection* const connection = find(message.connection);
  if (connection == nullptr) return;  // it has ended; a completion is dropped with what it holds
  if (message.kind == Message::Kind::wake) {
    connection->on_wake();
  } else {
    connection->on_completion(std::move(*message.completion));
  }
}

void EventLoop::start_draining() {
  if (draining_) return;
  draining_ = true;
  drain_end_ = now_ + context_.options.drain_timeout;
  listener_.close();
  listening_ = false;
  clients_wait_ = false;
  timers_.cancel(accept_again_);
  for (const auto& chunk : chunks_) {
    for (Connection& connection : *chunk) connection.on_shutdown();
  }
}

// ---- connections ----

Connection* EventLoop::find(ConnectionRef ref) {
  if (ref.slot >= chunks_.size() * kChunk) return nullptr;
  Connection& found = slot(ref.slot);
  return found.is_open() && found.ref() == ref ? &found : nullptr;
}

Connection& EventLoop::take_slot() {
  if (free_.empty()) {
    const auto first = static_cast<std::uint32_t>(chunks_.size() * kChunk);
    chunks_.push_back(std::make_unique<Chunk>());
    for (std::uint32_t i = kChunk; i-- > 0;) {
      slot(first + i).bind(*this, first + i);
      free_.push_back(first + i);
    }
  }
  const std::uint32_t index = free_.back();
  free_.pop_back();
  return slot(index);
}

void EventLoop::release(Connection& connection) {
  free_.push_back(connection.ref().slot);
  --open_;
  context_.connections.fetch_sub(1, std::memory_order_relaxed);
  if (peak_ >= kTrimMinimum && open_ < peak_ / 2 && !trim_.is_scheduled()) {
    timers_.schedule(trim_, now_ + kTrimDelay);
  }
}

void EventLoop::accept_clients() {
  for (int i = 0; i < kAcceptsPerTurn && listening_; ++i) {
    Listener::Accepted accepted = listener_.accept();
    if (accepted.status == Listener::AcceptStatus::none) {
      clients_wait_ = false;
      return;
    }
    if (accepted.status == Listener::AcceptStatus::exhausted || !admit(accepted)) {
      if (accepted.status == Listener::AcceptStatus::exhausted) pause_listener();
      if (now_ - last_refusal_log_ >= kLogInterval) {
        last_refusal_log_ = now_;
        log_event(LogLevel::warning, "connection refused",
                  {{"reason", "limit of connections or descriptors"},
                   {"connections", context_.connections.load(std::memory_order_relaxed)},
                   {"peer", accepted.peer.text()}});
      }
      context_.refused.fetch_add(1, std::memory_order_relaxed);
    }
  }
  clients_wait_ = false;  // level-triggered: the next turn hears of those who still wait
}

// False: over a limit; the socket closes.
bool EventLoop::admit(Listener::Accepted& accepted) {
  if (context_.connections.load(std::memory_order_relaxed) >= context_.max_connections) {
    return false;
  }
  if (!context_.addresses.enter(accepted.peer)) return false;
  const int fd = accepted.socket.get();
  SslPtr ssl;
  if (context_.tls) {
    ssl = context_.tls->make_session(fd);
    if (!ssl) {
      context_.addresses.leave(accepted.peer);
      return false;
    }
  }
  Connection& connection = take_slot();
  ++open_;
  peak_ = std::max(peak_, open_);
  context_.connections.fetch_add(1, std::memory_order_relaxed);
  connection.open(Transport(std::move(accepted.socket), std::move(ssl)), accepted.peer);
  if (watch(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, tag_of(connection.ref()))) return true;
  connection.close();
  return false;
}

// Out of descriptors: a level-triggered listener would spin until one is free.
void EventLoop::pause_listener() {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listener_.fd(), nullptr);
  listening_ = false;
  timers_.schedule(accept_again_, now_ + kAcceptPause);
}

void EventLoop::run_timers() {
  while (TimerNode* const node = timers_.pop_due(now_)) {
    if (node == &accept_again_) {
      listening_ = watch(listener_.fd(), EPOLLIN, kListenerTag);
    } else if (node == &trim_) {
      trim_memory();
    } else {
      static_cast<Connection*>(node)->on_deadline();
    }
  }
}

void EventLoop::trim_memory() {
  peak_ = open_;
  ::malloc_trim(0);
}

}  // namespace http
