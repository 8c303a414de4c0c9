// `godwit doctor` beside the real server, straight and through a proxy that cuts.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/server_process.h"
#include "tests/support/tcp_peer.h"

using test::ServerProcess;

namespace {

// The server's configuration with that URL, beside the server's own.
std::string config_with_url(const ServerProcess& server, const std::string& url) {
  std::ifstream file(server.config_file());
  std::ostringstream text;
  text << file.rdbuf();
  std::string config = text.str();
  const std::string line = "url = \"" + url + "\"\n";
  const std::size_t section = config.find("[autodiscover]\n");
  if (section == std::string::npos) {
    config += "\n[autodiscover]\n" + line;
  } else {
    config.insert(section + 15, line);
  }
  const std::string path = server.dir() + "/doctor.toml";
  std::ofstream(path) << config;
  return path;
}

nlohmann::json doctor(const ServerProcess& server, const std::string& url, const char* hold,
                      int& status) {
  const auto ran = ServerProcess::run({"doctor", "--json", "--hold", hold, "--ca-file",
                                       server.dir() + "/tls/cert.pem", "--config",
                                       config_with_url(server, url)});
  status = ran.status;
  const auto json = nlohmann::json::parse(ran.out, nullptr, false);
  REQUIRE_MESSAGE(json.is_object(), ran.out << ran.err);
  return json;
}

std::string outcome_of(const nlohmann::json& report, const std::string& check,
                       const std::string& part = "") {
  for (const auto& row : report.at("checks")) {
    if (row.at("check") == check && row.dump().find(part) != std::string::npos) {
      return row.at("outcome").get<std::string>();
    }
  }
  return "none";
}

}  // namespace

TEST_CASE("doctor: a healthy server has no problem, and a request is held as long as asked") {
  ServerProcess server;
  int status = -1;
  const auto report = doctor(server, server.url(), "2", status);
  CAPTURE(report.dump(1));
  CHECK(status == 0);
  CHECK(report.at("ok") == true);
  CHECK(outcome_of(report, "database") == "ok");
  CHECK(outcome_of(report, "certificate", "it names 127.0.0.1") == "ok");
  CHECK(outcome_of(report, "autodiscover", "answers") == "ok");
  CHECK(outcome_of(report, "waiting", "held for 2 seconds") == "ok");
  const auto text = ServerProcess::run({"doctor", "--hold", "0", "--config", server.config_file()});
  CHECK(text.out.find("configuration") != std::string::npos);
}

TEST_CASE(
    "doctor: a proxy that cuts waiting requests is found, with its limit "
    "(field.md pain 23)") {
  ServerProcess server;
  test::TcpPeer proxy(
      [&server](int socket) { test::relay_until_idle(socket, server.port(), 1500); });
  int status = -1;
  const auto report = doctor(server, proxy.url("https"), "6", status);
  CAPTURE(report.dump(1));
  CHECK(status == 1);
  CHECK(report.at("ok") == false);
  CHECK(outcome_of(report, "autodiscover", "answers") == "ok");
  CHECK(outcome_of(report, "waiting", "cut after 2 seconds") == "problem");
  CHECK(outcome_of(report, "waiting", "proxy_read_timeout") == "problem");
}

TEST_CASE("doctor: phones that are kept out without anybody being told are a warning") {
  ServerProcess server;
  const auto checked = [&] {
    return ServerProcess::run({"doctor", "--hold", "0", "--config", server.config_file()}).out;
  };
  CHECK(checked().find("no rule keeps phones out") != std::string::npos);
  const auto set = ServerProcess::run(
      {"device", "rule", "default", "quarantine", "--config", server.config_file()});
  CHECK(set.status == 0);
  CHECK(checked().find("set devices.administrator") != std::string::npos);
}

TEST_CASE("doctor: before the first start it makes no secret, which would not be the server's") {
  test::TempDir dir;
  std::ofstream(dir.file("godwit.toml"))
      << "[server]\nplain_http = true\naddress = \"127.0.0.1\"\n";
  const auto ran = ServerProcess::run({"doctor", "--config", dir.file("godwit.toml")});
  CHECK(ran.out.find("start the server once") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(dir.path() / "secret.key"));
}

TEST_CASE("doctor: a stopped server and a broken configuration are problems") {
  ServerProcess server;
  const std::string url = server.url();
  CHECK(server.stop() == 0);
  int status = -1;
  const auto report = doctor(server, url, "1", status);
  CHECK(status == 1);
  CHECK(outcome_of(report, "autodiscover", "does not answer") == "problem");
  CHECK(outcome_of(report, "waiting") == "problem");
  CHECK(outcome_of(report, "database") == "ok");
  std::ofstream(server.dir() + "/broken.toml") << "[server\n";
  const auto broken = ServerProcess::run({"doctor", "--config", server.dir() + "/broken.toml"});
  CHECK(broken.status == 1);
  CHECK(broken.out.find("problem") != std::string::npos);
}
