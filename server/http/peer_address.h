// A client's address, small enough to be kept per connection, and the count of connections per
// address.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "storage/base/mutex.h"

namespace http {

// IPv6 form; IPv4 is mapped into it.
class PeerAddress {
 public:
  PeerAddress() = default;
  explicit PeerAddress(const sockaddr_storage& address);
  std::string text() const;  // "127.0.0.1", "2001:db8::1"
  // Of IPv6 its /64 network, which one client has; of IPv4 the address itself.
  PeerAddress network() const;
  friend auto operator<=>(const PeerAddress&, const PeerAddress&) = default;

 private:
  bool is_v4() const;

  std::array<std::uint8_t, 16> bytes_{};
};

// Counts by PeerAddress::network(). Thread-safe.
class AddressTable {
 public:
  explicit AddressTable(int limit) : limit_(limit) {}  // 0: no limit, nothing is counted
  // False when the address has as many connections as it may.
  bool enter(const PeerAddress& address) EXCLUDES(mutex_);
  // Once for each successful enter().
  void leave(const PeerAddress& address) EXCLUDES(mutex_);

 private:
  const int limit_;
  storage::Mutex mutex_;
  std::map<PeerAddress, int> counts_ GUARDED_BY(mutex_);
};

}  // namespace http
