// The ids that phones see: "m12" for a folder, "m12:345" for an item in it. They begin with a
// letter, since some phones take an all-digit folder id for a number; at most 64 characters; never
// reused. [MS-ASCMD] 2.2.3.30, 2.2.3.166
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "storage/collection.h"

namespace eas {

std::string to_collection_id(storage::CollectionId collection);
std::string to_item_id(storage::CollectionId collection, storage::ItemId item);

// nullopt: not an id of ours.
std::optional<storage::CollectionId> parse_collection_id(std::string_view text);
std::optional<std::pair<storage::CollectionId, storage::ItemId>> parse_item_id(
    std::string_view text);

}  // namespace eas
