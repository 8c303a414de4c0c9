#include "server/sync/sync_plan.h"

#include <algorithm>
#include <limits>
#include <unordered_set>

namespace eas {
namespace {

using storage::Change;
using storage::ItemId;
using storage::Position;
using storage::Seq;

constexpr Position kNewest{std::numeric_limits<storage::UnixMillis>::max(),
                           std::numeric_limits<ItemId>::max()};
// Entries of the change log read at once; most of them become operations.
constexpr int kPage = 256;
constexpr storage::UnixMillis kFarCutoff = 86'400'000;

class Planner {
 public:
  Planner(storage::ChangeLog& log, storage::CollectionId collection, const CollectionState& state,
          Position cutoff, int window, ConversationLookup* conversations)
      : log_(log),
        collection_(collection),
        state_(state),
        wanted_(cutoff),
        conversations_(conversations),
        room_(window) {
    plan_.next = state;
  }

  storage::Result<SyncPlan> run() {
    GODWIT_ASSIGN(const Seq head, log_.head(collection_));
    if (!state_.started) begin_first_load(head);
    if (wanted_ < plan_.next.cutoff) widen();
    if (plan_.next.cursor < head) GODWIT_TRY(tell_news());
    if (!plan_.more) {
      plan_.next.cursor = std::max(plan_.next.cursor, head);
      const bool leaves = conversations_ == nullptr && !plan_.next.outside.empty();
      if (plan_.next.cutoff < wanted_ || leaves) GODWIT_TRY(narrow());
      GODWIT_TRY(load_pending());
      GODWIT_TRY(ask_for_conversations());
      forget_what_is_inside();
    }
    drop_passed_own_changes();
    return std::move(plan_);
  }

 private:
  // Everything there is now is the first load; what comes later is news.
  void begin_first_load(Seq head) {
    plan_.next.started = true;
    plan_.next.cursor = head;
    plan_.next.cutoff = wanted_;
    plan_.next.pending = {{wanted_, kNewest, head}};
  }

  // Older items that the filter now allows are loaded like the first ones. What is added after the
  // cursor is news and takes the new cutoff by itself.
  void widen() {
    plan_.next.pending.push_back({wanted_, plan_.next.cutoff, plan_.next.cursor});
    plan_.next.cutoff = wanted_;
  }

  storage::Result<void> tell_news() {
    for (;;) {
      GODWIT_ASSIGN(const storage::ChangePage page,
                    log_.changes(collection_, plan_.next.cursor, kPage));
      for (const Change& change : page.changes) {
        if (room_ == 0) {
          plan_.more = true;
          return {};
        }
        GODWIT_ASSIGN(const bool told, tell(change));
        if (!told) {
          plan_.more = true;
          return {};
        }
        plan_.next.cursor = change.log_seq;
      }
      if (!page.more) return {};
    }
  }

  // False: there was room only for a part, told now; the entry stays.
  storage::Result<bool> tell(const Change& change) {
    const OwnChange* const own = own_change(change.id);
    if ((change.aspects & storage::aspect::kAdded) != 0) return tell_added(change, own);
    if (seen_added_.count(change.id) == 0 &&
        plan_.next.holds(change.position(), change.created_seq) &&
        (own == nullptr || own->seq != change.log_seq)) {
      const bool removed = (change.aspects & storage::aspect::kRemoved) != 0;
      push(removed ? SyncOperation::Kind::remove : SyncOperation::Kind::change, change);
      if (removed) forget_outside(change.position());
    }
    return true;
  }

  // An item that the phone put there itself (MoveItems) is on the phone though the cursor is before
  // it. Its Add is told all the same, as the documents have it, and replaces what the phone has;
  // but not that of an item that the phone added by Sync: it has its id from the response. Of a
  // removed one its removal is told: inside the filter by the entry that the removal has itself.
  storage::Result<bool> tell_added(const Change& change, const OwnChange* own) {
    const bool put_there = own != nullptr || change.created_seq <= state_.put_upto;
    const bool inside = plan_.next.cutoff <= change.position();
    const bool removed = (change.aspects & storage::aspect::kRemoved) != 0;
    const bool sent = plan_.next.holds_outside(change.position());  // with its conversation
    if (sent || (removed && put_there && inside)) return true;
    if (!removed && own != nullptr && own->added && inside) return true;
    if (removed && put_there) {
      push(SyncOperation::Kind::remove, change);
    } else if (!removed && inside) {
      GODWIT_ASSIGN(const bool whole, bring_conversation(change.id));
      if (!whole || room_ == 0) return false;
      push(SyncOperation::Kind::add, change);
    } else if (!removed) {
      GODWIT_ASSIGN(const bool wanted, is_awake(change.id, plan_.next.cutoff));
      if (wanted && hold_outside(change.position())) {
        push(SyncOperation::Kind::add, change);
      } else if (put_there) {
        push(SyncOperation::Kind::soft_remove, change);  // outside the filter
      }
    }
    seen_added_.insert(change.id);  // later entries: its Add tells it as it is now
    return true;
  }

