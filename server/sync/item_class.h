// The classes of items, one row each: what their ids begin with, what they are called on the wire,
// which default folder they have and which versions know it. [MS-ASCMD] 2.2.3.27, 2.2.3.68,
// 2.2.3.186.3
//
// The collections of all stores of one user share one number space: the class is in the high bits
// of a CollectionId (mail is 0, so a mail folder's id is its number), the store's own number in the
// low 48. So locks, sync states and the change hub need not know of classes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "server/protocol_version.h"
#include "storage/collection.h"

namespace eas {

// The values are stored: in collection ids, and as bits of the hierarchy state.
enum class ItemClass : std::uint8_t {
  mail = 0,
  calendar = 1,
  contacts = 2,
  tasks = 3,
  notes = 4,
  journal = 5,
  recipients = 6,  // the recipient information cache
};

struct ItemClassInfo {
  ItemClass item_class = ItemClass::mail;
  char letter = 'm';              // its ids begin with it; never changes
  std::string_view name;          // Class
  int default_type = 0;           // Type of its default folder; 0: none of its own (mail)
  std::string_view default_name;  // DisplayName of that
  Version since = Version::v2_5;  // the first version whose phones know it
  unsigned filters = 0;           // a bit for each FilterType that it has; 0: all are ignored
};

// In the order of the enum. Everything here lives as long as the process.
std::span<const ItemClassInfo> item_classes();
const ItemClassInfo& info_of(ItemClass item_class);
std::optional<ItemClass> class_of_letter(char letter);

// Numbers of a store: from 1 up to this.
inline constexpr std::int64_t kMaxCollectionNumber = (std::int64_t{1} << 48) - 1;

// REQUIRES: 0 < number <= kMaxCollectionNumber.
storage::CollectionId make_collection_id(ItemClass item_class, std::int64_t number);
// The class and the number in a collection id. An id of no class is mail, where no such folder is.
ItemClass class_of(storage::CollectionId collection);
std::int64_t number_of(storage::CollectionId collection);

// The default folder of a class other than mail: its number is 1.
storage::CollectionId default_collection(ItemClass item_class);

// Does this class have this FilterType? True for classes that ignore it.
bool has_filter(const ItemClassInfo& info, int filter_type);

}  // namespace eas
