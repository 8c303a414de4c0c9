#include "server/http/http_server.h"

#include <sys/resource.h>

#include <algorithm>
#include <limits>
#include <system_error>
#include <thread>
#include <utility>

#include "server/http/event_loop.h"
#include "server/http/server_context.h"

namespace http {
namespace {

using storage::Result;

constexpr std::uint64_t kReservedDescriptors = 256;  // databases, mail files, listeners

int cores() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

ServerOptions with_defaults(ServerOptions options) {
  if (options.event_loops <= 0) options.event_loops = std::min(4, cores());
  if (options.workers <= 0) options.workers = std::max(8, 4 * cores());
  return options;
}

std::uint64_t connection_limit(const ServerOptions& options) {
  if (options.max_connections > 0) return static_cast<std::uint64_t>(options.max_connections);
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return 1024;
  if (files.rlim_cur == RLIM_INFINITY) return std::numeric_limits<std::uint64_t>::max();
  return files.rlim_cur - std::min<std::uint64_t>(files.rlim_cur / 4, kReservedDescriptors);
}

// Runs on a worker.
void run_job(ServerContext& context, Job& job) {
  auto completion = std::make_unique<Completion>(context.adapter.run(job));
  // What the handler captured is released before the client can see the answer.
  job.resume = nullptr;
  job.request = HttpRequest();
  job.mailbox->post(Message(Message::Kind::completion, job.connection, std::move(completion)));
}

}  // namespace

ServerContext::ServerContext(ServerOptions server_options)
    : options(with_defaults(std::move(server_options))),
      framer_limits{.max_head = options.max_head,
                    .max_target = FramerLimits().max_target,
                    .max_path = options.max_path,
                    .max_headers = options.max_headers},
      max_connections(connection_limit(options)),
      adapter(options.keep_alive_timeout, draining),
      addresses(options.max_connections_per_address),
      untrusted_spool(options.max_untrusted_spool),
      workers(options.workers, options.max_queued, [this](Job& job) { run_job(*this, job); }) {
  if (!options.certificate_file.empty() || !options.key_file.empty()) {
    tls = std::make_unique<TlsContext>(options.certificate_file, options.key_file);
  }
}

class HttpServer::Impl {
 public:
  explicit Impl(ServerOptions options) : context_(std::move(options)) {}
  ~Impl() { stop(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  ServerContext& context() { return context_; }
  const ServerContext& context() const { return context_; }
  std::uint16_t port() const { return port_; }

  Result<void> start();
  void stop() EXCLUDES(stop_mutex_);

 private:
  Result<void> open_loops();

  ServerContext context_;
  std::uint16_t port_ = 0;
  std::vector<std::unique_ptr<EventLoop>> loops_;
  storage::Mutex stop_mutex_;
  std::vector<std::thread> threads_;  // start(), then stop() under stop_mutex_
};

Result<void> HttpServer::Impl::open_loops() {
  port_ = context_.options.port;
  for (int i = 0; i < context_.options.event_loops; ++i) {
    GODWIT_ASSIGN(Listener listener, Listener::open(context_.options.address, port_, i == 0));
    port_ = listener.port();
    loops_.push_back(std::make_unique<EventLoop>(context_, std::move(listener)));
    GODWIT_TRY(loops_.back()->prepare());
  }
  return {};
}

Result<void> HttpServer::Impl::start() {
  if (!loops_.empty()) return storage::fail(storage::ErrorKind::internal, "started already");
  if (context_.tls) GODWIT_TRY(context_.tls->load());
  auto opened = open_loops();
  if (opened) opened = context_.workers.start();
  if (!opened) {
    loops_.clear();
    return opened;
  }
  try {
    for (const auto& loop : loops_) threads_.emplace_back([&loop] { loop->run(); });
  } catch (const std::system_error& error) {
    stop();
    return storage::fail(storage::ErrorKind::unavailable, error.what());
  }
  return {};
}

void HttpServer::Impl::stop() {
  const storage::MutexLock lock(stop_mutex_);
  if (threads_.empty()) return;
  context_.draining.store(true, std::memory_order_release);
  for (const auto& loop : loops_) {
    loop->mailbox()->post(Message(Message::Kind::shutdown, {}, nullptr));
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  context_.workers.stop();
}

HttpServer::HttpServer(ServerOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

HttpServer::~HttpServer() = default;

void HttpServer::route(const std::string& path, Handler handler) {
  impl_->context().adapter.route(path, std::move(handler));
}

void HttpServer::route_below(const std::string& path, Handler handler) {
  impl_->context().adapter.route_below(path, std::move(handler));
}

Result<void> HttpServer::start() { return impl_->start(); }

std::uint16_t HttpServer::port() const { return impl_->port(); }

Result<void> HttpServer::reload_certificate() {
  if (!impl_->context().tls) return {};
  return impl_->context().tls->load();
}

void HttpServer::stop() { impl_->stop(); }

ServerStats HttpServer::stats() const {
  const ServerContext& context = impl_->context();
  return {.connections = context.connections.load(std::memory_order_relaxed),
          .parked = context.parked.load(std::memory_order_relaxed),
          .requests = context.requests.load(std::memory_order_relaxed),
          .refused = context.refused.load(std::memory_order_relaxed)};
}

}  // namespace http