  // --- ConversationMode -------------------------------------------------------------------------

  // Tells the items outside the filter that belong to the item's conversation; false when there is
  // no room for all of them.
  storage::Result<bool> bring_conversation(ItemId item) {
    if (conversations_ == nullptr || plan_.next.cutoff == Position{}) return true;
    GODWIT_ASSIGN(const std::vector<Position> members, conversations_->members(item));
    for (const Position& member : members) {
      if (plan_.next.cutoff <= member || plan_.next.holds_outside(member)) continue;
      if (room_ == 0) return false;
      if (!hold_outside(member)) return true;
      push(SyncOperation::Kind::add, {.id = member.id, .date = member.date});
    }
    return true;
  }

  // Has the item's conversation an item inside the filter?
  storage::Result<bool> is_awake(ItemId item, Position cutoff) {
    if (conversations_ == nullptr) return false;
    GODWIT_ASSIGN(const std::vector<Position> members, conversations_->members(item));
    return std::any_of(members.begin(), members.end(),
                       [&](const Position& member) { return cutoff <= member; });
  }

  // False: no more of them.
  bool hold_outside(Position position) {
    std::vector<Position>& outside = plan_.next.outside;
    if (outside.size() >= kMostOutside) return false;
    outside.insert(std::lower_bound(outside.begin(), outside.end(), position), position);
    return true;
  }

  void forget_outside(Position position) { std::erase(plan_.next.outside, position); }

  // A filter that widened has reached them.
  void forget_what_is_inside() {
    CollectionState& next = plan_.next;
    if (!next.pending.empty()) return;
    std::erase_if(next.outside, [&](const Position& position) { return next.cutoff <= position; });
  }

  // The mode was switched on: the conversations of what the phone has already.
  storage::Result<void> ask_for_conversations() {
    CollectionState& next = plan_.next;
    if (conversations_ == nullptr) next.ask_from = {};
    while (next.ask_from != Position{}) {
      GODWIT_ASSIGN(const storage::ListPage page,
                    log_.newest_first(collection_, next.ask_from, next.cutoff, next.cursor, kPage));
      for (const storage::Listed& item : page.items) {
        GODWIT_ASSIGN(const bool whole, bring_conversation(item.id));
        if (!whole) {
          plan_.more = true;
          return {};
        }
        next.ask_from = item.position();
      }
      if (!page.more) next.ask_from = {};
    }
    return {};
  }

  // What is outside leaves when its conversation has left the window. False: there was no room.
  storage::Result<bool> let_conversations_go() {
    const std::vector<Position> outside = plan_.next.outside;
    for (const Position& position : outside) {
      if (plan_.next.cutoff <= position) continue;  // a filter that widened will reach it
      GODWIT_ASSIGN(const bool awake, is_awake(position.id, wanted_));
      if (awake) continue;
      if (room_ == 0) {
        interrupt_narrowing();
        return false;
      }
      push(SyncOperation::Kind::soft_remove, {.id = position.id, .date = position.date});
      forget_outside(position);
    }
    return true;
  }

  // The window leaves the item behind: does it stay on the phone for its conversation's sake?
  storage::Result<bool> stays_for_its_conversation(const storage::Listed& item) {
    GODWIT_ASSIGN(const bool awake, is_awake(item.id, wanted_));
    if (!awake || plan_.next.holds_outside(item.position())) return awake;
    if (!plan_.next.holds(item.position(), item.created_seq)) {
      plan_.next.ask_from = kNewest;  // it has still to be loaded, now from outside
      return false;
    }
    return hold_outside(item.position());
  }

  // --- the window -------------------------------------------------------------------------------

  // The filter narrowed or the days moved on. Live items are listed, so this is right only while
  // the log stands where the cursor stands: a removal that came meanwhile would be passed over.
  // Then everything is left as it was, for the next Sync.
  storage::Result<void> narrow() {
    const SyncPlan before = plan_;
    const int room_before = room_;
    GODWIT_TRY(tell_what_left_the_window());
    GODWIT_ASSIGN(const Seq head, log_.head(collection_));
    if (head != plan_.next.cursor) {
      plan_ = before;
      room_ = room_before;
    }
    return {};
  }

