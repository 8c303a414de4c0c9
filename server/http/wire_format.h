// The few bytes of HTTP that are written without cpp-httplib: replies to requests that never reach
// it, the Date header, reason phrases that it does not know. Pure but for the clock.
#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "server/http/job.h"

namespace http {

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7).
std::string http_date(std::time_t time);

// "Not Found"; "Unknown" for codes without a name.
std::string_view reason_phrase(int status);

// A short reply in plain text; `extra_headers` are whole lines, each ending in CRLF.
WireReply short_reply(int status, std::string_view text, bool close,
                      std::string_view extra_headers = {});

}  // namespace http
