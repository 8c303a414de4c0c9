#include "server/http/listener.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

namespace http {
namespace {

using storage::ErrorKind;
using storage::Result;
using storage::UniqueFd;

constexpr int kBacklog = 4096;
// A phone that vanished without a word is noticed after 10 to 14 minutes.
constexpr int kKeepAliveIdleSeconds = 600;
constexpr int kKeepAliveIntervalSeconds = 60;
constexpr int kKeepAliveProbes = 4;
constexpr unsigned kUserTimeoutMs = 120'000;  // unacknowledged data

template <typename T>
void set_option(int fd, int level, int name, T value) {
  ::setsockopt(fd, level, name, &value, sizeof value);
}

Result<UniqueFd> bind_socket(const addrinfo& info, bool reuse_port) {
  UniqueFd socket(::socket(info.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) {
    return storage::fail(ErrorKind::unavailable, std::string("socket: ") + std::strerror(errno));
  }
  set_option(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (reuse_port) set_option(socket.get(), SOL_SOCKET, SO_REUSEPORT, 1);
  if (info.ai_family == AF_INET6) set_option(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
  if (::bind(socket.get(), info.ai_addr, info.ai_addrlen) != 0) {
    return storage::fail(ErrorKind::unavailable, std::string("bind: ") + std::strerror(errno));
  }
  return socket;
}

std::uint16_t port_of(int fd) {
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &length) != 0) return 0;
  const in_port_t port = bound.ss_family == AF_INET6
                             ? reinterpret_cast<const sockaddr_in6&>(bound).sin6_port
                             : reinterpret_cast<const sockaddr_in&>(bound).sin_port;
  return ntohs(port);
}

}  // namespace

Result<Listener> Listener::open(const std::string& address, std::uint16_t port, bool first) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  addrinfo* found = nullptr;
  if (::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) {
    return storage::fail(ErrorKind::invalid, "not a numeric address: " + address);
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> info(found, &::freeaddrinfo);
  if (first && port != 0) {
    // The probe has no SO_REUSEPORT, so it sees every other listener. It must be gone again before
    // the real socket is bound.
    auto probe = bind_socket(*info, false);
    if (!probe) return storage::fail(std::move(probe.error()));
  }
  GODWIT_ASSIGN(UniqueFd socket, bind_socket(*info, true));
  if (::listen(socket.get(), kBacklog) != 0) {
    return storage::fail(ErrorKind::unavailable, std::string("listen: ") + std::strerror(errno));
  }
  const std::uint16_t bound = port_of(socket.get());
  return Listener(std::move(socket), bound);
}

Listener::Accepted Listener::accept() {
  Accepted accepted;
  sockaddr_storage peer{};
  socklen_t length = sizeof peer;
  accepted.socket.reset(::accept4(socket_.get(), reinterpret_cast<sockaddr*>(&peer), &length,
                                  SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!accepted.socket) {
    switch (errno) {
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM:
        accepted.status = AcceptStatus::exhausted;
        break;
      default:  // nobody, or one that hung up already; the listener stays as it is
        accepted.status = AcceptStatus::none;
    }
    return accepted;
  }
  const int fd = accepted.socket.get();
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveIdleSeconds);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, kKeepAliveIntervalSeconds);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, kKeepAliveProbes);
  set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, kUserTimeoutMs);
  accepted.peer = PeerAddress(peer);
  accepted.status = AcceptStatus::accepted;
  return accepted;
}

}  // namespace http
