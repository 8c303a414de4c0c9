// Every way out of a request passes through here, so this is where refusals are logged, errors get
// the form that the version wants, and exceptions of libraries end.
//
// What a parked request keeps (Flight) is small on purpose: ten thousand of them are normal.
#include "server/commands/dispatch.h"

#include <chrono>
#include <exception>
#include <utility>

#include "server/auth/basic.h"
#include "server/commands/command_table.h"
#include "server/commands/device_record.h"
#include "server/commands/dispatch_parts.h"
#include "server/commands/request_body.h"
#include "server/commands/request_query.h"
#include "server/commands/status.h"
#include "server/config/limits.h"
#include "storage/base/log.h"
#include "storage/base/text.h"

namespace eas {
namespace {

using storage::ErrorKind;
using storage::LogLevel;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kMailOverhead = 64u << 10;  // WBXML around the MIME of a largest mail
constexpr std::size_t kMaxUserAgent = 256;

http::HttpReply plain_reply(int status) {
  http::HttpReply reply;
  reply.status = status;
  return reply;
}

// Header values go into logs and into the database.
std::string clean_header(std::string_view value, std::size_t limit) {
  std::string clean(storage::trim(value).substr(0, limit));
  for (char& c : clean) {
    if (c < 0x20 || c > 0x7E) c = '?';
  }
  return clean;
}

long long milliseconds_since(SteadyClock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - start).count();
}

std::vector<http::Header> without_credentials(const std::vector<http::Header>& headers) {
  std::vector<http::Header> kept;
  for (const http::Header& header : headers) {
    if (storage::equals_ignore_case(header.first, "Authorization") ||
        storage::equals_ignore_case(header.first, "Proxy-Authorization") ||
        storage::equals_ignore_case(header.first, "Cookie")) {
      continue;
    }
    kept.push_back(header);
  }
  return kept;
}

// What the line of a request that was carried out says, whether it waited or not.
struct Done {
  const CommandInfo& command;
  std::string_view user, device;
  Version version;
  SteadyClock::time_point start;
};

void log_answer(const Done& done, const http::HttpReply& reply) {
  // "Nothing new": thousands of these answers are not worth a line each.
  const bool uneventful =
      reply.body.empty() && (done.command.flags & command_flag::kEmptyBody) != 0;
  storage::log_event(uneventful ? LogLevel::debug : LogLevel::info, "command",
                     {{"command", done.command.name},
                      {"user", done.user},
                      {"device", done.device},
                      {"version", to_string(done.version)},
                      {"http", reply.status},
                      {"bytes", reply.body.size()},
                      {"ms", milliseconds_since(done.start)}});
}

// "status 110: the state cannot be read".
std::string refusal_text(const CommandError& error) {
  return "status " + std::to_string(error.status) + ": " + error.reason;
}

http::HttpReply to_http(Reply reply) {
  http::HttpReply result;
  result.status = reply.http_status;
  result.headers = std::move(reply.headers);
  if (!reply.body.empty()) result.content_type = std::move(reply.content_type);
  result.body = std::move(reply.body);
  return result;
}

void hand_to(const CaptureSink& sink, const CapturedRequest& request,
             const http::HttpReply& reply) {
  CapturedExchange exchange;
  exchange.time = request.time;
  exchange.user = request.user;
  exchange.device_id = request.device_id;
  exchange.method = request.method;
  exchange.path = request.path;
  exchange.query = request.query;
  exchange.request_headers = &request.headers;
  exchange.request_body = request.body;
  exchange.status = reply.status;
  exchange.reply_headers = &reply.headers;
  exchange.reply_content_type = reply.content_type;
  exchange.reply_body = reply.body;
  sink(exchange);
}

}  // namespace

void Dispatcher::Exchange::log_refusal(int http_status, std::string_view reason) const {
  storage::log_event(LogLevel::warning, "request refused",
                     {{"reason", reason},
                      {"http", http_status},
                      {"user", request.user.address},
                      {"device", request.query.device_id},
                      {"command", request.query.command},
                      {"version", request.query.version_text},
                      {"peer", peer}});
}

http::HttpReply Dispatcher::Exchange::refuse(int http_status, std::string_view reason) const {
  log_refusal(http_status, reason);
  return plain_reply(http_status);
}

http::HttpReply Dispatcher::Exchange::refuse(const CommandError& error) const {
  Reply reply = error_reply(error, *command, request.version);
  log_refusal(reply.http_status, refusal_text(error));
  return to_http(std::move(reply));
}

