// One object, RunningServer, owns everything; its members are declared in the order in which they
// need each other, so they go in the reverse one: first the connections, at the end the database.
#include "server/admin/server_process.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include "server/admin/control_socket.h"
#include "server/admin/signals.h"
#include "server/admin/stores.h"
#include "server/admin/subcommand.h"
#include "server/admin/version.h"
#include "server/autodiscover/autodiscover.h"
#include "server/autoreply/auto_reply.h"
#include "server/capture/capture.h"
#include "server/commands/dispatch.h"
#include "server/commands/spare_threads.h"
#include "server/config/config_file.h"
#include "server/conversations/always_move_watcher.h"
#include "server/doctor/hold.h"
#include "server/http/http_server.h"
#include "server/policy/device_service.h"
#include "server/policy/notice_sender.h"
#include "server/receipts/read_receipts.h"
#include "server/search/mail_search.h"
#include "server/sync/collection_locks.h"
#include "storage/base/log.h"
#include "storage/notify/postgres_bridge.h"

namespace eas::admin {
namespace {

using storage::LogLevel;
using storage::Result;

constexpr const char* kPath = "/Microsoft-Server-ActiveSync";

http::HttpReply health_reply() {
  http::HttpReply reply;
  reply.content_type = "text/plain";
  reply.body = "ok\n";
  return reply;
}

void record(capture::CaptureWriter& writer, const CapturedExchange& exchange,
            const storage::Clock& clock) {
  capture::Exchange out;
  out.time = exchange.time;
  out.seconds = static_cast<double>(clock.now_ms() - exchange.time) / 1000;
  out.user = exchange.user;
  out.device_id = exchange.device_id;
  out.method = exchange.method;
  out.path = exchange.path;
  out.query = exchange.query;
  out.request_headers = exchange.request_headers;
  out.request_body = exchange.request_body;
  out.status = exchange.status;
  out.response_headers = exchange.reply_headers;
  out.response_content_type = exchange.reply_content_type;
  out.response_body = exchange.reply_body;
  if (const auto written = writer.write(out); !written) {
    storage::log_event(LogLevel::warning, "capture not written",
                       {{"user", exchange.user},
                        {"device", exchange.device_id},
                        {"reason", written.error().message}});
  }
}

class RunningServer {
 public:
  RunningServer(std::unique_ptr<Stores> stores, std::string secret)
      : stores_(std::move(stores)),
        secret_(std::move(secret)),
        autoreply_(autoreply_services()),
        receipts_(receipt_services()),
        conversations_(*stores_->threads, *stores_->settings, stores_->clock),
        search_(*stores_->search_index, *stores_->mail, *stores_->directory, *stores_->state,
                search_options()),
        capture_(stores_->config.capture_dir),
        notice_sender_(*stores_->sender),
        devices_(*stores_->policies, stores_->addresses.get(), *stores_->mail, &notice_sender_,
                 stores_->clock, stores_->config.devices_administrator,
                 storm_options(stores_->config.limits)),
        dispatcher_(services(), dispatcher_options()),
        autodiscover_(setup_options(), dispatcher_.authenticator(), *stores_->directory,
                      stores_->clock),
        http_(http_options()) {
    add_setup_routes();
    http_.route(kPath, [this](http::HttpRequest& request) { return dispatcher_.handle(request); });
    http_.route("/healthz", [](http::HttpRequest&) { return health_reply(); });
  }
  ~RunningServer() { stop(); }
  RunningServer(const RunningServer&) = delete;
  RunningServer& operator=(const RunningServer&) = delete;

  Result<void> start() {
    GODWIT_TRY(conversations_.load(*stores_->directory));
    watcher_ = std::make_unique<AlwaysMoveWatcher>(conversations_, *stores_->mail, stores_->hub);
    GODWIT_TRY(listen_for_decisions());
    GODWIT_TRY(http_.start());
    autoreply_.start();
    receipts_.start();
    if (stores_->config.search_background) search_.start();
    return {};
  }

  void stop() {
    http_.stop();
    notice_sender_.stop();
    autoreply_.stop();
    receipts_.stop();
    search_.stop();
    watcher_.reset();
    stores_->mail->stop();
    control_.reset();
    bridge_.reset();
  }

