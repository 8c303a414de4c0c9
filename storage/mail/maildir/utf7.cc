#include "storage/mail/maildir/utf7.h"

#include <cstdint>

namespace storage::maildir {

namespace {

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

// Reads one code point of valid UTF-8 and advances `at`.
char32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  char32_t point = length == 1 ? lead : lead & (0xFFu >> (length + 1));
  for (std::size_t i = 1; i < length && at + i < text.size(); ++i) {
    point = (point << 6) | (static_cast<unsigned char>(text[at + i]) & 0x3Fu);
  }
  at += length;
  return point;
}

// Appends a code point as UTF-8.
void put_utf8(std::string& out, char32_t point) {
  const auto put = [&out](char32_t byte) { out += static_cast<char>(byte); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0 | (point >> 6));
    put(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    put(0xE0 | (point >> 12));
    put(0x80 | ((point >> 6) & 0x3F));
    put(0x80 | (point & 0x3F));
  } else {
    put(0xF0 | (point >> 18));
    put(0x80 | ((point >> 12) & 0x3F));
    put(0x80 | ((point >> 6) & 0x3F));
    put(0x80 | (point & 0x3F));
  }
}

// A base64 run of UTF-16 code units being written.
class Run {
 public:
  explicit Run(std::string& out) : out_(out) {}
  void put(char32_t point) {
    if (!open_) out_ += '&';
    open_ = true;
    if (point >= 0x10000) {
      put_unit(0xD800 + ((point - 0x10000) >> 10));
      put_unit(0xDC00 + ((point - 0x10000) & 0x3FF));
    } else {
      put_unit(point);
    }
  }
  void close() {
    if (!open_) return;
    if (bits_ > 0) out_ += kAlphabet[(buffer_ << (6 - bits_)) & 0x3F];
    out_ += '-';
    buffer_ = 0;
    bits_ = 0;
    open_ = false;
  }

 private:
  void put_unit(std::uint32_t unit) {
    buffer_ = (buffer_ << 16) | unit;
    bits_ += 16;
    while (bits_ >= 6) {
      bits_ -= 6;
      out_ += kAlphabet[(buffer_ >> bits_) & 0x3F];
    }
    buffer_ &= (1u << bits_) - 1;
  }

  std::string& out_;
  bool open_ = false;
  std::uint32_t buffer_ = 0;
  unsigned bits_ = 0;
};

int digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  if (c == ',') return 63;
  return -1;
}

// Decodes the base64 between '&' and '-' into UTF-8; false when it is malformed.
bool decode_run(std::string_view run, std::string& out) {
  std::uint32_t buffer = 0;
  unsigned bits = 0;
  char32_t high = 0;
  for (const char c : run) {
    const int value = digit(c);
    if (value < 0) return false;
    buffer = (buffer << 6) | static_cast<std::uint32_t>(value);
    bits += 6;
    if (bits < 16) continue;
    bits -= 16;
    const char32_t unit = (buffer >> bits) & 0xFFFF;
    buffer &= (1u << bits) - 1;
    if (unit >= 0xD800 && unit < 0xDC00) {
      if (high != 0) return false;
      high = unit;
    } else if (unit >= 0xDC00 && unit < 0xE000) {
      if (high == 0) return false;
      put_utf8(out, 0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00));
      high = 0;
    } else {
      if (high != 0 || unit == 0) return false;
      put_utf8(out, unit);
    }
  }
  return high == 0 && bits < 6 && buffer == 0;
}

}  // namespace

std::string utf7_encode(std::string_view utf8, bool (*literal)(char)) {
  std::string out;
  Run run(out);
  for (std::size_t at = 0; at < utf8.size();) {
    const char32_t point = next_code_point(utf8, at);
    const bool ascii = point >= 0x20 && point < 0x7F;
    if (ascii && point == '&') {
      run.close();
      out += "&-";
    } else if (ascii && literal(static_cast<char>(point))) {
      run.close();
      out += static_cast<char>(point);
    } else {
      run.put(point);
    }
  }
  run.close();
  return out;
}

std::optional<std::string> utf7_decode(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c < 0x20 || c >= 0x7F) return std::nullopt;
    if (c != '&') {
      out += text[at];
      continue;
    }
    const std::size_t end = text.find('-', at);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view run = text.substr(at + 1, end - at - 1);
    if (run.empty()) {
      out += '&';
    } else if (!decode_run(run, out)) {
      return std::nullopt;
    }
    at = end;
  }
  return out;
}

}  // namespace storage::maildir