Dispatcher::Dispatcher(const Services& services, DispatcherOptions options)
    : services_(services),
      options_(std::move(options)),
      authenticator_(*services.directory, *services.clock, services.limits->login_failures,
                     services.limits->address_login_failures) {
  services_.hub->set_device_listener(
      [this](const storage::HubEvent& event) { device_changed(event.user_id, event.collection); });
}

Dispatcher::~Dispatcher() { services_.hub->set_device_listener({}); }

http::Outcome Dispatcher::handle(http::HttpRequest& request) {
  Exchange exchange;
  exchange.peer = request.peer;
  exchange.http = &request;
  try {
    return handle_checked(request, exchange);
  } catch (const std::exception& error) {
    storage::log_event(LogLevel::error, "exception in a command",
                       {{"command", exchange.request.query.command},
                        {"user", exchange.request.user.address},
                        {"what", error.what()}});
  } catch (...) {
    storage::log_event(LogLevel::error, "unknown exception in a command",
                       {{"command", exchange.request.query.command}});
  }
  return plain_reply(500);
}

http::Outcome Dispatcher::handle_checked(http::HttpRequest& request, Exchange& exchange) {
  auto query = parse_query(request.query);
  if (query) exchange.request.query = std::move(*query);

  auto user = authenticator_.check(request.header("Authorization"), request.peer);
  if (!user) {
    if (user.error().kind != ErrorKind::denied) {
      http::HttpReply later = exchange.refuse(503, user.error().message);
      later.headers.emplace_back("Retry-After", "60");
      return later;
    }
    http::HttpReply reply = exchange.refuse(401, user.error().message);
    reply.headers.emplace_back("WWW-Authenticate", "Basic realm=\"ActiveSync\"");
    return reply;
  }
  exchange.request.user = std::move(*user);

  if (request.method == "OPTIONS") {
    if (!exchange.request.user.eas_enabled) {
      return exchange.refuse(403, "the user may not sync with phones");
    }
    return options_reply();
  }
  if (request.method != "POST") return exchange.refuse(501, "method " + request.method);
  if (!query) return exchange.refuse(400, query.error().message);
  return handle_post(request, exchange);
}

http::HttpReply Dispatcher::options_reply() const {
  http::HttpReply reply = plain_reply(200);
  reply.headers = {{"MS-Server-ActiveSync", options_.server_version},
                   {"MS-ASProtocolVersions", std::string(all_versions_text())},
                   {"MS-ASProtocolCommands", command_list_text()},
                   {"Allow", "OPTIONS,POST"},
                   {"Public", "OPTIONS,POST"}};
  return reply;
}

http::Outcome Dispatcher::handle_post(http::HttpRequest& request, Exchange& exchange) {
  if (auto refusal = prepare(request, exchange)) return *std::move(refusal);
  Request& eas_request = exchange.request;
  const CommandInfo& command = *exchange.command;

  // Before the device's record: a body that cannot be used leaves no trace.
  const auto bad =
      read_body(eas_request, request.body.view(), request.header("Content-Type"), command);
  if (bad) return refuse_body(request, *bad, exchange);
  if (auto refusal = prepare_device(request, exchange)) return *std::move(refusal);
  if (auto refusal = pass_gate(request, exchange)) return *std::move(refusal);
  if ((command.flags & command_flag::kReplacesOlder) != 0) {
    registry_.supersede({eas_request.user.id, eas_request.device.id, &command, {}});
  }
  eas_request.end_older = [this, user = eas_request.user.id, device = eas_request.device.id,
                           &command](const std::vector<storage::CollectionId>& collections) {
    registry_.supersede({user, device, &command, collections});
  };
  return finish(command.run(eas_request, services_), exchange);
}

http::HttpReply Dispatcher::refuse_body(http::HttpRequest& request, const BodyError& bad,
                                        Exchange& exchange) {
  // A captured device's broken requests are the ones worth looking at.
  const auto device =
      services_.state->device(exchange.request.user.id, exchange.request.query.device_id);
  if (device && device->capture) capture(request, exchange);
  http::HttpReply reply = bad.plain ? exchange.refuse(bad.error.http_status, bad.error.reason)
                                    : exchange.refuse(bad.error);
  if (exchange.captured) hand_to(options_.capture, *exchange.captured, reply);
  return reply;
}

