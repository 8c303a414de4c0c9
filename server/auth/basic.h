// The Authorization header of HTTP Basic. [MS-ASHTTP] 2.2.1.1.2.2, RFC 7617
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace eas {

// As the phone sent them: UTF-8 from most, ISO-8859-1 from Outlook. The login may be `user`,
// `user@domain` or `DOMAIN\user`; storage::Directory understands all of these.
struct Credentials {
  std::string login;
  std::string password;
};

// nullopt: the header is missing ("") or malformed, another scheme, an empty login, or longer than
// 1 KiB. Pure; thread-safe.
std::optional<Credentials> parse_basic(std::string_view authorization);

}  // namespace eas
