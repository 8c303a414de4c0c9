// cpp-httplib stays in this file. Its client keeps the connection between requests and opens a new
// one when the server has closed it.
#include "server/client/eas_client.h"

#include <httplib.h>

#include <csignal>

#include "server/client/query_codec.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"
#include "wbxml/encoder.h"

namespace eas::client {

using storage::ErrorKind;
using storage::fail;
using storage::Result;
using wbxml::Element;

namespace {

constexpr std::string_view kDefaultPath = "/Microsoft-Server-ActiveSync";

// "https://host:port/path" → "https://host:port" and "/path".
std::pair<std::string, std::string> split_url(const std::string& url) {
  const std::size_t scheme = url.find("://");
  const std::size_t host = scheme == url.npos ? 0 : scheme + 3;
  const std::size_t slash = url.find('/', host);
  std::string path = slash == url.npos ? "" : url.substr(slash);
  if (path.empty() || path == "/") path = kDefaultPath;
  return {url.substr(0, slash), path};
}

wbxml::DecodeLimits answer_limits() {
  wbxml::DecodeLimits limits;
  limits.max_elements = 2'000'000;  // a Sync answer of a foreign server may be large
  limits.max_text = 1u << 30;
  return limits;
}

}  // namespace

struct EasClient::Connection {
  explicit Connection(const std::string& scheme_host_port) : http(scheme_host_port) {}
  httplib::Client http;
};

std::string_view Answer::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (storage::equals_ignore_case(key, name)) return value;
  }
  return "";
}

const Folder* FolderHierarchy::find_type(int type) const {
  for (const auto& [id, folder] : folders) {
    if (folder.type == type) return &folder;
  }
  return nullptr;
}

std::optional<storage::Error> http_error(const Answer& answer) {
  if (answer.status == 200) return std::nullopt;
  ErrorKind kind = ErrorKind::internal;
  if (answer.status == 401 || answer.status == 403) kind = ErrorKind::denied;
  if (answer.status == 400) kind = ErrorKind::invalid;
  if (answer.status == 404) kind = ErrorKind::not_found;
  if (answer.status == 413) kind = ErrorKind::too_large;
  if (answer.status == 503) kind = ErrorKind::unavailable;
  return storage::Error{kind, "HTTP status " + std::to_string(answer.status)};
}

int number_of(const Element& parent, wbxml::Tag tag, int otherwise) {
  const auto text = parent.text_of(tag);
  const auto number = text ? storage::parse_int(*text) : std::nullopt;
  return number && *number >= INT32_MIN && *number <= INT32_MAX ? static_cast<int>(*number)
                                                                : otherwise;
}

EasClient::EasClient(ClientOptions options) : options_(std::move(options)) {
  // Writing to a connection that the server has just closed must be an error, not the process's
  // end; the library leaves this to its user.
  std::signal(SIGPIPE, SIG_IGN);
  const auto [server, path] = split_url(options_.url);
  path_ = path;
  const bool known = server.rfind("https://", 0) == 0 || server.rfind("http://", 0) == 0;
  if (!known) return;  // every request fails with `unavailable`
  connection_ = std::make_unique<Connection>(server);
  httplib::Client& http = connection_->http;
  http.set_keep_alive(true);
  http.set_tcp_nodelay(true);
  http.set_url_encode(false);  // targets are encoded here, and base64 must stay as it is
  http.set_connection_timeout(std::chrono::seconds(10));
  http.enable_server_certificate_verification(options_.verify_certificate);
  if (!options_.ca_file.empty()) http.set_ca_cert_path(options_.ca_file);
}

EasClient::EasClient(EasClient&&) noexcept = default;
EasClient::~EasClient() = default;

void EasClient::cancel() {
  if (connection_) connection_->http.stop();
}

