// The protocol versions that the server speaks, in order. [MS-ASHTTP] 2.2.1.1.2.4
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace eas {

enum class Version : std::uint8_t { v2_5, v12_0, v12_1, v14_0, v14_1, v16_0, v16_1 };

// "14.1" → v14_1; nullopt for a version that is not spoken.
std::optional<Version> parse_version(std::string_view text);
// 141 → v14_1, as in the base64 query.
std::optional<Version> version_from_byte(std::uint8_t byte);
std::string_view to_string(Version version);
// "2.5,12.0,12.1,14.0,14.1,16.0,16.1"
std::string_view all_versions_text();

}  // namespace eas
