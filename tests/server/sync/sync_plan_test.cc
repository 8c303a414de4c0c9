// The planner against a change log in memory, and against a naive model with random schedules.
#include "server/sync/sync_plan.h"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <set>

#include "server/sync/sync_engine.h"
#include "tests/support/fake_change_log.h"

namespace {

using eas::CollectionState;
using eas::SyncOperation;
using eas::SyncPlan;
using Kind = SyncOperation::Kind;
using test::FakeChangeLog;
namespace aspect = storage::aspect;

constexpr storage::CollectionId kFolder = 1;

SyncPlan plan(FakeChangeLog& log, const CollectionState& state, storage::UnixMillis cutoff = 0,
              int window = 100) {
  auto result = eas::plan_sync(log, kFolder, state, cutoff, window);
  REQUIRE(result);
  CHECK(static_cast<int>(result->operations.size()) <= window);
  return std::move(*result);
}

std::vector<storage::ItemId> ids(const SyncPlan& made, Kind kind) {
  std::vector<storage::ItemId> found;
  for (const SyncOperation& operation : made.operations) {
    if (operation.kind == kind) found.push_back(operation.id);
  }
  return found;
}

using Ids = std::vector<storage::ItemId>;

TEST_CASE("plan: the first load brings everything, newest first, a window at a time") {
  FakeChangeLog log;
  for (int date = 1; date <= 5; ++date) log.add(date * 1000);
  const SyncPlan first = plan(log, {}, 0, 2);
  CHECK(ids(first, Kind::add) == Ids{5, 4});
  CHECK(first.more);
  const SyncPlan second = plan(log, first.next, 0, 2);
  CHECK(ids(second, Kind::add) == Ids{3, 2});
  CHECK(second.more);
  const SyncPlan third = plan(log, second.next, 0, 2);
  CHECK(ids(third, Kind::add) == Ids{1});
  CHECK_FALSE(third.more);
  CHECK(third.next.pending.empty());
}

TEST_CASE("plan: a window that fits exactly does not promise more") {
  FakeChangeLog log;
  log.add(1000);
  log.add(2000);
  CHECK_FALSE(plan(log, {}, 0, 2).more);
}

TEST_CASE("plan: new mail during a long first load is sent first") {
  FakeChangeLog log;
  for (int date = 1; date <= 4; ++date) log.add(date * 1000);
  const SyncPlan first = plan(log, {}, 0, 2);
  const storage::ItemId news = log.add(9000);
  const SyncPlan second = plan(log, first.next, 0, 2);
  CHECK(ids(second, Kind::add) == Ids{news, 2});
}

TEST_CASE("plan: an old message that is moved in late is sent once") {
  FakeChangeLog log;
  for (int date = 5; date <= 8; ++date) log.add(date * 1000);
  SyncPlan made = plan(log, {}, 0, 2);
  const storage::ItemId late = log.add(1000);  // older than what is still to be loaded
  std::multiset<storage::ItemId> sent;
  for (int round = 0; round < 4; ++round) {
    made = plan(log, made.next, 0, 2);
    for (const auto id : ids(made, Kind::add)) sent.insert(id);
  }
  CHECK(sent == std::multiset<storage::ItemId>{1, 2, late});
}

TEST_CASE("plan: without news nothing is planned, the state stays and only the head is read") {
  FakeChangeLog log;
  log.add(1000);
  const SyncPlan first = plan(log, {});
  log.reads = 0;
  const SyncPlan again = plan(log, first.next);
  CHECK(again.operations.empty());
  CHECK(again.next == first.next);
  CHECK(log.reads == 0);
}

TEST_CASE("plan: flags, content and removal reach only what the phone holds") {
  FakeChangeLog log;
  for (int date = 1; date <= 3; ++date) log.add(date * 1000);
  const SyncPlan first = plan(log, {}, 0, 1);  // holds item 3 only
  log.touch(3, aspect::kRead);
  log.touch(1, aspect::kRead);
  log.remove(2);
  const SyncPlan second = plan(log, first.next, 0, 1);
  REQUIRE(second.operations.size() == 1);
  CHECK(second.operations[0] == SyncOperation{Kind::change, 3, aspect::kRead});
  const SyncPlan third = plan(log, second.next);
  CHECK(ids(third, Kind::add) == Ids{1});
  CHECK(ids(third, Kind::remove).empty());
}

TEST_CASE("plan: an item that came and went between two Syncs is never mentioned") {
  FakeChangeLog log;
  const SyncPlan first = plan(log, {});
  log.remove(log.add(1000));
  CHECK(plan(log, first.next).operations.empty());
}

TEST_CASE("plan: an item flagged after a cursor passed its neighbours is still added") {
  // Listed by its newest change only, item 1 would look as if the phone had it.
  FakeChangeLog log;
  const SyncPlan empty = plan(log, {});
  const auto one = log.add(1000);
  const auto two = log.add(2000);
  const auto three = log.add(3000);
  log.touch(one, aspect::kFlag);
  const SyncPlan first = plan(log, empty.next, 0, 2);
  CHECK(ids(first, Kind::add) == Ids{one, two});
  const SyncPlan second = plan(log, first.next, 0, 2);
  CHECK(ids(second, Kind::add) == Ids{three});
}

TEST_CASE("plan: the phone's own change is not sent back, a later one of others is") {
  FakeChangeLog log;
  const auto id = log.add(1000);
  CollectionState state = plan(log, {}).next;
  state.own.push_back({id, log.touch(id, aspect::kRead)});
  const SyncPlan own = plan(log, state);
  CHECK(own.operations.empty());
  CHECK(own.next.own.empty());
  log.touch(id, aspect::kFlag);
  CHECK(ids(plan(log, state), Kind::change) == Ids{id});
}

TEST_CASE("plan: the phone's own deletion is not sent back") {
  FakeChangeLog log;
  const auto id = log.add(1000);
  CollectionState state = plan(log, {}).next;
  state.own.push_back({id, log.remove(id)});
  CHECK(plan(log, state).operations.empty());
}

TEST_CASE("plan: an item that the phone moved in is told, and its removal by others too") {
  FakeChangeLog log;
  CollectionState state = plan(log, {}).next;
  const auto moved = log.add(5000);
  state.own.push_back({moved, log.items().at(moved).created});
  CHECK(ids(plan(log, state), Kind::add) == Ids{moved});
  log.remove(moved);
  const SyncPlan gone = plan(log, state);
  CHECK(ids(gone, Kind::add).empty());
  CHECK(ids(gone, Kind::remove) == Ids{moved});
}

TEST_CASE("plan: an item that the phone added itself is not told; what happens to it later is") {
  FakeChangeLog log;
  CollectionState state = plan(log, {}).next;
  const auto made = log.add(5000);
  state.own.push_back({made, log.items().at(made).created, true});
  CHECK(*eas::decode_collection_state(eas::encode(state)) == state);
  const SyncPlan quiet = plan(log, state);
  CHECK(quiet.operations.empty());
  CHECK(quiet.next.own.empty());
  log.touch(made, aspect::kContent);
  CHECK(ids(plan(log, quiet.next), Kind::change) == Ids{made});
  // The same when the cursor has not passed the creation yet.
  const SyncPlan changed = plan(log, state);
  CHECK(ids(changed, Kind::add).empty());
  CHECK(ids(changed, Kind::change) == Ids{made});
  log.remove(made);
  CHECK(ids(plan(log, state), Kind::remove) == Ids{made});
  CHECK(ids(plan(log, state), Kind::add).empty());
}

TEST_CASE("plan: an item that the phone moved in from outside its filter is soft-deleted") {
  FakeChangeLog log;
  CollectionState state = plan(log, {}, 5000).next;
  const auto moved = log.add(1000);
  state.own.push_back({moved, log.items().at(moved).created});
  CHECK(ids(plan(log, state, 5000), Kind::soft_remove) == Ids{moved});
}

TEST_CASE("plan: an item older than the filter that the phone moved in and another removed goes") {
  FakeChangeLog log;
  CollectionState state = plan(log, {}, 5000).next;
  const auto moved = log.add(1000);
  state.own.push_back({moved, log.items().at(moved).created});
  log.remove(moved);
  const SyncPlan gone = plan(log, state, 5000);
  CHECK(ids(gone, Kind::remove) == Ids{moved});
  CHECK(gone.operations.size() == 1);
}

TEST_CASE("plan: what leaves the filter window is soft-deleted, what is in it stays") {
  // covers: MS-ASCMD R3967
  FakeChangeLog log;
  for (int date = 1; date <= 5; ++date) log.add(date * 1000);
  const SyncPlan first = plan(log, {}, 2000);
  CHECK(ids(first, Kind::add) == Ids{5, 4, 3, 2});
  const SyncPlan second = plan(log, first.next, 4000, 1);
  CHECK(ids(second, Kind::soft_remove) == Ids{2});
  CHECK(second.more);
  const SyncPlan third = plan(log, second.next, 4000, 1);
  CHECK(ids(third, Kind::soft_remove) == Ids{3});
  CHECK_FALSE(third.more);
  CHECK(plan(log, third.next, 4000).operations.empty());
}

TEST_CASE("plan: a window that moves over nothing changes nothing") {
  FakeChangeLog log;
  log.add(9000);
  const SyncPlan first = plan(log, {}, 2000);
  CHECK(plan(log, first.next, 4000).next == first.next);
}

TEST_CASE("plan: a filter that widens loads the older ones, newest first") {
  FakeChangeLog log;
  for (int date = 1; date <= 5; ++date) log.add(date * 1000);
  const SyncPlan first = plan(log, {}, 4000);
  CHECK(ids(first, Kind::add) == Ids{5, 4});
  const SyncPlan second = plan(log, first.next, 2000, 1);
  CHECK(ids(second, Kind::add) == Ids{3});
  CHECK(second.more);
  const SyncPlan third = plan(log, second.next, 0, 5);
  CHECK(ids(third, Kind::add) == Ids{2, 1});
}

TEST_CASE("plan: a filter that was set over an empty folder keeps old mail out that comes later") {
  constexpr storage::UnixMillis kDay = 86'400'000;
  FakeChangeLog log;
  const SyncPlan all = plan(log, {});
  const SyncPlan filtered = plan(log, all.next, 100 * kDay);
  CHECK(filtered.operations.empty());
  log.add(50 * kDay);
  CHECK(plan(log, filtered.next, 100 * kDay).operations.empty());
  log.add(150 * kDay);
  CHECK(ids(plan(log, filtered.next, 100 * kDay), Kind::add) == Ids{2});
}

TEST_CASE("plan: mail outside the filter is not sent") {
  FakeChangeLog log;
  const SyncPlan first = plan(log, {}, 5000);
  log.add(1000);
  const auto news = log.add(6000);
  CHECK(ids(plan(log, first.next, 5000), Kind::add) == Ids{news});
}

// Conversations of items in the fake log: those with the same number.
class FakeConversations final : public eas::ConversationLookup {
 public:
  explicit FakeConversations(const FakeChangeLog& log) : log_(log) {}
  std::map<storage::ItemId, int> numbers;

