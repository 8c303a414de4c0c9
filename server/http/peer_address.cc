#include "server/http/peer_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace http {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

}  // namespace

PeerAddress::PeerAddress(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof v4);
    std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), bytes_.begin());
    std::memcpy(bytes_.data() + kMappedPrefix.size(), &v4.sin_addr, 4);
  } else if (address.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address, sizeof v6);
    std::memcpy(bytes_.data(), &v6.sin6_addr, bytes_.size());
  }
}

bool PeerAddress::is_v4() const {
  return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes_.begin());
}

PeerAddress PeerAddress::network() const {
  PeerAddress network = *this;
  if (!is_v4()) std::fill(network.bytes_.begin() + 8, network.bytes_.end(), std::uint8_t{0});
  return network;
}

std::string PeerAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (is_v4()) {
    ::inet_ntop(AF_INET, bytes_.data() + kMappedPrefix.size(), text.data(), text.size());
  } else {
    ::inet_ntop(AF_INET6, bytes_.data(), text.data(), text.size());
  }
  return text.data();
}

bool AddressTable::enter(const PeerAddress& address) {
  if (limit_ <= 0) return true;
  const storage::MutexLock lock(mutex_);
  int& count = counts_[address.network()];
  if (count >= limit_) return false;
  ++count;
  return true;
}

void AddressTable::leave(const PeerAddress& address) {
  if (limit_ <= 0) return;
  const storage::MutexLock lock(mutex_);
  const auto found = counts_.find(address.network());
  if (found != counts_.end() && --found->second <= 0) counts_.erase(found);
}

}  // namespace http
