// The dispatcher's part that is about devices: the gate before a command and while a request waits,
// endless repetitions, one phone too many.
//
// A request that is about to park might miss a decision that falls between the reading of its
// device's record and its entry in the registry. So device events are counted: when the count has
// moved meanwhile, the request is woken at once and asks the gate again.
#include <chrono>
#include <utility>

#include "server/commands/device_gate.h"
#include "server/commands/dispatch.h"
#include "server/commands/dispatch_parts.h"
#include "server/commands/quarantine_view.h"
#include "server/commands/status.h"
#include "server/config/limits.h"
#include "server/policy/device_service.h"
#include "storage/base/log.h"

namespace eas {
namespace {

using storage::ErrorKind;
using storage::LogLevel;
using SteadyClock = std::chrono::steady_clock;

// A request that was answered faster than this did not wait for news.
constexpr std::chrono::seconds kAtOnce{2};

// The same in all versions: a phone that storms does not read what it is told.
// [MS-ASHTTP] 2.2.2.1.1
http::HttpReply storm_reply(storage::UnixMillis left) {
  http::HttpReply reply;
  reply.status = 503;
  reply.headers.emplace_back("Retry-After", std::to_string((left + 999) / 1000));
  return reply;
}

policy::StormAnswer::Kind kind_of(const CommandInfo& command, const http::HttpReply& reply) {
  using Kind = policy::StormAnswer::Kind;
  if (command.name == "Ping") return Kind::announces;
  const bool fetches = command.name == "Sync" || command.name == "FolderSync";
  return fetches && reply.status == 200 && !reply.body.empty() ? Kind::delivers : Kind::other;
}

bool wipe_is_asked_for(const storage::Device& device) {
  return device.control.wipe == storage::Wipe::account ||
         device.control.wipe == storage::Wipe::full;
}

}  // namespace

// A decision is a new start: what made a device repeat itself may be over, and what was decided has
// to reach it now.
void Dispatcher::device_changed(std::int64_t user, std::int64_t device) {
  if (services_.devices != nullptr) services_.devices->storms.forgive(device);
  device_events_.fetch_add(1, std::memory_order_acq_rel);
  registry_.ask_again(user, device);
}

// Whether the device may go on, and with which mailbox. The refusal is an outcome since it may be
// held back.
std::optional<http::Outcome> Dispatcher::pass_gate(http::HttpRequest& request, Exchange& exchange) {
  Request& eas_request = exchange.request;
  const CommandInfo& command = *exchange.command;
  eas_request.make_waker = request.make_waker;
  exchange.address = eas_request.user.address;
  exchange.device_id = eas_request.query.device_id;
  exchange.digest = policy::StormGuard::digest(
                        eas_request.raw_body.empty() ? request.body.view() : eas_request.raw_body) ^
                    (policy::StormGuard::digest(request.query) * 31);
  // A wipe is not kept from a device for anything.
  if (!wipe_is_asked_for(eas_request.device)) {
    if (auto refusal = refuse_storm(exchange)) return *std::move(refusal);
  }
  const GateAnswer answer = ask_gate(
      {eas_request.user, eas_request.device, command, eas_request.version,
       eas_request.query.device_type, eas_request.user_agent, eas_request.query.policy_key, false},
      services_);
  if (answer.refusal) return finish(*answer.refusal, exchange);
  eas_request.quarantined = answer.quarantined;
  if ((command.flags & command_flag::kNoMailbox) != 0) return std::nullopt;
  auto mailbox = services_.mail->open(eas_request.user.id, eas_request.user.address);
  if (mailbox && answer.quarantined) {
    mailbox = quarantine_view(std::move(*mailbox), eas_request.device.control.notice_item);
  }
  if (!mailbox) return finish(command_error(mailbox.error()), exchange);
  eas_request.mailbox = std::move(*mailbox);
  return std::nullopt;
}

std::optional<http::HttpReply> Dispatcher::refuse_storm(const Exchange& exchange) const {
  if (services_.devices == nullptr) return std::nullopt;
  const storage::UnixMillis now = services_.clock->now_ms();
  const auto until = services_.devices->storms.blocked(exchange.request.device.id, now);
  if (!until) return std::nullopt;
  return storm_reply(*until - now);
}

// Once a day for each device. The day is part of the message's identity: yesterday's may be there
// still, and would be taken for the same.
void Dispatcher::tell_of_too_many(const Request& request) const {
  if (services_.devices == nullptr) return;
  constexpr storage::UnixMillis kDay = storage::UnixMillis{24} * 60 * 60 * 1000;
  policy::Notices& notices = services_.devices->notices;
  const std::string identity = "many:" + std::to_string(request.user.id) + ":" +
                               request.query.device_id + ":" +
                               std::to_string(services_.clock->now_ms() / kDay);
  if (!notices.first_today(identity)) return;
  storage::Device device;
  device.user_id = request.user.id;
  device.device_id = request.query.device_id;
  device.type = request.query.device_type;
  device.user_agent = request.user_agent;
  constexpr auto kTooMany = policy::Occasion::too_many_devices;
  if (const auto told = notices.tell_user(kTooMany, request.user, device, identity); !told) {
    storage::log_event(LogLevel::warning, "the user was not told",
                       {{"user", request.user.address}, {"reason", told.error().message}});
  }
  notices.tell_administrator(kTooMany, request.user, device, identity);
}

http::Outcome Dispatcher::hand_out(http::HttpReply reply, const StormKey& key,
                                   const MakeWaker& make_waker) {
  if (services_.devices == nullptr || key.device == 0) return reply;
  policy::StormGuard& storms = services_.devices->storms;
  if (!storms.is_on()) return reply;
  const storage::UnixMillis now = services_.clock->now_ms();
  policy::StormAnswer given;
  given.command = key.command->name;
  given.request = key.digest;
  given.answer = policy::StormGuard::digest(reply.body) + static_cast<std::uint64_t>(reply.status);
  given.at_once = SteadyClock::now() - key.start < kAtOnce;
  given.kind = kind_of(*key.command, reply);
  const policy::StormVerdict verdict = storms.answered(key.device, given, now);
  if (verdict.news) note_storm(key, verdict);
  if (verdict.blocked_until > now) return storm_reply(verdict.blocked_until - now);
  if (verdict.delay <= 0 || !make_waker) return reply;
  return hold_back(std::move(reply), key, verdict.delay, make_waker());
}

// It is in the registry as other waiting requests are: a decision about the device lets the answer
// go at once, so that the phone comes again and hears of it. A newer request does not: it has no
// command there.
http::Outcome Dispatcher::hold_back(http::HttpReply reply, const StormKey& key,
                                    storage::UnixMillis delay, std::shared_ptr<http::Waker> waker) {
  auto held = std::make_shared<http::HttpReply>(std::move(reply));
  const auto entry =
      registry_.add({key.user, key.device, nullptr, {}}, waker,
                    services_.limits->max_parked_per_device, services_.limits->max_parked_per_user);
  return http::Parked{
      std::move(waker), SteadyClock::now() + std::chrono::milliseconds(delay),
      [held, entry](http::WakeReason) -> http::Outcome { return std::move(*held); }};
}

void Dispatcher::note_storm(const StormKey& key, const policy::StormVerdict& verdict) {
  constexpr storage::UnixMillis kRed = storage::UnixMillis{10} * 60 * 1000;
  const storage::UnixMillis now = services_.clock->now_ms();
  const bool blocked = verdict.blocked_until > now;
  const std::string reason = verdict.reason + (blocked ? ": refused for a while" : ": slowed down");
  storage::log_event(
      LogLevel::warning, blocked ? "device refused for a while" : "device slowed down",
      {{"user_id", key.user}, {"device_row", key.device}, {"reason", verdict.reason}});
  const auto noted = services_.devices->store.note_storm(
      key.device, blocked ? verdict.blocked_until : now + kRed, reason);
  if (!noted) {
    storage::log_event(LogLevel::warning, "a storm was not noted",
                       {{"device_row", key.device}, {"reason", noted.error().message}});
  }
  const auto device = services_.state->device_by_row(key.device);
  if (!blocked || !device) return;
  storage::User user;
  user.id = key.user;
  user.address = key.address;
  services_.devices->notices.tell_administrator(
      policy::Occasion::device_storms, user, *device,
      "storm:" + std::to_string(key.device) + ":" + std::to_string(verdict.blocked_until),
      "It " + verdict.reason);
}

// Something may have been decided about the device while its request waited.
std::optional<CommandError> Dispatcher::ask_parked(Flight& flight, http::WakeReason& reason) {
  if (reason == http::WakeReason::shutdown || !flight.entry->take_must_ask()) return std::nullopt;
  auto device = services_.state->device_by_row(flight.device);
  // Forgotten: the command finds that out itself, and says so in its own way.
  if (!device && device.error().kind == ErrorKind::not_found) return std::nullopt;
  if (!device) return command_error(device.error());
  const auto user = services_.directory->find(flight.address);
  if (!user && user.error().kind == ErrorKind::not_found) {
    return command_error(status::kAccessDenied, "the user was removed");
  }
  if (!user) return command_error(user.error());
  GateAnswer answer = ask_gate({*user, *device, *flight.command, flight.version, device->type,
                                device->user_agent, std::nullopt, true},
                               services_);
  // The mailbox that it waits with is not the one that it may see now: it has to ask again.
  if (!answer.refusal && answer.view_changed) reason = http::WakeReason::deadline;
  return std::move(answer.refusal);
}

}  // namespace eas
