// Ping: waits for new items in folders, without a thread. [MS-ASCMD] 2.2.1.13, 3.1.5.4
//
// Subscribe first, then look, then park: a message that arrives between is either seen by the look
// or wakes the parked request. What counts as new is measured against the state of the last Sync
// answer, never against a snapshot of Ping's own; so a phone is never told twice of what it has.
//
// Folders that do not exist or were never synced are left out silently: some phones ping what they
// do not sync, and any other answer sends them into a loop.
#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/commands/collections.h"
#include "server/commands/commands.h"
#include "server/commands/device_record.h"
#include "server/commands/hierarchy.h"
#include "server/commands/status.h"
#include "server/config/limits.h"
#include "server/conversations/conversations.h"
#include "server/sync/collection_locks.h"
#include "server/sync/server_id.h"
#include "server/sync/sync_engine.h"
#include "server/sync/waiting.h"
#include "storage/base/log.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"
#include "wbxml/encoder.h"

namespace eas {
namespace {

namespace tag = wbxml::ping;
using storage::CollectionId;
using storage::ErrorKind;
using SteadyClock = std::chrono::steady_clock;

constexpr int kExpired = 1;
constexpr int kChanges = 2;
constexpr int kMissingParameters = 3;
constexpr int kSyntaxError = 4;
constexpr int kIntervalOutOfRange = 5;
constexpr int kTooManyFolders = 6;
constexpr int kFolderSyncNeeded = 7;
constexpr int kServerError = 8;

using Bound = std::optional<std::pair<wbxml::Tag, int>>;  // what is allowed instead

Reply answer(int status, Bound bound = std::nullopt) {
  wbxml::Encoder out;
  out.start(tag::kPing);
  out.number(tag::kStatus, status);
  if (bound) out.number(bound->first, bound->second);
  out.end();
  Reply reply;
  reply.body = out.take();
  return reply;
}

Reply answer_changes(const std::vector<CollectionId>& changed) {
  wbxml::Encoder out;
  out.start(tag::kPing);
  out.number(tag::kStatus, kChanges);
  out.start(tag::kFolders);
  for (const CollectionId id : changed) out.text(tag::kFolder, to_collection_id(id));
  out.end();
  out.end();
  Reply reply;
  reply.body = out.take();
  return reply;
}

// What a Ping asks for; either part may be absent and then comes from the cache.
struct Parameters {
  std::optional<int> interval;
  std::optional<std::vector<CollectionId>> folders;  // sorted, without doubles
};

// "480:1,2,7" as it is kept in the device's record.
std::string to_text(int interval, const std::vector<CollectionId>& folders) {
  std::string text = std::to_string(interval) + ":";
  for (const CollectionId id : folders) {
    if (text.back() != ':') text += ',';
    text += std::to_string(id);
  }
  return text;
}

Parameters from_text(std::string_view text) {
  Parameters cached;
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return cached;
  const auto interval = storage::parse_int(text.substr(0, colon));
  if (!interval) return cached;
  std::vector<CollectionId> folders;
  if (colon + 1 < text.size()) {
    for (const std::string_view part : storage::split(text.substr(colon + 1), ',')) {
      const auto id = storage::parse_int(part);
      if (!id) return cached;
      folders.push_back(*id);
    }
  }
  cached.interval = static_cast<int>(*interval);
  cached.folders = std::move(folders);
  return cached;
}

struct Refusal {
  int status = kSyntaxError;
  Bound bound;
};

// Reads the request's Ping element.
std::optional<Refusal> parse(const wbxml::Element& ping, const Limits& limits,
                             Parameters& parameters) {
  if (const auto text = ping.text_of(tag::kHeartbeatInterval)) {
    const auto interval = storage::parse_int(storage::trim(*text));
    if (!interval) return Refusal{kSyntaxError, {}};
    if (*interval < limits.min_heartbeat) {
      return Refusal{kIntervalOutOfRange, {{tag::kHeartbeatInterval, limits.min_heartbeat}}};
    }
    if (*interval > limits.max_heartbeat) {
      return Refusal{kIntervalOutOfRange, {{tag::kHeartbeatInterval, limits.max_heartbeat}}};
    }
    parameters.interval = static_cast<int>(*interval);
  }
  const wbxml::Element* folders = ping.child(tag::kFolders);
  if (folders == nullptr || folders->children.empty()) return std::nullopt;
  if (folders->children.size() > static_cast<std::size_t>(limits.max_collections)) {
    return Refusal{kTooManyFolders, {{tag::kMaxFolders, limits.max_collections}}};
  }
  std::vector<CollectionId> ids;
  for (const wbxml::Element& folder : folders->children) {
    const auto id = folder.text_of(tag::kId);
    if (folder.tag != tag::kFolder || !id) return Refusal{kSyntaxError, {}};
    if (const auto known = parse_collection_id(*id)) ids.push_back(*known);
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  parameters.folders = std::move(ids);
  return std::nullopt;
}

// What is kept of a parked Ping.
struct PingWait {
  const Services* services = nullptr;
  std::int64_t user = 0;
  std::int64_t device = 0;
  FolderViewer viewer;
  std::shared_ptr<storage::Mailbox> mailbox;
  std::vector<CollectionId> folders;
  SteadyClock::time_point deadline;
  std::shared_ptr<http::Waker> waker;
  std::optional<Waiting> waiting;
};

storage::Result<bool> hierarchy_changed(const PingWait& wait) {
  const auto turn = current_hierarchy(*wait.services->state, wait.device);
  if (!turn) {
    const ErrorKind kind = turn.error().kind;
    if (kind == ErrorKind::not_found || kind == ErrorKind::corrupt) return true;
    return storage::fail(turn.error());
  }
  const auto delta = hierarchy_delta(*wait.mailbox, turn->state, wait.viewer);
  if (delta) return !delta->empty();
  if (delta.error().kind == ErrorKind::expired) return true;
  return storage::fail(delta.error());
}

storage::Result<bool> has_news(const PingWait& wait, CollectionId folder) {
  const auto turn = begin_current(*wait.services->state, wait.device, folder);
  if (!turn) {
    if (turn.error().kind == ErrorKind::not_found) return false;  // never synced
    if (turn.error().kind == ErrorKind::corrupt) return true;     // Sync will say what to do
    return storage::fail(turn.error());
  }
  const auto news = has_additions(change_log(*wait.mailbox, folder), *turn);
  if (news) return *news;
  if (news.error().kind == ErrorKind::not_found) return false;  // the folder is gone
  if (news.error().kind == ErrorKind::expired) return true;     // Sync will start it again
  return storage::fail(news.error());
}

// The answer that is due now; nullopt: nothing is.
storage::Result<std::optional<Reply>> look(const PingWait& wait) {
  // Mail of a conversation that always moves elsewhere wakes nobody. What a phone in quarantine
  // sees is not the mailbox that the rules are about.
  if (!wait.viewer.quarantined) {
    (void)wait.services->conversations->apply(wait.user, *wait.mailbox);
  }
  std::vector<CollectionId> locked = wait.folders;
  locked.push_back(0);
  const auto guard = wait.services->locks->lock(wait.device, std::move(locked));
  GODWIT_ASSIGN(const bool hierarchy, hierarchy_changed(wait));
  if (hierarchy) return std::optional<Reply>(answer(kFolderSyncNeeded));
  std::vector<CollectionId> changed;
  for (const CollectionId folder : wait.folders) {
    GODWIT_ASSIGN(const bool news, has_news(wait, folder));
    if (news) changed.push_back(folder);
  }
  if (changed.empty()) return std::optional<Reply>();
  return std::optional<Reply>(answer_changes(changed));
}

CommandResult look_or_park(std::shared_ptr<PingWait> wait, http::WakeReason reason) {
  if (reason == http::WakeReason::shutdown) return answer(kExpired);
  auto due = look(*wait);
  if (!due) {
    storage::log_event(storage::LogLevel::warning, "Ping failed",
                       {{"device_row", wait->device},
                        {"kind", storage::to_string(due.error().kind)},
                        {"reason", due.error().message}});
    return answer(kServerError);
  }
  if (*due) return std::move(**due);
  const auto left = std::chrono::ceil<std::chrono::seconds>(wait->deadline - SteadyClock::now());
  if (reason == http::WakeReason::deadline || left.count() <= 0) return answer(kExpired);

  ParkedCommand parked;
  parked.waker = wait->waker;
  parked.wait = left;
  parked.resume = [wait = std::move(wait)](http::WakeReason why) {
    return look_or_park(wait, why);
  };
  return parked;
}

}  // namespace

CommandResult run_ping(Request& request, const Services& services) {
  Parameters parameters;
  if (request.body) {
    if (auto refusal = parse(*request.body, *services.limits, parameters)) {
      log_refusal(request, "Ping", refusal->status, "parameters out of range or malformed");
      return answer(refusal->status, refusal->bound);
    }
  }
  const Parameters cached = from_text(request.device.ping);
  if (!parameters.interval) parameters.interval = cached.interval;
  if (!parameters.folders) parameters.folders = cached.folders;
  if (!parameters.interval || !parameters.folders) {
    log_refusal(request, "Ping", kMissingParameters, "nothing is cached");
    return answer(kMissingParameters);
  }

  const std::string text = to_text(*parameters.interval, *parameters.folders);
  if (text != request.device.ping) {
    const auto kept = change_device(request.device, services,
                                    [&](storage::Device& device) { device.ping = text; });
    if (!kept) return command_error(kept.error());
  }

  auto wait = std::make_shared<PingWait>();
  wait->services = &services;
  wait->user = request.user.id;
  wait->device = request.device.id;
  wait->viewer = {request.version, request.quarantined};
  wait->mailbox = request.mailbox;
  wait->folders = *std::move(parameters.folders);
  wait->deadline = SteadyClock::now() + std::chrono::seconds(*parameters.interval);
  wait->waker = request.make_waker();
  wait->waiting.emplace(*services.hub, request.user.id, request.mailbox, wait->folders,
                        storage::hub_event::kAdded | storage::hub_event::kHierarchy,
                        [waker = wait->waker](const storage::HubEvent&) { waker->wake(); });
  return look_or_park(std::move(wait), http::WakeReason::woken);
}

}  // namespace eas
