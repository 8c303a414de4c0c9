// A small deterministic generator: the same seed gives the same mailbox on every machine, which
// the distributions of <random> do not promise. Not for secrets. One thread.
#pragma once

#include <cstdint>
#include <span>

namespace demo {

class Random {
 public:
  // Streams with different (seed, stream) are independent.
  explicit Random(std::uint64_t seed, std::uint64_t stream = 0)
      : state_(seed * 0x9e3779b97f4a7c15u ^ (stream + 1) * 0xd1342543de82ef95u) {
    next();
  }

  // splitmix64
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // 0 … count-1. REQUIRES: count > 0
  std::size_t below(std::size_t count) { return static_cast<std::size_t>(next() % count); }
  // low … high, both included.
  std::size_t between(std::size_t low, std::size_t high) { return low + below(high - low + 1); }
  bool percent(unsigned chance) { return next() % 100 < chance; }
  double fraction() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  template <typename Container>
  const auto& pick(const Container& items) {
    return items[below(items.size())];
  }

 private:
  std::uint64_t state_;
};

}  // namespace demo
