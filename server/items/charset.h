// From the bytes of a text part or header to UTF-8: label, then detection, then windows-1252, so
// that nothing comes out as mojibake where it can be helped. Pure, thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace eas {

// UTF-8 of `bytes`, which `label` (a charset parameter, "" when there is none) says how to read.
// Well-formed UTF-8 always, but characters that XML forbids are still in it: see clean_text.h.
//
// A label is believed unless the bytes contradict it: well-formed UTF-8 under a wrong single-byte
// label, malformed UTF-8 under the label UTF-8, or text that was encoded as UTF-8 twice.
// With `partial`, `bytes` is the beginning of something longer and an incomplete last character is
// left out.
std::string decode_text(std::string bytes, std::string_view label, bool partial = false);

// The Windows code page number of a label for InternetCPID; 65001 (UTF-8) when unknown or empty.
int code_page_of(std::string_view label);

// The charset that a <meta> in the first 2 KiB of an HTML document declares; "" when none.
std::string_view meta_charset(std::string_view html);

// Makes that declaration say utf-8, since that is what is sent. `html` is UTF-8.
void set_meta_charset_utf8(std::string& html);

}  // namespace eas
