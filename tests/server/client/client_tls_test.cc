#include <doctest/doctest.h>
#include <httplib.h>

#include <thread>

#include "server/client/eas_client.h"
#include "server/demo/certificate.h"
#include "tests/support/temp_dir.h"

namespace {

// An HTTPS server with a certificate for these hosts.
class TlsServer {
 public:
  TlsServer(const test::TempDir& dir, const std::vector<std::string>& hosts)
      : certificate(dir.file("cert.pem")) {
    const std::string key = dir.file("key.pem");
    REQUIRE(demo::write_certificate(certificate, key, hosts).has_value());
    server_ = std::make_unique<httplib::SSLServer>(certificate.c_str(), key.c_str());
    server_->Options("/.*", [](const httplib::Request&, httplib::Response& response) {
      response.set_header("MS-ASProtocolVersions", "14.1");
    });
    port_ = server_->bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_->listen_after_bind(); });
    while (!server_->is_running()) std::this_thread::yield();
  }
  ~TlsServer() {
    server_->stop();
    thread_.join();
  }
  std::string url() const { return "https://127.0.0.1:" + std::to_string(port_); }

  const std::string certificate;

 private:
  std::unique_ptr<httplib::SSLServer> server_;
  int port_ = 0;
  std::thread thread_;
};

bool connects(const eas::client::ClientOptions& options) {
  eas::client::EasClient client(options);
  return client.options().has_value();
}

}  // namespace

TEST_CASE("client: a certificate is verified against the authorities given, unless that is off") {
  const test::TempDir dir;
  const TlsServer server(dir, {"127.0.0.1"});
  eas::client::ClientOptions options;
  options.url = server.url();
  CHECK_FALSE(connects(options));  // self-signed, and nobody said that it is trusted
  options.ca_file = server.certificate;
  CHECK(connects(options));
  options.ca_file.clear();
  options.verify_certificate = false;
  CHECK(connects(options));
}

TEST_CASE("client: a trusted certificate for another host is refused") {
  const test::TempDir dir;
  const TlsServer server(dir, {"other.example.test"});
  eas::client::ClientOptions options;
  options.url = server.url();
  options.ca_file = server.certificate;
  CHECK_FALSE(connects(options));
}
