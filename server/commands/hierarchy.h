// The folder list on one device: which state a hierarchy SyncKey stands for, and what changed
// since. State lives in the StateStore under collection 0, in two generations like every other.
// FolderSync and the folder commands move it on; Ping compares with it. [MS-ASCMD] 2.2.1.3 to
// 2.2.1.6, 2.2.3.181.1, 2.2.3.181.2
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/protocol_version.h"
#include "server/sync/item_class.h"
#include "server/sync/sync_key.h"
#include "storage/base/result.h"
#include "storage/mail/mail_store.h"
#include "storage/state/state_store.h"

namespace eas {

// A folder as phones see it.
struct Folder {
  storage::CollectionId id = 0;
  storage::CollectionId parent = 0;  // 0: top level
  std::string name;                  // valid UTF-8, unique in its parent
  int type = 12;                     // [MS-ASCMD] 2.2.3.186.3
};

Folder to_folder(const storage::MailFolder& folder);
Folder default_folder(const ItemClassInfo& info);
// Whether a default folder has this name; compared without case.
bool is_default_name(std::string_view name);

// A folder that the phone changed itself: it is not told of the change that ended at `seq`.
struct OwnFolderChange {
  storage::CollectionId id = 0;
  storage::Seq seq = 0;  // 0: the folder is not as the phone has it, and is told
  bool operator==(const OwnFolderChange&) const = default;
};

// A folder command that was begun under a key: noted before anything is changed, so that what a
// process that was killed had done is known for the phone's when it asks again.
struct BegunCommand {
  std::string digest;     // of what was asked
  storage::Seq head = 0;  // of the mail hierarchy before
  bool operator==(const BegunCommand&) const = default;
};

// The folder command that led to a generation. It is answered the same when it comes again.
struct DoneCommand {
  std::string digest;
  storage::CollectionId result = 0;  // the folder
  bool operator==(const DoneCommand&) const = default;
};

// What the phone knows under one key.
struct HierarchyState {
  storage::Seq cursor = 0;  // of the mail folders; 0: none
  unsigned defaults = 0;    // default folders, a bit for each ItemClass
  std::vector<OwnFolderChange> own;
  std::optional<BegunCommand> begun;
  std::optional<DoneCommand> done;
  bool operator==(const HierarchyState&) const = default;
};

// What a phone that knows some state is to be told.
struct HierarchyDelta {
  HierarchyState next;        // after telling it
  std::vector<Folder> added;  // parents before children
  std::vector<Folder> updated;
  std::vector<storage::CollectionId> removed;  // each once
  bool empty() const { return added.empty() && updated.empty() && removed.empty(); }
  std::size_t size() const { return added.size() + updated.size() + removed.size(); }
};

// The phone that is told. One in quarantine sees no default folders of other classes; of mail it
// sees what its mailbox shows (quarantine_view.h).
struct FolderViewer {
  Version version = Version::v16_1;
  bool quarantined = false;
};

// A new state: everything, as adds. A folder that came and went in between is left out, and so are
// folders of classes that the version does not have.
storage::Result<HierarchyDelta> hierarchy_delta(storage::Mailbox& mailbox,
                                                const HierarchyState& state, FolderViewer viewer);

// One device's turn at the hierarchy. REQUIRES for the functions below: the caller holds the lock
// of (device, 0).
struct HierarchyTurn {
  storage::StoredState stored;
  SyncKey key;  // that `state` belongs to
  HierarchyState state;
  bool current = true;  // false: `key` is the previous generation
  // With a previous key: the command whose answer was lost, and the key that it carried.
  std::optional<DoneCommand> lost;
  SyncKey lost_key;
};

// The state for a key that the phone sent. invalid: no such key (status 9). corrupt: the state
// cannot be read.
storage::Result<HierarchyTurn> begin_hierarchy(storage::StateStore& store, std::int64_t device,
                                               std::string_view key);
// The newest state, whatever its key. not_found: this device never had the folder list.
storage::Result<HierarchyTurn> current_hierarchy(storage::StateStore& store, std::int64_t device);

// Key 0: a new epoch. Collection states are not touched.
storage::Result<SyncKey> start_hierarchy(storage::StateStore& store, std::int64_t device,
                                         const HierarchyState& state);
// Makes `next` the newest generation and the turn's the previous one; returns its key.
storage::Result<SyncKey> commit_hierarchy(storage::StateStore& store, std::int64_t device,
                                          const HierarchyTurn& turn, const HierarchyState& next);
// Replaces the state under the key that the phone has: nothing that it would be told lies between.
// The turn then has it.
storage::Result<void> refresh_hierarchy(storage::StateStore& store, std::int64_t device,
                                        HierarchyTurn& turn, const HierarchyState& state);

}  // namespace eas
