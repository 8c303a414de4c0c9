// dateTime values of the protocol. [MS-ASDTYPE] 2.3. Pure, thread-safe, no time zone database.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "storage/base/clock.h"

namespace eas {

// "2026-03-01T10:20:30.400Z". Years outside 1601 … 9999 are clamped to that range.
std::string format_date_time(storage::UnixMillis time);

// Reads the punctuated form (with or without fraction) and the compact "20260301T102030Z".
// nullopt: malformed.
std::optional<storage::UnixMillis> parse_date_time(std::string_view text);

// 100-nanosecond units since 1601, as Windows counts.
std::uint64_t to_filetime(storage::UnixMillis time);

}  // namespace eas