  // Should the filter widen before the rest has left, what left of a conversation is wanted again.
  void interrupt_narrowing() {
    plan_.more = true;
    if (conversations_ != nullptr) plan_.next.ask_from = kNewest;
  }

  storage::Result<void> tell_what_left_the_window() {
    CollectionState& next = plan_.next;
    const CollectionState at_first = next;
    GODWIT_ASSIGN(const bool gone, let_conversations_go());
    if (!gone) return {};
    bool more = next.cutoff < wanted_;
    while (more) {
      GODWIT_ASSIGN(const storage::ListPage page,
                    log_.oldest_first(collection_, next.cutoff, wanted_, kPage));
      more = page.more;
      for (const storage::Listed& item : page.items) {
        GODWIT_ASSIGN(const bool stays, stays_for_its_conversation(item));
        if (!stays && next.holds(item.position(), item.created_seq)) {
          if (room_ == 0) {
            interrupt_narrowing();
            clip_pending();
            return {};
          }
          push(SyncOperation::Kind::soft_remove, {.id = item.id, .date = item.date});
          forget_outside(item.position());
        }
        next.cutoff = {item.date, item.id + 1};
      }
    }
    // That an hour has passed over nothing need not be written down. More must: what is older than
    // the filter and comes later would be taken for news.
    const bool far = next.cutoff.date + kFarCutoff < wanted_.date;
    const bool moved = far || next != at_first || next != state_ || !next.outside.empty();
    if (moved && next.cutoff < wanted_) next.cutoff = wanted_;
    clip_pending();
    return {};
  }

  // What is older than the cutoff is not loaded any more.
  void clip_pending() {
    std::vector<PendingRange>& pending = plan_.next.pending;
    for (PendingRange& range : pending) range.from = std::max(range.from, plan_.next.cutoff);
    std::erase_if(pending, [](const PendingRange& range) { return !(range.from < range.to); });
  }

  storage::Result<void> load_pending() {
    std::vector<PendingRange>& pending = plan_.next.pending;
    while (!pending.empty()) {
      if (room_ == 0) {
        plan_.more = true;
        return {};
      }
      PendingRange& range = pending.front();
      GODWIT_ASSIGN(const storage::ListPage page,
                    log_.newest_first(collection_, range.to, range.from, range.created_upto,
                                      std::min(room_, kPage)));
      for (const storage::Listed& item : page.items) {
        const bool there = plan_.next.holds_outside(item.position());
        GODWIT_ASSIGN(const bool whole, bring_conversation(item.id));
        if (!whole || (!there && room_ == 0)) {
          plan_.more = true;
          return {};
        }
        if (!there) push(SyncOperation::Kind::add, {.id = item.id, .date = item.date});
        range.to = item.position();
      }
      if (!page.more) pending.erase(pending.begin());
    }
    return {};
  }

  void drop_passed_own_changes() {
    std::erase_if(plan_.next.own,
                  [&](const OwnChange& own) { return own.seq <= plan_.next.cursor; });
    if (plan_.next.put_upto <= plan_.next.cursor) plan_.next.put_upto = 0;
  }

  const OwnChange* own_change(ItemId id) const {
    const auto found = std::find_if(state_.own.begin(), state_.own.end(),
                                    [&](const OwnChange& own) { return own.id == id; });
    return found == state_.own.end() ? nullptr : &*found;
  }

  void push(SyncOperation::Kind kind, const Change& change) {
    const bool outside =
        kind != SyncOperation::Kind::remove && plan_.next.holds_outside(change.position());
    plan_.operations.push_back({kind, change.id, change.aspects, outside});
    --room_;
  }

  storage::ChangeLog& log_;
  const storage::CollectionId collection_;
  const CollectionState& state_;
  const Position wanted_;
  ConversationLookup* const conversations_;
  int room_;
  SyncPlan plan_;
  std::unordered_set<ItemId> seen_added_;  // their Add entry is in this answer or was passed
};

}  // namespace

storage::Result<SyncPlan> plan_sync(storage::ChangeLog& log, storage::CollectionId collection,
                                    const CollectionState& state, storage::UnixMillis cutoff,
                                    int window, ConversationLookup* conversations) {
  return Planner(log, collection, state, Position{cutoff, 0}, window, conversations).run();
}

}  // namespace eas
