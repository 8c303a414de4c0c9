#include "tests/support/raw_connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <csignal>

#include "storage/base/text.h"

namespace test {
namespace {

using Clock = std::chrono::steady_clock;

int milliseconds_until(Clock::time_point until) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
  return left.count() > 0 ? static_cast<int>(left.count()) : 0;
}

}  // namespace

std::string_view RawReply::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (storage::equals_ignore_case(key, name)) return value;
  }
  return {};
}

RawConnection::RawConnection(std::uint16_t port, bool tls, const char* from) {
  std::signal(SIGPIPE, SIG_IGN);
  fd_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (from != nullptr) {
    sockaddr_in source{};
    source.sin_family = AF_INET;
    ::inet_pton(AF_INET, from, &source.sin_addr);
    ::bind(fd_.get(), reinterpret_cast<sockaddr*>(&source), sizeof source);
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    fd_.reset();
    return;
  }
  if (!tls) return;
  context_.reset(SSL_CTX_new(TLS_client_method()));
  ssl_.reset(SSL_new(context_.get()));
  SSL_set_fd(ssl_.get(), fd_.get());
  if (SSL_connect(ssl_.get()) != 1) fd_.reset();
}

bool RawConnection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto piece = std::min<std::size_t>(bytes.size(), 1u << 20);
    const auto written =
        ssl_ ? static_cast<ssize_t>(SSL_write(ssl_.get(), bytes.data(), static_cast<int>(piece)))
             : ::send(fd_.get(), bytes.data(), piece, MSG_NOSIGNAL);
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

bool RawConnection::fill(Clock::time_point until) {
  if (!fd_) return false;
  std::array<char, 65536> buffer{};
  if (!ssl_ || SSL_pending(ssl_.get()) == 0) {
    pollfd waiting{fd_.get(), POLLIN, 0};
    if (::poll(&waiting, 1, milliseconds_until(until)) <= 0) return false;
  }
  // With TLS a readable socket may hold a record without application data (session tickets), on
  // which SSL_read would wait for the next one; the receive time-out ends that.
  timeval limit{};
  const int left = std::max(milliseconds_until(until), 1);
  limit.tv_sec = left / 1000;
  limit.tv_usec = (left % 1000) * 1000;
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  const auto count = ssl_ ? static_cast<ssize_t>(SSL_read(ssl_.get(), buffer.data(),
                                                          static_cast<int>(buffer.size())))
                          : ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (count <= 0) return false;
  buffer_.append(buffer.data(), static_cast<std::size_t>(count));
  return true;
}

bool RawConnection::take_body(RawReply& reply, Clock::time_point until) {
  if (!storage::equals_ignore_case(reply.header("Transfer-Encoding"), "chunked")) {
    const auto length = storage::parse_uint(reply.header("Content-Length")).value_or(0);
    while (buffer_.size() < length) {
      if (!fill(until)) return false;
    }
    reply.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return true;
  }
  while (true) {
    std::size_t line = 0;
    while ((line = buffer_.find("\r\n")) == std::string::npos) {
      if (!fill(until)) return false;
    }
    const std::size_t size = std::stoul(buffer_.substr(0, line), nullptr, 16);
    while (buffer_.size() < line + 2 + size + 2) {
      if (!fill(until)) return false;
    }
    reply.body += buffer_.substr(line + 2, size);
    buffer_.erase(0, line + 2 + size + 2);
    if (size == 0) return true;
  }
}

std::optional<RawReply> RawConnection::read(std::chrono::milliseconds timeout) {
  const auto until = Clock::now() + timeout;
  while (true) {
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!fill(until)) return std::nullopt;
    }
    RawReply reply;
    const std::string head = buffer_.substr(0, end);
    buffer_.erase(0, end + 4);
    const auto lines = storage::split(head, '\n');
    if (!lines[0].starts_with("HTTP/1.1 ")) return std::nullopt;
    reply.status = static_cast<int>(storage::parse_uint(lines[0].substr(9, 3)).value_or(0));
    for (std::size_t i = 1; i < lines.size(); ++i) {
      const std::size_t colon = lines[i].find(':');
      reply.headers.emplace_back(lines[i].substr(0, colon),
                                 storage::trim(lines[i].substr(colon + 1)));
    }
    if (reply.status == 100) continue;
    if (!take_body(reply, until)) return std::nullopt;
    return reply;
  }
}

bool RawConnection::closed_by_peer(std::chrono::milliseconds timeout) {
  const auto until = Clock::now() + timeout;
  const std::size_t before = buffer_.size();
  const bool more = fill(until);
  return !more && buffer_.size() == before && Clock::now() < until;
}

void RawConnection::close() {
  if (ssl_) SSL_shutdown(ssl_.get());
  ssl_.reset();
  fd_.reset();
}

void RawConnection::reset() {
  const linger now{1, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  ssl_.reset();
  fd_.reset();
}

std::string RawConnection::certificate_digest() const {
  if (!ssl_) return {};
  X509* certificate = SSL_get1_peer_certificate(ssl_.get());
  if (certificate == nullptr) return {};
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  X509_digest(certificate, EVP_sha256(), digest.data(), &size);
  X509_free(certificate);
  return storage::to_hex({reinterpret_cast<const char*>(digest.data()), size});
}

std::string post_head(std::string_view query, std::string_view version, std::string_view login,
                      std::string_view password, std::size_t content_length,
                      std::string_view more_headers) {
  std::string head = "POST /Microsoft-Server-ActiveSync?" + std::string(query) +
                     " HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic " +
                     storage::base64_encode(std::string(login) + ":" + std::string(password)) +
                     "\r\nContent-Type: application/vnd.ms-sync.wbxml\r\nContent-Length: " +
                     std::to_string(content_length) + "\r\n";
  if (!version.empty()) head += "MS-ASProtocolVersion: " + std::string(version) + "\r\n";
  head += more_headers;
  return head + "\r\n";
}

}  // namespace test
