// A table says for each byte whether it can be copied as it is; runs of those are appended at once.
#include "server/items/clean_text.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

namespace eas {
namespace {

enum Class : std::uint8_t { kCopy, kLineEnd, kDrop, kMultibyte };

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  for (std::size_t i = 0; i < 256; ++i) {
    classes[i] = i >= 0x80 ? kMultibyte : (i < 0x20 ? kDrop : kCopy);
  }
  classes['\t'] = kCopy;
  classes['\n'] = classes['\r'] = kLineEnd;
  return classes;
}

constexpr auto kClasses = make_classes();

std::uint8_t class_of(char c) { return kClasses[static_cast<unsigned char>(c)]; }

bool is_noncharacter(std::string_view sequence) {
  return sequence == "\xEF\xBF\xBE" || sequence == "\xEF\xBF\xBF";
}

// Appends the multibyte character (or what should be one) at `at`; returns the position after it.
std::size_t append_multibyte(std::string& out, std::string_view text, std::size_t at) {
  const std::size_t length = utf8_sequence_length(text.substr(at));
  if (length == 0) {
    out += "\xEF\xBF\xBD";
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
    return at;
  }
  if (!is_noncharacter(text.substr(at, length))) out.append(text, at, length);
  return at + length;
}

// Eight bytes at a time: the top bit of each byte says whether it is one looked for, exactly for
// the first of them.
using Word = std::uint64_t;
constexpr Word kHigh = 0x8080808080808080;
constexpr Word kOnes = 0x0101010101010101;
static_assert(std::endian::native == std::endian::little, "first byte is the lowest");

Word load(std::string_view text, std::size_t at) {
  Word word = 0;
  std::memcpy(&word, text.data() + at, sizeof word);
  return word;
}

std::size_t first_byte(Word found) { return static_cast<std::size_t>(std::countr_zero(found)) / 8; }

// The position, from `at` on, of the first byte that is beyond ASCII or below a space.
std::size_t find_special(std::string_view text, std::size_t at) {
  while (at + sizeof(Word) <= text.size()) {
    const Word word = load(text, at);
    const Word found = ((word - kOnes * 0x20) | word) & kHigh;
    if (found != 0) return at + first_byte(found);
    at += sizeof(Word);
  }
  while (at < text.size() && static_cast<signed char>(text[at]) >= 0x20) ++at;
  return at;
}

// The end of the run from `at` on that can be copied as it is.
std::size_t clean_run_end(std::string_view text, std::size_t at) {
  for (;;) {
    at = find_special(text, at);
    if (at >= text.size()) return at;
    if (class_of(text[at]) != kMultibyte) {
      if (class_of(text[at]) == kDrop) return at;
      ++at;
      continue;
    }
    const std::size_t length = utf8_sequence_length(text.substr(at));
    if (length == 0 || (length == 3 && is_noncharacter(text.substr(at, 3)))) return at;
    at += length;
  }
}

// The end of the run of whole lines from `at` on that end in CRLF and hold no other CR; about
// `room` bytes of them suffice.
std::size_t crlf_run_end(std::string_view text, std::size_t at, std::size_t room) {
  const std::size_t start = at;
  while (at < text.size() && at - start <= room) {
    const std::size_t newline = text.find('\n', at);
    if (newline == std::string_view::npos || newline == at || text[newline - 1] != '\r') break;
    if (text.find('\r', at) != newline - 1) break;
    at = newline + 1;
  }
  return at;
}

// Vector extensions of gcc and clang: comparisons give masks, without branches.
using Block = unsigned char __attribute__((vector_size(16)));
constexpr std::size_t kBlock = 2 * sizeof(Block);

auto is_control(Block c) { return (c < 0x20) & (c != '\t') & (c != '\n') & (c != '\r'); }

// The length of the blocks at the start of `text` in which `is_bad` finds nothing.
template <typename IsBad>
std::size_t skip_blocks(std::string_view text, IsBad is_bad) {
  std::size_t at = 0;
  for (; at + kBlock <= text.size(); at += kBlock) {
    std::array<Block, 2> blocks;
    std::memcpy(blocks.data(), text.data() + at, kBlock);
    const auto found = is_bad(blocks[0]) | is_bad(blocks[1]);
    std::array<std::uint64_t, 2> words{};
    std::memcpy(words.data(), &found, sizeof found);
    if ((words[0] | words[1]) != 0) break;
  }
  return at;
}

}  // namespace

