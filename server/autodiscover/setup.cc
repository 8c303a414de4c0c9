#include "server/autodiscover/setup.h"

#include <algorithm>
#include <array>

#include "storage/base/text.h"
#include "storage/base/url.h"

namespace eas::autodiscover {
namespace {

struct Scheme {
  std::string_view name;
  int port;
  bool tls;
};
constexpr std::array kSchemes = {Scheme{"imaps", 993, true}, Scheme{"imap", 143, false},
                                 Scheme{"smtps", 465, true}, Scheme{"smtp", 587, false}};

}  // namespace

std::optional<MailEndpoint> parse_endpoint(std::string_view text) {
  const auto url = storage::parse_url(text);
  if (!url || (!url->path.empty() && url->path != "/")) return std::nullopt;
  for (const Scheme& scheme : kSchemes) {
    if (!storage::equals_ignore_case(url->scheme, scheme.name)) continue;
    return MailEndpoint{std::string(url->host), url->port.value_or(scheme.port), scheme.tls};
  }
  return std::nullopt;
}

std::optional<std::string> base_url(const SetupOptions& options, const http::HttpRequest& request) {
  if (!options.url.empty()) {
    std::string url = options.url;
    while (url.ends_with('/')) url.pop_back();
    return url;
  }
  const bool tls =
      request.tls || storage::equals_ignore_case(request.header("X-Forwarded-Proto"), "https");
  std::string url = (tls ? "https://" : "http://") + std::string(request.header("Host"));
  // The header is the client's: it must not bring anything but a host and a port into an answer.
  const auto parsed = storage::parse_url(url);
  if (!parsed || !parsed->path.empty()) return std::nullopt;
  return url;
}

std::string_view host_of(std::string_view url) {
  const auto parsed = storage::parse_url(url);
  return parsed ? parsed->authority : std::string_view();
}

std::optional<std::string> query_value(std::string_view query, std::string_view name) {
  for (const std::string_view pair : storage::split(query, '&')) {
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (!storage::equals_ignore_case(storage::percent_decode(pair.substr(0, equals)), name)) {
      continue;
    }
    return storage::percent_decode(pair.substr(std::min(equals + 1, pair.size())));
  }
  return std::nullopt;
}

http::HttpReply text_reply(int status, std::string_view text) {
  http::HttpReply reply;
  reply.status = status;
  reply.content_type = "text/plain; charset=utf-8";
  reply.body = std::string(text) + "\n";
  return reply;
}

}  // namespace eas::autodiscover
