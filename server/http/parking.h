// The life cycle of a parked request.
//
//   handler                     waker state        event loop
//   ─────────────────────────────────────────────────────────────────────────────────────
//   make_waker(), subscribe     subscribed
//   looks once more: no news    subscribed
//   returns Parked          ──► subscribed ──file()──► parked       request, buffers and thread are
//                                                        │          gone; the socket is watched
//   wake() before filing    ──► woken:  file() fails, `resume` is queued at once
//   wake() after filing     ──► woken,  and a message to the loop's mailbox; the loop queues
//   `resume` the deadline passes, or shutdown:   the loop's claim() → woken, then it queues
//   `resume` the client hangs up:                the loop's claim() → woken, then it destroys
//   `resume`
//
// The step to `woken` is one compare-and-swap, so exactly one of {wake, deadline, hang-up,
// shutdown} wins; the others find it done and do nothing. A wake that won while the loop was
// closing the connection arrives with an old generation and is dropped.
//
// rearm() just before `resume` runs puts the waker back to subscribed. So a handler may park again
// with the same waker, and a wake that came in between is not lost either.
//
// A waker holds the mailbox of its loop, never the connection; it may outlive both the connection
// and the server.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "server/http/exchange.h"
#include "server/http/mailbox.h"

namespace http {

// wake() from any thread; the rest is for the loop that owns the connection.
class ParkWaker final : public Waker {
 public:
  ParkWaker(std::shared_ptr<Mailbox> mailbox, ConnectionRef connection)
      : mailbox_(std::move(mailbox)), connection_(connection) {}

  void wake() override;

  // The request is filed as parked; false when a wake came first.
  bool file();
  // The loop ends the parking for a reason of its own; false when a wake came first: its message
  // is on the way.
  bool claim();
  // Wakes from now on count for the next file().
  void rearm();

  const ConnectionRef& connection() const { return connection_; }
  const Mailbox* mailbox() const { return mailbox_.get(); }

 private:
  enum class State : std::uint8_t { subscribed, parked, woken };

  std::shared_ptr<Mailbox> mailbox_;
  ConnectionRef connection_;
  std::atomic<State> state_{State::subscribed};
};

// How the reply to one request is to be written; all that is remembered of a parked request.
struct ReplyTraits {
  bool head_only = false;  // HEAD
  bool accepts_gzip = false;
  bool close = false;  // the client asked for it, or HTTP/1.0
};

// What a connection keeps of a parked request. Its deadline is in the loop's timer wheel.
struct ParkedRequest {
  std::shared_ptr<ParkWaker> waker;  // may be null: then only deadline and shutdown wake it
  std::function<Outcome(WakeReason)> resume;
  ReplyTraits traits;
};

}  // namespace http