  // The URL as it was asked for, with the real port.
  std::string url() const {
    const Config& config = stores_->config;
    const bool v6 = config.address.find(':') != std::string::npos;
    return std::string(config.plain_http ? "http://" : "https://") + (v6 ? "[" : "") +
           config.address + (v6 ? "]" : "") + ":" + std::to_string(http_.port());
  }

  void reload(const std::string& config_file) {
    if (const auto config = load_config(config_file)) {
      storage::set_log_level(storage::parse_log_level(config->log_level));
    } else {
      storage::log_event(LogLevel::error, "configuration not read again",
                         {{"reason", config.error().message}});
    }
    if (stores_->config.plain_http) return;
    if (const auto done = http_.reload_certificate(); !done) {
      storage::log_event(LogLevel::error, "certificate not read again",
                         {{"reason", done.error().message}});
    } else {
      storage::log_event(LogLevel::info, "certificate read again");
    }
  }

  http::ServerStats stats() const { return http_.stats(); }

 private:
  static policy::StormOptions storm_options(const Limits& limits) {
    policy::StormOptions options;
    options.repetitions = limits.storm_repetitions;
    return options;
  }

  // Other nodes and the subcommands beside this server: what they change wakes who waits here.
  Result<void> listen_for_decisions() {
    if (stores_->database->is_sqlite()) {
      auto opened = ControlSocket::open(stores_->config.data_dir, stores_->hub);
      if (opened) {
        control_ = std::move(*opened);
        return {};
      }
      // It serves all the same; decisions count with the next request of a device.
      storage::log_event(LogLevel::warning, "no control socket",
                         {{"reason", opened.error().message}});
      return {};
    }
    storage::PostgresBridgeOptions options;
    options.on_gap = [this] { dispatcher_.device_changed(0, 0); };
    GODWIT_ASSIGN(bridge_, storage::PostgresBridge::start(stores_->database->url(), stores_->hub,
                                                          std::move(options)));
    return {};
  }

  Services services() {
    Services services;
    services.directory = stores_->directory.get();
    services.addresses = stores_->addresses.get();
    services.mail = stores_->mail.get();
    services.sender = stores_->sender.get();
    services.state = stores_->state.get();
    services.settings = stores_->settings.get();
    services.threads = stores_->threads.get();
    services.conversations = &conversations_;
    services.hub = &stores_->hub;
    services.clock = &stores_->clock;
    services.locks = &locks_;
    services.search = &search_;
    services.limits = &stores_->config.limits;
    services.certificates = stores_->certificates.get();
    services.oof_listener = &autoreply_;
    services.read_listener = &receipts_;
    services.secret = secret_;
    services.devices = &devices_;
    services.spare = &spare_;
    return services;
  }

  autodiscover::SetupOptions setup_options() const {
    const Config& config = stores_->config;
    autodiscover::SetupOptions options;
    options.url = config.autodiscover_url;
    options.imap = config.autodiscover_imap;
    options.smtp = config.autodiscover_smtp;
    options.local_domains = config.local_domains;
    options.redirects = config.autodiscover_redirects;
    options.certificate = config.certificate;
    options.key = config.key;
    return options;
  }

  void add_setup_routes() {
    const auto xml = [this](http::HttpRequest& request) { return autodiscover_.xml(request); };
    const auto json = [this](http::HttpRequest& request) { return autodiscover_.json(request); };
    const auto profile = [this](http::HttpRequest& request) {
      return autodiscover_.profile(request);
    };
    http_.route("/autodiscover/autodiscover.xml", xml);
    http_.route("/autodiscover/autodiscover.json", json);
    http_.route_below("/autodiscover/autodiscover.json", json);
    http_.route(std::string(doctor::kHoldPath), [this](http::HttpRequest& request) {
      return doctor::hold(request, secret_, stores_->clock.now_ms());
    });
    http_.route("/mobileconfig", profile);
    http_.route_below("/mobileconfig", profile);
  }

  autoreply::AutoReplyServices autoreply_services() {
    autoreply::AutoReplyServices services;
    services.directory = stores_->directory.get();
    services.addresses = stores_->addresses.get();
    services.mail = stores_->mail.get();
    services.sender = stores_->sender.get();
    services.settings = stores_->settings.get();
    services.hub = &stores_->hub;
    services.clock = &stores_->clock;
    services.local_domains = stores_->config.local_domains;
    services.external_replies = stores_->config.oof_external;
    return services;
  }

