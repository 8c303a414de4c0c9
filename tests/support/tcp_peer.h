// A TCP server of a test on a free loopback port: each connection is handed to a function, in a
// thread of its own. For peers that misbehave: proxies that cut, relays that refuse.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace test {

class TcpPeer {
 public:
  // `serve` gets the connected socket, which is closed when it returns. It must end by itself.
  explicit TcpPeer(std::function<void(int socket)> serve);
  ~TcpPeer();
  TcpPeer(const TcpPeer&) = delete;
  TcpPeer& operator=(const TcpPeer&) = delete;

  std::uint16_t port() const { return port_; }
  std::string url(const std::string& scheme) const {
    return scheme + "://127.0.0.1:" + std::to_string(port_);
  }

 private:
  std::function<void(int)> serve_;
  std::atomic<bool> stop_{false};
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::thread accepting_;
  std::vector<std::thread> serving_;
};

// Reads until the text read ends with `end`, or the peer closes.
std::string read_until(int socket, const std::string& end);
void send_text(int socket, const std::string& text);

// Passes bytes between `socket` and a loopback port until one side closes or nothing was said for
// `idle_ms`: what a proxy with a time limit does.
void relay_until_idle(int socket, std::uint16_t port, int idle_ms);

}  // namespace test
