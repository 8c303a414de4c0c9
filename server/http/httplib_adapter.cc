// cpp-httplib 0.11 owns a thread per connection when it is left to itself. Here it never sees a
// connection: Server::process_request, which is protected, runs over a memory stream.
//
// What it is given is a canonical request: method, path in lower case (its routes compare bytes),
// an empty body. Headers and body were framed strictly before (request_framer.h) and go to the
// handler beside it, so what httplib makes of them does not matter: it would answer Range with 206,
// compress with brotli, percent-decode header values, and copy the body.
//
// The handler's own request and outcome hang on a thread_local for the time of the call, since
// httplib::Request has no slot for them. The reply's body is not copied: httplib writes it with a
// pointer into Response::body, the stream recognises that and moves the string out.
#include "server/http/httplib_adapter.h"

#include <httplib.h>

#include <algorithm>
#include <ctime>
#include <exception>
#include <utility>

#include "server/http/gzip.h"
#include "server/http/wire_format.h"
#include "storage/base/log.h"
#include "storage/base/text.h"

namespace http {
namespace {

constexpr const char* kResumePath = "/resume";

// One pass of a job through httplib.
struct Pass {
  Job& job;
  httplib::Response* response = nullptr;  // httplib's, from the handler on
  bool parked = false;
  Parked parking;
  WireReply reply;
};

thread_local Pass* current_pass = nullptr;

class PassScope {
 public:
  explicit PassScope(Pass& pass) { current_pass = &pass; }
  ~PassScope() { current_pass = nullptr; }
  PassScope(const PassScope&) = delete;
  PassScope& operator=(const PassScope&) = delete;
};

// Reads the canonical request; takes the reply apart into head and body.
class MemoryStream final : public httplib::Stream {
 public:
  MemoryStream(std::string_view input, Pass& pass) : input_(input), pass_(pass) {}

  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, std::size_t size) override {
    const std::size_t count = std::min(size, input_.size());
    std::copy_n(input_.data(), count, to);
    input_.remove_prefix(count);
    return static_cast<ssize_t>(count);
  }
  ssize_t write(const char* from, std::size_t size) override {
    if (pass_.parked) return static_cast<ssize_t>(size);  // the empty 200 of a parked request
    httplib::Response* const response = pass_.response;
    if (response != nullptr && from == response->body.data() && size == response->body.size()) {
      pass_.reply.body = std::move(response->body);
      response->body.clear();
    } else {
      pass_.reply.head.append(from, size);
    }
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    ip = pass_.job.request.peer;
    port = 0;
  }
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return -1; }

 private:
  std::string_view input_;
  Pass& pass_;
};

