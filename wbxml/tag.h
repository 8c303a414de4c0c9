// A tag is a code page and a token: one 16-bit number. The constants are generated from the X-lists
// in pages/: wbxml::airsync::kSync, wbxml::email::kSubject, … [MS-ASWBXML] 2.1.2.1
#pragma once

#include <cstdint>

namespace wbxml {

struct Tag {
  std::uint8_t page = 0;
  std::uint8_t token = 0;  // 0x05 … 0x3F, without the content bit

  constexpr bool operator==(const Tag&) const = default;
  constexpr std::uint16_t number() const {
    return static_cast<std::uint16_t>((page << 8) | token);  // for switch
  }
};

}  // namespace wbxml