Result<Answer> EasClient::send(const std::string& method, const std::string& target,
                               const std::vector<Header>& headers, std::string body,
                               std::chrono::milliseconds timeout) {
  if (!connection_)
    return fail(ErrorKind::unavailable, "not an http or https URL: " + options_.url);
  httplib::Request request;
  request.method = method;
  request.path = target;
  request.body = std::move(body);
  for (const auto& [name, value] : headers) request.headers.emplace(name, value);
  if (!request.has_header("Authorization")) {
    request.headers.emplace("Authorization", "Basic " + storage::base64_encode(options_.user + ":" +
                                                                               options_.password));
  }
  if (!request.has_header("Accept-Encoding")) {
    request.headers.emplace("Accept-Encoding", options_.accept_gzip ? "gzip" : "identity");
  }
  if (timeout.count() == 0) timeout = options_.timeout;
  connection_->http.set_read_timeout(timeout);
  connection_->http.set_write_timeout(timeout);
  httplib::Result result = connection_->http.send(request);
  if (!result) {
    return fail(ErrorKind::unavailable, "no answer: " + httplib::to_string(result.error()));
  }
  Answer answer;
  answer.status = result->status;
  for (const auto& [name, value] : result->headers) answer.headers.emplace_back(name, value);
  answer.body = std::move(result->body);
  if (!answer.body.empty() && answer.body.front() == '\x03') {
    auto tree = wbxml::decode(answer.body, answer_limits());
    if (tree) answer.tree = std::move(*tree);
  }
  return answer;
}

std::string EasClient::query_of(const PostRequest& request) const {
  ClientQuery query;
  query.base64 = options_.base64_query;
  query.command = request.command;
  query.user = options_.user;
  query.device_id = options_.device_id;
  query.device_type = options_.device_type;
  unsigned version = 0;  // "14.1" → 141
  for (const char c : to_string(options_.version)) {
    if (c != '.') version = version * 10 + static_cast<unsigned>(c - '0');
  }
  query.version_byte = static_cast<std::uint8_t>(version);
  if (policy_key_ != 0) query.policy_key = policy_key_;
  query.params = request.params;
  return encode_query(query);
}

Result<Answer> EasClient::post(const PostRequest& request) {
  std::vector<Header> headers = request.headers;
  if (!request.content_type.empty()) headers.emplace_back("Content-Type", request.content_type);
  if (!options_.base64_query) {
    headers.emplace_back("MS-ASProtocolVersion", to_string(options_.version));
    headers.emplace_back("X-MS-PolicyKey", std::to_string(policy_key_));
  }
  headers.emplace_back("User-Agent", "Godwit-client");
  return send("POST", path_ + "?" + query_of(request), headers, request.body, request.timeout);
}

Result<Element> EasClient::command(const Element& request, std::chrono::milliseconds timeout) {
  const wbxml::TagInfo* info = wbxml::find_tag(request.tag);
  if (info == nullptr) return fail(ErrorKind::invalid, "no command has such a root");
  PostRequest post_request;
  post_request.command = info->name;
  post_request.body = wbxml::encode(request);
  post_request.timeout = timeout;
  GODWIT_ASSIGN(Answer answer, post(post_request));
  if (auto error = http_error(answer)) return fail(std::move(*error));
  if (answer.body.empty()) return Element();
  if (!answer.tree) return fail(ErrorKind::internal, "the answer is not WBXML");
  return std::move(*answer.tree);
}

Result<ServerOptions> EasClient::options() {
  GODWIT_ASSIGN(const Answer answer, send("OPTIONS", path_, {}, ""));
  if (auto error = http_error(answer)) return fail(std::move(*error));
  const auto list = [&answer](std::string_view name) {
    std::vector<std::string> values;
    for (const std::string_view value : storage::split(answer.header(name), ',')) {
      if (!storage::trim(value).empty()) values.emplace_back(storage::trim(value));
    }
    return values;
  };
  return ServerOptions{list("MS-ASProtocolVersions"), list("MS-ASProtocolCommands")};
}

}  // namespace eas::client
