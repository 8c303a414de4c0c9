// GetItemEstimate: how much a Sync would bring. [MS-ASCMD] 2.2.1.9
//
// The request differs by version: up to 12.1 Class and FilterType stand in the Collection,
// from 14.0 on in its Options. Both places are read whatever the version; phones mix them.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "server/commands/collections.h"
#include "server/commands/commands.h"
#include "server/commands/status.h"
#include "server/config/limits.h"
#include "server/sync/collection_locks.h"
#include "server/sync/server_id.h"
#include "server/sync/sync_engine.h"
#include "server/sync/thread_lookup.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"
#include "wbxml/encoder.h"

namespace eas {
namespace {

namespace tag = wbxml::get_item_estimate;
namespace airsync = wbxml::airsync;
using storage::ErrorKind;

constexpr int kSuccess = 1;
constexpr int kBadCollection = 2;
constexpr int kNotPrimed = 3;
constexpr int kBadKey = 4;
constexpr int kMaxFilter = 8;

const ItemClassInfo& class_info(const wbxml::Element& collection) {
  const auto id = parse_collection_id(collection.text_of(tag::kCollectionId).value_or(""));
  return info_of(id ? class_of(*id) : ItemClass::mail);
}

// The FilterType that concerns the collection; nullopt when there is none. Options of another class
// (SMS) do not count.
std::optional<std::string_view> filter_text(const wbxml::Element& collection) {
  const std::string_view own_class = class_info(collection).name;
  for (const wbxml::Element& child : collection.children) {
    if (child.tag != airsync::kOptions) continue;
    const auto item_class = child.text_of(airsync::kClass);
    if (item_class && !item_class->empty() && *item_class != own_class) continue;
    if (const auto filter = child.text_of(airsync::kFilterType)) return filter;
  }
  return collection.text_of(airsync::kFilterType);
}

// MaxItems is for the recipient information cache. [MS-ASCMD] 2.2.3.103.1
bool names_max_items(const wbxml::Element& collection) {
  return std::any_of(collection.children.begin(), collection.children.end(),
                     [](const wbxml::Element& child) {
                       return child.tag == airsync::kOptions && child.has(airsync::kMaxItems);
                     });
}

// ConversationMode; nullopt: neither yes nor no. Absent: as the last Sync had it.
std::optional<bool> conversation_mode(const wbxml::Element& collection, Version version,
                                      bool last) {
  const auto text = collection.text_of(airsync::kConversationMode);
  if (!text || version < Version::v14_0) return last;
  if (text->empty() || *text == "1") return true;
  if (*text == "0") return false;
  return std::nullopt;
}

// A reason to refuse the whole request.
std::optional<CommandError> check(const wbxml::Element& collection, Version version) {
  if (collection.tag != tag::kCollection || !collection.has(tag::kCollectionId)) {
    return command_error(status::kInvalidXml, "a malformed Collection");
  }
  if (!conversation_mode(collection, version, false)) {
    return command_error(status::kInvalidXml, "ConversationMode is no boolean");
  }
  if (collection.has(airsync::kConversationMode) && version >= Version::v14_0 &&
      class_info(collection).item_class != ItemClass::mail) {
    return command_error(status::kInvalidXml, "ConversationMode of a folder that holds no mail");
  }
  const auto text = filter_text(collection);
  if (!text) return std::nullopt;
  const auto filter = storage::parse_uint(*text);
  if (!filter || *filter > kMaxFilter) {
    return command_error(status::kInvalidXml, "FilterType is out of range");
  }
  if (!has_filter(class_info(collection), static_cast<int>(*filter))) {
    return command_error(status::kServerError, "the class has no such FilterType");
  }
  return std::nullopt;
}

struct Estimate {
  int status = kSuccess;
  std::int64_t count = 0;
};

storage::Result<Estimate> estimate_one(const wbxml::Element& collection, Request& request,
                                       const Services& services) {
  const auto id = parse_collection_id(*collection.text_of(tag::kCollectionId));
  if (!id) return Estimate{kBadCollection};
  const auto item_class = find_collection(request, *id);
  if (!item_class) {
    if (item_class.error().kind == ErrorKind::not_found) return Estimate{kBadCollection};
    return storage::fail(item_class.error());
  }
  if (*item_class != ItemClass::recipients && names_max_items(collection)) {
    return Estimate{kBadCollection};
  }
  const auto key_text = collection.text_of(airsync::kSyncKey);
  if (!key_text || *key_text == "0") return Estimate{kNotPrimed};
  const auto guard = services.locks->lock(request.device.id, {*id});
  const auto primed = begin_current(*services.state, request.device.id, *id);
  if (!primed && primed.error().kind == ErrorKind::not_found) return Estimate{kNotPrimed};
  const auto key = parse_sync_key(*key_text);
  if (!key) return Estimate{kBadKey};
  const auto turn = begin_turn(*services.state, request.device.id, *id, *key);
  if (!turn) {
    const ErrorKind kind = turn.error().kind;
    if (kind == ErrorKind::unavailable) return storage::fail(turn.error());
    return Estimate{kBadKey};
  }
  std::optional<storage::UnixMillis> cutoff;
  const auto filter = filter_text(collection);
  if (filter && info_of(*item_class).filters != 0) {
    cutoff = filter_cutoff(static_cast<int>(storage::parse_int(*filter).value_or(0)),
                           services.clock->now_ms());
  }
  ThreadLookup threads(*services.threads, request.user.id, *request.mailbox, *id);
  const auto mode = conversation_mode(collection, request.version, turn->state.conversations);
  const bool looks = mode.value_or(false) && !request.quarantined;
  const auto count =
      estimate(change_log(*request.mailbox, *id), *turn, cutoff, looks ? &threads : nullptr);
  if (count) return Estimate{kSuccess, *count};
  if (count.error().kind == ErrorKind::expired) return Estimate{kBadKey};
  return storage::fail(count.error());
}

}  // namespace

CommandResult run_get_item_estimate(Request& request, const Services& services) {
  const wbxml::Element* collections = request.body->child(tag::kCollections);
  if (collections == nullptr || collections->children.empty()) {
    return command_error(status::kInvalidXml, "no Collections");
  }
  const auto most = static_cast<std::size_t>(services.limits->max_estimate_collections);
  if (collections->children.size() > most) {
    return command_error(status::kInvalidXml, "too many collections");
  }
  for (const wbxml::Element& collection : collections->children) {
    if (auto error = check(collection, request.version)) return *std::move(error);
  }
  wbxml::Encoder out;
  out.start(tag::kGetItemEstimate);
  for (const wbxml::Element& collection : collections->children) {
    const auto result = estimate_one(collection, request, services);
    if (!result) return command_error(result.error());
    if (result->status != kSuccess) {
      log_refusal(request, "GetItemEstimate", result->status, "collection or key is unknown");
    }
    out.start(tag::kResponse);
    out.number(tag::kStatus, result->status);
    out.start(tag::kCollection);
    out.text(tag::kCollectionId, storage::utf8_prefix(*collection.text_of(tag::kCollectionId), 64));
    if (result->status == kSuccess) out.number(tag::kEstimate, result->count);
    out.end();
    out.end();
  }
  out.end();
  Reply reply;
  reply.body = out.take();
  return reply;
}

}  // namespace eas
