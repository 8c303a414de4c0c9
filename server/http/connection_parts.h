// What a Connection has only for a time. For connection.cc and connection_request.cc.
#pragma once

#include <chrono>
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
  std::size_t sent = 0;  // taken by the socket
  bool linger = false;
  TimePoint started;
  std::size_t arrived = 0;  // at the client, when it was last looked at
};

// Whether what has moved `bytes` in `elapsed` is slower than `rate` a second. Never before `grace`
// is over: a network may come slowly into its stride.
inline bool is_too_slow(std::size_t bytes, TimePoint::duration elapsed, std::chrono::seconds grace,
                        std::size_t rate) {
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(elapsed);
  return whole >= grace && bytes < rate * static_cast<std::uint64_t>(whole.count());
}

}  // namespace http