  receipts::ReadReceiptServices receipt_services() const {
    receipts::ReadReceiptServices services;
    services.directory = stores_->directory.get();
    services.addresses = stores_->addresses.get();
    services.sender = stores_->sender.get();
    services.settings = stores_->settings.get();
    services.clock = &stores_->clock;
    services.local_domains = stores_->config.local_domains;
    services.mode = receipts::parse_mode(stores_->config.read_receipts);
    return services;
  }

  MailSearchOptions search_options() const {
    MailSearchOptions options;
    options.catch_up = std::chrono::seconds(stores_->config.search_catch_up);
    return options;
  }

  DispatcherOptions dispatcher_options() {
    DispatcherOptions options;
    options.server_version = kVersion;
    options.capture = [this](const CapturedExchange& exchange) {
      record(capture_, exchange, stores_->clock);
    };
    return options;
  }

  http::ServerOptions http_options() {
    const Config& config = stores_->config;
    http::ServerOptions options;
    options.address = config.address;
    options.port = config.port;
    if (!config.plain_http) {
      options.certificate_file = config.certificate;
      options.key_file = config.key;
    }
    options.event_loops = config.event_loops;
    options.workers = config.workers;
    options.max_body = config.limits.max_request;
    options.spool_dir = config.data_dir;
    const Limits& limits = config.limits;
    options.max_connections_per_address = limits.connections_per_address;
    options.handshake_timeout = std::chrono::seconds(limits.handshake_timeout);
    options.keep_alive_timeout = std::chrono::seconds(limits.idle_timeout);
    options.body_idle_timeout = std::chrono::seconds(limits.body_timeout);
    options.min_rate = limits.min_rate;
    // Room for some of the largest mails, from phones that come with one after a restart.
    options.max_untrusted_spool = std::max(options.max_untrusted_spool, 4 * limits.max_mail);
    options.body_rule = [this](const http::HttpRequest& request) {
      return dispatcher_.body_rule(request);
    };
    return options;
  }

  const std::unique_ptr<Stores> stores_;
  const std::string secret_;
  autoreply::AutoReply autoreply_;
  receipts::ReadReceipts receipts_;
  Conversations conversations_;
  std::unique_ptr<AlwaysMoveWatcher> watcher_;
  CollectionLocks locks_;
  MailSearch search_;
  capture::CaptureWriter capture_;
  policy::NoticeSender notice_sender_;
  policy::DeviceService devices_;
  SpareThreads spare_{static_cast<int>(std::max(2u, std::thread::hardware_concurrency())) - 1};
  Dispatcher dispatcher_;
  autodiscover::Autodiscover autodiscover_;
  http::HttpServer http_;
  std::unique_ptr<ControlSocket> control_;           // on SQLite
  std::unique_ptr<storage::PostgresBridge> bridge_;  // on PostgreSQL
};

}  // namespace

int run_server(const ServerRun& run) {
  take_signals();
  raise_file_limit();
  keep_heap_pages();
  storage::set_log_level(storage::parse_log_level(run.config.log_level));
  auto stores = Stores::open(run.config);
  if (!stores) return complain(stores.error());
  if (const auto opened = (*stores)->open_mail(); !opened) return complain(opened.error());
  auto secret = (*stores)->load_or_make_secret();
  if (!secret) return complain(secret.error());
  if (const auto opened = (*stores)->open_certificates(); !opened) return complain(opened.error());
  if (const auto opened = (*stores)->open_search(); !opened) return complain(opened.error());
  RunningServer server(std::move(*stores), *std::move(secret));
  if (const auto started = server.start(); !started) return complain(started.error());
  storage::log_event(LogLevel::info, "serving", {{"url", server.url()}, {"version", kVersion}});
  std::printf("ready %s\n", server.url().c_str());
  std::fflush(stdout);
  while (next_signal() == Signal::reload) server.reload(run.config_file);
  storage::log_event(LogLevel::info, "stopping", {{"parked", server.stats().parked}});
  server.stop();
  storage::log_event(LogLevel::info, "stopped", {{"requests", server.stats().requests}});
  return 0;
}

}  // namespace eas::admin
