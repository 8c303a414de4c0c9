// Random bytes and digests, from OpenSSL. Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace storage {

std::string random_bytes(std::size_t count);  // aborts the process when the system has none
std::uint32_t random_u32();                   // never 0
std::string sha256(std::string_view bytes);   // 32 raw bytes
std::string hmac_sha256(std::string_view key, std::string_view bytes);  // 32 raw bytes
// Compares in time that does not depend on the contents.
bool equals_constant_time(std::string_view a, std::string_view b);

}  // namespace storage
