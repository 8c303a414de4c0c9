#include "server/sync/server_id.h"

#include "storage/base/text.h"

namespace eas {
namespace {

// Only the one way of writing a number: no sign, no leading zero, so that ids compare as text.
std::optional<std::int64_t> parse_positive(std::string_view text) {
  if (text.empty() || text[0] < '1' || text[0] > '9') return std::nullopt;
  return storage::parse_int(text);
}

}  // namespace

std::string to_collection_id(storage::CollectionId collection) {
  return info_of(class_of(collection)).letter + std::to_string(number_of(collection));
}

std::string to_item_id(storage::CollectionId collection, storage::ItemId item) {
  return to_collection_id(collection) + ':' + std::to_string(item);
}

std::optional<storage::CollectionId> parse_collection_id(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const auto item_class = class_of_letter(text[0]);
  const auto number = parse_positive(text.substr(1));
  if (!item_class || !number || *number > kMaxCollectionNumber) return std::nullopt;
  return make_collection_id(*item_class, *number);
}

std::optional<std::pair<storage::CollectionId, storage::ItemId>> parse_item_id(
    std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto collection = parse_collection_id(text.substr(0, colon));
  const auto item = parse_positive(text.substr(colon + 1));
  if (!collection || !item) return std::nullopt;
  return std::pair(*collection, *item);
}

}  // namespace eas
