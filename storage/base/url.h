// An absolute URL taken apart, as administrators write them: scheme://host[:port][/path].
#pragma once

#include <optional>
#include <string_view>

namespace storage {

// Views into the text that was parsed.
struct Url {
  std::string_view scheme;     // as written: "https"
  std::string_view authority;  // "mail.example.org:8443", "[::1]"
  std::string_view host;       // "mail.example.org", "::1"
  std::optional<int> port;     // 1 to 65535
  std::string_view path;       // from the slash on, with a query; "" when there is none
};

// nullopt: no scheme or no host, a user or a password, a character that no host name has, an
// impossible port.
std::optional<Url> parse_url(std::string_view text);

}  // namespace storage