  int number(storage::ItemId item) const {
    const auto found = numbers.find(item);
    return found == numbers.end() ? -static_cast<int>(item) : found->second;
  }
  storage::Result<std::vector<storage::Position>> members(storage::ItemId item) override {
    std::vector<storage::Position> found;
    for (const auto& [id, other] : log_.items()) {
      if (!other.removed && number(id) == number(item)) found.push_back({other.date, id});
    }
    return found;
  }
  bool awake(storage::ItemId item, storage::UnixMillis cutoff) {
    for (const auto& [id, other] : log_.items()) {
      if (!other.removed && number(id) == number(item) && other.date >= cutoff) return true;
    }
    return false;
  }

 private:
  const FakeChangeLog& log_;
};

SyncPlan plan(FakeChangeLog& log, const CollectionState& state, storage::UnixMillis cutoff,
              int window, eas::ConversationLookup* conversations) {
  auto result = eas::plan_sync(log, kFolder, state, cutoff, window, conversations);
  REQUIRE(result);
  CHECK(static_cast<int>(result->operations.size()) <= window);
  return std::move(*result);
}

TEST_CASE("plan: with ConversationMode a message in the window brings the older ones along") {
  // covers: MS-ASCMD R2107 R2110
  // covers: MS-ASCON R330
  FakeChangeLog log;
  FakeConversations conversations(log);
  const auto old = log.add(1000);
  const auto other = log.add(1500);
  const auto in_window = log.add(6000);
  conversations.numbers = {{old, 1}, {other, 2}, {in_window, 1}};
  const SyncPlan first = plan(log, {}, 5000, 10, &conversations);
  CHECK(ids(first, Kind::add) == Ids{old, in_window});
  CHECK(first.operations[0].outside);
  CHECK_FALSE(first.operations[1].outside);
  // News of what was brought reach the phone; of what was not, they do not.
  log.touch(old, aspect::kRead);
  log.touch(other, aspect::kRead);
  const SyncPlan second = plan(log, first.next, 5000, 10, &conversations);
  CHECK(ids(second, Kind::change) == Ids{old});
  // An answer in an old conversation wakes it.
  const auto answer = log.add(7000);
  conversations.numbers[answer] = 2;
  const SyncPlan third = plan(log, second.next, 5000, 1, &conversations);
  CHECK(ids(third, Kind::add) == Ids{other});
  CHECK(third.more);
  const SyncPlan fourth = plan(log, third.next, 5000, 1, &conversations);
  CHECK(ids(fourth, Kind::add) == Ids{answer});
  CHECK_FALSE(fourth.more);
}

TEST_CASE("plan: a conversation leaves the phone when the window has moved over all of it") {
  // covers: MS-ASCON R223 R228
  FakeChangeLog log;
  FakeConversations conversations(log);
  const auto old = log.add(1000);
  const auto middle = log.add(6000);
  const auto newest = log.add(9000);
  conversations.numbers = {{old, 1}, {middle, 1}, {newest, 1}};
  const SyncPlan first = plan(log, {}, 5000, 10, &conversations);
  CHECK(first.operations.size() == 3);
  const SyncPlan moved = plan(log, first.next, 7000, 10, &conversations);
  CHECK(moved.operations.empty());
  // The newest goes away: the others stay until the window moves the next time.
  log.remove(newest);
  const SyncPlan gone = plan(log, moved.next, 7000, 10, &conversations);
  CHECK(ids(gone, Kind::remove) == Ids{newest});
  CHECK(gone.operations.size() == 1);
  const SyncPlan aged = plan(log, gone.next, 8000, 1, &conversations);
  CHECK(aged.more);
  CHECK(ids(aged, Kind::soft_remove) == Ids{old});
  const SyncPlan rest = plan(log, aged.next, 8000, 1, &conversations);
  CHECK(ids(rest, Kind::soft_remove) == Ids{middle});
  CHECK(rest.next.outside.empty());
}

TEST_CASE(
    "plan: ConversationMode switched on brings what was missing, switched off takes it back") {
  // covers: MS-ASCMD R2109
  FakeChangeLog log;
  FakeConversations conversations(log);
  const auto old = log.add(1000);
  const auto newest = log.add(9000);
  conversations.numbers = {{old, 1}, {newest, 1}};
  SyncPlan made = plan(log, {}, 5000);
  CHECK(ids(made, Kind::add) == Ids{newest});
  made.next.conversations = true;
  made.next.ask_from = eas::kAskAll;
  const SyncPlan on = plan(log, made.next, 5000, 10, &conversations);
  CHECK(ids(on, Kind::add) == Ids{old});
  const SyncPlan off = plan(log, on.next, 5000);
  CHECK(ids(off, Kind::soft_remove) == Ids{old});
  CHECK(off.next.outside.empty());
}

TEST_CASE("plan: what a phone holds of conversations has a limit, and the state with it") {
  FakeChangeLog log;
  FakeConversations conversations(log);
  for (int date = 1; date <= 2500; ++date) conversations.numbers[log.add(1000 + date)] = 1;
  const auto newest = log.add(9'000'000);
  conversations.numbers[newest] = 1;
  CollectionState state;
  std::size_t told = 0;
  for (bool more = true; more;) {
    SyncPlan made = plan(log, state, 5'000'000, 512, &conversations);
    told += made.operations.size();
    more = made.more;
    state = std::move(made.next);
  }
  CHECK(told == eas::kMostOutside + 1);
  CHECK(eas::encode(state).size() < 16 * 1024);
  CHECK(*eas::decode_collection_state(eas::encode(state)) == state);
}

// A phone that does what it is told, and complains about what makes no sense.
struct Phone {
  CollectionState state;
  std::set<storage::ItemId> items;
  std::set<storage::ItemId> put;    // by MoveItems: its Add replaces what is there
  std::set<storage::ItemId> stale;  // told of a change that has not arrived yet

