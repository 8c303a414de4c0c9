// The yardstick for parked connections: as little as an OpenSSL server can be. One thread, one SSL*
// and a 16-byte record per connection, TLS 1.3, SSL_MODE_RELEASE_BUFFERS, no tickets, no cache.
// Answers each request head with an empty 200, then holds the connection.
//
//   bare_tls_server CERTIFICATE KEY      prints "ready PORT"; ends when standard input ends
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <string_view>

namespace {

struct Held {
  int fd = -1;
  SSL* ssl = nullptr;
};

constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

SSL_CTX* make_context(const char* certificate, const char* key) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
    ERR_print_errors_fp(stderr);
    return nullptr;
  }
  return context;
}

int listen_on_loopback(std::uint16_t& port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), length) != 0 ||
      ::listen(fd, 4096) != 0) {
    return -1;
  }
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  port = ntohs(address.sin_port);
  return fd;
}

void accept_all(int listener, int epoll, SSL_CTX* context) {
  for (int i = 0; i < 16; ++i) {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int one = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    auto* held = new Held{fd, SSL_new(context)};
    SSL_set_fd(held->ssl, fd);
    SSL_set_accept_state(held->ssl);
    epoll_event event{};
    event.events = EPOLLIN | EPOLLRDHUP;
    event.data.ptr = held;
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  }
}

void serve(Held* held) {
  std::array<char, 4096> buffer;
  while (true) {
    ERR_clear_error();
    const int got = SSL_read(held->ssl, buffer.data(), static_cast<int>(buffer.size()));
    if (got > 0) {
      if (std::string_view(buffer.data(), static_cast<std::size_t>(got)).ends_with("\r\n\r\n")) {
        SSL_write(held->ssl, kAnswer.data(), static_cast<int>(kAnswer.size()));
      }
      continue;
    }
    const int error = SSL_get_error(held->ssl, got);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return;
    SSL_free(held->ssl);
    ::close(held->fd);
    delete held;
    return;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: bare_tls_server CERTIFICATE KEY\n");
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  SSL_CTX* context = make_context(argv[1], argv[2]);
  std::uint16_t port = 0;
  const int listener = context ? listen_on_loopback(port) : -1;
  if (listener < 0) return 1;
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  Held listening{listener, nullptr};
  Held input{STDIN_FILENO, nullptr};
  for (Held* special : {&listening, &input}) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = special;
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, special->fd, &event);
  }
  std::printf("ready %u\n", port);
  std::fflush(stdout);
  std::array<epoll_event, 64> events;
  while (true) {
    const int count = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      auto* held = static_cast<Held*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (held == &input) return 0;
      if (held == &listening) {
        accept_all(listener, epoll, context);
      } else {
        serve(held);
      }
    }
  }
}
