// The other end of check_proxy(): a request that waits without a thread, for whoever has the
// server's secret. To everybody else it is not there.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "server/http/exchange.h"
#include "storage/base/clock.h"

namespace eas::doctor {

inline constexpr std::string_view kHoldPath = "/godwit-doctor/hold";
inline constexpr std::chrono::seconds kLongestHold{3540};

// The query that makes a server hold a request for `hold`; good for an hour.
std::string hold_query(std::string_view secret, std::chrono::seconds hold, storage::UnixMillis now);

// Answers 200 "held N" when the time is over, 404 without a good query. `secret` must be set.
http::Outcome hold(http::HttpRequest& request, std::string_view secret, storage::UnixMillis now);

}  // namespace eas::doctor