  void apply(const SyncPlan& made) {
    for (const SyncOperation& operation : made.operations) {
      switch (operation.kind) {
        case Kind::add:
          CHECK_MESSAGE((items.insert(operation.id).second || put.count(operation.id) != 0),
                        "added twice: ", operation.id);
          put.erase(operation.id);
          stale.erase(operation.id);
          break;
        case Kind::change:
          CHECK_MESSAGE(items.count(operation.id) == 1, "changed unknown: ", operation.id);
          stale.erase(operation.id);
          break;
        case Kind::remove:
          items.erase(operation.id);
          break;
        case Kind::soft_remove:
          CHECK_MESSAGE((items.erase(operation.id) == 1 || state.put_upto > 0),
                        "soft-deleted unknown: ", operation.id);
          break;
      }
    }
    state = made.next;
    eas::drop_surplus_own_changes(state);
  }

  // MoveItems: the phone has the item before it is told of it.
  void put_there(storage::ItemId id, storage::Seq created) {
    if (!state.started) return;
    items.insert(id);
    put.insert(id);
    state.own.push_back({id, created});
    eas::drop_surplus_own_changes(state);
  }
};

TEST_CASE("plan: random schedules converge, with nothing lost and nothing doubled") {
  for (unsigned seed = 1; seed <= 2000; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto pick = [&](int n) { return std::uniform_int_distribution<int>(0, n - 1)(random); };
    FakeChangeLog log;
    Phone phone;
    storage::UnixMillis cutoff = 0;
    for (int step = 0; step < 60; ++step) {
      const int live = static_cast<int>(log.items().size());
      const auto victim = live > 0 ? 1 + pick(live) : 0;
      const bool there = victim > 0 && !log.items().at(victim).removed;
      switch (pick(7)) {
        case 0:
        case 1:
          log.add(1000 * (1 + pick(20)));
          break;
        case 2:
          if (there) {
            log.touch(victim, pick(2) == 0 ? aspect::kRead : aspect::kFlag);
            if (phone.items.count(victim) != 0) phone.stale.insert(victim);
          }
          break;
        case 3:
          if (there) log.remove(victim);
          break;
        case 4:
          cutoff = 1000 * pick(20);
          break;
        case 5:
          for (int left = pick(10) == 0 ? 40 : 1; left > 0; --left) {
            const auto id = log.add(1000 * (1 + pick(20)));
            phone.put_there(id, log.items().at(id).created);
          }
          break;
        default:
          phone.apply(plan(log, phone.state, cutoff, 1 + pick(6)));
          break;
      }
    }
    for (int round = 0; round < 200; ++round) {
      const SyncPlan made = plan(log, phone.state, cutoff, 1 + pick(6));
      phone.apply(made);
      if (!made.more) break;
    }
    CHECK(plan(log, phone.state, cutoff).operations.empty());
    std::set<storage::ItemId> expected;
    for (const auto& [id, item] : log.items()) {
      if (!item.removed && item.date >= cutoff) expected.insert(id);
    }
    CHECK(phone.items == expected);
    std::erase_if(phone.stale, [&](auto id) { return expected.count(id) == 0; });
    CHECK(phone.stale.empty());
    CHECK(eas::encode(phone.state).size() < 200);
  }
}

TEST_CASE("plan: random schedules with conversations converge, whatever switches and windows do") {
  for (unsigned seed = 1; seed <= 2000; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto pick = [&](int n) { return std::uniform_int_distribution<int>(0, n - 1)(random); };
    FakeChangeLog log;
    FakeConversations conversations(log);
    Phone phone;
    storage::UnixMillis cutoff = 0;
    bool mode = pick(2) == 0;
    const auto sync = [&] {
      // As the command does it.
      if (mode && !phone.state.conversations && phone.state.started) {
        phone.state.ask_from = eas::kAskAll;
      }
      phone.state.conversations = mode;
      SyncPlan made = plan(log, phone.state, cutoff, 1 + pick(6), mode ? &conversations : nullptr);
      phone.apply(made);
      return made.more;
    };
    for (int step = 0; step < 60; ++step) {
      const int live = static_cast<int>(log.items().size());
      const auto victim = live > 0 ? 1 + pick(live) : 0;
      const bool there = victim > 0 && !log.items().at(victim).removed;
      switch (pick(7)) {
        case 0:
        case 1:
          conversations.numbers[log.add(1000 * (1 + pick(20)))] = pick(5);
          break;
        case 2:
          if (there) {
            log.touch(victim, pick(2) == 0 ? aspect::kRead : aspect::kFlag);
            if (phone.items.count(victim) != 0) phone.stale.insert(victim);
          }
          break;
        case 3:
          if (there) log.remove(victim);
          break;
        case 4:
          cutoff = 1000 * pick(20);
          break;
        case 5:
          if (pick(4) == 0) mode = !mode;
          break;
        default:
          (void)sync();
          break;
      }
    }
    for (int round = 0; round < 300 && sync(); ++round) {
    }
    cutoff += 500;  // the window moves once more, and takes what has lost its conversation
    for (int round = 0; round < 300 && sync(); ++round) {
    }
    CHECK_FALSE(sync());
    std::set<storage::ItemId> expected;
    for (const auto& [id, item] : log.items()) {
      const bool wanted = item.date >= cutoff || (mode && conversations.awake(id, cutoff));
      if (!item.removed && wanted) expected.insert(id);
    }
    CHECK(phone.items == expected);
    std::erase_if(phone.stale, [&](auto id) { return expected.count(id) == 0; });
    CHECK(phone.stale.empty());
  }
}

TEST_CASE("filter: the window ends at a full hour and zero means everything") {
  constexpr storage::UnixMillis kHour = 3'600'000;
  const storage::UnixMillis now = 500'000 * kHour + 12345;
  CHECK(eas::filter_cutoff(0, now) == 0);
  CHECK(eas::filter_cutoff(1, now) == (500'000 - 24) * kHour);
  CHECK(eas::filter_cutoff(5, now) == (500'000 - 31 * 24) * kHour);
  CHECK(eas::filter_cutoff(6, now) == 0);
}

}  // namespace
