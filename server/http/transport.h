// A non-blocking socket, with or without TLS on it. Owned and used by one event loop's thread,
// which has SIGPIPE blocked.
#pragma once

#include <cstddef>
#include <string_view>

#include "server/http/tls_context.h"
#include "storage/base/unique_fd.h"

namespace http {

enum class IoStatus {
  done,         // something was read or written; the handshake is complete
  would_block,  // wait for the socket
  closed,       // the peer has ended its side
  failed,       // the connection is broken
};

struct IoResult {
  IoStatus status = IoStatus::failed;
  std::size_t bytes = 0;
};

class Transport {
 public:
  Transport() = default;
  // `ssl` is null for plain HTTP and already tied to `socket` otherwise.
  Transport(storage::UniqueFd socket, SslPtr ssl)
      : socket_(std::move(socket)), ssl_(std::move(ssl)) {}

  IoStatus handshake();
  IoResult read(char* buffer, std::size_t size);
  // Writes some of `first`, then of `second`. At most one of them may be empty.
  IoResult write(std::string_view first, std::string_view second);
  // Says that nothing more will be written; what is written already still arrives.
  void finish_writing();
  // Reads and forgets what still comes after finish_writing(), without decrypting it.
  IoResult discard(char* buffer, std::size_t size);

  // Bytes on the wire (with those of TLS) that the peer's system has not confirmed yet.
  std::size_t unacknowledged() const;

  int fd() const { return socket_.get(); }
  bool is_tls() const { return ssl_ != nullptr; }
  // Why the last handshake failed, for the log.
  static const char* last_tls_error();

 private:
  IoStatus tls_status(int result) const;

  storage::UniqueFd socket_;
  SslPtr ssl_;  // before socket_ in the order of destruction
};

}  // namespace http
