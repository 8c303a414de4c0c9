#include "server/commands/hierarchy.h"

#include <optional>
#include <string>
#include <utility>

#include "server/sync/compact.h"
#include "storage/base/crypto.h"

namespace eas {
namespace {

using storage::ErrorKind;
using storage::Result;
using storage::StoredState;

constexpr storage::CollectionId kHierarchy = 0;
constexpr std::int64_t kFormat = 1;

std::string encode(storage::Seq cursor) {
  CompactWriter out;
  out.number(kFormat);
  out.number(cursor);
  return out.take();
}

Result<storage::Seq> decode(std::string_view bytes) {
  CompactReader in(bytes);
  const std::int64_t format = in.number();
  const storage::Seq cursor = in.number();
  if (!in.ok() || !in.at_end() || format != kFormat || cursor < 0) {
    return storage::fail(ErrorKind::corrupt, "hierarchy state");
  }
  return cursor;
}

Result<HierarchyTurn> make_turn(StoredState stored, bool current) {
  HierarchyTurn turn;
  GODWIT_ASSIGN(turn.cursor, decode(current ? stored.current : stored.previous));
  turn.key = SyncKey{stored.epoch, current ? stored.generation : stored.previous_generation};
  turn.current = current;
  turn.stored = std::move(stored);
  return turn;
}

}  // namespace

Result<HierarchyDelta> hierarchy_delta(storage::Mailbox& mailbox, storage::Seq since) {
  GODWIT_ASSIGN(storage::HierarchyPage page,
                since == 0 ? mailbox.folders() : mailbox.hierarchy_changes(since));
  HierarchyDelta delta;
  delta.head = page.head;
  for (storage::MailFolder& folder : page.folders) {
    const bool known = since != 0 && folder.created_seq <= since;
    if (folder.removed) {
      if (known) delta.removed.push_back(folder.id);
    } else if (known) {
      delta.updated.push_back(std::move(folder));
    } else {
      delta.added.push_back(std::move(folder));
    }
  }
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
                                storage::Seq cursor) {
  StoredState first;
  first.epoch = storage::random_u32();
  first.generation = 1;
  first.current = encode(cursor);
  GODWIT_TRY(store.commit_state(device, kHierarchy, std::nullopt, first));
  return SyncKey{first.epoch, first.generation};
}

Result<SyncKey> commit_hierarchy(storage::StateStore& store, std::int64_t device,
                                 const HierarchyTurn& turn, storage::Seq cursor) {
  StoredState next;
  next.epoch = turn.stored.epoch;
  next.generation = turn.stored.generation + 1;
  next.current = encode(cursor);
  next.previous_generation = turn.key.generation;
  next.previous = encode(turn.cursor);
  GODWIT_TRY(store.commit_state(device, kHierarchy, turn.stored, next));
  return SyncKey{next.epoch, next.generation};
}

Result<void> refresh_hierarchy(storage::StateStore& store, std::int64_t device,
                               const HierarchyTurn& turn, storage::Seq cursor) {
  StoredState same = turn.stored;
  (turn.current ? same.current : same.previous) = encode(cursor);
  return store.commit_state(device, kHierarchy, turn.stored, same);
}

}  // namespace eas
