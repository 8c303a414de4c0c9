// Bytes → tree, with limits. Pure; thread-safe. [MS-ASWBXML] 2.1, WBXML 1.3
//
// Accepted: the header of any WBXML 1.x in UTF-8 or US-ASCII, also with a string table (skipped,
// STR_T resolved in it), SWITCH_PAGE, END, STR_I, OPAQUE, ENTITY, tags with or without content,
// several text pieces in a row (joined), tags that the code pages do not know (kept by number).
// Refused: attributes, LITERAL, EXT, PI, mixed content, anything over a limit or cut off.
// Memory is proportional to the input, whatever lengths it declares.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "wbxml/element.h"

namespace wbxml {

struct DecodeError {
  std::size_t offset = 0;   // of the byte that could not be accepted
  bool over_limit = false;  // a limit, not a malformation
  std::string message;
};

struct DecodeLimits {
  std::size_t max_depth = 32;  // EAS documents stay under 12
  std::size_t max_elements = 50'000;
  std::size_t max_text = 64u << 20;  // bytes of one text
};

// The document's root element. Text is taken as it is (UTF-8 is not checked here).
tl::expected<Element, DecodeError> decode(std::string_view bytes, const DecodeLimits& limits = {});

}  // namespace wbxml
