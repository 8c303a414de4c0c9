#include "server/http/wire_format.h"

#include <array>
#include <cstdio>

namespace http {

// Not strftime: its names of days and months follow the process's locale.
std::string http_date(std::time_t time) {
  static constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed",
                                                       "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  std::array<char, 64> text{};
  const int size = std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                                 kDays[static_cast<std::size_t>(parts.tm_wday)], parts.tm_mday,
                                 kMonths[static_cast<std::size_t>(parts.tm_mon)],
                                 parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
  return {text.data(), static_cast<std::size_t>(size)};
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 417:
      return "Expectation Failed";
    case 431:
      return "Request Header Fields Too Large";
    case 449:
      return "Retry With";  // MS-ASPROV: a policy must be fetched first
    case 451:
      return "Redirect";  // MS-ASHTTP: use X-MS-Location
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return "Unknown";
  }
}

WireReply short_reply(int status, std::string_view text, bool close,
                      std::string_view extra_headers) {
  WireReply reply;
  reply.close = close;
  reply.body.append(text).append("\n");
  reply.head.append("HTTP/1.1 ").append(std::to_string(status)).append(" ");
  reply.head.append(reason_phrase(status))
      .append("\r\nDate: ")
      .append(http_date(std::time(nullptr)));
  reply.head.append("\r\nContent-Type: text/plain\r\nContent-Length: ");
  reply.head.append(std::to_string(reply.body.size())).append("\r\n").append(extra_headers);
  if (close) reply.head.append("Connection: close\r\n");
  reply.head.append("\r\n");
  return reply;
}

}  // namespace http
