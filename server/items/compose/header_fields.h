// The header of a message taken apart by hand: what is not changed must stay byte for byte, which
// no parser that builds it anew promises. RFC 5322 2.2. Pure; the views point into the message.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace eas::compose {

struct Field {
  std::string_view name;
  std::string_view value;  // with its folding
  std::string_view text;   // the whole field with its last line end
};

struct Header {
  std::vector<Field> fields;
  std::size_t size = 0;  // bytes of all fields, without the empty line
  std::size_t body = 0;  // where the body begins, after the empty line

  // The first field of that name; nullptr when there is none. Names have no case.
  const Field* find(std::string_view name) const;
};

// The fields up to the empty line, or up to the first line that is no field.
Header parse_header(std::string_view message);

// Content-Type and the like, MIME-Version: what speaks of the body and not of the message.
bool is_mime_field(std::string_view name);

}  // namespace eas::compose
