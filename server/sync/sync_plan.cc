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

class Planner {
 public:
  Planner(storage::ChangeLog& log, storage::CollectionId collection, const CollectionState& state,
          Position cutoff, int window)
      : log_(log), collection_(collection), state_(state), wanted_(cutoff), room_(window) {
    plan_.next = state;
  }

  storage::Result<SyncPlan> run() {
    GODWIT_ASSIGN(const Seq head, log_.head(collection_));
    if (!state_.started) begin_first_load(head);
    if (wanted_ < plan_.next.cutoff) widen();
    if (plan_.next.cursor < head) GODWIT_TRY(tell_news());
    if (!plan_.more) {
      plan_.next.cursor = std::max(plan_.next.cursor, head);
      if (plan_.next.cutoff < wanted_) GODWIT_TRY(narrow());
      GODWIT_TRY(load_pending());
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
        tell(change);
        plan_.next.cursor = change.log_seq;
      }
      if (!page.more) return {};
    }
  }

  void tell(const Change& change) {
    const OwnChange* const own = own_change(change.id);
    if ((change.aspects & storage::aspect::kAdded) != 0) {
      tell_added(change, own != nullptr);
    } else if (seen_added_.count(change.id) == 0 &&
               plan_.next.holds(change.position(), change.created_seq) &&
               (own == nullptr || own->seq != change.log_seq)) {
      const bool removed = (change.aspects & storage::aspect::kRemoved) != 0;
      push(removed ? SyncOperation::Kind::remove : SyncOperation::Kind::change, change);
    }
  }

  // An item that the phone put there itself (MoveItems) is on the phone though the cursor is before
  // it. Its Add is told all the same, as the documents have it, and replaces what the phone has.
  void tell_added(const Change& change, bool put_there) {
    const bool removed = (change.aspects & storage::aspect::kRemoved) != 0;
    if (removed && put_there) return;  // its removal has an entry of its own
    seen_added_.insert(change.id);     // later entries: its Add tells it as it is now
    if (removed) return;
    if (plan_.next.cutoff <= change.position()) {
      push(SyncOperation::Kind::add, change);
    } else if (put_there) {
      push(SyncOperation::Kind::soft_remove, change);  // outside the filter
    }
  }

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

  storage::Result<void> tell_what_left_the_window() {
    CollectionState& next = plan_.next;
    const CollectionState at_first = next;
    bool more = true;
    while (more) {
      GODWIT_ASSIGN(const storage::ListPage page,
                    log_.oldest_first(collection_, next.cutoff, wanted_, kPage));
      more = page.more;
      for (const storage::Listed& item : page.items) {
        if (next.holds(item.position(), item.created_seq)) {
          if (room_ == 0) {
            plan_.more = true;
            clip_pending();
            return {};
          }
          push(SyncOperation::Kind::soft_remove, {.id = item.id});
        }
        next.cutoff = {item.date, item.id + 1};
      }
    }
    // That an hour has passed over nothing need not be written down.
    if (next != at_first || next != state_) next.cutoff = wanted_;
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
        push(SyncOperation::Kind::add, {.id = item.id});
        range.to = item.position();
      }
      if (!page.more) pending.erase(pending.begin());
    }
    return {};
  }

  void drop_passed_own_changes() {
    std::erase_if(plan_.next.own,
                  [&](const OwnChange& own) { return own.seq <= plan_.next.cursor; });
  }

  const OwnChange* own_change(ItemId id) const {
    const auto found = std::find_if(state_.own.begin(), state_.own.end(),
                                    [&](const OwnChange& own) { return own.id == id; });
    return found == state_.own.end() ? nullptr : &*found;
  }

  void push(SyncOperation::Kind kind, const Change& change) {
    plan_.operations.push_back({kind, change.id, change.aspects});
    --room_;
  }

  storage::ChangeLog& log_;
  const storage::CollectionId collection_;
  const CollectionState& state_;
  const Position wanted_;
  int room_;
  SyncPlan plan_;
  std::unordered_set<ItemId> seen_added_;  // their Add entry is in this answer or was passed
};

}  // namespace

storage::Result<SyncPlan> plan_sync(storage::ChangeLog& log, storage::CollectionId collection,
                                    const CollectionState& state, storage::UnixMillis cutoff,
                                    int window) {
  return Planner(log, collection, state, Position{cutoff, 0}, window).run();
}

}  // namespace eas
