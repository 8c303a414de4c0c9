#include "storage/base/url.h"

#include <algorithm>

#include "storage/base/text.h"

namespace storage {
namespace {

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_name(std::string_view host) {
  return std::all_of(host.begin(), host.end(), [](char c) {
    return is_letter_or_digit(c) || c == '.' || c == '-' || c == '_';
  });
}

bool is_ipv6(std::string_view host) {
  return std::all_of(host.begin(), host.end(),
                     [](char c) { return is_letter_or_digit(c) || c == ':' || c == '.'; });
}

}  // namespace

std::optional<Url> parse_url(std::string_view text) {
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  Url url;
  url.scheme = text.substr(0, colon);
  const std::string_view rest = text.substr(colon + 3);
  url.authority = rest.substr(0, rest.find_first_of("/?#"));
  url.path = rest.substr(url.authority.size());
  const bool bracketed = url.authority.starts_with('[');
  const std::size_t end = bracketed ? url.authority.find(']') : url.authority.find(':');
  if (bracketed && end == std::string_view::npos) return std::nullopt;
  url.host = bracketed ? url.authority.substr(1, end - 1) : url.authority.substr(0, end);
  if (url.host.empty() || url.host.size() > 255) return std::nullopt;
  if (bracketed ? !is_ipv6(url.host) : !is_name(url.host)) return std::nullopt;
  const std::string_view after =
      url.authority.substr(std::min(url.host.size() + (bracketed ? 2U : 0U), url.authority.size()));
  if (after.empty()) return url;
  const auto port = after.front() == ':' ? parse_uint(after.substr(1)) : std::nullopt;
  if (!port || *port == 0 || *port > 65535) return std::nullopt;
  url.port = static_cast<int>(*port);
  return url;
}

}  // namespace storage
