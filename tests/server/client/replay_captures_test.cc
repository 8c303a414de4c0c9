// Replay of the recorded sessions of real clients against a server that gives the recorded answers:
// every id stands for itself, so each request must come as it was recorded and nothing may differ.
#include <doctest/doctest.h>
#include <httplib.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <thread>

#include "server/client/query_codec.h"
#include "server/client/replay.h"
#include "tests/support/paths.h"
#include "wbxml/decoder.h"

namespace {

using eas::capture::ExchangeRecord;
using eas::client::ReplayReport;

std::vector<std::filesystem::path> captures() {
  std::vector<std::filesystem::path> found;
  std::error_code ignored;
  const auto dir = test::shared_dir() / "captures";
  for (const auto& entry : std::filesystem::directory_iterator(dir, ignored)) {
    if (entry.path().extension() == ".jsonl") found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

// Answers the n-th request with the n-th recorded answer, and keeps the requests.
class EchoServer {
 public:
  EchoServer() {
    const auto handler = [this](const httplib::Request& request, httplib::Response& response) {
      bodies.push_back(request.body);
      targets.push_back(request.target);
      if (bodies.size() > records.size()) {
        response.status = 500;
        return;
      }
      const ExchangeRecord& record = records[bodies.size() - 1];
      response.status = record.status == 0 ? 500 : record.status;
      const std::string versions(record.response_header("MS-ASProtocolVersions"));
      if (!versions.empty()) response.set_header("MS-ASProtocolVersions", versions);
      const std::string body = eas::client::recorded_answer_body(record);
      if (!body.empty()) response.set_content(body, "application/octet-stream");
    };
    server_.Post("/.*", handler);
    server_.Options("/.*", handler);
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~EchoServer() {
    server_.stop();
    thread_.join();
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  std::vector<ExchangeRecord> records;
  std::vector<std::string> bodies, targets;

 private:
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
};

std::set<std::string> users_of(const std::vector<ExchangeRecord>& records) {
  std::set<std::string> users;
  for (const ExchangeRecord& record : records) {
    const std::size_t mark = record.target.find('?');
    if (mark == std::string::npos) continue;
    const auto query = eas::client::decode_query(record.target.substr(mark + 1));
    if (query) users.insert(query->user);
  }
  return users;
}

std::string first_problem(const ReplayReport& report) {
  for (const auto& exchange : report.exchanges) {
    for (const auto& finding : exchange.findings) {
      if (finding.severity == eas::client::Severity::problem) {
        return std::to_string(exchange.number) + " " + exchange.command + ": " + finding.text;
      }
    }
  }
  return report.session.empty() ? "" : report.session.front().text;
}

void check_requests(const EchoServer& server) {
  for (std::size_t i = 0; i < server.records.size(); ++i) {
    CAPTURE(i);
    const std::string& recorded = server.records[i].request_body;
    const auto before = wbxml::decode(recorded), after = wbxml::decode(server.bodies[i]);
    CHECK(before.has_value() == after.has_value());
    if (before && after) {
      CHECK(*before == *after);
    } else {
      CHECK(recorded == server.bodies[i]);
    }
  }
}

}  // namespace

TEST_CASE("replay: the recorded sessions of real clients, against their own answers") {
  const auto files = captures();
  if (files.empty()) {
    MESSAGE("skipped: ../shared/captures is not here");
    return;
  }
  EchoServer server;
  std::size_t identical = 0;
  for (const auto& path : files) {
    CAPTURE(path.filename().string());
    auto records = eas::capture::read_capture_file(path.string());
    REQUIRE_MESSAGE(records.has_value(), records.error().message);
    server.records = *records;
    server.bodies.clear();
    server.targets.clear();
    const std::set<std::string> users = users_of(*records);
    eas::client::ReplayOptions options;
    options.client.url = server.url();
    options.client.user = users.empty() ? "x@example.test" : *users.rbegin();
    options.max_wait_seconds = 0;
    options.cause_changes = false;
    const ReplayReport report = eas::client::replay(*records, options);
    CHECK_MESSAGE(report.good(), first_problem(report));
    REQUIRE(server.bodies.size() == records->size());
    // Two users become one, and one that nothing names gets another address.
    if (users.size() > 1 || users.count("") != 0) continue;
    check_requests(server);
    ++identical;
  }
  CHECK(identical > 50);
}
