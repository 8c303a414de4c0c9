// What to tell a phone: pure reasoning over a state and a change log. DESIGN section 3.
//
// Order of an answer: news first (also during a long first load, so that new mail does not wait
// behind old), then what leaves the filter window, then the next page of the first load. Within a
// window of n items the cursor stops at the last entry told.
#pragma once

#include <vector>

#include "server/sync/collection_state.h"
#include "storage/base/result.h"
#include "storage/collection.h"

namespace eas {

struct SyncOperation {
  enum class Kind { add, change, remove, soft_remove };
  Kind kind = Kind::add;
  storage::ItemId id = 0;
  unsigned aspects = 0;  // of a change: storage::aspect bits
  // Older than the filter allows; sent for the sake of its conversation, so without its body.
  bool outside = false;
  bool operator==(const SyncOperation&) const = default;
};

struct SyncPlan {
  std::vector<SyncOperation> operations;  // at most `window`, in the order to be told
  CollectionState next;
  bool more = false;  // MoreAvailable
};

// The conversations of one collection. One thread.
class ConversationLookup {
 public:
  virtual ~ConversationLookup() = default;
  // All live items of the item's conversation in the collection, itself included, in any order.
  virtual storage::Result<std::vector<storage::Position>> members(storage::ItemId item) = 0;
};

// The phone has `state`, and its filter now allows items received at or after `cutoff`.
// At most `window` (> 0) operations. Fails as the change log does; expired means that the phone
// must start the collection again.
// With `conversations` (ConversationMode) an item inside the filter brings the older ones of its
// conversation with it; when its conversation has left the window, they leave too, at the next time
// that the window moves ([MS-ASCON] 3.2.5.6). Without, what was brought so leaves.
storage::Result<SyncPlan> plan_sync(storage::ChangeLog& log, storage::CollectionId collection,
                                    const CollectionState& state, storage::UnixMillis cutoff,
                                    int window, ConversationLookup* conversations = nullptr);

}  // namespace eas
