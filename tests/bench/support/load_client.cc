#include "tests/bench/support/load_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <strings.h>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string_view>

namespace bench {

struct LoadClient::Connection {
  int fd = -1;
  SSL* ssl = nullptr;
  enum class Phase { connecting, handshake, open } phase = Phase::connecting;
  std::uint32_t watched = 0;
  std::string out;
  std::size_t sent = 0;
  std::string in;
  Clock::time_point first_byte;
  bool awaiting = false;

  ~Connection() {
    if (ssl != nullptr) SSL_free(ssl);
    if (fd >= 0) ::close(fd);
  }
};

LoadClient::LoadClient(std::string address, std::uint16_t port, bool tls)
    : address_(std::move(address)), port_(port), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) throw std::runtime_error("epoll_create1 failed");
  if (!tls) return;
  context_ = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_verify(context_, SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_mode(context_, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_OFF);
}

LoadClient::~LoadClient() {
  connections_.clear();
  if (context_ != nullptr) SSL_CTX_free(context_);
  if (epoll_ >= 0) ::close(epoll_);
}

int LoadClient::open() {
  auto connection = std::make_unique<Connection>();
  connection->fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (connection->fd < 0) {
    throw std::runtime_error(std::string("socket: ") + std::strerror(errno));
  }
  const int one = 1;
  ::setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port_);
  ::inet_pton(AF_INET, address_.c_str(), &to.sin_addr);
  if (::connect(connection->fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 &&
      errno != EINPROGRESS) {
    throw std::runtime_error(std::string("connect: ") + std::strerror(errno));
  }
  const int number = static_cast<int>(connections_.size());
  connections_.push_back(std::move(connection));
  ++open_;
  watch(number, *connections_.back());
  return number;
}

void LoadClient::send(int number, std::string request) {
  Connection* connection = connections_[static_cast<std::size_t>(number)].get();
  if (connection == nullptr) return;
  connection->out = std::move(request);
  connection->sent = 0;
  connection->awaiting = true;
  if (connection->phase != Connection::Phase::open) return;
  // Only writes: reading here would recurse when the answer is quicker than the return.
  if (write_out(*connection) == Progress::failed) return fail(number, "writing failed");
  watch(number, *connection);
}

void LoadClient::close(int number) {
  auto& connection = connections_[static_cast<std::size_t>(number)];
  if (!connection) return;
  if (connection->ssl != nullptr) SSL_shutdown(connection->ssl);
  connection.reset();
  --open_;
}

void LoadClient::fail(int number, const std::string& why) {
  close(number);
  if (on_closed) on_closed(number, why);
}

void LoadClient::watch(int number, Connection& connection) {
  const bool writing =
      connection.phase != Connection::Phase::open || connection.sent < connection.out.size();
  const std::uint32_t wanted =
      EPOLLRDHUP | EPOLLIN |
      static_cast<std::uint32_t>(writing ? static_cast<std::uint32_t>(EPOLLOUT) : 0u);
  if (wanted == connection.watched) return;
  epoll_event event{};
  event.events = wanted;
  event.data.u32 = static_cast<std::uint32_t>(number);
  ::epoll_ctl(epoll_, connection.watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, connection.fd,
              &event);
  connection.watched = wanted;
}

LoadClient::Progress LoadClient::connect_and_handshake(Connection& connection) {
  if (connection.phase == Connection::Phase::connecting) {
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(connection.fd, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) return Progress::failed;
    sockaddr_in peer{};
    socklen_t peer_length = sizeof peer;
    if (::getpeername(connection.fd, reinterpret_cast<sockaddr*>(&peer), &peer_length) != 0) {
      return Progress::again;
    }
    if (context_ == nullptr) {
      connection.phase = Connection::Phase::open;
      return Progress::done;
    }
    connection.ssl = SSL_new(context_);
    SSL_set_fd(connection.ssl, connection.fd);
    SSL_set_connect_state(connection.ssl);
    connection.phase = Connection::Phase::handshake;
  }
  ERR_clear_error();
  const int result = SSL_do_handshake(connection.ssl);
  if (result == 1) {
    connection.phase = Connection::Phase::open;
    return Progress::done;
  }
  const int error = SSL_get_error(connection.ssl, result);
  return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? Progress::again
                                                                       : Progress::failed;
}

