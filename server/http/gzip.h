// Compression of replies. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace http {

// Whether an Accept-Encoding value admits gzip (RFC 9110 section 12.5.3; q=0 forbids it).
bool accepts_gzip(std::string_view accept_encoding);

// Whether a body of this type and size is worth it: text, JSON, XML and the ActiveSync types, above
// 1 kB.
bool worth_compressing(std::string_view content_type, std::size_t size);

// `bytes` in gzip format; nullopt when zlib fails or the result would not be smaller.
std::optional<std::string> gzip(std::string_view bytes);

}  // namespace http
