// Many HTTP(S) connections from one thread: epoll and OpenSSL, no HTTP library, so that the load
// generator is cheap beside the server that it measures. Knows only what the benchmarks need:
// one request at a time per connection, answers with Content-Length.
#pragma once

#include <openssl/ssl.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace bench {

using Clock = std::chrono::steady_clock;

struct Reply {
  int status = 0;
  std::string head;
  std::string body;
  Clock::time_point first_byte;  // when the first byte was read
};

// One thread. Callbacks run inside poll() and may send, open and close.
class LoadClient {
 public:
  // Certificates are not verified: the servers measured are ours, on loopback.
  LoadClient(std::string address, std::uint16_t port, bool tls);
  ~LoadClient();
  LoadClient(const LoadClient&) = delete;
  LoadClient& operator=(const LoadClient&) = delete;

  // Starts a connection and returns its number; numbers are not used again.
  int open();
  // Sends as soon as the handshake is done. REQUIRES: no answer is outstanding.
  void send(int connection, std::string request);
  void close(int connection);
  std::size_t open_connections() const { return open_; }

  std::function<void(int connection, Reply reply)> on_reply;
  // The connection failed or the server closed it.
  std::function<void(int connection, const std::string& why)> on_closed;

  // Handles what is there, waiting at most `timeout` for something.
  void poll(std::chrono::milliseconds timeout);
  // Polls until done() or the time is over; returns done().
  bool run_until(const std::function<bool()>& done, std::chrono::milliseconds limit);
  // Polls for that long.
  void run_for(std::chrono::milliseconds time);

 private:
  struct Connection;
  enum class Progress { done, again, failed };

  void advance(int number);
  Progress connect_and_handshake(Connection& connection);
  Progress write_out(Connection& connection);
  Progress read_in(int number, Connection& connection);
  bool take_reply(int number, Connection& connection);
  void watch(int number, Connection& connection);
  void fail(int number, const std::string& why);

  std::string address_;
  std::uint16_t port_;
  SSL_CTX* context_ = nullptr;
  int epoll_ = -1;
  std::size_t open_ = 0;
  std::vector<std::unique_ptr<Connection>> connections_;
};

}  // namespace bench
