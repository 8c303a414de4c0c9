#include "wbxml/xml_text.h"

#include <algorithm>
#include <array>

namespace wbxml {
namespace {

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::int16_t, 256> make_values() {
  std::array<std::int16_t, 256> values{};
  for (std::int16_t& value : values) value = -1;
  for (int i = 0; i < 64; ++i) {
    values[static_cast<std::uint8_t>(kAlphabet[i])] = static_cast<std::int16_t>(i);
  }
  return values;
}

constexpr std::array<std::int16_t, 256> kValues = make_values();

}  // namespace

std::size_t utf8_sequence(std::string_view bytes, std::uint32_t& character) {
  const auto byte = [&bytes](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
  const std::uint8_t first = byte(0);
  std::size_t length = 0;
  std::uint32_t smallest = 0;
  if (first < 0x80) {
    character = first;
    return 1;
  }
  if (first >= 0xC2 && first <= 0xDF) {
    length = 2, smallest = 0x80, character = first & 0x1F;
  } else if (first >= 0xE0 && first <= 0xEF) {
    length = 3, smallest = 0x800, character = first & 0x0F;
  } else if (first >= 0xF0 && first <= 0xF4) {
    length = 4, smallest = 0x10000, character = first & 0x07;
  } else {
    return 0;
  }
  if (bytes.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
    character = (character << 6) | (byte(i) & 0x3F);
  }
  const bool surrogate = character >= 0xD800 && character <= 0xDFFF;
  return character < smallest || character > 0x10FFFF || surrogate ? 0 : length;
}

bool is_xml_character(std::uint32_t c) {
  if (c < 0x20) return c == '\t' || c == '\n' || c == '\r';
  return c != 0xFFFE && c != 0xFFFF;
}

bool is_xml_text(std::string_view bytes) {
  while (!bytes.empty()) {
    std::uint32_t character = 0;
    const std::size_t length = utf8_sequence(bytes, character);
    if (length == 0 || !is_xml_character(character)) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

std::string to_base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t k = 0; k < 3; ++k) {
      group = (group << 8) | (k < count ? static_cast<std::uint8_t>(bytes[i + k]) : 0u);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      out.push_back(k <= count ? kAlphabet[(group >> (18 - 6 * k)) & 63] : '=');
    }
  }
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  std::string out;
  std::uint32_t group = 0;
  int digits = 0;
  int padding = 0;
  for (const char c : text) {
    if (c == ' ' || c == '\n' || c == '\r' || c == '\t') continue;
    if (c == '=') {
      ++padding;
      continue;
    }
    const int value = kValues[static_cast<std::uint8_t>(c)];
    if (value < 0 || padding > 0) return std::nullopt;
    group = (group << 6) | static_cast<std::uint32_t>(value);
    if (++digits % 4 != 0) continue;
    out.push_back(static_cast<char>(group >> 16));
    out.push_back(static_cast<char>(group >> 8));
    out.push_back(static_cast<char>(group));
    group = 0;
  }
  const int rest = digits % 4;
  if (rest == 1 || padding != (rest == 0 ? 0 : 4 - rest)) return std::nullopt;
  if (rest == 2) out.push_back(static_cast<char>(group >> 4));
  if (rest == 3) {
    out.push_back(static_cast<char>(group >> 10));
    out.push_back(static_cast<char>(group >> 2));
  }
  return out;
}

}  // namespace wbxml
