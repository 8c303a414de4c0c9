// Plain text → HTML for phones that ask for HTML. Pure, thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace eas::html {

// A whole document: escaped, with line breaks and runs of spaces kept, addresses of the web and of
// mail clickable. `text` is well-formed UTF-8 with any line ends.
std::string text_to_html(std::string_view text);

// The same without the document around it, for a text part among HTML parts.
std::string text_to_html_fragment(std::string_view text);

}  // namespace eas::html
