// The engine: a device's state of one collection, the collection's change log, what the phone is
// to be told, and the next state. No HTTP, no WBXML, no clock. [MS-ASCMD] 3.1.5.3, 3.1.5.9
//
//   begin()   key → the state that the key stands for (current or previous generation)
//   plan()    state + change log → what to tell, next state            (sync_plan.h)
//   commit()  next state becomes the newest generation, in one atomic step, before the answer
//   leaves
//
// REQUIRES for all functions that name a device and a collection: the caller holds their lock
// (collection_locks.h).
#pragma once

#include <cstdint>
#include <optional>

#include "server/sync/collection_state.h"
#include "server/sync/sync_key.h"
#include "server/sync/sync_plan.h"
#include "storage/base/result.h"
#include "storage/collection.h"
#include "storage/state/state_store.h"

namespace eas {

// One collection's turn in a request: the state its key stands for, and what is stored, so that
// commit can tell whether somebody else was faster.
struct SyncTurn {
  std::int64_t device = 0;
  storage::CollectionId collection = 0;
  std::optional<storage::StoredState> stored;  // nullopt: never synced
  SyncKey key;                                 // of `state`
  CollectionState state;
};

// Starts a new epoch (SyncKey 0) and returns its first key. The phone is taken to hold nothing.
storage::Result<SyncKey> start_epoch(storage::StateStore& store, std::int64_t device,
                                     storage::CollectionId collection,
                                     const CollectionState& initial);

// The state for a key that the phone sent: the current generation, or the previous one when the
// last answer was lost. invalid: any other key (Sync status 3).
storage::Result<SyncTurn> begin_turn(storage::StateStore& store, std::int64_t device,
                                     storage::CollectionId collection, const SyncKey& key);
// The current generation, whatever its key: for empty and partial Sync, Ping, GetItemEstimate.
// not_found: never synced.
storage::Result<SyncTurn> begin_current(storage::StateStore& store, std::int64_t device,
                                        storage::CollectionId collection);

// Is the turn's key the newest one given out?
bool is_newest(const SyncTurn& turn);

// Makes `next` the current generation and the turn's state the previous one; returns its key. A
// repeated request that ends in the very state that is stored already gets the key of that one, so
// that of two equal requests at once either answer is good. conflict: the stored state changed
// meanwhile; nothing was written.
storage::Result<SyncKey> commit_turn(storage::StateStore& store, const SyncTurn& turn,
                                     const CollectionState& next);
// Writes a state that means the same to the phone (a cursor that passed only what the phone need
// not be told) under the key it has. Losing a race against a commit does no harm.
void refresh_turn(storage::StateStore& store, const SyncTurn& turn, const CollectionState& next);

// The phone put an item into this collection by another command (MoveItems): should the item go
// away before the phone is told of it, the phone must be told that. Does nothing for a collection
// that was never synced. Best effort: without it a phone may keep an item that is gone.
void note_put_there(storage::StateStore& store, std::int64_t device,
                    storage::CollectionId collection, const OwnChange& put);

// Is there anything to tell the phone that it must be woken for: an added item inside its filter,
// or the rest of a first load? For Ping and for a Sync that waits; modified and removed items do
// not count. [MS-ASCMD] 3.1.5.4, 3.1.5.8
// true when the collection was never synced past key 0 (its items are all news). What the phone put
// there itself is no news, unless it was so much that the state does not name it any more.
storage::Result<bool> has_additions(storage::ChangeLog& log, const SyncTurn& turn);

// How many items a Sync with this filter cutoff (nullopt: the one last used) would bring; counts
// adds, changes and deletes. With `conversations` as ConversationMode would have it, which costs
// what the Sync itself would, but for the messages. [MS-ASCMD] 2.2.1.9, 2.2.3.36.1
storage::Result<std::int64_t> estimate(storage::ChangeLog& log, const SyncTurn& turn,
                                       std::optional<storage::UnixMillis> cutoff,
                                       ConversationLookup* conversations = nullptr);

// The oldest received date of a FilterType, rounded down to the hour; 0 for "all" (0) and for
// values that do not limit mail. [MS-ASCMD] 2.2.3.68.2
storage::UnixMillis filter_cutoff(int filter_type, storage::UnixMillis now);

}  // namespace eas
