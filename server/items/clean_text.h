// The last step before text goes on the wire: well-formed UTF-8 without characters that XML 1.0
// forbids. Fast on ASCII, since every body passes through it. Pure, thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace eas {

// Appends `text` with malformed sequences replaced by U+FFFD and forbidden characters left out.
void append_clean(std::string& out, std::string_view text);

// The same, and every line end (CR, LF, CRLF) becomes CRLF: plain bodies. Stops, at a character
// border, when `out` is longer than `max_size`; returns how many bytes of `text` were used.
std::size_t append_clean_lines(std::string& out, std::string_view text, std::size_t max_size);

// The position, from `at` on, of the first byte beyond ASCII; the size when there is none.
std::size_t find_high_byte(std::string_view text, std::size_t at);

// Whether append_clean() would append `text` as it is.
bool is_clean(std::string_view text);
// The same for text that is known to be well-formed UTF-8, faster.
bool is_clean_utf8(std::string_view text);

// The length of the well-formed UTF-8 sequence at the start of `bytes`; 0 when malformed or empty.
std::size_t utf8_sequence_length(std::string_view bytes);

// Characters in well-formed UTF-8, counted as UTF-16 counts them (2 above U+FFFF), the longest
// prefix of at most `max_units` such units.
std::string_view utf16_prefix(std::string_view text, std::size_t max_units);

// On one line: line ends, tabs and runs of white space become one space, ends trimmed, cleaned.
std::string single_line(std::string_view text);

}  // namespace eas
