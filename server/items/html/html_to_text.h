// HTML → plain text for phones that ask for text, and for previews. Own tokenizer in one pass: no
// tree, no recursion, so depth and breakage of the markup do not matter. Pure, thread-safe.
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

namespace eas::html {

struct TextOptions {
  bool links = true;   // write the address of a link after its text
  bool images = true;  // write the alternative text of images
  // Stop soon after the text has more bytes than this.
  std::size_t max_size = std::numeric_limits<std::size_t>::max();
};

struct Text {
  std::string text;      // UTF-8, CRLF line ends; no blank lines at the ends
  std::size_t used = 0;  // bytes of the HTML that were read
};

// `html` is well-formed UTF-8 (decode_text); the result is too, and without characters that XML
// forbids when the input has none. Scripts, styles, the head, comments and markup are left out,
// blocks become lines, cells are parted by tabs, list items get their bullet or number, quoted
// blocks get "> ".
Text html_to_text(std::string_view html, const TextOptions& options = {});

}  // namespace eas::html
