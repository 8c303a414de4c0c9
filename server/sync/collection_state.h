// What the server remembers of one collection on one device: a cursor into the change log and a few
// ranges, never a list of what the phone holds (DESIGN section 3). Its size does not depend on the
// size of the mailbox.
//
// What the phone holds is derived: an item is held when
//   created_seq <= cursor, and its position >= cutoff, and no pending range covers it;
// or it is named in `outside`, which only ConversationMode fills and whose length has a limit.
#pragma once

#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"
#include "storage/collection.h"

namespace eas {

// Items still to be loaded, newest first: from <= position < to and created_seq <= created_upto.
// `to` moves down as pages are sent. The first load is one; a filter that widens adds another.
struct PendingRange {
  storage::Position from;
  storage::Position to;
  storage::Seq created_upto = 0;

  bool covers(storage::Position position, storage::Seq created_seq) const {
    return created_seq <= created_upto && from <= position && position < to;
  }
  bool operator==(const PendingRange&) const = default;
};

// A change that the phone made itself and the cursor has not passed: it is not sent back.
struct OwnChange {
  storage::ItemId id = 0;
  storage::Seq seq = 0;  // the item's seq right after the change
  bool added = false;    // by a Sync of the phone, which so knows its id: no Add is told
  bool operator==(const OwnChange&) const = default;
};

// So many of them are stored. A phone that only files into a folder, or never asks for its changes,
// would make the state grow without end.
inline constexpr std::size_t kMostOwn = 32;

// How many items outside the filter a phone is sent for the sake of their conversations. What a
// phone would get beyond them it can still search for.
inline constexpr std::size_t kMostOutside = 2000;

// For ask_from: everything.
inline constexpr storage::Position kAskAll{std::numeric_limits<storage::UnixMillis>::max(),
                                           std::numeric_limits<storage::ItemId>::max()};

struct CollectionState {
  // False until the first Sync after key 0: nothing was loaded and no filter is known.
  bool started = false;
  storage::Seq cursor = 0;
  storage::Position cutoff;           // the phone holds nothing older
  std::vector<PendingRange> pending;  // newest first; they do not overlap
  std::vector<OwnChange> own;
  // Dropped from `own`: any item created up to here and not told yet may be on the phone, because
  // it was put there. The phone is told when such an item goes away. 0: none was dropped.
  storage::Seq put_upto = 0;
  // ConversationMode, as the phone asked last. [MS-ASCMD] 2.2.3.36.2
  bool conversations = false;
  // On the phone though older than `cutoff`, because their conversation has newer ones. Sorted.
  std::vector<storage::Position> outside;
  // The mode was switched on over a loaded collection: the items of the window that are older than
  // this have still to be asked for their conversations. {0, 0}: none.
  storage::Position ask_from;
  int filter = 0;       // FilterType that `cutoff` was computed from
  std::string options;  // the last Options, encoded by the command (sync_options.h)

  bool holds_outside(storage::Position position) const;
  // Is an item with this position, created at created_seq, on the phone?
  bool holds(storage::Position position, storage::Seq created_seq) const;

  bool operator==(const CollectionState&) const = default;
};

// Drops the oldest own changes beyond kMostOwn, those that added an item last: a phone can stand to
// hear of its own change, but not to get an item twice.
void drop_surplus_own_changes(CollectionState& state);

std::string encode(const CollectionState& state);
// corrupt: not made by encode() of this or an earlier release.
storage::Result<CollectionState> decode_collection_state(std::string_view bytes);

}  // namespace eas
