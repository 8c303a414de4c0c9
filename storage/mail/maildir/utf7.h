// Modified UTF-7 of IMAP (RFC 3501 section 5.1.3), as Dovecot writes it in Maildir++ directory
// names; keywords use the same coding with a narrower set of literal characters. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace storage::maildir {

// Encodes valid UTF-8. `literal` says which printable ASCII characters stand for themselves; '&' is
// always written as "&-".
std::string utf7_encode(std::string_view utf8, bool (*literal)(char));
// nullopt: not modified UTF-7. Bytes above 0x7F are refused.
std::optional<std::string> utf7_decode(std::string_view text);

}  // namespace storage::maildir
