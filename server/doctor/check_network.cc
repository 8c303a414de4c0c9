#include <netdb.h>

#include <fstream>

#include "server/doctor/checks.h"
#include "server/doctor/fetch.h"
#include "server/doctor/hold.h"
#include "storage/base/text.h"

namespace eas::doctor {
namespace {

bool resolves(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), "443", &hints, &found) != 0) return false;
  ::freeaddrinfo(found);
  return true;
}

std::string base_of(const Config& config) {
  std::string url = config.autodiscover_url;
  while (url.ends_with('/')) url.pop_back();
  return url;
}

std::string advice_for(const Fetched& fetched) {
  switch (fetched.failure) {
    case Fetched::Failure::name:
      return "enter the host in DNS, or correct autodiscover.url";
    case Fetched::Failure::connection:
      return "start the server or the proxy, and open the port in the firewall";
    case Fetched::Failure::certificate:
      return "see the certificate's checks, also that of the proxy";
    default:
      return "look at the proxy's log";
  }
}

// What a proxy has to be told, when it says which one it is.
std::string proxy_advice(const std::string& server) {
  const std::string name = storage::to_lower(server);
  const std::string nginx =
      "nginx: proxy_read_timeout 3600s; proxy_send_timeout 3600s; proxy_buffering off;";
  const std::string apache = "Apache: ProxyTimeout 3600 (or timeout=3600 at ProxyPass);";
  const std::string haproxy = "HAProxy: timeout server 1h, timeout client 1h;";
  if (name.find("nginx") != std::string::npos || name.find("openresty") != std::string::npos) {
    return "set in " + nginx;
  }
  if (name.find("apache") != std::string::npos) return "set in " + apache;
  if (name.find("haproxy") != std::string::npos) return "set in " + haproxy;
  return "set in " + nginx + " " + apache + " " + haproxy + " or lower limits.max_heartbeat";
}

}  // namespace

Findings check_autodiscover(const Config& config, const std::string& ca_file) {
  constexpr const char* kCheck = "autodiscover";
  Findings findings;
  for (const std::string& domain : config.local_domains) {
    const std::string host = "autodiscover." + domain;
    if (resolves(host)) {
      findings.push_back({Outcome::ok, kCheck, host + " has an address", ""});
    } else {
      findings.push_back({Outcome::warning, kCheck, host + " has no address",
                          "enter it in DNS as a CNAME of the server, or users type the server"});
    }
  }
  const std::string base = base_of(config);
  if (base.empty()) {
    findings.push_back({Outcome::warning, kCheck, "the server's own URL is not set",
                        "set autodiscover.url to what phones reach, https://mail.example.org"});
    return findings;
  }
  if (!base.starts_with("https://")) {
    findings.push_back({Outcome::warning, kCheck, base + " is not encrypted",
                        "phones expect https://; correct autodiscover.url"});
  }
  const std::string domain =
      config.local_domains.empty() ? "example.org" : config.local_domains.front();
  FetchOptions options;
  options.ca_file = ca_file;
  options.url = base + "/autodiscover/autodiscover.json?Protocol=ActiveSync&Email=doctor@" + domain;
  const Fetched fetched = fetch(options);
  if (fetched.failure != Fetched::Failure::none) {
    findings.push_back({Outcome::problem, kCheck, base + " does not answer: " + fetched.reason,
                        advice_for(fetched)});
  } else if (fetched.status != 200 ||
             fetched.body.find("/Microsoft-Server-ActiveSync") == std::string::npos) {
    findings.push_back(
        {Outcome::problem, kCheck,
         base + " answers " + std::to_string(fetched.status) + " and not as this server",
         "pass /autodiscover/ and /Microsoft-Server-ActiveSync on to it"});
  } else {
    findings.push_back({Outcome::ok, kCheck, base + " answers", ""});
  }
  return findings;
}

