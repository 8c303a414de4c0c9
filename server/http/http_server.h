// The event-driven HTTP(S) server: event loops own the sockets, cpp-httplib parses, routes and
// writes, workers run handlers, parked requests hold no thread. See README.md in this folder.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "server/http/exchange.h"
#include "storage/base/result.h"

namespace http {

struct ServerOptions {
  std::string address = "0.0.0.0";
  std::uint16_t port = 443;      // 0: any free port, see HttpServer::port()
  std::string certificate_file;  // PEM chain; with key_file both empty: plain HTTP
  std::string key_file;
  int event_loops = 0;            // 0: one per core, at most 4
  int workers = 0;                // 0: 4 per core, at least 8
  std::size_t max_queued = 4096;  // requests waiting for a worker; more get 503 + Retry-After

  std::size_t max_head = 32u << 10;
  int max_headers = 100;
  std::size_t max_path = 256;
  // Body limits: most requests are small; the paths or commands that may be large are told apart by
  // `body_rule` (below), so that a limit is enforced before the bytes arrive.
  std::size_t max_body = 1u << 20;
  std::size_t spool_above = 256u << 10;  // larger bodies go to an unlinked file in spool_dir
  std::string spool_dir = "/tmp";
  // What the request with this head (method, path, query, headers are set) may bring; when empty:
  // max_body, and nobody is trusted. Runs on a loop thread: must be quick. A limit of 0 refuses
  // with 413.
  std::function<BodyRule(const HttpRequest&)> body_rule;
  // Bytes of all bodies in files whose senders are not trusted; more get 503 + Retry-After.
  std::size_t max_untrusted_spool = 256u << 20;

  int max_connections = 0;              // 0: what RLIMIT_NOFILE allows, less a reserve
  int max_connections_per_address = 0;  // of IPv6: per /64 network; 0: no limit
  std::chrono::seconds handshake_timeout{10};
  std::chrono::seconds head_timeout{20};  // from the first byte to the end of the head
  std::chrono::seconds body_idle_timeout{30};
  std::chrono::seconds keep_alive_timeout{300};
  std::chrono::seconds write_stall_timeout{60};
  // Bytes per second of a body after body_idle_timeout, and of a reply after write_stall_timeout,
  // averaged from its start.
  std::size_t min_rate = 1024;
  std::chrono::seconds drain_timeout{30};  // graceful shutdown
};

struct ServerStats {
  std::uint64_t connections = 0;  // open now
  std::uint64_t parked = 0;       // parked now
  std::uint64_t requests = 0;     // since the start
  std::uint64_t refused = 0;      // framing errors, limits, time-outs
};

// Thread-safe but for start(). Handlers must be added before start().
class HttpServer {
 public:
  explicit HttpServer(ServerOptions options);
  ~HttpServer();  // stops
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Requests for exactly this path (compared without case) go to `handler`, any method.
  // Everything else is answered 404.
  void route(const std::string& path, Handler handler);
  // The same for every path that begins with `path` and a slash ("/a" for "/a/b", not for "/a").
  void route_below(const std::string& path, Handler handler);

  // Binds, listens and serves in threads of its own. unavailable: the address is in use or may not
  // be bound; invalid: the certificate or key cannot be read.
  storage::Result<void> start();
  std::uint16_t port() const;

  // Reads the certificate files again; connections made from now on use them. On failure the old
  // ones stay in use.
  storage::Result<void> reload_certificate();

  // Graceful: no new connections, every parked request is resumed with WakeReason::shutdown and
  // answered, running ones finish (at most drain_timeout), then everything is closed. Blocks, and
  // after drain_timeout still waits for handlers that have not returned. Any thread but a
  // handler's.
  void stop();

  ServerStats stats() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace http
