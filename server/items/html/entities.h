// Character references of HTML. Pure, thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace eas::html {

// Reads the reference at the start of `text` (which starts with '&') and appends what it stands
// for. Returns how many bytes it takes; 0 when it is no reference, and nothing is appended.
std::size_t append_entity(std::string& out, std::string_view text);

}  // namespace eas::html
