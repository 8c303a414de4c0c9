// The Sync command: the request as a whole. [MS-ASCMD] 2.2.1.21
//
// A Sync without news costs a few point reads, writes nothing and is answered with an empty body
// (12.1 and later). One that may wait subscribes before it looks, so that nothing falls between,
// and is parked without a thread.
//
// Deliberately otherwise than the letter: after commands of the phone the answer never waits.
//
// A newer Sync ends the older ones that wait for one of its collections: the phone has given them
// up, and what they would say and commit is not to be lost on a connection that is gone.
#include "server/commands/sync.h"

#include <algorithm>

#include "server/commands/device_record.h"
#include "server/commands/status.h"
#include "server/commands/sync_collection.h"
#include "server/commands/sync_request.h"
#include "server/config/limits.h"
#include "server/conversations/conversations.h"
#include "server/sync/collection_locks.h"
#include "server/sync/server_id.h"
#include "server/sync/waiting.h"
#include "storage/base/log.h"
#include "wbxml/code_pages.h"

namespace eas {
namespace {

namespace airsync = wbxml::airsync;

constexpr int kDefaultWindow = 100;

// `collection` is "" when the request is refused as a whole.
void log_refused(const Request& request, std::string_view collection, int status,
                 std::string_view reason) {
  storage::log_event(storage::LogLevel::info, "Sync refused",
                     {{"user", request.user.address},
                      {"device", request.device.device_id},
                      {"collection", collection},
                      {"status", status},
                      {"reason", reason}});
}

// Why a collection got a status that is no success. [MS-ASCMD] 2.2.3.177.17
std::string_view refusal_reason(const CollectionRequest& collection, int status) {
  if (!collection.reason.empty()) return collection.reason;
  switch (status) {
    case 3:
      return "the SyncKey is neither the current nor the previous one, or its state is lost";
    case 8:
      return "no such collection";
    case 12:
      return "the folder was removed";
    default:
      return "";
  }
}

Reply refusal_reply(const Request& request, const SyncRefusal& refusal) {
  log_refused(request, "", refusal.status, refusal.reason);
  wbxml::Encoder out;
  out.start(airsync::kSync);
  out.number(airsync::kStatus, refusal.status);
  if (refusal.limit && request.version >= Version::v12_1) {
    out.number(airsync::kLimit, *refusal.limit);
  }
  out.end();
  Reply reply;
  reply.body = out.take();
  return reply;
}

std::string_view class_name(const CollectionRequest& collection) {
  const auto id = parse_collection_id(collection.collection_id);
  return info_of(id ? class_of(*id) : ItemClass::mail).name;
}

void write_answer(const Request& request, const CollectionRequest& collection,
                  const CollectionAnswer& answer, wbxml::Encoder& out) {
  out.start(airsync::kCollection);
  if (request.version <= Version::v12_0) out.text(airsync::kClass, class_name(collection));
  out.text(airsync::kSyncKey, answer.sync_key);
  out.text(airsync::kCollectionId, collection.collection_id);
  out.number(airsync::kStatus, answer.status);
  if (answer.more_available) out.empty(airsync::kMoreAvailable);
  if (answer.responses.size() > 0) {
    out.start(airsync::kResponses);
    out.append(answer.responses);
    out.end();
  }
  if (answer.commands.size() > 0) {
    out.start(airsync::kCommands);
    out.append(answer.commands);
    out.end();
  }
  out.end();
}

// Sorted, each once.
std::vector<storage::CollectionId> collections_of(const SyncRequest& sync) {
  std::vector<storage::CollectionId> ids;
  for (const CollectionRequest& collection : sync.collections) {
    if (const auto id = parse_collection_id(collection.collection_id)) ids.push_back(*id);
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

// One look at all collections. An empty body means that there is nothing to say; the collections'
// keys are then the ones that go on.
storage::Result<Reply> look(Request& request, const Services& services, SyncRequest& sync,
                            bool only_newest) {
  const Limits& limits = *services.limits;
  // A failure is logged there, and tried again: the phone's mail does not wait for it. What a phone
  // in quarantine sees is not the mailbox that the rules are about.
  if (!request.quarantined) {
    (void)services.conversations->apply(request.user.id, *request.mailbox);
  }
  GODWIT_ASSIGN(const CollectionLocks::Guard guard,
                services.locks->lock_unless_crowded(request.device.id, collections_of(sync)));

  const int most = limits.max_window;
  int room = sync.window > 0 ? std::min(sync.window, most) : most;
  const bool names_all = request.version <= Version::v12_0;
  wbxml::Encoder out;
  out.start(airsync::kSync);
  out.start(airsync::kCollections);
  bool any = false;
  for (CollectionRequest& collection : sync.collections) {
    const int window = std::min(collection.window > 0 ? collection.window : kDefaultWindow, room);
    const std::size_t budget =
        out.size() < limits.max_answer ? limits.max_answer - out.size() : std::size_t{1};
    GODWIT_ASSIGN(const CollectionAnswer answer,
                  sync_collection({request, services, collection, window, budget, only_newest}));
    if (answer.status != 1) {
      log_refused(request, collection.collection_id, answer.status,
                  refusal_reason(collection, answer.status));
    }
    room -= answer.operations;
    if (!answer.has_content && !names_all) {
      collection.sync_key = answer.sync_key;
      continue;
    }
    write_answer(request, collection, answer, out);
    any = true;
  }
  Reply reply;
  if (!any) return reply;
  out.end();
  out.end();
  reply.body = out.take();
  return reply;
}

CommandResult failed(const storage::Error& error) {
  // Somebody else wrote the same collection's state: nothing is lost, the phone comes again.
  if (error.kind == storage::ErrorKind::conflict) {
    return command_error(status::kServerErrorRetryLater, error.message);
  }
  return command_error(error);
}

// A Sync that waits. Shared by its parked continuations, one after the other.
struct WaitingSync {
  Request request;
  const Services* services = nullptr;
  SyncRequest sync;
  storage::UnixMillis deadline = 0;
};

CommandResult wait_or_answer(std::shared_ptr<WaitingSync> waiting, bool resumed) {
  const Services& services = *waiting->services;
  std::shared_ptr<http::Waker> waker = waiting->request.make_waker();
  auto watch = std::make_shared<Waiting>(
      *services.hub, waiting->request.user.id, waiting->request.mailbox,
      collections_of(waiting->sync), storage::hub_event::kAdded | storage::hub_event::kHierarchy,
      [waker](const storage::HubEvent&) { waker->wake(); });

  auto reply = look(waiting->request, services, waiting->sync, resumed);
  if (!reply) return failed(reply.error());
  const storage::UnixMillis left = waiting->deadline - services.clock->now_ms();
  if (!reply->body.empty() || left <= 0) return std::move(*reply);

  ParkedCommand parked;
  parked.waker = std::move(waker);
  parked.wait = std::chrono::seconds((left + 999) / 1000);
  parked.collections = collections_of(waiting->sync);
  parked.resume = [waiting = std::move(waiting),
                   watch = std::move(watch)](http::WakeReason reason) -> CommandResult {
    if (reason != http::WakeReason::woken) return Reply{};  // nothing new: an empty answer
    return wait_or_answer(waiting, true);  // `watch` ends after the next one has begun
  };
  return parked;
}

CommandResult park(Request& request, const Services& services, SyncRequest sync) {
  auto waiting = std::make_shared<WaitingSync>();
  waiting->services = &services;
  waiting->deadline = services.clock->now_ms() + sync.wait_seconds * 1000LL;
  waiting->sync = std::move(sync);
  waiting->request = std::move(request);
  // Not needed any more, and a parked request should be small.
  waiting->request.body.reset();
  waiting->request.raw_body = {};
  waiting->request.end_older = {};
  waiting->request.device.info.clear();
  waiting->request.device.ping.clear();
  waiting->request.device.sync.clear();
  return wait_or_answer(std::move(waiting), false);
}

// The request in full: an empty one is the cached one, a partial one is completed from it.
std::variant<SyncRequest, SyncRefusal> whole_request(const Request& request,
                                                     const Services& services) {
  const SyncRefusal not_cached{13, {}, "an empty or partial Sync, and no earlier request is known"};
  if (!request.body) {
    auto cached = decode_cached(request.device.sync);
    if (!cached) return not_cached;
    return std::move(*cached);
  }
  auto parsed = parse_sync_request(*request.body, request.version, *services.limits);
  SyncRequest* const sync = std::get_if<SyncRequest>(&parsed);
  if (sync == nullptr || !sync->partial) return parsed;
  auto cached = decode_cached(request.device.sync);
  if (!cached) return not_cached;
  SyncRequest whole = complete_partial(std::move(*sync), std::move(*cached));
  if (whole.collections.size() > static_cast<std::size_t>(services.limits->max_collections)) {
    return SyncRefusal{15, services.limits->max_collections, "too many collections"};
  }
  return whole;
}

// Kept for the next empty or partial Sync; written only when it differs, so that repeating a
// request costs no write. Of one that is badly made nothing is kept. [MS-ASCMD] 2.2.1.21.1
storage::Result<void> remember(Request& request, const Services& services,
                               const SyncRequest& sync) {
  if (request.version < Version::v12_1) return {};
  const bool malformed =
      std::any_of(sync.collections.begin(), sync.collections.end(),
                  [](const CollectionRequest& collection) { return collection.malformed; });
  if (malformed) return {};
  std::string cached = encode_cached(sync);
  if (cached == request.device.sync) return {};
  return change_device(request.device, services,
                       [&](storage::Device& record) { record.sync = std::move(cached); });
}

}  // namespace

CommandResult run_sync(Request& request, const Services& services) {
  auto whole = whole_request(request, services);
  if (const SyncRefusal* refusal = std::get_if<SyncRefusal>(&whole)) {
    return refusal_reply(request, *refusal);
  }
  SyncRequest& sync = std::get<SyncRequest>(whole);
  request.end_older(collections_of(sync));
  if (auto remembered = remember(request, services, sync); !remembered) {
    return command_error(remembered.error());
  }
  if (sync.wait_seconds > 0 && request.version >= Version::v12_1) {
    return park(request, services, std::move(sync));
  }
  auto reply = look(request, services, sync, false);
  if (!reply) return failed(reply.error());
  return std::move(*reply);
}

}  // namespace eas
