// A listening socket of one event loop. All loops listen on the same address with SO_REUSEPORT; the
// kernel spreads the connections. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "server/http/peer_address.h"
#include "storage/base/result.h"
#include "storage/base/unique_fd.h"

namespace http {

class Listener {
 public:
  enum class AcceptStatus {
    accepted,
    none,       // nobody waits
    exhausted,  // no descriptors or no memory: pause, or the loop would spin
  };
  struct Accepted {
    AcceptStatus status = AcceptStatus::none;
    storage::UniqueFd socket;  // non-blocking, close-on-exec, TCP_NODELAY, keep-alive probes on
    PeerAddress peer;
  };

  // `port` 0: any free one. `first`: refuse (unavailable) when another process listens there;
  // without it a second server would silently share the port. invalid: not a numeric address.
  static storage::Result<Listener> open(const std::string& address, std::uint16_t port, bool first);

  Accepted accept();
  int fd() const { return socket_.get(); }
  std::uint16_t port() const { return port_; }
  void close() { socket_.reset(); }

 private:
  Listener(storage::UniqueFd socket, std::uint16_t port)
      : socket_(std::move(socket)), port_(port) {}
  storage::UniqueFd socket_;
  std::uint16_t port_;
};

}  // namespace http
