// Numbers and texts as few bytes, for state that is stored per device and folder: 7 bits a byte,
// signed numbers zigzag. The reader never reads past its input; a malformed one fails for good.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace eas {

class CompactWriter {
 public:
  void number(std::int64_t value) {
    auto bits = (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
    while (bits >= 0x80) {
      bytes_ += static_cast<char>(bits | 0x80);
      bits >>= 7;
    }
    bytes_ += static_cast<char>(bits);
  }
  void text(std::string_view value) {
    number(static_cast<std::int64_t>(value.size()));
    bytes_ += value;
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class CompactReader {
 public:
  explicit CompactReader(std::string_view bytes) : rest_(bytes) {}

  std::int64_t number() {
    std::uint64_t bits = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) break;
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      bits |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) {
        return static_cast<std::int64_t>(bits >> 1) ^ -static_cast<std::int64_t>(bits & 1);
      }
    }
    ok_ = false;
    return 0;
  }
  std::string_view text() {
    const std::int64_t size = number();
    if (size < 0 || static_cast<std::uint64_t>(size) > rest_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view value = rest_.substr(0, static_cast<std::size_t>(size));
    rest_.remove_prefix(value.size());
    return value;
  }
  // How many things follow; 0 when the input cannot hold that many.
  std::size_t count() {
    const std::int64_t value = number();
    if (value < 0 || static_cast<std::uint64_t>(value) > rest_.size()) {
      ok_ = false;
      return 0;
    }
    return static_cast<std::size_t>(value);
  }
  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace eas