void Dispatcher::capture(const http::HttpRequest& request, Exchange& exchange) const {
  if (!options_.capture) return;
  exchange.captured = std::make_shared<CapturedRequest>(
      CapturedRequest{services_.clock->now_ms(), exchange.request.user.address,
                      exchange.request.query.device_id, request.method, request.path, request.query,
                      without_credentials(request.headers), std::string(request.body.view())});
}

// Version, command and the parameters that are in headers or in the query.
std::optional<http::HttpReply> Dispatcher::prepare(http::HttpRequest& request, Exchange& exchange) {
  Query& query = exchange.request.query;
  if (query.version_text.empty()) {
    query.version_text = clean_header(request.header("MS-ASProtocolVersion"), 16);
    query.version = parse_version(query.version_text);
  }
  if (!query.version) {
    // No body: it would have to be in a version that is not spoken. [MS-ASHTTP] 2.2.2.1.1,
    // [MS-ASCMD] 2.2.2 (138)
    const bool first_version = query.version_text.starts_with("1.");
    http::HttpReply reply = exchange.refuse(
        first_version ? 505 : 400,
        query.version_text.empty() ? "no protocol version" : "the version is not spoken");
    reply.headers.emplace_back("MS-ASProtocolVersions", std::string(all_versions_text()));
    return reply;
  }
  exchange.request.version = *query.version;

  exchange.command = find_command(query.command);
  if (exchange.command == nullptr) return exchange.refuse(501, "unknown command");
  if (*query.version < exchange.command->since || *query.version > exchange.command->until) {
    return exchange.refuse(
        command_error(status::kVersionNotSupported, "the version does not have the command"));
  }
  if (!is_valid_device_id(query.device_id)) {
    return exchange.refuse(command_error(status::kDeviceIdInvalid, "bad DeviceId"));
  }
  if (!is_valid_device_type(query.device_type)) {
    return exchange.refuse(command_error(status::kDeviceTypeInvalid, "bad DeviceType"));
  }
  if (!query.policy_key) {
    const auto key = storage::parse_uint(storage::trim(request.header("X-MS-PolicyKey")));
    if (key && *key <= 0xFFFFFFFFu) query.policy_key = static_cast<std::uint32_t>(*key);
  }
  if (storage::equals_ignore_case(storage::trim(request.header("MS-ASAcceptMultiPart")), "T")) {
    query.accept_multipart = true;
  }
  return std::nullopt;
}

std::optional<http::HttpReply> Dispatcher::prepare_device(http::HttpRequest& request,
                                                          Exchange& exchange) {
  Request& eas_request = exchange.request;
  const Query& query = eas_request.query;
  if (is_probe_device(query.device_id)) {
    eas_request.device.user_id = eas_request.user.id;
    eas_request.device.device_id = query.device_id;
    if ((exchange.command->flags & command_flag::kNoDevice) != 0) return std::nullopt;
    return exchange.refuse(
        command_error(status::kDeviceIdInvalid, "a probing device id can run no such command"));
  }
  eas_request.user_agent = clean_header(request.header("User-Agent"), kMaxUserAgent);
  exchange.device_events = device_events_.load(std::memory_order_acquire);
  const auto loaded = load_device(eas_request, eas_request.user_agent, services_);
  if (!loaded && loaded.error().kind == ErrorKind::too_large) {
    tell_of_too_many(eas_request);
    return exchange.refuse(
        command_error(status::kMaximumDevicesReached, "the user has too many devices"));
  }
  if (!loaded) return exchange.refuse(command_error(loaded.error()));
  if (eas_request.device.capture) capture(request, exchange);
  return std::nullopt;
}

http::Outcome Dispatcher::finish(CommandResult result, Exchange& exchange) {
  if (auto* parked = std::get_if<ParkedCommand>(&result)) {
    return park(std::move(*parked), exchange);
  }
  http::HttpReply reply;
  if (const auto* error = std::get_if<CommandError>(&result)) {
    reply = exchange.refuse(*error);
  } else {
    reply = to_http(std::get<Reply>(std::move(result)));
    log_answer({*exchange.command, exchange.request.user.address, exchange.request.query.device_id,
                exchange.request.version, exchange.start},
               reply);
  }
  if (exchange.captured) hand_to(options_.capture, *exchange.captured, reply);
  return hand_out(std::move(reply), exchange.storm_key(), exchange.http->make_waker);
}

