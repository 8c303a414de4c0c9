// Mail addresses as names of users, and the forms in which people type them at a login.
// Pure functions, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace storage {

// `address` in the one form in which it is stored and compared: lower case (ASCII, Latin-1, Greek
// and Cyrillic letters), nothing else changed. nullopt when it is not an address that a user may
// have: exactly one '@', at most 254 bytes, the domain a DNS name, the local part RFC 5322 atoms
// without '/' or UTF-8 letters, no leading, trailing or double dot. So it is safe as the name of a
// directory.
std::optional<std::string> canonical_address(std::string_view address);

// `domain` in lower case, nullopt when it is not a DNS name (1 to 253 bytes of ASCII, labels of 1
// to 63 letters, digits and inner hyphens).
std::optional<std::string> canonical_domain(std::string_view domain);

// The addresses that a login name may mean, the likeliest first; canonical and without repetition;
// empty when it can mean nobody. `user@domain` is itself; `user` is of the default domain;
// `DOMAIN\user` is of DOMAIN if that is a dotted DNS name, and else or then of the default domain;
// `DOMAIN\user@domain` is `user@domain`. Bytes that are not ASCII are taken as UTF-8 where they are
// UTF-8, then as ISO-8859-1.
std::vector<std::string> login_addresses(std::string_view login, std::string_view default_domain);

// `text` as UTF-8 and, when it is not ASCII, as ISO-8859-1 turned into UTF-8: one or two forms.
std::vector<std::string> charset_forms(std::string_view text);

}  // namespace storage
