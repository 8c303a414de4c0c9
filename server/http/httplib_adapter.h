// The one place that knows cpp-httplib. It routes a framed request to its handler and writes the
// reply, on a memory stream: no socket is involved. A parked request is resumed through a second
// httplib server that the network cannot reach.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

#include "server/http/exchange.h"
#include "server/http/job.h"

namespace http {

// route() before the first run(); run() is thread-safe.
class HttplibAdapter {
 public:
  // Replies written while `draining` is set say "Connection: close".
  HttplibAdapter(std::chrono::seconds keep_alive_timeout, const std::atomic<bool>& draining);
  ~HttplibAdapter();
  HttplibAdapter(const HttplibAdapter&) = delete;
  HttplibAdapter& operator=(const HttplibAdapter&) = delete;

  // Requests for exactly this path, compared without case.
  void route(const std::string& path, Handler handler);
  // For every path below it.
  void route_below(const std::string& path, Handler handler);

  // Runs a new or a resumed request to its reply or parking. Never throws: what a handler throws
  // becomes a 500 and a log line. `job.traits.close` tells whether the connection closes after it.
  Completion run(Job& job);

 private:
  class Engine;
  void route_pattern(const std::string& pattern, Handler handler);
  std::unique_ptr<Engine> requests_;
  std::unique_ptr<Engine> resumed_;
};

}  // namespace http