Findings check_proxy(const Config& config, const std::string& ca_file, std::string_view secret,
                     std::chrono::seconds hold) {
  constexpr const char* kCheck = "waiting";
  const std::string base = base_of(config);
  if (base.empty()) {
    return {{Outcome::warning, kCheck, "how long a request may wait is unknown",
             "set autodiscover.url"}};
  }
  const auto longest = std::chrono::seconds(config.limits.max_heartbeat);
  FetchOptions options;
  options.ca_file = ca_file;
  options.timeout = hold + std::chrono::seconds(20);
  options.url = base + std::string(kHoldPath) + "?" +
                hold_query(secret, hold, storage::SystemClock().now_ms());
  const Fetched fetched = fetch(options);
  const std::string after = std::to_string((fetched.took.count() + 500) / 1000) + " seconds";
  if (fetched.failure == Fetched::Failure::none && fetched.status == 200 &&
      fetched.body.starts_with("held ")) {
    std::string text = "a request was held for " + after;
    if (hold < longest) {
      text += "; phones wait up to " + std::to_string(longest.count()) + " (try --hold " +
              std::to_string(longest.count()) + ")";
    }
    return {{Outcome::ok, kCheck, std::move(text), ""}};
  }
  // Some time has to pass before a limit of time can be blamed.
  const bool waited = fetched.took >= std::chrono::milliseconds(900);
  if (waited && (fetched.status == 504 || fetched.status == 502 || fetched.status == 408 ||
                 fetched.status == 524)) {
    return {{Outcome::problem, kCheck,
             "a waiting request was cut after " + after + " with " +
                 std::to_string(fetched.status) +
                 (fetched.server.empty() ? "" : " by " + fetched.server),
             proxy_advice(fetched.server)}};
  }
  if (waited &&
      (fetched.failure == Fetched::Failure::cut || fetched.failure == Fetched::Failure::time_out)) {
    const bool dead = fetched.failure == Fetched::Failure::time_out;
    return {{Outcome::problem, kCheck,
             dead ? "the answer to a waiting request never came (" + after + ")"
                  : "a waiting request's connection was cut after " + after,
             (dead ? "a firewall forgets idle connections: raise its limit; or " : "") +
                 proxy_advice("")}};
  }
  if (fetched.failure != Fetched::Failure::none) {
    return {{Outcome::problem, kCheck, base + " does not answer: " + fetched.reason,
             advice_for(fetched)}};
  }
  return {{Outcome::problem, kCheck,
           "the URL answers " + std::to_string(fetched.status) + " to " + std::string(kHoldPath),
           "pass every path on to this server, and run the doctor with the configuration of the "
           "server that runs"}};
}

Findings check_relay(const Config& config) {
  constexpr const char* kCheck = "relay";
  if (config.relay_url.empty()) {
    return {{Outcome::warning, kCheck, "none: mail to other domains is refused",
             "set relay.url when users are to write to the world"}};
  }
  SmtpOptions options;
  options.url = config.relay_url;
  options.user = config.relay_user;
  options.ca_file = config.relay_ca_file;
  options.require_tls = config.relay_starttls == "required";
  options.try_tls = config.relay_starttls != "never";
  if (!config.relay_password_file.empty()) {
    std::ifstream file(config.relay_password_file);
    if (!std::getline(file, options.password)) {
      return {{Outcome::problem, kCheck, config.relay_password_file + " cannot be read",
               "correct relay.password_file, or its permissions"}};
    }
  }
  const Fetched greeted = greet(options);
  if (greeted.failure == Fetched::Failure::none) {
    return {{Outcome::ok, kCheck, config.relay_url + " lets us in", ""}};
  }
  std::string advice = "correct relay.url, relay.user and relay.password_file";
  if (greeted.failure == Fetched::Failure::certificate) {
    advice = "correct relay.ca_file or relay.starttls, or the relay's certificate";
  } else if (greeted.failure == Fetched::Failure::connection) {
    advice = "start the relay, or correct relay.url";
  }
  return {{Outcome::problem, kCheck, config.relay_url + ": " + greeted.reason, advice}};
}

}  // namespace eas::doctor
