#include "server/sync/collection_state.h"

#include <algorithm>

#include "server/sync/compact.h"

namespace eas {
namespace {

// The first two are only read: own changes were whole numbers there, and had no limit.
constexpr std::int64_t kLongFormat = 1;
constexpr std::int64_t kLongConversationFormat = 2;
constexpr std::int64_t kFormat = 3;
// With what ConversationMode needs behind it; written only where there is any of that.
constexpr std::int64_t kConversationFormat = 4;

void write(CompactWriter& out, const storage::Position& position) {
  out.number(position.date);
  out.number(position.id);
}

storage::Position read_position(CompactReader& in) {
  storage::Position position;
  position.date = in.number();
  position.id = in.number();
  return position;
}

// Each as its distance from the one before: changes of one request are near each other.
void write_own(CompactWriter& out, const CollectionState& state) {
  out.number(static_cast<std::int64_t>(state.own.size()));
  OwnChange before;
  for (const OwnChange& own : state.own) {
    out.number((own.id - before.id) * 2 + (own.added ? 1 : 0));
    out.number(own.seq - before.seq);
    before = own;
  }
  out.number(state.put_upto);
}

void read_own(CompactReader& in, CollectionState& state) {
  state.own.resize(in.count());
  OwnChange before;
  for (OwnChange& own : state.own) {
    const std::int64_t number = in.number();
    own.added = (number & 1) != 0;
    own.id = before.id + (number >> 1);
    own.seq = before.seq + in.number();
    before = own;
  }
  state.put_upto = in.number();
}

void read_long_own(CompactReader& in, CollectionState& state) {
  state.own.resize(in.count());
  for (OwnChange& own : state.own) {
    own.id = in.number();
    own.added = own.id < 0;
    if (own.added) own.id = -own.id;
    own.seq = in.number();
  }
}

}  // namespace

void drop_surplus_own_changes(CollectionState& state) {
  if (state.own.size() <= kMostOwn) return;
  auto& own = state.own;
  std::stable_sort(own.begin(), own.end(), [](const OwnChange& a, const OwnChange& b) {
    return a.added != b.added ? b.added : a.seq < b.seq;
  });
  const auto kept = own.end() - kMostOwn;
  for (auto dropped = own.begin(); dropped != kept; ++dropped) {
    state.put_upto = std::max(state.put_upto, dropped->seq);
  }
  own.erase(own.begin(), kept);
}

bool CollectionState::holds_outside(storage::Position position) const {
  return std::binary_search(outside.begin(), outside.end(), position);
}

bool CollectionState::holds(storage::Position position, storage::Seq created_seq) const {
  if (started && holds_outside(position)) return true;
  if (!started || created_seq > cursor || position < cutoff) return false;
  return std::none_of(pending.begin(), pending.end(), [&](const PendingRange& range) {
    return range.covers(position, created_seq);
  });
}

std::string encode(const CollectionState& state) {
  CompactWriter out;
  const bool conversations =
      state.conversations || !state.outside.empty() || state.ask_from != storage::Position{};
  out.number(conversations ? kConversationFormat : kFormat);
  out.number(state.started ? 1 : 0);
  out.number(state.cursor);
  write(out, state.cutoff);
  out.number(static_cast<std::int64_t>(state.pending.size()));
  for (const PendingRange& range : state.pending) {
    write(out, range.from);
    write(out, range.to);
    out.number(range.created_upto);
  }
  write_own(out, state);
  out.number(state.filter);
  out.text(state.options);
  if (!conversations) return out.take();
  out.number(state.conversations ? 1 : 0);
  write(out, state.ask_from);
  out.number(static_cast<std::int64_t>(state.outside.size()));
  storage::Position before;
  for (const storage::Position& position : state.outside) {  // near each other: short numbers
    out.number(position.date - before.date);
    out.number(position.id - before.id);
    before = position;
  }
  return out.take();
}

storage::Result<CollectionState> decode_collection_state(std::string_view bytes) {
  CompactReader in(bytes);
  CollectionState state;
  const std::int64_t format = in.number();
  state.started = in.number() != 0;
  state.cursor = in.number();
  state.cutoff = read_position(in);
  state.pending.resize(in.count());
  for (PendingRange& range : state.pending) {
    range.from = read_position(in);
    range.to = read_position(in);
    range.created_upto = in.number();
  }
  const bool long_own = format == kLongFormat || format == kLongConversationFormat;
  if (long_own) {
    read_long_own(in, state);
  } else {
    read_own(in, state);
  }
  state.filter = static_cast<int>(in.number());
  state.options = in.text();
  if (format == kConversationFormat || format == kLongConversationFormat) {
    state.conversations = in.number() != 0;
    state.ask_from = read_position(in);
    state.outside.resize(in.count());
    storage::Position before;
    for (storage::Position& position : state.outside) {
      position.date = before.date + in.number();
      position.id = before.id + in.number();
      before = position;
    }
  }
  const bool known_format = kLongFormat <= format && format <= kConversationFormat;
  if (!known_format || !in.ok() || !in.at_end()) {
    return storage::fail(storage::ErrorKind::corrupt, "collection state cannot be read");
  }
  return state;
}

}  // namespace eas
