// One TCP or TLS connection on which a test writes what it likes, byte for byte: broken heads, half
// bodies, hang-ups. For well-behaved requests there is server/client/eas_client.h.
#pragma once

#include <openssl/ssl.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/unique_fd.h"

namespace test {

struct RawReply {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string_view header(std::string_view name) const;  // "" when absent
};

// One thread.
class RawConnection {
 public:
  // Connects at once; ok() tells whether that worked. The certificate is not verified. `from`:
  // another loopback address to come from, "127.0.0.2".
  RawConnection(std::uint16_t port, bool tls, const char* from = nullptr);
  RawConnection(RawConnection&&) = default;
  bool ok() const { return static_cast<bool>(fd_); }

  bool send(std::string_view bytes);
  // The next answer, with a body of Content-Length or chunks; nullopt when the server hung up or
  // said nothing for so long.
  std::optional<RawReply> read(std::chrono::milliseconds timeout = std::chrono::seconds(20));
  // True when the server closes within the time without a further byte.
  bool closed_by_peer(std::chrono::milliseconds timeout = std::chrono::seconds(20));
  // The end of a connection: in order, or like a phone that falls into the sea (RST).
  void close();
  void reset();
  // The SHA-256 digest of the server's certificate, "" without TLS.
  std::string certificate_digest() const;

 private:
  struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  struct FreeContext {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  bool fill(std::chrono::steady_clock::time_point until);  // reads more into buffer_
  bool take_body(RawReply& reply, std::chrono::steady_clock::time_point until);

  storage::UniqueFd fd_;
  std::unique_ptr<SSL_CTX, FreeContext> context_;
  std::unique_ptr<SSL, FreeSsl> ssl_;
  std::string buffer_;
};

// The head of a POST to the server's path, with login and Content-Length.
//   post_head("Cmd=Sync&User=u&DeviceId=d&DeviceType=t", "14.1", login, body.size())
std::string post_head(std::string_view query, std::string_view version, std::string_view login,
                      std::string_view password, std::size_t content_length,
                      std::string_view more_headers = {});

}  // namespace test
