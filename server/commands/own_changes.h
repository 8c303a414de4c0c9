// What a phone did itself in a collection and must not be told again. DESIGN section 3
#pragma once

#include <algorithm>

#include "server/sync/collection_state.h"

namespace eas {

// `seq` is the item's right after the change. An item that the phone added stays one that it added.
inline void note_own_change(CollectionState& state, storage::ItemId id, storage::Seq seq,
                            bool added = false) {
  for (const OwnChange& own : state.own) added = added || (own.id == id && own.added);
  std::erase_if(state.own, [&](const OwnChange& own) { return own.id == id; });
  state.own.push_back({id, seq, added});
}

inline bool is_own_change(const CollectionState& state, storage::ItemId id, storage::Seq seq) {
  return std::any_of(state.own.begin(), state.own.end(),
                     [&](const OwnChange& own) { return own.id == id && own.seq == seq; });
}

}  // namespace eas
