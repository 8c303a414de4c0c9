// The ids that phones see: "m12" for a folder, "m12:345" for an item in it. The letter names the
// class of the items (item_class.h): some phones take an all-digit folder id for a number. At most
// 64 characters; permanent and never reused. [MS-ASCMD] 2.2.3.30, 2.2.3.166
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "server/sync/item_class.h"
#include "storage/collection.h"

namespace eas {

std::string to_collection_id(storage::CollectionId collection);
std::string to_item_id(storage::CollectionId collection, storage::ItemId item);

// nullopt: not an id of ours. That there is such a folder or item is not checked.
std::optional<storage::CollectionId> parse_collection_id(std::string_view text);
std::optional<std::pair<storage::CollectionId, storage::ItemId>> parse_item_id(
    std::string_view text);

// A LongId (Search, Find; taken by ItemOperations, SmartReply, SmartForward, MeetingResponse) names
// folder and item, since phones send it without a CollectionId: it is the item's id. [MS-ASCMD]
// 2.2.3.98
inline std::string to_long_id(storage::CollectionId collection, storage::ItemId item) {
  return to_item_id(collection, item);
}
inline std::optional<std::pair<storage::CollectionId, storage::ItemId>> parse_long_id(
    std::string_view text) {
  return parse_item_id(text);
}

}  // namespace eas
