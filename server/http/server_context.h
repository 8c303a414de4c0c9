// What the event loops and workers of one server share. Made before the first thread starts and
// outlives the last; the members are constant or thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "server/http/head_parser.h"
#include "server/http/http_server.h"
#include "server/http/httplib_adapter.h"
#include "server/http/peer_address.h"
#include "server/http/spool_budget.h"
#include "server/http/tls_context.h"
#include "server/http/worker_pool.h"

namespace http {

struct ServerContext {
  explicit ServerContext(ServerOptions server_options);

  const ServerOptions options;
  const FramerLimits framer_limits;
  std::uint64_t max_connections = 0;
  std::unique_ptr<TlsContext> tls;    // null: plain HTTP
  std::atomic<bool> draining{false};  // set once, by stop()
  HttplibAdapter adapter;
  AddressTable addresses;
  SpoolBudget untrusted_spool;
  WorkerPool workers;

  std::atomic<std::uint64_t> connections{0};
  std::atomic<std::uint64_t> parked{0};
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> refused{0};
};

}  // namespace http
