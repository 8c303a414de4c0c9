#include "server/commands/hierarchy.h"

#include <algorithm>
#include <utility>

#include "server/sync/compact.h"
#include "storage/base/crypto.h"
#include "storage/base/text.h"

namespace eas {
namespace {

using storage::CollectionId;
using storage::ErrorKind;
using storage::FolderRole;
using storage::Result;
using storage::StoredState;

constexpr CollectionId kHierarchy = 0;
constexpr std::int64_t kCursorOnly = 1;  // as the first release wrote it
constexpr std::int64_t kFormat = 2;

// --- the state as bytes ---------------------------------------------------------------------

std::string encode(const HierarchyState& state) {
  CompactWriter out;
  out.number(kFormat);
  out.number(state.cursor);
  out.number(state.defaults);
  out.number(static_cast<std::int64_t>(state.own.size()));
  for (const OwnFolderChange& own : state.own) {
    out.number(own.id);
    out.number(own.seq);
  }
  out.text(state.begun ? state.begun->digest : std::string());
  out.number(state.begun ? state.begun->head : 0);
  out.text(state.done ? state.done->digest : std::string());
  out.number(state.done ? state.done->result : 0);
  return out.take();
}

Result<HierarchyState> decode(std::string_view bytes) {
  CompactReader in(bytes);
  HierarchyState state;
  const std::int64_t format = in.number();
  state.cursor = in.number();
  if (format == kFormat) {
    state.defaults = static_cast<unsigned>(in.number());
    state.own.resize(in.count());
    for (OwnFolderChange& own : state.own) {
      own.id = in.number();
      own.seq = in.number();
    }
    BegunCommand begun{std::string(in.text()), 0};
    begun.head = in.number();
    if (!begun.digest.empty()) state.begun = std::move(begun);
    DoneCommand done{std::string(in.text()), 0};
    done.result = in.number();
    if (!done.digest.empty()) state.done = std::move(done);
  }
  if (!in.ok() || !in.at_end() || (format != kFormat && format != kCursorOnly) ||
      state.cursor < 0) {
    return storage::fail(ErrorKind::corrupt, "hierarchy state");
  }
  return state;
}

Result<HierarchyTurn> make_turn(StoredState stored, bool current) {
  HierarchyTurn turn;
  GODWIT_ASSIGN(turn.state, decode(current ? stored.current : stored.previous));
  turn.key = SyncKey{stored.epoch, current ? stored.generation : stored.previous_generation};
  turn.current = current;
  if (!current) {
    GODWIT_ASSIGN(HierarchyState newest, decode(stored.current));
    turn.lost = std::move(newest.done);
    turn.lost_key = SyncKey{stored.epoch, stored.generation};
  }
  turn.stored = std::move(stored);
  return turn;
}

// --- what changed ---------------------------------------------------------------------------

int type_of(FolderRole role) {
  switch (role) {
    case FolderRole::inbox:
      return 2;
    case FolderRole::drafts:
      return 3;
    case FolderRole::trash:
      return 4;
    case FolderRole::sent:
      return 5;
    case FolderRole::outbox:
      return 6;
    case FolderRole::none:
    case FolderRole::junk:  // no types exist for these two: phones go by the name
    case FolderRole::archive:
      return 12;
  }
  return 12;
}

const OwnFolderChange* own_change(const HierarchyState& state, CollectionId id) {
  const auto found = std::find_if(state.own.begin(), state.own.end(),
                                  [&](const OwnFolderChange& own) { return own.id == id; });
  return found == state.own.end() ? nullptr : &*found;
}

void tell(const storage::MailFolder& folder, const HierarchyState& state, HierarchyDelta& delta) {
  const OwnFolderChange* const own = own_change(state, folder.id);
  const bool everything = state.cursor == 0;
  const bool known = !everything && (folder.created_seq <= state.cursor || own != nullptr);
  if (known && own != nullptr && own->seq == folder.changed_seq) return;
  if (folder.removed) {
    if (known) delta.removed.push_back(folder.id);
  } else if (known) {
    delta.updated.push_back(to_folder(folder));
  } else {
    delta.added.push_back(to_folder(folder));
  }
}

// Folders that nothing happened to and that the phone has wrongly all the same.
Result<void> tell_differing(storage::Mailbox& mailbox, const HierarchyState& state,
                            const storage::HierarchyPage& page, HierarchyDelta& delta) {
  for (const OwnFolderChange& own : state.own) {
    const bool told =
        std::any_of(page.folders.begin(), page.folders.end(),
                    [&](const storage::MailFolder& folder) { return folder.id == own.id; });
    if (own.seq != 0 || told) continue;
    const auto folder = mailbox.folder(own.id);
    if (folder) {
      delta.updated.push_back(to_folder(*folder));
    } else if (folder.error().kind != ErrorKind::not_found) {
      return storage::fail(folder.error());
    }
  }
  return {};
}

void tell_defaults(const HierarchyState& state, FolderViewer viewer, HierarchyDelta& delta) {
  if (viewer.quarantined) return;
  for (const ItemClassInfo& info : item_classes()) {
    const unsigned bit = 1u << static_cast<unsigned>(info.item_class);
    if (info.default_type == 0 || viewer.version < info.since) continue;
    if ((state.defaults & bit) != 0) continue;
    delta.added.push_back(default_folder(info));
    delta.next.defaults |= bit;
  }
}

}  // namespace

bool is_default_name(std::string_view name) {
  const auto rows = item_classes();
  return std::any_of(rows.begin(), rows.end(), [&](const ItemClassInfo& info) {
    return info.default_type != 0 && storage::equals_ignore_case(info.default_name, name);
  });
}

// A mail folder that is called like a default folder ("Notes" of a mail program) is shown with an
// addition: names must be unique in a folder. [MS-ASCMD] 2.2.3.49.4
Folder to_folder(const storage::MailFolder& folder) {
  Folder shown;
  shown.id = folder.id;
  shown.parent = folder.parent;
  shown.type = type_of(folder.role);
  shown.name = folder.role == FolderRole::inbox && storage::equals_ignore_case(folder.name, "INBOX")
                   ? "Inbox"
                   : storage::to_xml_safe_utf8(folder.name);
  if (shown.parent == 0 && is_default_name(shown.name)) shown.name += " (mail)";
  return shown;
}

Folder default_folder(const ItemClassInfo& info) {
  return {default_collection(info.item_class), 0, std::string(info.default_name),
          info.default_type};
}

Result<HierarchyDelta> hierarchy_delta(storage::Mailbox& mailbox, const HierarchyState& state,
                                       FolderViewer viewer) {
  GODWIT_ASSIGN(const storage::HierarchyPage page,
                state.cursor == 0 ? mailbox.folders() : mailbox.hierarchy_changes(state.cursor));
  HierarchyDelta delta;
  delta.next.cursor = page.head;
  delta.next.defaults = state.defaults;
  for (const storage::MailFolder& folder : page.folders) tell(folder, state, delta);
  GODWIT_TRY(tell_differing(mailbox, state, page, delta));
  tell_defaults(state, viewer, delta);
  return delta;
}

Result<HierarchyTurn> begin_hierarchy(storage::StateStore& store, std::int64_t device,
                                      std::string_view text) {
  const auto key = parse_sync_key(text);
  if (!key) return storage::fail(ErrorKind::invalid, "not a key of ours");
  auto stored = store.state(device, kHierarchy);
  if (!stored) {
    if (stored.error().kind != ErrorKind::not_found) return storage::fail(stored.error());
    return storage::fail(ErrorKind::invalid, "the device has no folder list");
  }
  if (key->epoch != stored->epoch) return storage::fail(ErrorKind::invalid, "an older epoch");
  if (key->generation == stored->generation) return make_turn(*std::move(stored), true);
  if (key->generation == stored->previous_generation && key->generation != 0) {
    return make_turn(*std::move(stored), false);
  }
  return storage::fail(ErrorKind::invalid, "an older generation");
}

Result<HierarchyTurn> current_hierarchy(storage::StateStore& store, std::int64_t device) {
  GODWIT_ASSIGN(StoredState stored, store.state(device, kHierarchy));
  return make_turn(std::move(stored), true);
}

Result<SyncKey> start_hierarchy(storage::StateStore& store, std::int64_t device,
                                const HierarchyState& state) {
  StoredState first;
  first.epoch = storage::random_u32();
  first.generation = 1;
  first.current = encode(state);
  GODWIT_TRY(store.commit_state(device, kHierarchy, std::nullopt, first));
  return SyncKey{first.epoch, first.generation};
}

Result<SyncKey> commit_hierarchy(storage::StateStore& store, std::int64_t device,
                                 const HierarchyTurn& turn, const HierarchyState& next) {
  StoredState row;
  row.epoch = turn.stored.epoch;
  row.generation = turn.stored.generation + 1;
  row.current = encode(next);
  row.previous_generation = turn.key.generation;
  row.previous = encode(turn.state);
  GODWIT_TRY(store.commit_state(device, kHierarchy, turn.stored, row));
  return SyncKey{row.epoch, row.generation};
}

Result<void> refresh_hierarchy(storage::StateStore& store, std::int64_t device, HierarchyTurn& turn,
                               const HierarchyState& state) {
  StoredState same = turn.stored;
  (turn.current ? same.current : same.previous) = encode(state);
  GODWIT_TRY(store.commit_state(device, kHierarchy, turn.stored, same));
  turn.state = state;
  turn.stored = std::move(same);
  return {};
}

}  // namespace eas
