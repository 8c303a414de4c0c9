// The global tokens of WBXML 1.3, section 7. Private to the decoder and the encoder.
#pragma once

#include <cstdint>

namespace wbxml::token {

inline constexpr std::uint8_t kSwitchPage = 0x00, kEnd = 0x01, kEntity = 0x02, kStrI = 0x03,
                              kLiteral = 0x04, kExtI0 = 0x40, kExtI1 = 0x41, kExtI2 = 0x42,
                              kPi = 0x43, kLiteralC = 0x44, kExtT0 = 0x80, kExtT1 = 0x81,
                              kExtT2 = 0x82, kStrT = 0x83, kLiteralA = 0x84, kExt0 = 0xC0,
                              kExt1 = 0xC1, kExt2 = 0xC2, kOpaque = 0xC3, kLiteralAc = 0xC4;

// Bits of a tag byte; the rest is the token.
inline constexpr std::uint8_t kContentBit = 0x40, kAttributeBit = 0x80, kTokenMask = 0x3F;

}  // namespace wbxml::token
