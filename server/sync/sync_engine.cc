#include "server/sync/sync_engine.h"

#include <algorithm>
#include <limits>

#include "server/sync/sync_plan.h"
#include "storage/base/crypto.h"

namespace eas {
namespace {

using storage::ErrorKind;

constexpr storage::Position kNewest{std::numeric_limits<storage::UnixMillis>::max(),
                                    std::numeric_limits<storage::ItemId>::max()};

storage::Result<SyncTurn> make_turn(std::int64_t device, storage::CollectionId collection,
                                    storage::StoredState stored, bool previous) {
  GODWIT_ASSIGN(CollectionState state,
                decode_collection_state(previous ? stored.previous : stored.current));
  SyncTurn turn;
  turn.device = device;
  turn.collection = collection;
  turn.key = {stored.epoch, previous ? stored.previous_generation : stored.generation};
  turn.state = std::move(state);
  turn.stored = std::move(stored);
  return turn;
}

storage::Result<std::int64_t> count_operations(storage::ChangeLog& log, const SyncTurn& turn,
                                               CollectionState state, storage::UnixMillis cutoff,
                                               ConversationLookup* conversations) {
  constexpr int kWindow = 512;
  std::int64_t total = 0;
  for (bool more = true; more;) {
    GODWIT_ASSIGN(SyncPlan plan,
                  plan_sync(log, turn.collection, state, cutoff, kWindow, conversations));
    total += static_cast<std::int64_t>(plan.operations.size());
    more = plan.more;
    state = std::move(plan.next);
  }
  return total;
}

std::string encode_for_storage(CollectionState state) {
  drop_surplus_own_changes(state);
  return encode(state);
}

}  // namespace

storage::Result<SyncKey> start_epoch(storage::StateStore& store, std::int64_t device,
                                     storage::CollectionId collection,
                                     const CollectionState& initial) {
  storage::StoredState next;
  next.epoch = storage::random_u32();
  next.generation = 1;
  next.current = encode(initial);
  GODWIT_TRY(store.commit_state(device, collection, std::nullopt, next));
  return SyncKey{next.epoch, next.generation};
}

storage::Result<SyncTurn> begin_turn(storage::StateStore& store, std::int64_t device,
                                     storage::CollectionId collection, const SyncKey& key) {
  auto stored = store.state(device, collection);
  if (!stored) {
    if (stored.error().kind != ErrorKind::not_found) return storage::fail(stored.error());
    return storage::fail(ErrorKind::invalid, "a key for a collection that was never synced");
  }
  if (stored->epoch == key.epoch && stored->generation == key.generation) {
    return make_turn(device, collection, std::move(*stored), false);
  }
  if (stored->epoch == key.epoch && stored->previous_generation == key.generation) {
    return make_turn(device, collection, std::move(*stored), true);
  }
  return storage::fail(ErrorKind::invalid, "neither the current nor the previous key");
}

storage::Result<SyncTurn> begin_current(storage::StateStore& store, std::int64_t device,
                                        storage::CollectionId collection) {
  GODWIT_ASSIGN(storage::StoredState stored, store.state(device, collection));
  return make_turn(device, collection, std::move(stored), false);
}

bool is_newest(const SyncTurn& turn) { return turn.key.generation == turn.stored->generation; }

storage::Result<SyncKey> commit_turn(storage::StateStore& store, const SyncTurn& turn,
                                     const CollectionState& next) {
  std::string encoded = encode_for_storage(next);
  if (!is_newest(turn) && encoded == turn.stored->current) {
    return SyncKey{turn.key.epoch, turn.stored->generation};
  }
  storage::StoredState row;
  row.epoch = turn.key.epoch;
  // Counted from the newest generation given out, also when the phone came with the previous one:
  // its lost answer's key must never come to mean something else.
  row.generation = turn.stored->generation + 1;
  row.current = std::move(encoded);
  row.previous_generation = turn.key.generation;
  row.previous = encode(turn.state);
  GODWIT_TRY(store.commit_state(turn.device, turn.collection, turn.stored, row));
  return SyncKey{row.epoch, row.generation};
}

void refresh_turn(storage::StateStore& store, const SyncTurn& turn, const CollectionState& next) {
  if (!is_newest(turn)) return;
  storage::StoredState row = *turn.stored;
  row.current = encode_for_storage(next);
  // A lost race or a failing database only means that the next Sync reads these entries again.
  (void)store.commit_state(turn.device, turn.collection, turn.stored, row);
}

void note_put_there(storage::StateStore& store, std::int64_t device,
                    storage::CollectionId collection, const OwnChange& put) {
  const auto turn = begin_current(store, device, collection);
  if (!turn || !turn->state.started || put.seq <= turn->state.cursor) return;
  CollectionState next = turn->state;
  if (std::find(next.own.begin(), next.own.end(), put) != next.own.end()) return;
  next.own.push_back(put);
  refresh_turn(store, *turn, next);
}

storage::Result<bool> has_additions(storage::ChangeLog& log, const SyncTurn& turn) {
  const CollectionState& state = turn.state;
  if (!state.started) {
    GODWIT_ASSIGN(const storage::ListPage page,
                  log.newest_first(turn.collection, kNewest, {},
                                   std::numeric_limits<storage::Seq>::max(), 1));
    return !page.items.empty();
  }
  if (!state.pending.empty()) return true;
  GODWIT_ASSIGN(const storage::Seq head, log.head(turn.collection));
  constexpr int kPage = 256;
  storage::Seq cursor = state.cursor;
  while (cursor < head) {
    GODWIT_ASSIGN(const storage::ChangePage page, log.changes(turn.collection, cursor, kPage));
    for (const storage::Change& change : page.changes) {
      const bool own = std::any_of(state.own.begin(), state.own.end(),
                                   [&](const OwnChange& made) { return made.id == change.id; });
      const bool news = (change.aspects & storage::aspect::kAdded) != 0 &&
                        (change.aspects & storage::aspect::kRemoved) == 0;
      if (news && !own && state.cutoff <= change.position()) return true;
      cursor = change.log_seq;
    }
    if (!page.more) break;
  }
  return false;
}

storage::Result<std::int64_t> estimate(storage::ChangeLog& log, const SyncTurn& turn,
                                       std::optional<storage::UnixMillis> cutoff,
                                       ConversationLookup* conversations) {
  CollectionState state = turn.state;
  const storage::Position wanted =
      cutoff ? storage::Position{*cutoff, 0} : (state.started ? state.cutoff : storage::Position{});
  constexpr auto kAll = std::numeric_limits<storage::Seq>::max();
  if (conversations != nullptr || !state.outside.empty()) {
    if (conversations != nullptr && !state.conversations && state.started) {
      state.ask_from = kAskAll;
    }
    return count_operations(log, turn, std::move(state), wanted.date, conversations);
  }
  if (!state.started) return log.count(turn.collection, kNewest, wanted, kAll);
  std::int64_t total = 0;
  for (const PendingRange& range : state.pending) {
    GODWIT_ASSIGN(const auto items, log.count(turn.collection, range.to,
                                              std::max(range.from, wanted), range.created_upto));
    total += items;
  }
  if (wanted < state.cutoff) {
    GODWIT_ASSIGN(const auto items, log.count(turn.collection, state.cutoff, wanted, state.cursor));
    total += items;
  } else if (state.cutoff < wanted) {
    GODWIT_ASSIGN(const auto items, log.count(turn.collection, wanted, state.cutoff, state.cursor));
    total += items;
  }
  // What is news: planned without its loads, counted a window at a time.
  state.pending.clear();
  state.cutoff = wanted;
  GODWIT_ASSIGN(const std::int64_t news,
                count_operations(log, turn, std::move(state), wanted.date, nullptr));
  return total + news;
}

storage::UnixMillis filter_cutoff(int filter_type, storage::UnixMillis now) {
  constexpr storage::UnixMillis kHour = 3'600'000;
  constexpr storage::UnixMillis kDay = 24 * kHour;
  storage::UnixMillis days = 0;
  switch (filter_type) {
    case 1:
      days = 1;
      break;
    case 2:
      days = 3;
      break;
    case 3:
      days = 7;
      break;
    case 4:
      days = 14;
      break;
    case 5:
      days = 31;
      break;
    default:
      return 0;
  }
  const storage::UnixMillis oldest = now - days * kDay;
  return oldest > 0 ? oldest / kHour * kHour : 0;
}

}  // namespace eas
