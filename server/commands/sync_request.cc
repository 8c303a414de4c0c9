#include "server/commands/sync_request.h"

#include <algorithm>

#include "server/sync/compact.h"
#include "server/sync/server_id.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"

namespace eas {
namespace {

namespace airsync = wbxml::airsync;
using wbxml::Element;

constexpr int kMaxWindow = 512;  // [MS-ASCMD] 2.2.3.199: 0 and larger values mean this
constexpr std::size_t kMaxSyncKey = 64;
constexpr std::int64_t kCachedFormat = 2;
constexpr std::size_t kMaxId = 64;
constexpr int kPartUnsupported = 164;  // BodyPartPreferenceTypeNotSupported

tl::unexpected<storage::Error> invalid(std::string reason) {
  return storage::fail(storage::ErrorKind::invalid, std::move(reason));
}

// An empty tag is true. nullopt: neither 0 nor 1.
std::optional<bool> parse_boolean(std::string_view text) {
  if (text.empty() || text == "1") return true;
  if (text == "0") return false;
  return std::nullopt;
}

std::optional<int> parse_window(const Element& parent) {
  const auto text = parent.text_of(airsync::kWindowSize);
  if (!text) return 0;
  const auto value = storage::parse_uint(*text);
  if (!value) return std::nullopt;
  return *value == 0 || *value > kMaxWindow ? kMaxWindow : static_cast<int>(*value);
}

// nullopt: a Change, Delete or Fetch of nothing. Some phones send an empty ServerId; the other
// commands are done all the same. (quirks.md: BlackBerry) invalid: not a command.
storage::Result<std::optional<ClientCommand>> parse_command(const Element& element) {
  ClientCommand command;
  if (element.tag == airsync::kAdd) {
    command.kind = ClientCommand::Kind::add;
  } else if (element.tag == airsync::kChange) {
    command.kind = ClientCommand::Kind::change;
  } else if (element.tag == airsync::kDelete) {
    command.kind = ClientCommand::Kind::remove;
  } else if (element.tag == airsync::kFetch) {
    command.kind = ClientCommand::Kind::fetch;
  } else {
    return invalid(wbxml::to_string(element.tag) + " is no command");
  }
  const bool adds = command.kind == ClientCommand::Kind::add;
  const auto id = element.text_of(adds ? airsync::kClientId : airsync::kServerId);
  if (!id || (adds && id->empty())) return invalid("a command without an id");
  if (id->size() > kMaxId) return invalid("an item's id of more than 64 characters");
  if (id->empty()) return std::optional<ClientCommand>();
  (adds ? command.client_id : command.server_id) = *id;
  command.item_class = element.text_of(airsync::kClass).value_or("");
  command.send = element.has(wbxml::email2::kSend);
  if (const Element* data = element.child(airsync::kApplicationData)) {
    command.data = *data;
    command.send = command.send || data->has(wbxml::email2::kSend);
  }
  return std::optional<ClientCommand>(std::move(command));
}

// The Options of the collection's own class; from 14.0 on a second block may be for SMS.
const Element* own_options(const Element& collection, std::string_view own_class) {
  for (const Element& child : collection.children) {
    if (child.tag != airsync::kOptions) continue;
    const auto item_class = child.text_of(airsync::kClass);
    if (!item_class || item_class->empty() || *item_class == own_class) return &child;
  }
  return nullptr;
}

// Supported must follow CollectionId. [MS-ASCMD] R4544, R4546
bool is_well_ordered(const Element& collection) {
  bool seen_id = false;
  for (const Element& child : collection.children) {
    if (child.tag == airsync::kCollectionId) seen_id = true;
    if (child.tag == airsync::kSupported && !seen_id) return false;
  }
  return seen_id;
}

// [MS-ASCMD] 2.2.3.84 (R3128, R5838); phones of 2.5 and 12.0 were told otherwise.
storage::Result<bool> parse_get_changes(const Element& element, bool first, Version version) {
  const auto text = element.text_of(airsync::kGetChanges);
  const auto changes = parse_boolean(text.value_or(first ? "0" : "1"));
  if (!changes) return invalid("GetChanges is no boolean");
  if (first && *changes && version >= Version::v12_1) return invalid("GetChanges with SyncKey 0");
  return *changes;
}

storage::Result<void> parse_collection_options(const Element& element, const ItemClassInfo& info,
                                               Version version, CollectionRequest& out) {
  if (version >= Version::v14_0 && element.has(airsync::kConversationMode)) {
    // [MS-ASCMD] 2.2.3.36.2 (R2117)
    if (info.item_class != ItemClass::mail) return invalid("ConversationMode without mail");
    out.conversations = parse_boolean(*element.text_of(airsync::kConversationMode));
    if (!out.conversations) return invalid("ConversationMode is no boolean");
  }
  const Element* options = own_options(element, info.name);
  if (options == nullptr) return {};
  GODWIT_ASSIGN(SyncOptions parsed, parse_sync_options(*options, version));
  // [MS-ASCMD] 2.2.3.68.2
  if (!has_filter(info, parsed.filter)) return invalid("the class has no such FilterType");
  if (info.filters == 0) parsed.filter = 0;
  if (parsed.body.part_unsupported) {
    out.refused = kPartUnsupported;
    out.reason = "BodyPartPreference of another Type than HTML";
  }
  out.options = std::move(parsed);
  return {};
}

// The status of what is invalid here is 4, of this collection alone.
storage::Result<void> parse_collection_fields(const Element& element, Version version,
                                              CollectionRequest& out) {
  out.collection_id = element.text_of(airsync::kCollectionId).value_or("");
  out.sync_key = element.text_of(airsync::kSyncKey).value_or("");
  if (out.collection_id.empty()) return invalid("no CollectionId");
  if (out.collection_id.size() > kMaxId)
    return invalid("a CollectionId of more than 64 characters");
  if (out.sync_key.empty()) return invalid("no SyncKey");
  if (!is_well_ordered(element)) return invalid("Supported before CollectionId");
  const auto moves = parse_boolean(element.text_of(airsync::kDeletesAsMoves).value_or("1"));
  if (!moves) return invalid("DeletesAsMoves is no boolean");
  const auto window = parse_window(element);
  if (!window) return invalid("WindowSize is no number");
  out.deletes_as_moves = *moves;
  out.window = *window;
  GODWIT_ASSIGN(out.get_changes, parse_get_changes(element, out.sync_key == "0", version));

  const auto id = parse_collection_id(out.collection_id);
  return parse_collection_options(element, info_of(id ? class_of(*id) : ItemClass::mail), version,
                                  out);
}

storage::Result<void> parse_commands(const Element& list, CollectionRequest& out) {
  for (const Element& child : list.children) {
    GODWIT_ASSIGN(auto command, parse_command(child));
    if (command) out.commands.push_back(std::move(*command));
  }
  if (out.sync_key == "0" && !out.commands.empty()) return invalid("Commands with SyncKey 0");
  return {};
}

CollectionRequest parse_collection(const Element& element, Version version) {
  CollectionRequest out;
  auto parsed = parse_collection_fields(element, version, out);
  if (const Element* list = element.child(airsync::kCommands)) {
    auto commands = parse_commands(*list, out);
    if (parsed) parsed = std::move(commands);
  }
  if (!parsed) {
    out.malformed = true;
    out.reason = parsed.error().message;
  }
  return out;
}

// [MS-ASCMD] 2.2.3.7.2 (R756)
bool adds_recipients(const CollectionRequest& collection) {
  const auto id = parse_collection_id(collection.collection_id);
  if (!id || class_of(*id) != ItemClass::recipients) return false;
  return std::any_of(
      collection.commands.begin(), collection.commands.end(),
      [](const ClientCommand& command) { return command.kind == ClientCommand::Kind::add; });
}

// Wait (minutes) or HeartbeatInterval (seconds). [MS-ASCMD] 2.2.3.96.2, 2.2.3.198
std::optional<SyncRefusal> parse_wait(const Element& root, Version version, const Limits& limits,
                                      SyncRequest& out) {
  if (version < Version::v12_1) return std::nullopt;  // these do not have it
  const auto wait = root.text_of(airsync::kWait);
  const auto heartbeat =
      version >= Version::v14_0 ? root.text_of(airsync::kHeartbeatInterval) : std::nullopt;
  if (wait && heartbeat) return SyncRefusal{4, {}, "both Wait and HeartbeatInterval"};
  if (!wait && !heartbeat) return std::nullopt;
  const auto value = storage::parse_int(wait ? *wait : *heartbeat);
  if (!value) return SyncRefusal{4, {}, "Wait or HeartbeatInterval is no number"};
  const int unit = wait ? 60 : 1;
  const int least = std::max(1, limits.min_heartbeat / unit);
  const int most = limits.max_heartbeat / unit;
  if (*value < least) return SyncRefusal{14, least, "Wait or HeartbeatInterval too short"};
  if (*value > most) return SyncRefusal{14, most, "Wait or HeartbeatInterval too long"};
  out.wait_seconds = static_cast<int>(*value) * unit;
  return std::nullopt;
}

std::optional<SyncRefusal> check_counts(const Element& collections, const Limits& limits) {
  if (collections.children.size() > static_cast<std::size_t>(limits.max_collections)) {
    return SyncRefusal{15, limits.max_collections, "too many collections"};
  }
  std::size_t commands = 0;
  for (const Element& collection : collections.children) {
    if (const Element* list = collection.child(airsync::kCommands)) {
      commands += list->children.size();
    }
  }
  if (commands > static_cast<std::size_t>(limits.max_sync_commands)) {
    return SyncRefusal{4, {}, "too many commands"};
  }
  return std::nullopt;
}

}  // namespace

std::variant<SyncRequest, SyncRefusal> parse_sync_request(const Element& root, Version version,
                                                          const Limits& limits) {
  if (root.tag != airsync::kSync) return SyncRefusal{4, {}, "the body is no Sync"};
  SyncRequest request;
  if (auto refusal = parse_wait(root, version, limits, request)) return *refusal;
  const auto window = parse_window(root);
  if (!window) return SyncRefusal{4, {}, "WindowSize is no number"};
  request.window = *window;
  request.partial = root.has(airsync::kPartial);

  const Element* collections = root.child(airsync::kCollections);
  if (collections == nullptr) {
    if (request.partial && (request.wait_seconds > 0 || request.window > 0)) return request;
    // Without a body's worth of content it repeats nothing: the client must send it in full.
    return SyncRefusal{request.partial ? 4 : 13, {}, "no Collections"};
  }
  if (auto refusal = check_counts(*collections, limits)) return *refusal;
  for (const Element& child : collections->children) {
    if (child.tag != airsync::kCollection) return SyncRefusal{4, {}, "unexpected element"};
    CollectionRequest collection = parse_collection(child, version);
    if (adds_recipients(collection)) {
      return SyncRefusal{4, {}, "the recipient information cache takes no items"};
    }
    // Neither could be repeated in an answer.
    if (collection.sync_key.size() > kMaxSyncKey) {
      return SyncRefusal{4, {}, "SyncKey of more than 64 characters"};
    }
    if (collection.collection_id.size() > kMaxId) {
      return SyncRefusal{4, {}, "CollectionId of more than 64 characters"};
    }
    const bool twice = std::any_of(request.collections.begin(), request.collections.end(),
                                   [&](const CollectionRequest& other) {
                                     return other.collection_id == collection.collection_id;
                                   });
    if (twice) return SyncRefusal{4, {}, "a collection is named twice"};
    request.collections.push_back(std::move(collection));
  }
  if (request.collections.empty()) return SyncRefusal{4, {}, "empty Collections"};
  return request;
}

std::string encode_cached(const SyncRequest& request) {
  CompactWriter out;
  out.number(kCachedFormat);
  out.number(request.window);
  out.number(request.wait_seconds);
  out.number(static_cast<std::int64_t>(request.collections.size()));
  for (const CollectionRequest& collection : request.collections) {
    out.text(collection.collection_id);
    out.text(collection.sync_key);
    out.number((collection.deletes_as_moves ? 1 : 0) + (collection.get_changes ? 2 : 0));
    out.number(collection.window);
  }
  return out.take();
}

std::optional<SyncRequest> decode_cached(std::string_view bytes) {
  if (bytes.empty()) return std::nullopt;
  CompactReader in(bytes);
  if (in.number() != kCachedFormat) return std::nullopt;
  SyncRequest request;
  request.window = static_cast<int>(in.number());
  request.wait_seconds = static_cast<int>(in.number());
  request.collections.resize(in.count());
  for (CollectionRequest& collection : request.collections) {
    collection.collection_id = in.text();
    collection.sync_key = in.text();
    const std::int64_t switches = in.number();
    collection.deletes_as_moves = (switches & 1) != 0;
    collection.get_changes = (switches & 2) != 0;
    collection.window = static_cast<int>(in.number());
  }
  if (!in.ok() || request.collections.empty()) return std::nullopt;
  return request;
}

SyncRequest complete_partial(SyncRequest partial, SyncRequest cached) {
  for (CollectionRequest& old : cached.collections) {
    const bool named = std::any_of(partial.collections.begin(), partial.collections.end(),
                                   [&](const CollectionRequest& collection) {
                                     return collection.collection_id == old.collection_id;
                                   });
    if (!named) partial.collections.push_back(std::move(old));
  }
  if (partial.window == 0) partial.window = cached.window;
  if (partial.wait_seconds == 0) partial.wait_seconds = cached.wait_seconds;
  partial.partial = false;
  return partial;
}

}  // namespace eas
