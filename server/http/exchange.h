// The plain values between the connection layer and whoever answers requests: HttpRequest,
// HttpReply, Parked. This is the one header of server/http that the rest of the server includes
// (besides http_server.h in main). Knows HTTP, no ActiveSync.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace http {

using Header = std::pair<std::string, std::string>;

// A request body: in memory when small, otherwise an unlinked temporary file, memory-mapped.
// Movable; the view is valid as long as the Body.
class Body {
 public:
  Body() = default;
  explicit Body(std::string bytes) : bytes_(std::move(bytes)) {}
  // Takes over an mmap()ed region; `hold` is released with it.
  Body(void* mapping, std::size_t length, std::shared_ptr<void> hold)
      : mapping_(mapping), length_(length), hold_(std::move(hold)) {}
  Body(Body&& other) noexcept;
  Body& operator=(Body&& other) noexcept;
  Body(const Body&) = delete;
  Body& operator=(const Body&) = delete;
  ~Body();
  std::string_view view() const {
    return mapping_ ? std::string_view(static_cast<const char*>(mapping_), length_)
                    : std::string_view(bytes_);
  }
  std::size_t size() const { return view().size(); }

 private:
  std::string bytes_;
  void* mapping_ = nullptr;
  std::size_t length_ = 0;
  std::shared_ptr<void> hold_;
};

// Why a parked request is resumed.
enum class WakeReason { woken, deadline, shutdown };

// Wakes one parked request, from any thread, at most once; later calls do nothing. Made by the
// connection layer for each request; a handler takes it before it parks, so a wake that comes
// before the request is filed is not lost. Holds no connection: waking a dead one does nothing.
// A request that parks again may use the same waker (good for one more wake; one that comes while
// `resume` runs counts) or a new one. parking.h tells the life cycle.
class Waker {
 public:
  virtual ~Waker() = default;
  virtual void wake() = 0;
};

struct HttpRequest {
  std::string method;           // "POST", "OPTIONS", "GET"
  std::string path;             // "/Microsoft-Server-ActiveSync", still percent-encoded
  std::string query;            // the raw text after '?', "" without one
  std::vector<Header> headers;  // as received, in order; names keep their case
  Body body;
  std::string peer;  // the client's address, "127.0.0.1"
  bool tls = false;

  // The first header of that name, compared without case; "" when absent.
  std::string_view header(std::string_view name) const;
  bool has_header(std::string_view name) const;

  // For a handler that may park. Set by the connection layer.
  std::function<std::shared_ptr<Waker>()> make_waker;
};

// What the head of a request allows its body.
struct BodyRule {
  std::size_t limit = 0;  // bytes; more is answered 413
  // Whether somebody known seems to send it. Files for the bodies of all others have a common
  // bound.
  bool trusted = false;
};

struct HttpReply {
  int status = 200;
  // Without Content-Length, Connection and Date: those are written here.
  std::vector<Header> headers;
  std::string content_type;  // "" when there is no body
  std::string body;
  bool close = false;  // close the connection afterwards
};

struct Parked;
using Outcome = std::variant<HttpReply, Parked>;

// A request that waits without a thread. When it is woken, its deadline passes or the server shuts
// down, `resume` runs once on a worker and answers, or parks again (not at shutdown). When the
// client hangs up, `resume` is destroyed without being called: keep what must be released in
// objects that it captures (subscriptions). That happens on an event loop's thread: their
// destructors must not block. A request that parks again at shutdown is answered 503.
struct Parked {
  std::shared_ptr<Waker> waker;
  std::chrono::steady_clock::time_point deadline;
  std::function<Outcome(WakeReason)> resume;
};

// Runs on a worker thread; must not throw. The request lives as long as the call; a handler that
// parks moves out what it needs.
using Handler = std::function<Outcome(HttpRequest&)>;

}  // namespace http
