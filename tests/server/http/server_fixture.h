// A started HttpServer on a free loopback port, plain or with a test certificate.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <utility>

#include "server/http/http_server.h"
#include "storage/base/log.h"
#include "tests/server/http/raw_client.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_certificate.h"

namespace test {

using Mode = RawClient::Mode;

class ServerFixture {
 public:
  explicit ServerFixture(Mode mode = Mode::plain, http::ServerOptions options = {}) : mode_(mode) {
    storage::set_log_level(storage::LogLevel::off);
    options.address = "127.0.0.1";
    options.port = 0;
    options.spool_dir = dir_.str();
    if (options.event_loops == 0) options.event_loops = 2;
    if (options.workers == 0) options.workers = 4;
    if (mode == Mode::tls) {
      const CertificateFiles files = write_test_certificate(dir_.str(), "server");
      options.certificate_file = files.certificate;
      options.key_file = files.key;
    }
    server_ = std::make_unique<http::HttpServer>(std::move(options));
    server_->route("/echo", [](http::HttpRequest& request) { return echo(request); });
  }

  http::HttpServer& server() { return *server_; }
  const TempDir& dir() const { return dir_; }
  void start() { REQUIRE(server_->start()); }
  RawClient client() const { return RawClient(server_->port(), mode_); }

  // Waits until `condition` holds, at most 20 s.
  static bool eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < 4000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return condition();
  }
  bool eventually_parked(std::uint64_t count) {
    return eventually([&] { return server_->stats().parked == count; });
  }
  bool eventually_connected(std::uint64_t count) {
    return eventually([&] { return server_->stats().connections == count; });
  }

  // Answers with what came: method, path, query and body.
  static http::HttpReply echo(const http::HttpRequest& request) {
    http::HttpReply reply;
    reply.content_type = "application/octet-stream";
    reply.body = request.method + " " + request.path + "?" + request.query + "\n";
    reply.body += request.body.view();
    return reply;
  }

 private:
  Mode mode_;
  TempDir dir_;
  std::unique_ptr<http::HttpServer> server_;
};

}  // namespace test
