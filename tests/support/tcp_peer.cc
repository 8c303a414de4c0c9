#include "tests/support/tcp_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace test {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// False at the end of the connection.
bool pass_on(int from, int to) {
  std::array<char, 16384> buffer{};
  const ssize_t count = ::recv(from, buffer.data(), buffer.size(), 0);
  if (count <= 0) return false;
  send_text(to, std::string(buffer.data(), static_cast<std::size_t>(count)));
  return true;
}

}  // namespace

TcpPeer::TcpPeer(std::function<void(int)> serve) : serve_(std::move(serve)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listener_, 16) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    std::abort();
  }
  port_ = ntohs(address.sin_port);
  accepting_ = std::thread([this] {
    while (!stop_) {
      pollfd waiting{listener_, POLLIN, 0};
      if (::poll(&waiting, 1, 50) <= 0) continue;
      const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket < 0) continue;
      serving_.emplace_back([this, socket] {
        serve_(socket);
        ::close(socket);
      });
    }
  });
}

TcpPeer::~TcpPeer() {
  stop_ = true;
  accepting_.join();
  for (std::thread& thread : serving_) thread.join();
  ::close(listener_);
}

std::string read_until(int socket, const std::string& end) {
  std::string text;
  char c = 0;
  while (!text.ends_with(end) && ::recv(socket, &c, 1, 0) == 1) text += c;
  return text;
}

void send_text(int socket, const std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t count = ::send(socket, text.data() + done, text.size() - done, MSG_NOSIGNAL);
    if (count <= 0) return;
    done += static_cast<std::size_t>(count);
  }
}

void relay_until_idle(int socket, std::uint16_t port, int idle_ms) {
  const int other = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  if (::connect(other, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    for (;;) {
      std::array<pollfd, 2> ends = {pollfd{socket, POLLIN, 0}, pollfd{other, POLLIN, 0}};
      if (::poll(ends.data(), ends.size(), idle_ms) <= 0) break;
      if (ends[0].revents != 0 && !pass_on(socket, other)) break;
      if (ends[1].revents != 0 && !pass_on(other, socket)) break;
    }
  }
  ::close(other);
}

}  // namespace test
