// Line ends and line lengths that RFC 5322 2.1.1 and SMTP allow.
#pragma once

#include <string>

namespace eas {

// Mends a message in place: bare LF and bare CR become CRLF; header lines over 998 bytes are
// folded; a part with such lines gets a transfer encoding that has none. A legal message is left as
// it is, byte for byte. Never fails.
void make_lines_legal(std::string& message);

}  // namespace eas