http::Outcome Dispatcher::park(ParkedCommand parked, Exchange& exchange) {
  const Request& request = exchange.request;
  auto entry = registry_.add(
      {request.user.id, request.device.id, exchange.command, std::move(parked.collections)},
      parked.waker, services_.limits->max_parked_per_device, services_.limits->max_parked_per_user);
  if (!entry) {
    return exchange.refuse(
        command_error(status::kServerErrorRetryLater, "the user has too many requests parked"));
  }
  auto flight = std::make_shared<Flight>();
  flight->command = exchange.command;
  flight->version = request.version;
  flight->user = request.user.id;
  flight->device = request.device.id;
  flight->address = std::move(exchange.address);
  flight->device_id = std::move(exchange.device_id);
  flight->digest = exchange.digest;
  flight->waker = parked.waker;
  flight->start = exchange.start;
  flight->entry = std::move(entry);
  flight->resume = std::move(parked.resume);
  flight->captured = std::move(exchange.captured);
  // Decided after the record was read and before the request was in the registry.
  if (device_events_.load(std::memory_order_acquire) != exchange.device_events) {
    flight->entry->set_must_ask();
    parked.waker->wake();
  }
  return http::Parked{std::move(parked.waker), SteadyClock::now() + parked.wait,
                      [this, flight](http::WakeReason reason) { return resume(flight, reason); }};
}

http::Outcome Dispatcher::resume(const std::shared_ptr<Flight>& flight, http::WakeReason reason) {
  try {
    return resume_checked(flight, reason);
  } catch (const std::exception& error) {
    storage::log_event(LogLevel::error, "exception in a command",
                       {{"command", flight->command->name}, {"what", error.what()}});
  } catch (...) {
    storage::log_event(LogLevel::error, "unknown exception in a command",
                       {{"command", flight->command->name}});
  }
  return plain_reply(500);
}

http::Outcome Dispatcher::resume_checked(const std::shared_ptr<Flight>& flight,
                                         http::WakeReason reason) {
  // To the command a request that was superseded is one whose time is up.
  if (flight->entry->superseded() && reason == http::WakeReason::woken) {
    reason = http::WakeReason::deadline;
  }
  const auto run = std::move(flight->resume);
  std::optional<CommandError> refusal = ask_parked(*flight, reason);
  CommandResult result = refusal ? CommandResult(*std::move(refusal)) : run(reason);

  if (auto* parked = std::get_if<ParkedCommand>(&result)) {
    registry_.set_waker(*flight->entry, parked->waker);
    flight->resume = std::move(parked->resume);
    flight->waker = parked->waker;
    // Superseded between the look above and set_waker(): the wake went to the old waker.
    if (flight->entry->superseded() || flight->entry->must_ask()) parked->waker->wake();
    return http::Parked{std::move(parked->waker), SteadyClock::now() + parked->wait,
                        [this, flight](http::WakeReason next) { return resume(flight, next); }};
  }
  http::HttpReply reply;
  if (const auto* error = std::get_if<CommandError>(&result)) {
    reply = to_http(error_reply(*error, *flight->command, flight->version));
    storage::log_event(LogLevel::warning, "request refused",
                       {{"reason", refusal_text(*error)},
                        {"http", reply.status},
                        {"user", flight->address},
                        {"device", flight->device_id},
                        {"command", flight->command->name},
                        {"version", to_string(flight->version)}});
  } else {
    reply = to_http(std::get<Reply>(std::move(result)));
    log_answer(
        {*flight->command, flight->address, flight->device_id, flight->version, flight->start},
        reply);
  }
  if (flight->captured) hand_to(options_.capture, *flight->captured, reply);
  return hand_out(std::move(reply),
                  {flight->user, flight->device, flight->command, flight->digest, flight->start,
                   flight->address},
                  [&flight] { return flight->waker; });
}

http::BodyRule Dispatcher::body_rule(const http::HttpRequest& request) const {
  http::BodyRule rule{services_.limits->max_request, false};
  const std::string_view authorization = request.header("Authorization");
  if (!parse_basic(authorization)) return rule;
  rule.trusted = authenticator_.knows(authorization);
  const auto query = parse_query(request.query);
  if (!query) return rule;
  const CommandInfo* command = find_command(query->command);
  if (command == nullptr || (command->flags & command_flag::kLargeBody) == 0) return rule;
  rule.limit = services_.limits->max_mail + kMailOverhead;
  return rule;
}

}  // namespace eas
