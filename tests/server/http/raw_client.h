// A blocking HTTP client for tests that sends exactly the bytes it is given, plain or over TLS, and
// takes replies apart. Every wait ends after 20 seconds with a failed check.
#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/text.h"

namespace test {

struct RawReply {
  int status = 0;  // 0: the connection ended before a reply
  std::string head;
  std::string body;

  std::string header(std::string_view name) const {
    for (const std::string_view line : storage::split(head, '\n')) {
      const std::size_t colon = line.find(':');
      if (colon == std::string_view::npos) continue;
      if (storage::equals_ignore_case(line.substr(0, colon), name)) {
        return std::string(storage::trim(line.substr(colon + 1)));
      }
    }
    return {};
  }
};

class RawClient {
 public:
  enum class Mode { plain, tls };

  // `from`: another loopback address than 127.0.0.1 to come from.
  explicit RawClient(std::uint16_t port, Mode mode = Mode::plain, int max_tls_version = 0,
                     const char* from = nullptr) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (from != nullptr) {
      sockaddr_in source{};
      source.sin_family = AF_INET;
      ::inet_pton(AF_INET, from, &source.sin_addr);
      ::bind(fd_, reinterpret_cast<const sockaddr*>(&source), sizeof source);
    }
    const timeval limit{20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    if (mode == Mode::plain || !connected_) return;
    context_.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_options(context_.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
    if (max_tls_version != 0) {
      SSL_CTX_set_security_level(context_.get(), 0);
      SSL_CTX_set_min_proto_version(context_.get(), max_tls_version);
      SSL_CTX_set_max_proto_version(context_.get(), max_tls_version);
    }
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), fd_);
    connected_ = SSL_connect(ssl_.get()) == 1;
  }
  ~RawClient() { close(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return connected_; }
  SSL* ssl() { return ssl_.get(); }
  int fd() const { return fd_; }

  // Returns false when the server has closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count =
          ssl_ ? SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))
               : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }

  void request(std::string_view method, std::string_view path, std::string_view body = {},
               std::string_view headers = {}) {
    std::string text;
    text.append(method).append(" ").append(path).append(" HTTP/1.1\r\nHost: localhost\r\n");
    text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
    text.append(headers).append("\r\n").append(body);
    CHECK(send(text));
  }

  // The next reply; a 100 Continue counts as one. `has_body` false: the reply to a HEAD.
  RawReply reply(bool has_body = true) {
    RawReply reply;
    std::size_t end = std::string::npos;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!fill()) return reply;
    }
    reply.head = buffer_.substr(0, end + 2);
    buffer_.erase(0, end + 4);
    reply.status = std::atoi(reply.head.c_str() + 9);
    const std::string length = reply.header("Content-Length");
    const std::size_t size = length.empty() || !has_body ? 0 : std::stoul(length);
    while (buffer_.size() < size) {
      if (!fill()) return {};
    }
    reply.body = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return reply;
  }

  // Whether the server closes now, without another byte.
  bool is_closed() { return buffer_.empty() && !fill() && !timed_out_; }

  void half_close() { ::shutdown(fd_, SHUT_WR); }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };

  bool fill() {
    std::array<char, 65536> bytes{};
    const ssize_t count = ssl_ ? SSL_read(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))
                               : ::recv(fd_, bytes.data(), bytes.size(), 0);
    if (count > 0) {
      buffer_.append(bytes.data(), static_cast<std::size_t>(count));
      return true;
    }
    timed_out_ = count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    CHECK_FALSE(timed_out_);
    return false;
  }

  int fd_ = -1;
  bool connected_ = false;
  bool timed_out_ = false;
  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<SSL, Free> ssl_;
  std::string buffer_;
};

}  // namespace test
