// What a Connection has only for a time. For connection.cc and connection_request.cc.
#pragma once

#include <optional>

#include "server/http/body_collector.h"
#include "server/http/connection.h"
#include "server/http/request_framer.h"

namespace http {

struct Connection::Incoming {
  explicit Incoming(const FramerLimits& limits) : framer(limits) {}
  RequestFramer framer;
  std::optional<BodyCollector> body;  // from the end of the head on
  TimePoint body_started;
  TimePoint last_progress;
};

struct Connection::Outgoing {
  WireReply reply;
  std::size_t sent = 0;
  bool linger = false;
};

}  // namespace http
