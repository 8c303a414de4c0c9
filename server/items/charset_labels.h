// The names of charsets as mail programs write them. Pure, thread-safe.
#pragma once

#include <cstdint>
#include <string_view>

namespace eas {

enum class CharsetKind : std::uint8_t {
  utf8,         // and its subset us-ascii
  western,      // windows-1252 and what is read as it
  single_byte,  // other one-byte charsets over ASCII
  multibyte,    // CJK charsets over ASCII
  other,        // not a superset of ASCII bytes: utf-16, iso-2022-jp, utf-7
};

struct Charset {
  std::string_view label;
  const char* converter;  // ICU's name
  CharsetKind kind;
  int code_page;
};

// The charset with that label, whatever its case, quoted or not; nullptr when it is not known.
const Charset* find_charset(std::string_view label);

}  // namespace eas
