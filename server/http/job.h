// What travels between the event loops and the workers: a Job goes out, a Completion comes back.
// Plain values.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "server/http/exchange.h"
#include "server/http/mailbox.h"
#include "server/http/parking.h"

namespace http {

// A request to be handled, or (when `resume` is set) a parked one to be resumed.
struct Job {
  std::shared_ptr<Mailbox> mailbox;  // where the completion goes
  ConnectionRef connection;
  ReplyTraits traits;
  HttpRequest request;
  std::function<Outcome(WakeReason)> resume;
  WakeReason reason = WakeReason::woken;
};

// The bytes of an answer. The body stands apart so that large ones are not copied.
struct WireReply {
  std::string head;  // status line and headers, with the empty line
  std::string body;
  bool close = false;
};

struct Completion {
  std::variant<WireReply, Parked> result;
  ReplyTraits traits;
};

}  // namespace http
