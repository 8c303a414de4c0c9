// How text gets into a mail: charset conversion, transfer encodings, encoded words. Pure.
// What it is not: a MIME library for the server (that is GMime, in server/items); the demo's mail
// must not come from the code that it exercises.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace demo {

// UTF-8 in `charset`; characters that it lacks become '?'.
std::string convert(std::string_view utf8, std::string_view charset);

enum class Transfer { seven_bit, eight_bit, quoted_printable, base64 };
std::string_view name_of(Transfer transfer);

// Bytes with LF line ends as a part's body, with LF line ends.
std::string encode_body(std::string_view bytes, Transfer transfer);
std::string base64_lines(std::string_view bytes);  // lines of 76 characters

// UTF-8 text as header text: itself when it is ASCII, otherwise folded encoded words of at most 75
// characters (RFC 2047), Q or B.
std::string header_text(std::string_view utf8, std::string_view charset, bool q_encoding);

// `Name <address>` with the name quoted or encoded as it must be.
std::string mailbox_text(std::string_view name, std::string_view address, std::string_view charset,
                         bool q_encoding);

// A parameter value: quoted, or RFC 2231 (name*=utf-8''…) when it is not ASCII.
std::string parameter(std::string_view name, std::string_view utf8);

}  // namespace demo
