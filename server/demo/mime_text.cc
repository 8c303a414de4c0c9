#include "server/demo/mime_text.h"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "storage/base/text.h"

namespace demo {
namespace {

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

char hex_digit(unsigned value) { return "0123456789ABCDEF"[value & 15]; }

void append_hex(std::string& out, char escape, char c) {
  const auto byte = static_cast<unsigned char>(c);
  out += escape;
  out += hex_digit(byte >> 4);
  out += hex_digit(byte);
}

std::size_t character_length(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  if (byte < 0x80) return 1;
  if (byte < 0xe0) return 2;
  return byte < 0xf0 ? 3 : 4;
}

std::string quoted_printable(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + bytes.size() / 4);
  std::size_t column = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    if (c == '\n') {
      out += '\n';
      column = 0;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    const bool before_end = i + 1 == bytes.size() || bytes[i + 1] == '\n';
    const bool literal = (byte > 0x20 && byte < 0x7f && c != '=') || (c == ' ' && !before_end);
    if (column + (literal ? 1 : 3) > 75) {
      out += "=\n";
      column = 0;
    }
    if (literal) {
      out += c;
    } else {
      append_hex(out, '=', c);
    }
    column += literal ? 1 : 3;
  }
  return out;
}

std::string encoded_word(std::string_view utf8, std::string_view charset, bool q_encoding) {
  const std::string bytes = convert(utf8, charset);
  std::string word = "=?" + std::string(charset) + (q_encoding ? "?Q?" : "?B?");
  if (!q_encoding) return word + storage::base64_encode(bytes) + "?=";
  for (const char c : bytes) {
    const bool literal = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (c == ' ') {
      word += '_';
    } else if (literal) {
      word += c;
    } else {
      append_hex(word, '=', c);
    }
  }
  return word + "?=";
}

}  // namespace

std::string convert(std::string_view utf8, std::string_view charset) {
  if (charset == "utf-8") return std::string(utf8);
  const iconv_t converter = ::iconv_open(std::string(charset).c_str(), "utf-8");
  if (converter == reinterpret_cast<iconv_t>(-1)) return std::string(utf8.size(), '?');
  std::string out(utf8.size() * 4 + 16, '\0');
  std::string input(utf8);
  char* from = input.data();
  std::size_t left = input.size();
  char* to = out.data();
  std::size_t room = out.size();
  while (left > 0 && ::iconv(converter, &from, &left, &to, &room) == static_cast<std::size_t>(-1)) {
    if (errno != EILSEQ || room == 0) break;
    const std::size_t skip = std::min(character_length(*from), left);
    from += skip;
    left -= skip;
    *to++ = '?';
    --room;
  }
  ::iconv(converter, nullptr, nullptr, &to, &room);  // back to the initial shift state
  ::iconv_close(converter);
  out.resize(out.size() - room);
  return out;
}

std::string_view name_of(Transfer transfer) {
  constexpr std::array<std::string_view, 4> kNames = {"7bit", "8bit", "quoted-printable", "base64"};
  return kNames[static_cast<std::size_t>(transfer)];
}

std::string base64_lines(std::string_view bytes) {
  const std::string text = storage::base64_encode(bytes);
  std::string out;
  out.reserve(text.size() + text.size() / 76 + 1);
  for (std::size_t i = 0; i < text.size(); i += 76) {
    out.append(text, i, 76);
    out += '\n';
  }
  return out;
}

std::string encode_body(std::string_view bytes, Transfer transfer) {
  switch (transfer) {
    case Transfer::quoted_printable:
      return quoted_printable(bytes);
    case Transfer::base64:
      return base64_lines(bytes);
    case Transfer::seven_bit:
    case Transfer::eight_bit:
      break;
  }
  return std::string(bytes);
}

std::string header_text(std::string_view utf8, std::string_view charset, bool q_encoding) {
  if (is_ascii(utf8)) return std::string(utf8);
  std::string out;
  std::string_view rest = utf8;
  while (!rest.empty()) {
    // Pieces of whole characters; 24 bytes of UTF-8 stay under 75 encoded characters in all of our
    // charsets but in Q, where each byte takes three.
    std::size_t length = 0;
    while (length < rest.size()) {
      const std::size_t next = character_length(rest[length]);
      if (length > 0 && length + next > (q_encoding ? 15u : 24u)) break;
      length += next;
    }
    if (!out.empty()) out += "\n ";
    out += encoded_word(rest.substr(0, length), charset, q_encoding);
    rest.remove_prefix(length);
  }
  return out;
}

std::string mailbox_text(std::string_view name, std::string_view address, std::string_view charset,
                         bool q_encoding) {
  std::string text;
  if (!is_ascii(name)) {
    text = header_text(name, charset, q_encoding);
  } else if (name.find_first_of("()<>@,;:\\\".[]'") != std::string_view::npos) {
    text = "\"" + std::string(name) + "\"";
  } else {
    text = std::string(name);
  }
  return text + " <" + std::string(address) + ">";
}

std::string parameter(std::string_view name, std::string_view utf8) {
  if (is_ascii(utf8)) return std::string(name) + "=\"" + std::string(utf8) + "\"";
  std::string out = std::string(name) + "*=utf-8''";
  for (const char c : utf8) {
    const bool literal = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
    if (literal) {
      out += c;
    } else {
      append_hex(out, '%', c);
    }
  }
  return out;
}

}  // namespace demo
