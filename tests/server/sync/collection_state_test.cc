#include "server/sync/collection_state.h"

#include <doctest/doctest.h>

using eas::CollectionState;

TEST_CASE("state: encoding is exact, short, and refuses what it did not make") {
  CollectionState state;
  state.started = true;
  state.cursor = 123456;
  state.cutoff = {1'700'000'000'000, 0};
  state.pending = {{{1, 2}, {3, 4}, 5}};
  state.own = {{7, 8}, {9, 10}};
  state.filter = 3;
  state.options = "options";
  const std::string bytes = eas::encode(state);
  CHECK(bytes.size() < 64);
  CHECK(*eas::decode_collection_state(bytes) == state);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    CHECK_FALSE(eas::decode_collection_state(bytes.substr(0, length)));
  }
  CHECK_FALSE(eas::decode_collection_state(bytes + "x"));
}

TEST_CASE("state: what an earlier release stored is read") {
  // Started, cursor 5, no cutoff and nothing pending; own changes 7 at 8 and, added, 9 at 10.
  const std::string bytes("\x02\x02\x0A\0\0\0\x04\x0E\x10\x11\x14\x06\x02o", 14);
  const auto state = eas::decode_collection_state(bytes);
  REQUIRE(state);
  CHECK(state->cursor == 5);
  CHECK(state->own == std::vector<eas::OwnChange>{{7, 8}, {9, 10, true}});
  CHECK(state->filter == 3);
  CHECK(state->options == "o");
  CHECK(*eas::decode_collection_state(eas::encode(*state)) == *state);
}
