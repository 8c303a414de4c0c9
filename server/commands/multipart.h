// The body of a multipart ItemOperations answer: a count, offsets and lengths (32 bit,
// little-endian), then the parts; part 0 is the WBXML document. [MS-ASCMD] 2.2.1.10.1.1
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace eas {

inline constexpr std::string_view kMultipartType = "application/vnd.ms-sync.multipart";

// REQUIRES: all parts together are smaller than 4 GiB.
std::string encode_multipart(std::string_view document, const std::vector<std::string>& parts);

}  // namespace eas
