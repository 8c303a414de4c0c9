// OpenSSL's error queue belongs to the thread, and one loop serves many connections: it is cleared
// before every call, or an old error would be taken for a new one.
#include "server/http/transport.h"

#include <linux/sockios.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

namespace http {
namespace {

int clamp_to_int(std::size_t size) {
  return static_cast<int>(std::min<std::size_t>(size, INT_MAX));
}

IoResult from_errno() {
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return {IoStatus::would_block, 0};
  return {IoStatus::failed, 0};
}

IoResult read_socket(int fd, char* buffer, std::size_t size) {
  const ssize_t count = ::recv(fd, buffer, size, 0);
  if (count > 0) return {IoStatus::done, static_cast<std::size_t>(count)};
  if (count == 0) return {IoStatus::closed, 0};
  return from_errno();
}

}  // namespace

IoStatus Transport::tls_status(int result) const {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return IoStatus::would_block;
    case SSL_ERROR_ZERO_RETURN:
      return IoStatus::closed;
    default:
      return IoStatus::failed;
  }
}

IoStatus Transport::handshake() {
  if (!ssl_) return IoStatus::done;
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  return result == 1 ? IoStatus::done : tls_status(result);
}

IoResult Transport::read(char* buffer, std::size_t size) {
  if (!ssl_) return read_socket(socket_.get(), buffer, size);
  ERR_clear_error();
  const int count = SSL_read(ssl_.get(), buffer, clamp_to_int(size));
  if (count > 0) return {IoStatus::done, static_cast<std::size_t>(count)};
  return {tls_status(count), 0};
}

IoResult Transport::write(std::string_view first, std::string_view second) {
  if (ssl_) {
    const std::string_view part = first.empty() ? second : first;
    ERR_clear_error();
    const int count = SSL_write(ssl_.get(), part.data(), clamp_to_int(part.size()));
    if (count > 0) return {IoStatus::done, static_cast<std::size_t>(count)};
    return {tls_status(count), 0};
  }
  std::array<iovec, 2> parts{};
  parts[0] = {const_cast<char*>(first.data()), first.size()};
  parts[1] = {const_cast<char*>(second.data()), second.size()};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  const ssize_t count = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
  if (count >= 0) return {IoStatus::done, static_cast<std::size_t>(count)};
  return from_errno();
}

void Transport::finish_writing() {
  if (ssl_ && SSL_is_init_finished(ssl_.get()) == 1) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
  }
  ::shutdown(socket_.get(), SHUT_WR);
}

IoResult Transport::discard(char* buffer, std::size_t size) {
  return read_socket(socket_.get(), buffer, size);
}

std::size_t Transport::unacknowledged() const {
  int bytes = 0;
  if (::ioctl(socket_.get(), SIOCOUTQ, &bytes) != 0 || bytes < 0) return 0;
  return static_cast<std::size_t>(bytes);
}

const char* Transport::last_tls_error() {
  const char* const reason = ERR_reason_error_string(ERR_peek_error());
  return reason != nullptr ? reason : "connection lost";
}

}  // namespace http
