// The time as it stands in the header of a message. [RFC 5322] 3.3
#pragma once

#include <string>

#include "storage/base/clock.h"

namespace storage {

// In UTC: "Sun, 22 Nov 2026 08:00:00 +0000".
std::string mail_date(UnixMillis when);

}  // namespace storage