LoadClient::Progress LoadClient::write_out(Connection& connection) {
  while (connection.sent < connection.out.size()) {
    const char* from = connection.out.data() + connection.sent;
    const std::size_t left = connection.out.size() - connection.sent;
    if (connection.ssl == nullptr) {
      const ssize_t wrote = ::send(connection.fd, from, left, MSG_NOSIGNAL);
      if (wrote < 0) return errno == EAGAIN ? Progress::again : Progress::failed;
      connection.sent += static_cast<std::size_t>(wrote);
      continue;
    }
    std::size_t wrote = 0;
    ERR_clear_error();
    const int result = SSL_write_ex(connection.ssl, from, left, &wrote);
    if (result != 1) {
      const int error = SSL_get_error(connection.ssl, result);
      return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? Progress::again
                                                                           : Progress::failed;
    }
    connection.sent += wrote;
  }
  connection.out.clear();
  connection.out.shrink_to_fit();
  connection.sent = 0;
  return Progress::done;
}

// The value of the Content-Length header, or -1.
static long content_length(std::string_view head) {
  constexpr std::string_view kName = "content-length:";
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos;
       at = head.find("\r\n", at + 2)) {
    const std::string_view line = head.substr(at + 2);
    if (line.size() > kName.size() && ::strncasecmp(line.data(), kName.data(), kName.size()) == 0) {
      return std::strtol(line.data() + kName.size(), nullptr, 10);
    }
  }
  return -1;
}

// True when a whole answer was there and has been handed over.
bool LoadClient::take_reply(int number, Connection& connection) {
  const std::size_t end = connection.in.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  const std::string_view head(connection.in.data(), end + 2);
  const long length = content_length(head);
  if (length < 0) {
    fail(number, "an answer without Content-Length");
    return true;
  }
  const std::size_t whole = end + 4 + static_cast<std::size_t>(length);
  if (connection.in.size() < whole) {
    connection.in.reserve(whole);
    return false;
  }
  Reply reply;
  reply.status = std::atoi(connection.in.c_str() + std::strlen("HTTP/1.1 "));
  reply.head = std::string(head);
  reply.body = connection.in.substr(end + 4, static_cast<std::size_t>(length));
  reply.first_byte = connection.first_byte;
  connection.in.erase(0, whole);
  connection.in.shrink_to_fit();
  connection.awaiting = false;
  if (on_reply) on_reply(number, std::move(reply));
  return true;
}

LoadClient::Progress LoadClient::read_in(int number, Connection& connection) {
  std::array<char, 16384> buffer;
  while (true) {
    std::size_t got = 0;
    if (connection.ssl == nullptr) {
      const ssize_t result = ::recv(connection.fd, buffer.data(), buffer.size(), 0);
      if (result < 0) return errno == EAGAIN ? Progress::again : Progress::failed;
      if (result == 0) return Progress::failed;
      got = static_cast<std::size_t>(result);
    } else {
      ERR_clear_error();
      const int result = SSL_read_ex(connection.ssl, buffer.data(), buffer.size(), &got);
      if (result != 1) {
        const int error = SSL_get_error(connection.ssl, result);
        return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? Progress::again
                                                                             : Progress::failed;
      }
    }
    if (connection.in.empty()) connection.first_byte = Clock::now();
    connection.in.append(buffer.data(), got);
    if (take_reply(number, connection)) return Progress::done;
  }
}

void LoadClient::advance(int number) {
  const auto slot = static_cast<std::size_t>(number);
  Connection* connection = connections_[slot].get();
  if (connection->phase != Connection::Phase::open) {
    const Progress progress = connect_and_handshake(*connection);
    if (progress == Progress::failed) return fail(number, "the handshake failed");
    if (progress == Progress::again) {
      // During a handshake only readability matters, once the socket is connected.
      if (connection->phase == Connection::Phase::handshake && connection->watched != EPOLLIN) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u32 = static_cast<std::uint32_t>(number);
        ::epoll_ctl(epoll_, EPOLL_CTL_MOD, connection->fd, &event);
        connection->watched = EPOLLIN;
      }
      return;
    }
  }
  if (connection->sent < connection->out.size() && write_out(*connection) == Progress::failed) {
    return fail(number, "writing failed");
  }
  watch(number, *connection);
  if (read_in(number, *connection) == Progress::failed && connections_[slot]) {
    fail(number, "closed by the server");
  }
}

void LoadClient::poll(std::chrono::milliseconds timeout) {
  std::array<epoll_event, 256> events;
  const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                                 static_cast<int>(timeout.count()));
  for (int i = 0; i < count; ++i) {
    const auto number = events[static_cast<std::size_t>(i)].data.u32;
    if (connections_[number]) advance(static_cast<int>(number));
  }
}

bool LoadClient::run_until(const std::function<bool()>& done, std::chrono::milliseconds limit) {
  const auto end = Clock::now() + limit;
  while (!done()) {
    if (Clock::now() >= end) return false;
    poll(std::chrono::milliseconds(10));
  }
  return true;
}

void LoadClient::run_for(std::chrono::milliseconds time) {
  run_until([] { return false; }, time);
}

}  // namespace bench
