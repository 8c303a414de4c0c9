#include "server/autodiscover/setup.h"

#include <algorithm>
#include <array>

#include "storage/base/text.h"

namespace eas::autodiscover {
namespace {

// A Host header is the client's: it must not bring anything but a host and a port into an answer.
bool is_host(std::string_view text) {
  return !text.empty() && text.size() <= 255 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == ':' || c == '[' || c == ']';
  });
}

struct Scheme {
  std::string_view name;
  int port;
  bool tls;
};
constexpr std::array kSchemes = {Scheme{"imaps://", 993, true}, Scheme{"imap://", 143, false},
                                 Scheme{"smtps://", 465, true}, Scheme{"smtp://", 587, false}};

}  // namespace

std::optional<MailEndpoint> parse_endpoint(std::string_view url) {
  for (const Scheme& scheme : kSchemes) {
    if (!storage::starts_with_ignore_case(url, scheme.name)) continue;
    std::string_view rest = url.substr(scheme.name.size());
    if (rest.ends_with('/')) rest.remove_suffix(1);
    MailEndpoint endpoint{std::string(rest), scheme.port, scheme.tls};
    const std::size_t colon = rest.rfind(':');
    if (colon != std::string_view::npos && !rest.ends_with(']')) {
      const auto port = storage::parse_uint(rest.substr(colon + 1));
      if (!port || *port == 0 || *port > 65535) return std::nullopt;
      endpoint.host = std::string(rest.substr(0, colon));
      endpoint.port = static_cast<int>(*port);
    }
    if (!is_host(endpoint.host)) return std::nullopt;
    return endpoint;
  }
  return std::nullopt;
}

std::optional<std::string> base_url(const SetupOptions& options, const http::HttpRequest& request) {
  if (!options.url.empty()) {
    std::string url = options.url;
    while (url.ends_with('/')) url.pop_back();
    return url;
  }
  const std::string_view host = request.header("Host");
  if (!is_host(host)) return std::nullopt;
  const bool tls =
      request.tls || storage::equals_ignore_case(request.header("X-Forwarded-Proto"), "https");
  return (tls ? "https://" : "http://") + std::string(host);
}

std::string_view host_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  return url.substr(0, url.find('/'));
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
