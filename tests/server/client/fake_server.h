// An EAS server for tests of the client: each command is a function of the test. It keeps what it
// was asked.
#pragma once

#include <httplib.h>

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "server/client/query_codec.h"
#include "wbxml/decoder.h"
#include "wbxml/element.h"
#include "wbxml/encoder.h"

namespace test {

struct FakeRequest {
  eas::client::ClientQuery query;
  std::string version, policy_key, content_type, body, authorization;
  wbxml::Element tree;  // without children when the body is no WBXML
};

struct FakeAnswer {
  int status = 200;
  std::string body;
  std::string content_type = "application/vnd.ms-sync.wbxml";

  FakeAnswer() = default;
  FakeAnswer(const wbxml::Element& tree) : body(wbxml::encode(tree)) {}  // NOLINT
  static FakeAnswer http(int code) {
    FakeAnswer answer;
    answer.status = code;
    return answer;
  }
};

class FakeServer {
 public:
  using Command = std::function<FakeAnswer(const FakeRequest&)>;

  FakeServer() {
    const std::string path = "/Microsoft-Server-ActiveSync";
    server_.Options(path, [this](const httplib::Request&, httplib::Response& response) {
      response.set_header("MS-ASProtocolVersions", versions);
      response.set_header("MS-ASProtocolCommands", "Sync,SendMail, Ping");
    });
    server_.Post(path, [this](const httplib::Request& request, httplib::Response& response) {
      answer(request, response);
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~FakeServer() {
    server_.stop();
    thread_.join();
  }

  void on(const std::string& command, Command function) {
    commands_[command] = std::move(function);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::vector<FakeRequest> seen() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return seen_;
  }
  FakeRequest last() { return seen().back(); }

  std::string versions = "2.5,12.1,14.0,14.1,16.1";

 private:
  void answer(const httplib::Request& request, httplib::Response& response) {
    FakeRequest seen;
    const std::size_t mark = request.target.find('?');
    const auto query = eas::client::decode_query(
        mark == std::string::npos ? "" : std::string_view(request.target).substr(mark + 1));
    if (!query) {
      response.status = 400;
      return;
    }
    seen.query = *query;
    seen.version = request.get_header_value("MS-ASProtocolVersion");
    seen.policy_key = request.get_header_value("X-MS-PolicyKey");
    seen.content_type = request.get_header_value("Content-Type");
    seen.authorization = request.get_header_value("Authorization");
    seen.body = request.body;
    if (auto tree = wbxml::decode(request.body)) seen.tree = *tree;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      seen_.push_back(seen);
    }
    const auto command = commands_.find(query->command);
    const FakeAnswer made =
        command == commands_.end() ? FakeAnswer::http(501) : command->second(seen);
    response.status = made.status;
    if (!made.body.empty()) response.set_content(made.body, made.content_type);
  }

  httplib::Server server_;
  std::map<std::string, Command> commands_;
  std::mutex mutex_;
  std::vector<FakeRequest> seen_;
  int port_ = 0;
  std::thread thread_;
};

}  // namespace test
