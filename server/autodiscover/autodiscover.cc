#include "server/autodiscover/autodiscover.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "server/autodiscover/profile.h"
#include "storage/base/log.h"
#include "storage/base/text.h"
#include "storage/directory/address.h"

namespace eas::autodiscover {

using storage::equals_ignore_case;
using storage::ErrorKind;
using storage::Result;

namespace {

constexpr std::string_view kProfilePath = "/mobileconfig";
constexpr std::string_view kProfileSuffix = ".mobileconfig";

http::HttpReply login_wanted(const storage::Error& error) {
  if (error.kind != ErrorKind::denied) {
    http::HttpReply later = text_reply(503, "try again later");
    later.headers.emplace_back("Retry-After", "60");
    return later;
  }
  http::HttpReply reply;
  reply.status = 401;
  reply.headers.emplace_back("WWW-Authenticate", "Basic realm=\"ActiveSync\", charset=\"UTF-8\"");
  return reply;
}

http::HttpReply no_such_method(std::string_view allowed) {
  http::HttpReply reply = text_reply(405, "method not allowed");
  reply.headers.emplace_back("Allow", std::string(allowed));
  return reply;
}

http::HttpReply xml_reply(std::string text) {
  http::HttpReply reply;
  reply.content_type = "text/xml; charset=utf-8";
  reply.headers.emplace_back("Cache-Control", "private");
  reply.body = std::move(text);
  return reply;
}

http::HttpReply json_reply(int status, const nlohmann::ordered_json& json) {
  http::HttpReply reply;
  reply.status = status;
  reply.content_type = "application/json; charset=utf-8";
  reply.headers.emplace_back("Cache-Control", "private");
  reply.body = json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  return reply;
}

http::HttpReply json_error(int status, std::string_view code, const std::string& message) {
  return json_reply(status, {{"ErrorCode", code}, {"ErrorMessage", message}});
}

Person person_of(const storage::User& user) { return {user.address, user.display_name}; }

bool is_get(const http::HttpRequest& request) {
  return request.method == "GET" || request.method == "HEAD";
}

}  // namespace

Autodiscover::Autodiscover(SetupOptions options, Authenticator& authenticator,
                           storage::Directory& directory, const storage::Clock& clock)
    : options_(std::move(options)),
      authenticator_(authenticator),
      directory_(directory),
      clock_(clock) {}

Result<storage::User> Autodiscover::user_of(const http::HttpRequest& request) const {
  return authenticator_.check(request.header("Authorization"), request.peer);
}

bool Autodiscover::means(const storage::User& user, std::string_view address) const {
  if (equals_ignore_case(user.address, address)) return true;
  const auto found = directory_.find(address);
  return found && found->id == user.id;
}

// "anna@old.example" → "anna@new.example"; "" when nothing is said about the domain.
std::string Autodiscover::redirect_of(std::string_view address) const {
  const std::size_t at = address.rfind('@');
  if (at == std::string_view::npos) return {};
  for (const std::string& row : options_.redirects) {
    const std::size_t equals = row.find('=');
    if (equals == std::string::npos) continue;
    if (!equals_ignore_case(std::string_view(row).substr(0, equals), address.substr(at + 1))) {
      continue;
    }
    return std::string(address.substr(0, at + 1)) + row.substr(equals + 1);
  }
  return {};
}

bool Autodiscover::is_local(std::string_view address) const {
  if (options_.local_domains.empty()) return true;
  const std::string_view domain = address.substr(address.rfind('@') + 1);
  return std::any_of(options_.local_domains.begin(), options_.local_domains.end(),
                     [&](const std::string& local) { return equals_ignore_case(local, domain); });
}

http::HttpReply Autodiscover::answer(const storage::User& user, const Question& question,
                                     std::string_view base) const {
  const Person person = person_of(user);
  if (question.schema == Schema::unknown) {
    return xml_reply(framework_error(kSchemaNotSupported, "Requested schema version not supported",
                                     clock_.now_ms()));
  }
  const std::string elsewhere = redirect_of(question.address);
  if (!elsewhere.empty() && question.schema == Schema::mobilesync) {
    return xml_reply(redirect_answer(person, elsewhere));
  }
  // Whether somebody else's address exists makes no difference.
  if (!means(user, question.address)) {
    return xml_reply(framework_error(kBadAddress, "Bad Address", clock_.now_ms()));
  }
  if (question.schema == Schema::outlook) {
    if (auto settings = outlook_answer(person, options_)) return xml_reply(*std::move(settings));
    return xml_reply(framework_error(kSchemaNotSupported, "Requested schema version not supported",
                                     clock_.now_ms()));
  }
  if (!user.eas_enabled) {
    return xml_reply(action_error(person, "ActiveSync is turned off for this account."));
  }
  return xml_reply(settings_answer(person, base));
}

http::HttpReply Autodiscover::xml(const http::HttpRequest& request) const {
  if (!is_get(request) && request.method != "POST") return no_such_method("GET, HEAD, POST");
  const auto base = base_url(options_, request);
  if (!base) return text_reply(400, "no Host");
  // http://autodiscover.DOMAIN/… is asked without a password, to be sent to the right host.
  if (is_get(request) && !request.has_header("Authorization") && !options_.url.empty() &&
      !equals_ignore_case(request.header("Host"), host_of(*base))) {
    http::HttpReply reply = text_reply(302, "look there");
    reply.headers.emplace_back("Location", *base + std::string(kXmlPath));
    return reply;
  }
  const auto user = user_of(request);
  if (!user) return login_wanted(user.error());
  const std::string_view body = request.body.view();
  if (is_get(request) || storage::trim(body).empty()) {
    return answer(*user, {user->address, Schema::mobilesync}, *base);
  }
  const auto question = parse_question(body);
  if (!question) {
    storage::log_event(storage::LogLevel::info, "Autodiscover refused",
                       {{"user", user->address}, {"reason", question.error().message}});
    if (question.error().kind == ErrorKind::too_large) return text_reply(413, "too large");
    return xml_reply(framework_error(kInvalidRequest, "Invalid Request", clock_.now_ms()));
  }
  return answer(*user, *question, *base);
}

// As Exchange answers; /autodiscover/autodiscover.json/v1.0/ADDRESS or ?Email=ADDRESS.
http::HttpReply Autodiscover::json(const http::HttpRequest& request) const {
  if (!is_get(request)) return no_such_method("GET, HEAD");
  const auto base = base_url(options_, request);
  if (!base) return text_reply(400, "no Host");
  auto address = query_value(request.query, "Email");
  const std::size_t slash = request.path.rfind('/');
  const std::string last = storage::percent_decode(request.path.substr(slash + 1));
  if (!address && last.find('@') != std::string::npos) address = last;
  const auto protocol = query_value(request.query, "Protocol");
  if (!address || address->empty()) {
    return json_error(400, "MandatoryParameterMissing",
                      "A valid smtp address must be provided in the query parameter 'Email'.");
  }
  if (!storage::canonical_address(*address)) {
    return json_error(400, "InvalidUserId", "The given user is no smtp address.");
  }
  if (!protocol || protocol->empty()) {
    return json_error(400, "MandatoryParameterMissing",
                      "A valid value must be provided for the query parameter 'Protocol'.");
  }
  const bool active_sync = equals_ignore_case(*protocol, "ActiveSync");
  if (!active_sync && !equals_ignore_case(*protocol, "AutodiscoverV1")) {
    return json_error(400, "InvalidProtocol",
                      "The given protocol value '" +
                          std::string(storage::utf8_prefix(*protocol, 64)) +
                          "' is invalid. Supported values are 'ActiveSync,AutodiscoverV1'.");
  }
  if (!is_local(*address)) {
    return json_error(404, "UserNotFound", "The given user is not found.");
  }
  return json_reply(200, {{"Protocol", active_sync ? "ActiveSync" : "AutodiscoverV1"},
                          {"Url", *base + std::string(active_sync ? kSyncPath : kXmlPath)}});
}

http::HttpReply Autodiscover::profile(const http::HttpRequest& request) const {
  if (!is_get(request)) return no_such_method("GET, HEAD");
  const auto base = base_url(options_, request);
  if (!base) return text_reply(400, "no Host");
  const auto user = user_of(request);
  if (!user) return login_wanted(user.error());
  http::HttpReply reply;
  reply.headers = {{"Cache-Control", "private, no-store"}, {"X-Content-Type-Options", "nosniff"}};
  const std::string path = storage::percent_decode(request.path);
  if (path.size() <= kProfilePath.size() + 1) {
    reply.headers.emplace_back("Content-Security-Policy",
                               "default-src 'none'; style-src 'unsafe-inline'");
    reply.content_type = "text/html; charset=utf-8";
    reply.body = profile_page(person_of(*user), *base);
    return reply;
  }
  std::string_view name = std::string_view(path).substr(kProfilePath.size() + 1);
  if (!storage::to_lower(name).ends_with(kProfileSuffix)) return text_reply(404, "not found");
  name.remove_suffix(kProfileSuffix.size());
  if (!equals_ignore_case(name, user->address)) return text_reply(404, "not found");
  reply.content_type = kProfileType;
  reply.headers.emplace_back("Content-Disposition",
                             "attachment; filename=\"account.mobileconfig\"");
  reply.body = profile_xml(person_of(*user), *base);
  if (options_.certificate.empty()) return reply;
  auto is_signed = sign_profile(reply.body, options_.certificate, options_.key);
  if (is_signed) {
    reply.body = *std::move(is_signed);
  } else {
    storage::log_event(storage::LogLevel::warning, "profile not signed",
                       {{"reason", is_signed.error().message}});
  }
  return reply;
}

}  // namespace eas::autodiscover
