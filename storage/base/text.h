// Small text helpers that several folders need: case, splitting, numbers, hex, base64, UTF-8.
// Pure functions, thread-safe. ASCII only unless a name says UTF-8.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace storage {

std::string to_lower(std::string_view text);  // ASCII letters only
bool equals_ignore_case(std::string_view a, std::string_view b);
bool starts_with_ignore_case(std::string_view text, std::string_view prefix);
std::string_view trim(std::string_view text);  // spaces, tabs, CR, LF at both ends
std::vector<std::string_view> split(std::string_view text, char separator);

// The whole of `text` as a decimal number; nullopt when empty, malformed or out of range.
std::optional<std::int64_t> parse_int(std::string_view text);
std::optional<std::uint64_t> parse_uint(std::string_view text);

std::string to_hex(std::string_view bytes);  // lower case
std::string base64_encode(std::string_view bytes);
// Accepts the standard and the URL-safe alphabet, with or without padding, and skips white space.
std::optional<std::string> base64_decode(std::string_view text);

// %XX decoding of a URL component; '+' stays '+'. Malformed escapes are kept as they are.
std::string percent_decode(std::string_view text);

bool is_valid_utf8(std::string_view bytes);
// Replaces malformed sequences by U+FFFD and removes characters that XML 1.0 forbids
// (C0 controls except TAB, LF, CR; U+FFFE, U+FFFF). The result is always valid UTF-8.
std::string to_xml_safe_utf8(std::string_view bytes);
// The longest prefix of at most `max_bytes` bytes that ends at a character border.
std::string_view utf8_prefix(std::string_view text, std::size_t max_bytes);
// ISO-8859-1 bytes as UTF-8.
std::string latin1_to_utf8(std::string_view bytes);

}  // namespace storage
