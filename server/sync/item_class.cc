#include "server/sync/item_class.h"

#include <algorithm>
#include <array>

namespace eas {
namespace {

constexpr int kNumberBits = 48;

constexpr unsigned filters(std::initializer_list<int> types) {
  unsigned bits = 0;
  for (const int type : types) bits |= 1u << type;
  return bits;
}

// The recipient information cache holds items of the class Contacts. Nothing of the class Journal
// is ever synchronised; its folder is listed, as everywhere.
constexpr std::array kRows = {
    ItemClassInfo{ItemClass::mail, 'm', "Email", 0, "", Version::v2_5, filters({0, 1, 2, 3, 4, 5})},
    ItemClassInfo{ItemClass::calendar, 'c', "Calendar", 8, "Calendar", Version::v2_5,
                  filters({0, 4, 5, 6, 7})},
    ItemClassInfo{ItemClass::contacts, 'p', "Contacts", 9, "Contacts", Version::v2_5, 0},
    ItemClassInfo{ItemClass::tasks, 't', "Tasks", 7, "Tasks", Version::v2_5, filters({0, 8})},
    ItemClassInfo{ItemClass::notes, 'n', "Notes", 10, "Notes", Version::v14_0, 0},
    ItemClassInfo{ItemClass::journal, 'j', "Journal", 11, "Journal", Version::v2_5, 0},
    ItemClassInfo{ItemClass::recipients, 'r', "Contacts", 19, "RecipientInfo", Version::v14_0, 0},
};

}  // namespace

std::span<const ItemClassInfo> item_classes() { return kRows; }

const ItemClassInfo& info_of(ItemClass item_class) {
  return kRows[static_cast<std::size_t>(item_class)];
}

std::optional<ItemClass> class_of_letter(char letter) {
  const auto found = std::find_if(kRows.begin(), kRows.end(),
                                  [&](const ItemClassInfo& row) { return row.letter == letter; });
  if (found == kRows.end()) return std::nullopt;
  return found->item_class;
}

storage::CollectionId make_collection_id(ItemClass item_class, std::int64_t number) {
  return (static_cast<std::int64_t>(item_class) << kNumberBits) | number;
}

ItemClass class_of(storage::CollectionId collection) {
  const std::int64_t high = collection >> kNumberBits;
  if (high < 0 || high >= static_cast<std::int64_t>(kRows.size())) return ItemClass::mail;
  return static_cast<ItemClass>(high);
}

std::int64_t number_of(storage::CollectionId collection) {
  return collection & kMaxCollectionNumber;
}

storage::CollectionId default_collection(ItemClass item_class) {
  return make_collection_id(item_class, 1);
}

bool has_filter(const ItemClassInfo& info, int filter_type) {
  return info.filters == 0 || (filter_type >= 0 && filter_type < 32 &&
                               (info.filters & (1u << static_cast<unsigned>(filter_type))) != 0);
}

}  // namespace eas
