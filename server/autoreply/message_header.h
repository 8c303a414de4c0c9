// The header of a stored message, as far as an automatic reply needs it: without a MIME parse,
// since each new message and many sent ones are only looked at. RFC 5322 2.2
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace eas::autoreply {

// Keeps views into the bytes that it was made of. Pure.
class MessageHeader {
 public:
  // Reads up to the empty line, at most the first 256 KiB.
  explicit MessageHeader(std::string_view message);

  bool has(std::string_view name) const;
  // The value of the first field of that name, unfolded and trimmed; "" when there is none.
  std::string value(std::string_view name) const;
  // All fields whose name begins with `prefix`: is there one?
  bool has_prefix(std::string_view prefix) const;
  // The bare addresses, lower case, of every field of that name.
  std::vector<std::string> addresses(std::string_view name) const;

 private:
  struct Field {
    std::string_view name;
    std::string_view value;  // with its folding
  };
  std::vector<Field> fields_;
};

}  // namespace eas::autoreply
