// Each check in situations that are really so: wrong keys, expired certificates, dead databases,
// proxies that cut.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "server/doctor/checks.h"
#include "server/doctor/hold.h"
#include "storage/sql/database.h"
#include "tests/support/child_process.h"
#include "tests/support/service_fixture.h"
#include "tests/support/tcp_peer.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_certificate.h"

namespace {

using namespace eas::doctor;
using namespace std::chrono_literals;
using eas::Config;

constexpr storage::UnixMillis kDay = 86'400'000;

storage::UnixMillis now() { return storage::SystemClock().now_ms(); }

int count(const Findings& findings, Outcome outcome) {
  int found = 0;
  for (const Finding& finding : findings) found += finding.outcome == outcome ? 1 : 0;
  return found;
}

// The text and advice of the first finding with that outcome; "" when there is none.
std::string first(const Findings& findings, Outcome outcome) {
  for (const Finding& finding : findings) {
    if (finding.outcome == outcome) return finding.text + " -> " + finding.advice;
  }
  return {};
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Config with_certificate(const test::CertificateFiles& files, const std::string& url) {
  Config config;
  config.certificate = files.certificate;
  config.key = files.key;
  config.autodiscover_url = url;
  return config;
}

Config at(const std::string& url) {
  Config config;
  config.autodiscover_url = url;
  return config;
}

const std::string kSecret(32, 's');

}  // namespace

TEST_CASE("doctor: a good certificate that is trusted has no warning") {
  test::TempDir dir;
  const auto files = test::write_test_certificate(dir.str(), "good");
  const Config config = with_certificate(files, "https://localhost:8443/");
  const Findings findings = check_certificate(config, files.certificate, now());
  CHECK(findings.size() == 4);
  CHECK(count(findings, Outcome::ok) == 4);
  Config plain;
  plain.plain_http = true;
  CHECK(count(check_certificate(plain, "", now()), Outcome::ok) == 1);
}

TEST_CASE("doctor: a self-signed certificate is a warning, one that ends soon too") {
  test::TempDir dir;
  const auto files = test::write_test_certificate(dir.str(), "own");
  const Config config = with_certificate(files, "https://127.0.0.1");
  CHECK(has(first(check_certificate(config, "", now()), Outcome::warning), "self-signed"));
  const Findings later = check_certificate(config, files.certificate, now() + 360 * kDay);
  CHECK(has(first(later, Outcome::warning), "more days"));
  CHECK(count(check_certificate(with_certificate(files, ""), files.certificate, now()),
              Outcome::warning) == 1);
}

TEST_CASE("doctor: a file of trusted certificates replaces the system's") {
  test::TempDir dir;
  const auto good = test::write_test_certificate(dir.str(), "good");
  const auto other = test::write_test_certificate(dir.str(), "other");
  const Config config = with_certificate(good, "https://localhost");
  ::setenv("SSL_CERT_FILE", good.certificate.c_str(), 1);  // the system trusts it
  CHECK(count(check_certificate(config, "", now()), Outcome::ok) == 4);
  CHECK(has(first(check_certificate(config, other.certificate, now()), Outcome::warning),
            "self-signed"));
  ::unsetenv("SSL_CERT_FILE");
  CHECK(has(first(check_certificate(config, dir.file("none"), now()), Outcome::problem),
            "--ca-file"));
}

TEST_CASE("doctor: a wrong key, an expired certificate, another host's, and none are problems") {
  test::TempDir dir;
  const auto good = test::write_test_certificate(dir.str(), "good");
  const auto other = test::write_test_certificate(dir.str(), "other");
  const auto old = test::write_test_certificate(dir.str(), "old", "localhost", -2);
  const auto problem = [](const Config& config, const std::string& ca) {
    const Findings findings = check_certificate(config, ca, now());
    CHECK(count(findings, Outcome::problem) == 1);
    return first(findings, Outcome::problem);
  };
  CHECK(has(problem(with_certificate({good.certificate, other.key}, "https://localhost"),
                    good.certificate),
            "another certificate's"));
  CHECK(has(problem(with_certificate(old, "https://localhost"), old.certificate), "expired"));
  CHECK(has(problem(with_certificate(good, "https://mail.example.test"), good.certificate),
            "does not name mail.example.test"));
  CHECK(has(problem(with_certificate({dir.file("none"), good.key}, ""), ""), "no certificate"));
  std::ofstream(dir.file("empty"));
  CHECK(has(problem(with_certificate({good.certificate, dir.file("empty")}, ""), ""), "no key"));
}

TEST_CASE("doctor: a database that a server prepared is good; a missing file is only a warning") {
  test::ServiceFixture server;
  Config config;
  config.database = "sqlite:" + server.dir.file("godwit.db");
  const Findings findings = check_database(config);
  CHECK(count(findings, Outcome::ok) == 2);
  CHECK(check_database(config).size() == 2);  // the first look left nothing behind
  config.database = "sqlite:" + server.dir.file("missing.db");
  CHECK(count(check_database(config), Outcome::warning) == 1);
  CHECK_FALSE(std::filesystem::exists(server.dir.file("missing.db")));
}

TEST_CASE("doctor: a database nobody prepared is a warning, a dead one a problem") {
  test::TempDir dir;
  Config config;
  config.database = "sqlite:" + dir.file("new.db");
  REQUIRE(storage::Database::open(config.database).has_value());
  CHECK(has(first(check_database(config), Outcome::warning), "no server has prepared it"));
  std::ofstream(dir.file("bad.db")) << std::string(8192, 'x');
  config.database = "sqlite:" + dir.file("bad.db");
  CHECK(count(check_database(config), Outcome::problem) >= 1);
  config.database = "postgresql://nobody@127.0.0.1:" + std::to_string(test::free_port()) + "/none";
  CHECK(has(first(check_database(config), Outcome::problem), "cannot be reached"));
}

TEST_CASE("doctor: an administrator who is missing where phones are kept out, or is nobody here") {
  Config config;
  config.local_domains = {"example.test"};
  CHECK(count(check_administrator(config, false, false), Outcome::ok) == 1);
  CHECK(has(first(check_administrator(config, true, false), Outcome::warning),
            "devices.administrator"));
  config.devices_administrator = "admin@Example.test";
  CHECK(count(check_administrator(config, true, true), Outcome::ok) == 1);
  CHECK(has(first(check_administrator(config, true, false), Outcome::problem),
            "neither a user nor a group"));
  config.devices_administrator = "admin@elsewhere.test";
  CHECK(count(check_administrator(config, true, false), Outcome::ok) == 1);
}

TEST_CASE("doctor: folders that are missing are problems, open ones warnings") {
  test::TempDir dir;
  Config config;
  config.data_dir = dir.str();
  config.mail_root = dir.file("mail");
  ::chmod(dir.str().c_str(), 0700);
  CHECK(has(first(check_files(config), Outcome::warning), "does not exist yet"));
  std::filesystem::create_directory(config.mail_root);
  ::chmod(config.mail_root.c_str(), 0700);
  const Findings good = check_files(config);
  CHECK(good.size() == 4);
  CHECK(good[0].outcome == Outcome::ok);
  CHECK(good[1].outcome == Outcome::ok);
  ::chmod(config.mail_root.c_str(), 0777);
  CHECK(check_files(config)[1].outcome == Outcome::warning);
  config.mail_root = dir.file("file");
  std::ofstream(config.mail_root) << "x";
  CHECK(check_files(config)[1].outcome == Outcome::problem);
  config.data_dir = dir.file("nowhere");
  CHECK(check_files(config)[0].outcome == Outcome::problem);
}

TEST_CASE("doctor: a URL where nobody, or somebody else, answers is a problem") {
  const Config dead = at("https://127.0.0.1:" + std::to_string(test::free_port()));
  CHECK(has(first(check_autodiscover(dead, ""), Outcome::problem), "does not answer"));
  test::TcpPeer other([](int socket) {
    test::read_until(socket, "\r\n\r\n");
    test::send_text(socket, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  });
  CHECK(has(first(check_autodiscover(at(other.url("http")), ""), Outcome::problem),
            "answers 404 and not as this server"));
  Config unnamed = at("");
  unnamed.local_domains = {"no-such-domain.invalid"};
  const Findings findings = check_autodiscover(unnamed, "");
  CHECK(count(findings, Outcome::warning) == 2);
  CHECK(has(findings[0].text, "autodiscover.no-such-domain.invalid has no address"));
}

TEST_CASE(
    "doctor: a proxy that gives up is named with its limit and what to set "
    "(field.md pain 23)") {
  for (const auto& [server, advice] :
       {std::pair<std::string, std::string>{"nginx/1.22.1", "proxy_read_timeout"},
        {"Apache/2.4", "ProxyTimeout"},
        {"HAProxy", "timeout server"},
        {"", "limits.max_heartbeat"}}) {
    const std::string name = server;  // clang 14 captures no structured bindings
    const std::string wanted = advice;
    test::TcpPeer proxy([&name](int socket) {
      test::read_until(socket, "\r\n\r\n");
      std::this_thread::sleep_for(1200ms);
      test::send_text(socket, "HTTP/1.1 504 Gateway Time-out\r\nServer: " + name +
                                  "\r\nContent-Length: 0\r\n\r\n");
    });
    const Findings findings = check_proxy(at(proxy.url("http")), "", kSecret, 5s);
    const std::string text = first(findings, Outcome::problem);
    CAPTURE(text);
    CHECK(has(text, "cut after 1 seconds with 504"));
    CHECK(has(text, wanted));
  }
}

TEST_CASE("doctor: a connection that is cut, or an answer that never comes, is a problem") {
  test::TcpPeer cutting([](int socket) {
    test::read_until(socket, "\r\n\r\n");
    std::this_thread::sleep_for(1200ms);
  });
  CHECK(has(first(check_proxy(at(cutting.url("http")), "", kSecret, 5s), Outcome::problem),
            "connection was cut after 1 seconds"));
  test::TcpPeer stranger([](int socket) {
    test::read_until(socket, "\r\n\r\n");
    test::send_text(socket, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  });
  CHECK(has(first(check_proxy(at(stranger.url("http")), "", kSecret, 5s), Outcome::problem),
            "answers 404"));
  const Config dead = at("http://127.0.0.1:" + std::to_string(test::free_port()));
  CHECK(has(first(check_proxy(dead, "", kSecret, 5s), Outcome::problem), "does not answer"));
  CHECK(count(check_proxy(at(""), "", kSecret, 5s), Outcome::warning) == 1);
}

TEST_CASE("doctor: the relay is greeted; one that refuses or is not there is a problem") {
  const auto relay = [](const std::string& greeting) {
    return [greeting](int socket) {
      test::send_text(socket, greeting + "\r\n");
      for (;;) {
        const std::string line = test::read_until(socket, "\r\n");
        if (line.empty() || line.starts_with("QUIT")) return;
        test::send_text(socket, "250 fine\r\n");
      }
    };
  };
  Config config;
  config.relay_starttls = "never";
  CHECK(count(check_relay(config), Outcome::warning) == 1);
  {
    test::TcpPeer good(relay("220 relay.test ESMTP"));
    config.relay_url = good.url("smtp");
    CHECK(count(check_relay(config), Outcome::ok) == 1);
    config.relay_starttls = "required";
    CHECK(has(first(check_relay(config), Outcome::problem), "relay.starttls"));
    config.relay_starttls = "never";
  }
  {
    test::TcpPeer bad(relay("554 go away"));
    config.relay_url = bad.url("smtp");
    CHECK(count(check_relay(config), Outcome::problem) == 1);
  }
  config.relay_url = "smtp://127.0.0.1:" + std::to_string(test::free_port());
  CHECK(has(first(check_relay(config), Outcome::problem), "start the relay"));
  config.relay_password_file = "/nonexistent/password";
  CHECK(has(first(check_relay(config), Outcome::problem), "cannot be read"));
}

TEST_CASE("doctor: only who has the secret can make the server hold a request") {
  const auto ask = [](const std::string& query, const std::string& secret,
                      storage::UnixMillis when) {
    http::HttpRequest request;
    request.query = query;
    request.make_waker = [] { return std::make_shared<test::TestWaker>(); };
    return hold(request, secret, when);
  };
  const storage::UnixMillis when = 1'795'000'000'000;
  const std::string query = hold_query(kSecret, 30s, when);
  http::Outcome held = ask(query, kSecret, when);
  auto* parked = std::get_if<http::Parked>(&held);
  REQUIRE(parked != nullptr);
  const auto rest = parked->deadline - std::chrono::steady_clock::now();
  CHECK(rest > 25s);
  CHECK(rest <= 30s);
  http::Outcome done = parked->resume(http::WakeReason::deadline);
  CHECK(std::get<http::HttpReply>(done).body == "held 30\n");

  const auto refused = [&](const std::string& text, const std::string& secret,
                           storage::UnixMillis time) {
    const http::Outcome outcome = ask(text, secret, time);
    const auto* reply = std::get_if<http::HttpReply>(&outcome);
    return reply != nullptr && reply->status == 404;
  };
  CHECK(refused("", kSecret, when));
  CHECK(refused("seconds=30&until=9999999999999&token=0000", kSecret, when));
  CHECK(refused(query, std::string(32, 'o'), when));
  CHECK(refused(query, "", when));
  CHECK(refused(query, kSecret, when + kDay));
  std::string longer = query;
  longer.replace(longer.find("30"), 2, "99");
  CHECK(refused(longer, kSecret, when));
  CHECK(refused(hold_query(kSecret, 4000s, when), kSecret, when));
}

TEST_CASE("doctor: findings as text have a line each, as JSON all fields") {
  const Findings findings = {{Outcome::ok, "one", "good", ""},
                             {Outcome::problem, "two", "bad \"x\"", "mend it"}};
  CHECK(as_text(findings) ==
        "ok       one            good\nproblem  two            bad \"x\" -> mend it\n");
  const auto json = nlohmann::json::parse(as_json(findings));
  CHECK(json.at("ok") == false);
  CHECK(json.at("checks").size() == 2);
  CHECK(json.at("checks")[1].at("advice") == "mend it");
  CHECK(has_problem(findings));
  CHECK_FALSE(has_problem({findings[0]}));
}
