// The engine over a real state store: what is stored of a collection, whatever a phone does.
#include "server/sync/sync_engine.h"

#include <doctest/doctest.h>

#include <set>
#include <vector>

#include "server/commands/own_changes.h"
#include "storage/sql/database.h"
#include "storage/state/backends.h"
#include "tests/support/fake_change_log.h"
#include "tests/support/temp_dir.h"

namespace {

using eas::SyncOperation;
using eas::SyncPlan;
using eas::SyncTurn;
using test::FakeChangeLog;
namespace aspect = storage::aspect;

constexpr storage::CollectionId kFolder = 1;
// Of the 512 that a device and collection may take; the rest is the row around them.
// (contracts/state_store_contract.h)
constexpr std::size_t kBothGenerations = 320;

template <typename T>
T must(storage::Result<T> result) {
  if (!result) FAIL(result.error().message);
  return std::move(*result);
}

// One phone and one folder.
struct Engine {
  Engine() {
    device = must(store->ensure_device(1, "phone", "model", "model", 0, 10)).id;
    eas::CollectionState initial;
    initial.filter = 3;
    initial.options = std::string(24, 'o');  // as long as those of a phone with three preferences
    key = must(eas::start_epoch(*store, device, kFolder, initial));
  }

  // A Sync that brings `own` changes of the phone.
  SyncPlan sync(storage::UnixMillis cutoff = 0, int window = 100) {
    const SyncTurn turn = must(eas::begin_turn(*store, device, kFolder, key));
    SyncPlan made = must(eas::plan_sync(log, kFolder, turn.state, cutoff, window));
    key = must(eas::commit_turn(*store, turn, made.next));
    check_size();
    return made;
  }
  // A Sync with GetChanges 0 that marks the items read.
  void mark_read(storage::ItemId first, storage::ItemId last) {
    const SyncTurn turn = must(eas::begin_turn(*store, device, kFolder, key));
    eas::CollectionState next = turn.state;
    for (auto id = first; id <= last; ++id) {
      eas::note_own_change(next, id, log.touch(id, aspect::kRead));
    }
    key = must(eas::commit_turn(*store, turn, next));
    check_size();
  }
  // MoveItems into the folder.
  storage::ItemId put(storage::UnixMillis date) {
    const auto id = log.add(date);
    eas::note_put_there(*store, device, kFolder, {id, log.items().at(id).created});
    return id;
  }
  void check_size() {
    const storage::StoredState stored = must(store->state(device, kFolder));
    CHECK(stored.current.size() + stored.previous.size() <= kBothGenerations);
  }

  test::TempDir dir;
  std::unique_ptr<storage::Database> database =
      must(storage::Database::open("sqlite:" + dir.file("state.db")));
  std::unique_ptr<storage::StateStore> store = must(storage::open_state_store(*database));
  FakeChangeLog log;
  std::int64_t device = 0;
  eas::SyncKey key;
};

constexpr storage::UnixMillis kDate = 1'795'000'000'000;

}  // namespace

TEST_CASE("engine: filing thousands into a folder keeps its state short, and leaves no ghost") {
  Engine engine;
  for (int i = 0; i < 100'000; ++i) engine.log.add(kDate);
  while (engine.sync(kDate, 512).more) {
  }
  std::vector<storage::ItemId> put;
  for (int i = 0; i < 1000; ++i) put.push_back(engine.put(i % 7 == 0 ? kDate - 1 : kDate + 1));
  engine.check_size();
  std::set<storage::ItemId> on_phone(put.begin(), put.end());
  for (std::size_t i = 0; i < put.size(); i += 2) engine.log.remove(put[i]);
  std::set<storage::ItemId> expected;
  for (const auto id : put) {
    const auto& item = engine.log.items().at(id);
    if (!item.removed && item.date >= kDate) expected.insert(id);
  }
  for (bool more = true; more;) {
    const SyncPlan made = engine.sync(kDate, 100);
    more = made.more;
    for (const SyncOperation& operation : made.operations) {
      if (operation.kind == SyncOperation::Kind::add) {
        on_phone.insert(operation.id);
      } else {
        on_phone.erase(operation.id);
      }
    }
  }
  CHECK(on_phone == expected);
  CHECK(must(eas::begin_current(*engine.store, engine.device, kFolder)).state.own.empty());
}

TEST_CASE("engine: a phone that never asks for changes keeps its state short") {
  Engine engine;
  for (int i = 0; i < 1000; ++i) engine.log.add(kDate);
  while (engine.sync(0, 512).more) {
  }
  for (int i = 0; i < 1000; i += 100) engine.mark_read(i + 1, i + 100);
  engine.sync();
}

TEST_CASE("engine: filters that change during first loads keep the state short") {
  Engine engine;
  constexpr storage::UnixMillis kDay = 24LL * 3600 * 1000;
  for (int day = 0; day < 100; ++day) {
    for (int i = 0; i < 10; ++i) engine.log.add(kDate - day * kDay);
  }
  const int days[] = {1, 3, 7, 14, 31, 100};
  for (int round = 0; round < 5; ++round) {
    for (const int filter : days) {
      engine.sync(kDate - filter * kDay, 2);
      engine.log.add(kDate);
    }
    while (engine.sync(kDate - kDay, 3).more) {
    }
  }
}

TEST_CASE("engine: is there anything in a folder never synced? One item is looked at, not all") {
  Engine engine;
  const SyncTurn turn = must(eas::begin_current(*engine.store, engine.device, kFolder));
  CHECK_FALSE(must(eas::has_additions(engine.log, turn)));
  engine.log.add(kDate);
  CHECK(must(eas::has_additions(engine.log, turn)));
  CHECK(engine.log.counts == 0);
}