// httplib compiles its patterns as regular expressions.
std::string quote_pattern(std::string_view path) {
  std::string pattern;
  for (const char c : path) {
    if (std::string_view("^$\\.*+?()[]{}|").find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

void compress(HttpReply& reply) {
  for (const Header& header : reply.headers) {
    if (storage::equals_ignore_case(header.first, "Content-Encoding")) return;
  }
  std::optional<std::string> packed = gzip(reply.body);
  if (!packed) return;
  reply.body = std::move(*packed);
  reply.headers.emplace_back("Content-Encoding", "gzip");
  reply.headers.emplace_back("Vary", "Accept-Encoding");
}

void fill_response(HttpReply reply, const ReplyTraits& traits, httplib::Response& response) {
  if (traits.accepts_gzip && worth_compressing(reply.content_type, reply.body.size())) {
    compress(reply);
  }
  response.status = reply.status;
  for (const Header& header : reply.headers) response.set_header(header.first, header.second);
  response.set_header("Date", http_date(std::time(nullptr)));
  if (!reply.content_type.empty()) response.set_header("Content-Type", reply.content_type);
  response.body = std::move(reply.body);
}

HttpReply failure_reply() {
  HttpReply reply;
  reply.status = 500;
  reply.content_type = "text/plain";
  reply.body = "internal error\n";
  return reply;
}

// Runs what the pass is about. The only place where exceptions are caught.
template <typename Call>
void serve(const Call& call, httplib::Response& response) {
  Pass& pass = *current_pass;
  pass.response = &response;
  Outcome outcome;
  try {
    outcome = call(pass.job);
  } catch (const std::exception& error) {
    storage::log_event(storage::LogLevel::error, "handler threw",
                       {{"path", pass.job.request.path}, {"what", error.what()}});
    outcome = failure_reply();
  } catch (...) {
    storage::log_event(storage::LogLevel::error, "handler threw",
                       {{"path", pass.job.request.path}});
    outcome = failure_reply();
  }
  if (Parked* const parked = std::get_if<Parked>(&outcome)) {
    pass.parked = true;
    pass.parking = std::move(*parked);
    return;
  }
  auto& reply = std::get<HttpReply>(outcome);
  if (reply.close) pass.reply.close = true;
  fill_response(std::move(reply), pass.job.traits, response);
}

// httplib writes "Internal Server Error" behind status codes that it does not know.
void correct_reason(std::string& head) {
  constexpr std::string_view kStart = "HTTP/1.1 ";
  constexpr std::string_view kWrong = " Internal Server Error\r\n";
  const std::size_t at = kStart.size() + 3;
  if (head.compare(at, kWrong.size(), kWrong) != 0) return;
  const auto status = storage::parse_int(std::string_view(head).substr(kStart.size(), 3));
  if (!status || *status == 500) return;
  std::string reason(" ");
  reason.append(reason_phrase(static_cast<int>(*status))).append("\r\n");
  head.replace(at, kWrong.size(), reason);
}

std::string canonical_request(const Job& job) {
  std::string text;
  if (job.resume) {
    text.append(job.traits.head_only ? "HEAD " : "GET ").append(kResumePath);
  } else {
    text.append(job.request.method).append(" ").append(storage::to_lower(job.request.path));
  }
  text.append(" HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
  return text;
}

}  // namespace

class HttplibAdapter::Engine final : public httplib::Server {
 public:
  Engine(std::chrono::seconds keep_alive_timeout, const std::atomic<bool>& draining) {
    // Anything but INVALID_SOCKET, which means "shutting down" to httplib.
    svr_sock_ = 0;
    std::string keep_alive = "timeout=" + std::to_string(keep_alive_timeout.count());
    // Runs last before the head is written: corrects what httplib adds for its own connections.
    set_post_routing_handler(
        [keep_alive, &draining](const httplib::Request&, httplib::Response& response) {
          if (draining.load(std::memory_order_acquire)) current_pass->reply.close = true;
          if (response.headers.erase("Keep-Alive") > 0) {
            if (current_pass->reply.close) {
              response.set_header("Connection", "close");
            } else {
              response.set_header("Keep-Alive", keep_alive);
            }
          }
          response.headers.erase("Accept-Ranges");
          if (!response.has_header("Date")) {
            response.set_header("Date", http_date(std::time(nullptr)));
          }
        });
  }
  ~Engine() override { svr_sock_ = INVALID_SOCKET; }

  void process(httplib::Stream& stream, bool close) {
    bool closed = false;
    process_request(stream, close, closed, nullptr);
  }
};

HttplibAdapter::HttplibAdapter(std::chrono::seconds keep_alive_timeout,
                               const std::atomic<bool>& draining)
    : requests_(std::make_unique<Engine>(keep_alive_timeout, draining)),
      resumed_(std::make_unique<Engine>(keep_alive_timeout, draining)) {
  resumed_->Get(kResumePath, [](const httplib::Request&, httplib::Response& response) {
    serve([](Job& job) { return job.resume(job.reason); }, response);
  });
}

HttplibAdapter::~HttplibAdapter() = default;

void HttplibAdapter::route(const std::string& path, Handler handler) {
  route_pattern(quote_pattern(storage::to_lower(path)), std::move(handler));
}

void HttplibAdapter::route_below(const std::string& path, Handler handler) {
  route_pattern(quote_pattern(storage::to_lower(path)) + "/.*", std::move(handler));
}

void HttplibAdapter::route_pattern(const std::string& pattern, Handler handler) {
  const auto shared = std::make_shared<const Handler>(std::move(handler));
  const httplib::Server::Handler run = [shared](const httplib::Request&,
                                                httplib::Response& response) {
    serve([&](Job& job) { return (*shared)(job.request); }, response);
  };
  requests_->Get(pattern, run);  // and HEAD
  requests_->Post(pattern, run);
  requests_->Put(pattern, run);
  requests_->Patch(pattern, run);
  requests_->Delete(pattern, run);
  requests_->Options(pattern, run);
}

Completion HttplibAdapter::run(Job& job) {
  Pass pass{job};
  const std::string request = canonical_request(job);
  MemoryStream stream(request, pass);
  pass.reply.close = job.traits.close;
  try {
    const PassScope scope(pass);
    (job.resume ? resumed_ : requests_)->process(stream, job.traits.close);
  } catch (const std::exception& error) {
    storage::log_event(storage::LogLevel::error, "httplib threw", {{"what", error.what()}});
    pass.reply.head.clear();
  }
  if (pass.parked) return {std::move(pass.parking), job.traits};
  if (pass.reply.head.empty()) return {short_reply(500, "internal error", true), job.traits};
  correct_reason(pass.reply.head);
  return {std::move(pass.reply), job.traits};
}

}  // namespace http