std::size_t utf8_sequence_length(std::string_view bytes) {
  if (bytes.empty()) return 0;
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const auto is_tail = [&](std::size_t i) { return i < bytes.size() && (at(i) & 0xC0) == 0x80; };
  const unsigned char first = at(0);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4) return 0;
  if (!is_tail(1)) return 0;
  if (first < 0xE0) return 2;
  if (first < 0xF0) {
    if (!is_tail(2) || (first == 0xE0 && at(1) < 0xA0) || (first == 0xED && at(1) > 0x9F)) return 0;
    return 3;
  }
  if (!is_tail(2) || !is_tail(3) || (first == 0xF0 && at(1) < 0x90) ||
      (first == 0xF4 && at(1) > 0x8F)) {
    return 0;
  }
  return 4;
}

std::size_t find_high_byte(std::string_view text, std::size_t at) {
  while (at + sizeof(Word) <= text.size()) {
    const Word found = load(text, at) & kHigh;
    if (found != 0) return at + first_byte(found);
    at += sizeof(Word);
  }
  while (at < text.size() && static_cast<signed char>(text[at]) >= 0) ++at;
  return at;
}

bool is_clean_utf8(std::string_view text) {
  for (;;) {
    // 0xEF starts the two noncharacters, among others.
    text.remove_prefix(skip_blocks(text, [](Block c) { return (c == 0xEF) | is_control(c); }));
    if (text.empty()) return true;
    const std::string_view block = text.substr(0, kBlock);
    for (std::size_t i = 0; i < block.size(); ++i) {
      if (class_of(block[i]) == kDrop || is_noncharacter(text.substr(i, 3))) return false;
    }
    text.remove_prefix(block.size());
  }
}

bool is_clean(std::string_view text) { return clean_run_end(text, 0) == text.size(); }

void append_clean(std::string& out, std::string_view text) {
  out.reserve(out.size() + text.size());
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = clean_run_end(text, at);
    if (end > at) out.append(text, at, end - at);
    at = end;
    if (at == text.size()) break;
    if (class_of(text[at]) == kDrop) {
      ++at;
    } else {
      at = append_multibyte(out, text, at);
    }
  }
}

std::size_t append_clean_lines(std::string& out, std::string_view text, std::size_t max_size) {
  std::size_t at = 0;
  while (at < text.size() && out.size() <= max_size) {
    const std::size_t room = max_size - out.size();
    // Lines that end in CRLF already go out together, up to what is wanted.
    const std::size_t end = crlf_run_end(text, at, room);
    if (end > at) {
      append_clean(out, text.substr(at, end - at));
      at = end;
      continue;
    }
    const std::size_t line_end = std::min(text.find_first_of("\r\n", at), text.size());
    append_clean(out, text.substr(at, line_end - at));
    at = line_end;
    if (at == text.size()) break;
    out += "\r\n";
    at += text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n' ? 2 : 1;
  }
  return at;
}

std::string_view utf16_prefix(std::string_view text, std::size_t max_units) {
  std::size_t units = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t length = std::max<std::size_t>(1, utf8_sequence_length(text.substr(at)));
    const std::size_t width = length == 4 ? 2 : 1;
    if (units + width > max_units) break;
    units += width;
    at += length;
  }
  return text.substr(0, at);
}

std::string single_line(std::string_view text) {
  std::string spaced;
  spaced.reserve(text.size());
  bool space = false;
  for (const char c : text) {
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      space = !spaced.empty();
      continue;
    }
    if (space) spaced += ' ';
    space = false;
    spaced += c;
  }
  std::string result;
  append_clean(result, spaced);
  return result;
}

}  // namespace eas
