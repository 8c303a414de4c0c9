// epoll is edge-triggered: a connection is registered once and never again, and a parked one still
// hears the hang-up. The price is that each step must go on until the socket would block, or ask
// the loop to come back (continue_later) when it has had its share of the turn.
#include "server/http/connection.h"

#include <sys/epoll.h>

#include <algorithm>
#include <utility>

#include "server/http/connection_parts.h"
#include "server/http/event_loop.h"
#include "server/http/server_context.h"
#include "server/http/wire_format.h"
#include "storage/base/log.h"

namespace http {
namespace {

using std::chrono::seconds;
using storage::log_event;
using storage::LogLevel;

constexpr std::size_t kTurnBudget = 512u << 10;  // bytes one connection moves per turn of the loop
constexpr std::size_t kJoinBelow = 16u << 10;    // smaller bodies go out together with their head
constexpr seconds kLingerTime{2};

}  // namespace

Connection::Connection() = default;
Connection::~Connection() = default;

void Connection::bind(EventLoop& loop, std::uint32_t slot) {
  loop_ = &loop;
  slot_ = slot;
}

void Connection::open(Transport transport, const PeerAddress& peer) {
  transport_ = std::move(transport);
  peer_ = peer;
  readable_ = hung_up_ = shutdown_delivered_ = false;
  const ServerOptions& options = loop_->context().options;
  phase_ = transport_.is_tls() ? Phase::handshake : Phase::reading;
  set_deadline(loop_->now() +
               (transport_.is_tls() ? options.handshake_timeout : options.head_timeout));
}

void Connection::close() {
  if (phase_ == Phase::closed) return;
  phase_ = Phase::closed;
  ++generation_;
  loop_->timers().cancel(*this);
  transport_ = Transport();
  incoming_.reset();
  outgoing_.reset();
  rest_ = std::string();
  if (counted_parked_) loop_->context().parked.fetch_sub(1, std::memory_order_relaxed);
  counted_parked_ = false;
  const std::unique_ptr<ParkedRequest> ended = std::move(parked_);
  if (ended && ended->waker) ended->waker->claim();
  loop_->context().addresses.leave(peer_);
  loop_->release(*this);
  // Last, `ended` dies here: what the handler captured is released.
}

void Connection::set_deadline(TimePoint due) { loop_->timers().schedule(*this, due); }

// ---- events ----

void Connection::on_socket(std::uint32_t epoll_events) {
  if ((epoll_events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) readable_ = true;
  if ((epoll_events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) hung_up_ = true;
  if (phase_ == Phase::parked) {
    if (hung_up_) close();
    return;
  }
  if (phase_ == Phase::working) {
    // A client that has only ended its own side may still read the answer; a broken one can not.
    if ((epoll_events & (EPOLLHUP | EPOLLERR)) != 0) close();
    return;
  }
  advance();
}

void Connection::on_deadline() {
  switch (phase_) {
    case Phase::handshake:
      loop_->context().refused.fetch_add(1, std::memory_order_relaxed);
      log_event(LogLevel::info, "handshake timed out", {{"peer", peer_.text()}});
      close();
      return;
    case Phase::reading:
      on_read_deadline();
      return;
    case Phase::parked:
      if (!parked_->waker || parked_->waker->claim()) resume(WakeReason::deadline);
      return;
    case Phase::writing:
      on_write_deadline();
      return;
    case Phase::lingering:
      close();
      return;
    case Phase::working:
    case Phase::closed:
      return;
  }
}

// What counts is what has reached the client: the system's buffer takes megabytes at once, and then
// nothing for as long as a slow client reads them.
void Connection::on_write_deadline() {
  const ServerOptions& options = loop_->context().options;
  const std::size_t under_way = std::min(transport_.unacknowledged(), outgoing_->sent);
  const std::size_t arrived = outgoing_->sent - under_way;
  const bool moves = arrived > std::exchange(outgoing_->arrived, arrived);
  if (moves && !is_too_slow(arrived, loop_->now() - outgoing_->started, options.write_stall_timeout,
                            options.min_rate)) {
    set_deadline(loop_->now() + options.write_stall_timeout);
    return;
  }
  loop_->context().refused.fetch_add(1, std::memory_order_relaxed);
  log_event(LogLevel::info, moves ? "client reads too slowly" : "client stopped reading",
            {{"peer", peer_.text()}});
  close();
}

void Connection::on_wake() {
  if (phase_ == Phase::parked) resume(WakeReason::woken);
}

void Connection::on_completion(Completion completion) {
  if (phase_ != Phase::working) return;
  if (Parked* const parked = std::get_if<Parked>(&completion.result)) {
    file(std::move(*parked), completion.traits);
  } else {
    start_reply(std::move(std::get<WireReply>(completion.result)), false);
  }
  advance();
}

void Connection::on_shutdown() {
  switch (phase_) {
    case Phase::handshake:
    case Phase::lingering:
      close();
      return;
    case Phase::reading:
      // A request that has begun is still read and answered.
      if (incoming_) return;
      transport_.finish_writing();
      close();
      return;
    case Phase::parked:
      if (!parked_->waker || parked_->waker->claim()) resume(WakeReason::shutdown);
      return;
    case Phase::working:
    case Phase::writing:
    case Phase::closed:
      return;
  }
}

// ---- steps ----

void Connection::advance() {
  std::size_t budget = kTurnBudget;
  bool more = true;
  while (more) {
    if (budget == 0) {
      loop_->continue_later(*this);
      return;
    }
    switch (phase_) {
      case Phase::handshake:
        more = step_handshake();
        break;
      case Phase::reading:
        more = step_read(budget);
        break;
      case Phase::writing:
        more = step_write(budget);
        break;
      case Phase::lingering:
        more = step_linger(budget);
        break;
      case Phase::working:
      case Phase::parked:
      case Phase::closed:
        more = false;
    }
  }
}

bool Connection::step_handshake() {
  const IoStatus status = transport_.handshake();
  if (status == IoStatus::would_block) return false;
  if (status != IoStatus::done) {
    loop_->context().refused.fetch_add(1, std::memory_order_relaxed);
    log_event(LogLevel::debug, "handshake failed",
              {{"peer", peer_.text()}, {"reason", Transport::last_tls_error()}});
    close();
    return false;
  }
  phase_ = Phase::reading;
  readable_ = true;  // OpenSSL may have read the request along with the handshake
  set_deadline(loop_->now() + loop_->context().options.head_timeout);
  return true;
}

bool Connection::step_read(std::size_t& budget) {
  if (!rest_.empty()) {
    const std::string rest = std::exchange(rest_, std::string());
    feed(rest);
    return true;
  }
  if (!readable_) return false;
  const std::span<char> buffer = loop_->scratch();
  const IoResult result = transport_.read(buffer.data(), buffer.size());
  if (result.status == IoStatus::would_block) {
    readable_ = false;
    return false;
  }
  if (result.status != IoStatus::done) {
    close();
    return false;
  }
  // A short read has emptied a plain socket; the next bytes come with an edge of their own.
  if (!transport_.is_tls() && result.bytes < buffer.size() && !hung_up_) readable_ = false;
  budget -= std::min(budget, result.bytes);
  feed({buffer.data(), result.bytes});
  return true;
}

bool Connection::step_write(std::size_t& budget) {
  const WireReply& reply = outgoing_->reply;
  const std::size_t sent = outgoing_->sent;
  const std::string_view head =
      std::string_view(reply.head).substr(std::min(sent, reply.head.size()));
  const std::string_view body =
      std::string_view(reply.body).substr(sent > reply.head.size() ? sent - reply.head.size() : 0);
  const IoResult result = transport_.write(head, body);
  if (result.status == IoStatus::would_block) return false;
  if (result.status != IoStatus::done) {
    close();
    return false;
  }
  budget -= std::min(budget, result.bytes);
  outgoing_->sent += result.bytes;
  if (outgoing_->sent == reply.head.size() + reply.body.size()) finish_reply();
  return true;
}

bool Connection::step_linger(std::size_t& budget) {
  const std::span<char> buffer = loop_->scratch();
  const IoResult result = transport_.discard(buffer.data(), buffer.size());
  if (result.status == IoStatus::would_block) return false;
  if (result.status != IoStatus::done) {
    close();
    return false;
  }
  budget -= std::min(budget, result.bytes);
  return true;
}

// ---- a reply goes out ----

void Connection::start_reply(WireReply reply, bool linger) {
  outgoing_ = std::make_unique<Outgoing>();
  outgoing_->linger = linger;
  outgoing_->started = loop_->now();
  outgoing_->reply = std::move(reply);
  WireReply& out = outgoing_->reply;
  if (out.body.size() < kJoinBelow) {
    out.head += out.body;
    out.body = std::string();
  }
  phase_ = Phase::writing;
  set_deadline(loop_->now() + loop_->context().options.write_stall_timeout);
}

void Connection::finish_reply() {
  const bool closing = outgoing_->reply.close || loop_->is_draining();
  const bool linger = outgoing_->linger || !loop_->is_draining();
  outgoing_.reset();
  if (!closing) {
    phase_ = Phase::reading;
    set_deadline(loop_->now() + loop_->context().options.keep_alive_timeout);
    return;
  }
  if (linger) {
    start_linger();
    return;
  }
  transport_.finish_writing();
  close();
}

void Connection::start_linger() {
  transport_.finish_writing();
  phase_ = Phase::lingering;
  set_deadline(loop_->now() + kLingerTime);
}

// ---- parking (see parking.h) ----

void Connection::file(Parked parked, const ReplyTraits& traits) {
  if (hung_up_) {
    close();
    return;
  }
  if (!parked.resume || shutdown_delivered_) {
    start_reply(short_reply(parked.resume ? 503 : 500, "not answered", true), false);
    return;
  }
  auto waker = std::dynamic_pointer_cast<ParkWaker>(std::move(parked.waker));
  if (waker && (waker->mailbox() != loop_->mailbox().get() || !(waker->connection() == ref()))) {
    log_event(LogLevel::error, "parked with another request's waker", {{"peer", peer_.text()}});
    waker.reset();
  }
  parked_ = std::make_unique<ParkedRequest>();
  parked_->waker = std::move(waker);
  parked_->resume = std::move(parked.resume);
  parked_->traits = traits;
  phase_ = Phase::parked;
  if (loop_->is_draining()) {
    resume(WakeReason::shutdown);
    return;
  }
  if (parked_->waker && !parked_->waker->file()) {
    resume(WakeReason::woken);
    return;
  }
  rest_.shrink_to_fit();
  counted_parked_ = true;
  loop_->context().parked.fetch_add(1, std::memory_order_relaxed);
  set_deadline(parked.deadline);
}

void Connection::resume(WakeReason reason) {
  if (counted_parked_) loop_->context().parked.fetch_sub(1, std::memory_order_relaxed);
  counted_parked_ = false;
  loop_->timers().cancel(*this);
  const std::unique_ptr<ParkedRequest> parked = std::move(parked_);
  phase_ = Phase::working;
  if (reason == WakeReason::shutdown) shutdown_delivered_ = true;
  auto job = std::make_unique<Job>();
  job->mailbox = loop_->mailbox();
  job->connection = ref();
  job->traits = parked->traits;
  job->resume = std::move(parked->resume);
  job->reason = reason;
  if (parked->waker) parked->waker->rearm();
  loop_->context().workers.submit_resumed(std::move(job));
}

}  // namespace http
