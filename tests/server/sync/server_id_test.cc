#include "server/sync/server_id.h"

#include <doctest/doctest.h>

#include <set>

using namespace eas;

TEST_CASE("ServerId: every class has a letter of its own and ids that come back") {
  // covers: MS-ASCMD R3978 R5882
  std::set<char> letters;
  for (const ItemClassInfo& info : item_classes()) {
    CHECK(letters.insert(info.letter).second);
    CHECK(&info_of(info.item_class) == &info);
    for (const std::int64_t number : {std::int64_t{1}, std::int64_t{77}, kMaxCollectionNumber}) {
      const storage::CollectionId id = make_collection_id(info.item_class, number);
      CHECK(class_of(id) == info.item_class);
      CHECK(number_of(id) == number);
      const std::string text = to_collection_id(id);
      CHECK(text == info.letter + std::to_string(number));
      CHECK(parse_collection_id(text) == id);
      const std::string item = to_item_id(id, 9'000'000'000'000'000'000);
      CHECK(item.size() <= 64);
      CHECK(parse_item_id(item) == std::pair(id, storage::ItemId{9'000'000'000'000'000'000}));
      CHECK(parse_long_id(to_long_id(id, 5)) == std::pair(id, storage::ItemId{5}));
    }
  }
}

TEST_CASE("ServerId: a mail folder's id is its number") {
  CHECK(make_collection_id(ItemClass::mail, 12) == 12);
  CHECK(to_collection_id(12) == "m12");
  CHECK(to_item_id(12, 345) == "m12:345");
}

TEST_CASE("ServerId: what is no id of ours is none") {
  for (const char* text : {"", "m", "12", "m0", "m-1", "m+1", "m01", "m 1", "x1", "M1",
                           "m1:", "m281474976710656", "m99999999999999999999", "m1x", "c", "s5"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_collection_id(text));
  }
  for (const char* text : {"", "m1", "m1:", "m1:0", "m1:x", ":1", "1:1", "m1:1:2", "m1:-1", "c1"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_item_id(text));
  }
}

TEST_CASE("ItemClass: the FilterTypes of each class") {
  // covers: MS-ASCMD R2974 R2989
  const auto allowed = [](ItemClass item_class) {
    std::string text;
    for (int filter = 0; filter <= 8; ++filter) {
      if (has_filter(info_of(item_class), filter)) text += std::to_string(filter);
    }
    return text;
  };
  CHECK(allowed(ItemClass::mail) == "012345");
  CHECK(allowed(ItemClass::calendar) == "04567");
  CHECK(allowed(ItemClass::tasks) == "08");
  CHECK(allowed(ItemClass::contacts) == "012345678");
  CHECK_FALSE(has_filter(info_of(ItemClass::mail), -1));
}
