// Recipients as people and phones write them, and as a message header wants them. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace eas::compose {

// The single addresses of a field's value, each as it stands there: parted by ',' or ';' outside
// quotes and comments. The name of a group ("friends: a, b;") and empty pieces are left out.
// RFC 5322 3.4
std::vector<std::string> split_addresses(std::string_view value);

// A header field ("To") with these addresses (UTF-8, parted by ',' or ';'), encoded and folded,
// with its CRLF. What is no address stays as text, so that a draft loses nothing. "" when there are
// none.
std::string address_field(std::string_view name, std::string_view utf8);

// Whether a bare address has a domain, and nothing that a mail server would not take.
bool is_deliverable(std::string_view address);
// Whether each piece is an address with a domain that a mail server takes.
bool are_deliverable(const std::vector<std::string>& pieces);

}  // namespace eas::compose
