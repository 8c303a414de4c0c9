// What all ways of telling a device its settings need to know. Plain values and small helpers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/http/exchange.h"

namespace eas::autodiscover {

struct SetupOptions {
  std::string url;   // "https://mail.example.org"; "": the host that a request names
  std::string imap;  // "imaps://imap.example.org:993", "imap://…" with STARTTLS; "": none
  std::string smtp;  // "smtps://…:465", "smtp://…:587"; "": none
  std::vector<std::string> local_domains;
  std::vector<std::string> redirects;  // "old.example=new.example"
  std::string certificate, key;        // PEM files, for signing profiles; "": unsigned
};

// "imaps://host:993" taken apart.
struct MailEndpoint {
  std::string host;
  int port = 0;
  bool tls = false;  // from the first byte; else STARTTLS
};
// nullopt: "" or no such URL. The port defaults to the scheme's.
std::optional<MailEndpoint> parse_endpoint(std::string_view text);

// "https://host[:port]" without a slash at the end: as configured, else from the Host header (and
// X-Forwarded-Proto, which a proxy sets). nullopt: neither says.
std::optional<std::string> base_url(const SetupOptions& options, const http::HttpRequest& request);

// The host of a base_url(), with its port when it has one.
std::string_view host_of(std::string_view url);

// A parameter of a query, by its name without case, percent-decoded ('+' stays); nullopt: absent.
std::optional<std::string> query_value(std::string_view query, std::string_view name);

http::HttpReply text_reply(int status, std::string_view text);

inline constexpr std::string_view kSyncPath = "/Microsoft-Server-ActiveSync";
inline constexpr std::string_view kXmlPath = "/autodiscover/autodiscover.xml";

}  // namespace eas::autodiscover
