// The part of Connection that takes a request in: from the first byte to the worker's queue, or to
// its refusal.
#include <algorithm>
#include <utility>

#include "server/http/connection_parts.h"
#include "server/http/event_loop.h"
#include "server/http/gzip.h"
#include "server/http/server_context.h"
#include "server/http/wire_format.h"
#include "storage/base/log.h"

namespace http {

using std::chrono::seconds;
using storage::log_event;
using storage::LogLevel;

namespace {

constexpr std::string_view kRetryLater = "Retry-After: 10\r\n";

}  // namespace

void Connection::feed(std::string_view input) {
  if (!incoming_) {
    const ServerContext& context = loop_->context();
    incoming_ = std::make_unique<Incoming>(context.framer_limits);
    set_deadline(loop_->now() + context.options.head_timeout);
  }
  while (true) {
    const RequestFramer::Step step = incoming_->framer.next(input);
    input.remove_prefix(step.consumed);
    switch (step.event) {
      case RequestFramer::Event::need_more:
        return;
      case RequestFramer::Event::head:
        if (!accept_head(!input.empty())) return;
        break;
      case RequestFramer::Event::body:
        if (!append_body(step.body)) return;
        break;
      case RequestFramer::Event::complete:
        rest_ = input;
        dispatch();
        return;
      case RequestFramer::Event::error:
        refuse(incoming_->framer.error().status, incoming_->framer.error().reason);
        return;
    }
  }
}

bool Connection::accept_head(bool body_has_come) {
  RequestFramer& framer = incoming_->framer;
  const ServerOptions& options = loop_->context().options;
  HttpRequest& request = framer.request();
  request.peer = peer_.text();
  request.tls = transport_.is_tls();
  const BodyRule rule =
      options.body_rule ? options.body_rule(request) : BodyRule{options.max_body, false};
  framer.set_body_limit(rule.limit);
  if (framer.content_length().value_or(0) > rule.limit) return true;  // the framer reports it
  incoming_->body.emplace(options.spool_above, options.spool_dir, framer.content_length(),
                          rule.trusted ? nullptr : &loop_->context().untrusted_spool);
  incoming_->body_started = incoming_->last_progress = loop_->now();
  if (!framer.has_body()) return true;
  set_deadline(body_deadline());
  if (!framer.expects_continue() || body_has_come) return true;
  constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  // Nothing else is on its way out, so these few bytes fit, or the connection is broken.
  const IoResult written = transport_.write(kContinue, {});
  if (written.status == IoStatus::done && written.bytes == kContinue.size()) return true;
  close();
  return false;
}

bool Connection::append_body(std::string_view piece) {
  incoming_->last_progress = loop_->now();
  const auto appended = incoming_->body->append(piece);
  if (appended) return true;
  log_event(LogLevel::error, "request body not stored", {{"reason", appended.error().message}});
  refuse(503, "no room for the request body");
  return false;
}

void Connection::dispatch() {
  RequestFramer& framer = incoming_->framer;
  auto body = incoming_->body->finish();
  if (!body) {
    log_event(LogLevel::error, "request body not stored", {{"reason", body.error().message}});
    refuse(503, "no room for the request body");
    return;
  }
  auto job = std::make_unique<Job>();
  job->mailbox = loop_->mailbox();
  job->connection = ref();
  job->request = std::move(framer.request());
  job->request.body = std::move(*body);
  job->request.make_waker = [mailbox = loop_->mailbox(), connection = ref()] {
    return std::make_shared<ParkWaker>(mailbox, connection);
  };
  job->traits.head_only = job->request.method == "HEAD";
  job->traits.accepts_gzip = accepts_gzip(job->request.header("Accept-Encoding"));
  job->traits.close = !framer.keep_alive();
  incoming_.reset();
  loop_->timers().cancel(*this);
  phase_ = Phase::working;
  ServerContext& context = loop_->context();
  context.requests.fetch_add(1, std::memory_order_relaxed);
  if (context.workers.submit(job)) return;
  context.refused.fetch_add(1, std::memory_order_relaxed);
  log_refusal(503, "too many requests wait for a worker");
  WireReply reply = short_reply(503, "busy", job->traits.close, kRetryLater);
  if (job->traits.head_only) reply.body.clear();
  start_reply(std::move(reply), false);
}

void Connection::refuse(int status, const char* reason) {
  loop_->context().refused.fetch_add(1, std::memory_order_relaxed);
  log_refusal(status, reason);
  incoming_.reset();
  rest_ = std::string();
  start_reply(short_reply(status, reason, true, status == 503 ? kRetryLater : ""), true);
}

void Connection::on_read_deadline() {
  if (!incoming_) {
    // Idle between requests, or nothing ever came.
    transport_.finish_writing();
    close();
    return;
  }
  if (!incoming_->body) {
    refuse(408, "head too slow");
  } else {
    const ServerOptions& options = loop_->context().options;
    const TimePoint now = loop_->now();
    const bool slow = is_too_slow(incoming_->body->size(), now - incoming_->body_started,
                                  options.body_idle_timeout, options.min_rate);
    if (now - incoming_->last_progress < options.body_idle_timeout && !slow) {
      set_deadline(body_deadline());
      return;
    }
    refuse(408, "body too slow");
  }
  advance();
}

// When the body must be looked at next.
TimePoint Connection::body_deadline() const {
  const seconds idle = loop_->context().options.body_idle_timeout;
  const TimePoint idle_end = incoming_->last_progress + idle;
  const TimePoint rate_check = std::max(incoming_->body_started + idle, loop_->now() + seconds(1));
  return std::min(idle_end, rate_check);
}

void Connection::log_refusal(int status, std::string_view reason) const {
  log_event(LogLevel::info, "request refused",
            {{"peer", peer_.text()}, {"status", status}, {"reason", reason}});
}

}  // namespace http
