// The folder list on one device: which state a hierarchy SyncKey stands for, and what changed
// since. State lives in the StateStore under collection 0, in two generations like every other.
// FolderSync moves it on; Ping compares with it. [MS-ASCMD] 2.2.1.5, 2.2.3.181.2
#pragma once

#include <string_view>
#include <vector>

#include "server/sync/sync_key.h"
#include "storage/base/result.h"
#include "storage/mail/mail_store.h"
#include "storage/state/state_store.h"

namespace eas {

// What a phone that has everything up to a cursor is to be told.
struct HierarchyDelta {
  storage::Seq head = 0;                   // the cursor after telling it
  std::vector<storage::MailFolder> added;  // parents before children
  std::vector<storage::MailFolder> updated;
  std::vector<storage::CollectionId> removed;  // each once
  bool empty() const { return added.empty() && updated.empty() && removed.empty(); }
  std::size_t size() const { return added.size() + updated.size() + removed.size(); }
};

// Changes after `since`; 0: everything, as adds. A folder that came and went in between is left
// out.
storage::Result<HierarchyDelta> hierarchy_delta(storage::Mailbox& mailbox, storage::Seq since);

// One device's turn at the hierarchy. REQUIRES for the functions below: the caller holds the lock
// of (device, 0).
struct HierarchyTurn {
  storage::StoredState stored;
  SyncKey key;  // that `cursor` belongs to
  storage::Seq cursor = 0;
  bool current = true;  // false: `key` is the previous generation
};

// The state for a key that the phone sent. invalid: no such key (FolderSync status 9).
storage::Result<HierarchyTurn> begin_hierarchy(storage::StateStore& store, std::int64_t device,
                                               std::string_view key);
// The newest state, whatever its key. not_found: this device never had the folder list.
storage::Result<HierarchyTurn> current_hierarchy(storage::StateStore& store, std::int64_t device);

// Key 0: a new epoch. Collection states are not touched.
storage::Result<SyncKey> start_hierarchy(storage::StateStore& store, std::int64_t device,
                                         storage::Seq cursor);
// Makes `cursor` the newest generation and the turn's the previous one; returns its key.
storage::Result<SyncKey> commit_hierarchy(storage::StateStore& store, std::int64_t device,
                                          const HierarchyTurn& turn, storage::Seq cursor);
// Moves the cursor under the key that the phone has: nothing that it would be told lies between.
storage::Result<void> refresh_hierarchy(storage::StateStore& store, std::int64_t device,
                                        const HierarchyTurn& turn, storage::Seq cursor);

}  // namespace eas
