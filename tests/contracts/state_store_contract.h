// What every StateStore promises (storage/state/state_store.h), as test cases over a database
// backend as in sql_backends.h.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "storage/state/backends.h"
#include "storage/state/state_store.h"
#include "tests/contracts/expect.h"

namespace test {

using storage::Device;
using storage::StateStore;
using storage::StoredState;

inline constexpr storage::UnixMillis kDay = 24LL * 60 * 60 * 1000;

inline Device make_device(StateStore& store, std::int64_t user = 1, const char* name = "phone") {
  return ok(store.ensure_device(user, name, "iPhone", "agent", 1000, 100));
}

inline StoredState next_of(const StoredState& state, std::string text) {
  return {state.epoch, state.generation + 1, std::move(text), state.generation, state.current};
}

inline bool same(const StoredState& a, const StoredState& b) {
  return a.epoch == b.epoch && a.generation == b.generation && a.current == b.current &&
         a.previous_generation == b.previous_generation && a.previous == b.previous;
}

}  // namespace test

TEST_CASE_TEMPLATE_DEFINE("state: devices", Backend, state_devices) {
  using namespace test;
  const Backend backend;
  if (!backend.available()) return;
  const auto database = backend.open();
  const auto store = ok(storage::open_state_store(*database));

  SUBCASE("one that was never seen is `not_found`, and is made once") {
    CHECK(kind_of(store->device(1, "phone")) == "not_found");
    const Device made = ok(store->ensure_device(1, "phone", "iPhone", "iOS/1", 5000, 10));
    CHECK(made.id > 0);
    CHECK(made.created == 5000);
    CHECK(made.last_seen == 5000);
    CHECK(made.policy_key == 0);
    const Device again = ok(store->ensure_device(1, "phone", "other", "other", 9000, 10));
    CHECK(again.id == made.id);
    CHECK(again.type == "iPhone");
    CHECK(again.user_agent == "iOS/1");
    CHECK(again.created == 5000);
  }
  SUBCASE("everything that update_device writes comes back") {
    Device device = make_device(*store);
    device.type = "Android";
    device.user_agent = "agent \xc3\xa9";
    device.protocol_version = "16.1";
    device.info = R"({"Model":"x","FriendlyName":"Ren\u00e9's"})";
    device.policy_key = 4'294'967'295u;
    device.pending_policy_key = 3'000'000'000u;
    device.ping = std::string("\x03\x01\0\xff", 4);
    device.sync = std::string(5000, '\0');
    device.capture = true;
    device.last_seen = 1'900'000'000'000;
    ok(store->update_device(device));
    const Device read = ok(store->device(1, "phone"));
    CHECK(read.id == device.id);
    CHECK(read.user_id == 1);
    CHECK(read.device_id == "phone");
    CHECK(read.type == "Android");
    CHECK(read.user_agent == device.user_agent);
    CHECK(read.protocol_version == "16.1");
    CHECK(read.info == device.info);
    CHECK(read.policy_key == device.policy_key);
    CHECK(read.pending_policy_key == device.pending_policy_key);
    CHECK(read.ping == device.ping);
    CHECK(read.sync == device.sync);
    CHECK(read.capture);
    CHECK(read.created == 1000);
    CHECK(read.last_seen == device.last_seen);
  }
  SUBCASE("the same name at two users is two devices; names differ by case") {
    const Device a = make_device(*store, 1, "phone");
    const Device b = make_device(*store, 2, "phone");
    const Device c = make_device(*store, 1, "PHONE");
    CHECK(a.id != b.id);
    CHECK(a.id != c.id);
    CHECK(ok(store->devices(1)).size() == 2);
    CHECK(ok(store->devices(2)).size() == 1);
    CHECK(ok(store->devices(3)).empty());
    CHECK(ok(store->devices(0)).size() == 3);
  }
}

TEST_CASE_TEMPLATE_DEFINE("state: devices that are refused or removed", Backend,
                          state_devices_gone) {
  using namespace test;
  const Backend backend;
  if (!backend.available()) return;
  const auto database = backend.open();
  const auto store = ok(storage::open_state_store(*database));

  SUBCASE("over the limit is `too_large`, and known ones still come in") {
    make_device(*store, 1, "one");
    make_device(*store, 1, "two");
    CHECK(kind_of(store->ensure_device(1, "three", "", "", 0, 2)) == "too_large");
    CHECK(kind_of(store->ensure_device(1, "two", "", "", 0, 2)) == "success");
    CHECK(kind_of(store->ensure_device(2, "three", "", "", 0, 2)) == "success");
  }
  SUBCASE("a name that is none is `invalid`; foreign bytes in the other fields do no harm") {
    const std::vector<std::string> bad = {"", std::string(65, 'x'), "\xff\xfe",
                                          std::string("a\0b", 3)};
    for (const std::string& name : bad) {
      CHECK(kind_of(store->ensure_device(1, name, "", "", 0, 10)) == "invalid");
      CHECK(kind_of(store->device(1, name)) == "invalid");
    }
    const Device odd = ok(
        store->ensure_device(1, "odd", std::string("\xff\0t", 3), std::string(9000, 'u'), 0, 10));
    CHECK(odd.user_agent.size() <= 256);
    CHECK(ok(store->device(1, "odd")).user_agent == odd.user_agent);
    ok(store->ensure_device(1, std::string(64, 'x'), "", "", 0, 10));
  }
  SUBCASE("a removed one is forgotten with all its state, and its id is not given again") {
    const Device device = make_device(*store);
    const Device other = make_device(*store, 1, "other");
    for (const Device& each : {device, other}) {
      ok(store->commit_state(each.id, 7, std::nullopt, {1, 1, "s", 0, ""}));
      CHECK_FALSE(ok(store->begin_send(each.id, "mail", 0)).has_value());
    }
    ok(store->remove_device(device.id));
    ok(store->remove_device(device.id));
    CHECK(kind_of(store->device(1, "phone")) == "not_found");
    CHECK(kind_of(store->update_device(device)) == "not_found");
    CHECK(kind_of(store->state(device.id, 7)) == "not_found");
    CHECK(kind_of(store->commit_state(device.id, 7, std::nullopt, {2, 1, "s", 0, ""})) ==
          "not_found");
    CHECK(kind_of(store->commit_state(device.id, 7, StoredState{1, 1, "s", 0, ""},
                                      {1, 2, "t", 1, "s"})) == "not_found");
    CHECK(ok(store->state(other.id, 7)).current == "s");
    CHECK(make_device(*store).id > other.id);
    CHECK(kind_of(store->state(ok(store->device(1, "phone")).id, 7)) == "not_found");
  }
}

TEST_CASE_TEMPLATE_DEFINE("state: two generations, one atomic step", Backend, state_commits) {
  using namespace test;
  const Backend backend;
  if (!backend.available()) return;
  const auto database = backend.open();
  const auto store = ok(storage::open_state_store(*database));
  const std::int64_t device = make_device(*store).id;
  const StoredState first{77, 1, std::string("\0first\xff", 7), 0, ""};
  ok(store->commit_state(device, 5, std::nullopt, first));

  SUBCASE("what was committed comes back, both generations") {
    CHECK(same(ok(store->state(device, 5)), first));
    const StoredState second = next_of(first, std::string(3000, '\x80'));
    ok(store->commit_state(device, 5, first, second));
    CHECK(same(ok(store->state(device, 5)), second));
    const StoredState large{4'294'967'295u, 9'000'000'000'000'000'000, "", 1, ""};
    ok(store->commit_state(device, 5, second, large));
    CHECK(same(ok(store->state(device, 5)), large));
  }
  SUBCASE("collections and devices are apart; the hierarchy is collection 0") {
    const std::int64_t other = make_device(*store, 1, "other").id;
    CHECK(kind_of(store->state(device, 6)) == "not_found");
    CHECK(kind_of(store->state(device, 0)) == "not_found");
    CHECK(kind_of(store->state(other, 5)) == "not_found");
    ok(store->commit_state(device, 0, std::nullopt, {1, 1, "folders", 0, ""}));
    CHECK(ok(store->state(device, 0)).current == "folders");
    CHECK(same(ok(store->state(device, 5)), first));
  }
  SUBCASE("with an outdated expectation it is `conflict` and nothing is written") {
    const StoredState second = next_of(first, "second");
    ok(store->commit_state(device, 5, first, second));
    CHECK(kind_of(store->commit_state(device, 5, first, next_of(first, "lost"))) == "conflict");
    StoredState other_epoch = second;
    other_epoch.epoch = 78;
    CHECK(kind_of(store->commit_state(device, 5, other_epoch, next_of(second, "x"))) == "conflict");
    CHECK(kind_of(store->commit_state(device, 6, first, next_of(first, "x"))) == "conflict");
    CHECK(same(ok(store->state(device, 5)), second));
    CHECK(kind_of(store->state(device, 6)) == "not_found");
  }
  SUBCASE("without an expectation only a new epoch replaces what is there") {
    CHECK(kind_of(store->commit_state(device, 5, std::nullopt, {77, 1, "again", 0, ""})) ==
          "conflict");
    CHECK(same(ok(store->state(device, 5)), first));
    const StoredState fresh{78, 1, "fresh", 0, ""};
    ok(store->commit_state(device, 5, std::nullopt, fresh));
    CHECK(same(ok(store->state(device, 5)), fresh));
  }
  SUBCASE("after remove_state it was never synced") {
    ok(store->remove_state(device, 5));
    CHECK(kind_of(store->state(device, 5)) == "not_found");
    ok(store->remove_state(device, 5));
    ok(store->commit_state(device, 5, std::nullopt, first));
  }
}

TEST_CASE_TEMPLATE_DEFINE("state: of many that commit the same step exactly one wins", Backend,
                          state_races) {
  using namespace test;
  constexpr int kThreads = 6;
  constexpr int kRounds = 20;
  const Backend backend;
  if (!backend.available()) return;
  const auto database = backend.open();
  const auto second_database = backend.open();  // as another process or node would
  const auto store = ok(storage::open_state_store(*database));
  const auto second_store = ok(storage::open_state_store(*second_database));
  const std::int64_t device = make_device(*store).id;
  std::atomic<int> unexpected = 0;

  // Runs `body(thread)` on all threads at once; true means it won.
  const auto race = [&](const std::function<storage::Result<void>(StateStore&, int)>& body) {
    std::atomic<int> won = 0;
    std::atomic<int> ready = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        ++ready;
        while (ready < kThreads) std::this_thread::yield();
        const auto result = body(i % 2 == 0 ? *store : *second_store, i);
        if (result) ++won;
        if (!result && result.error().kind != storage::ErrorKind::conflict) ++unexpected;
      });
    }
    for (std::thread& thread : threads) thread.join();
    return won.load();
  };

  CHECK(race([&](StateStore& each, int i) {
          return each.commit_state(device, 1, std::nullopt, {9, 1, std::to_string(i), 0, ""});
        }) == 1);
  for (int round = 0; round < kRounds; ++round) {
    const StoredState before = ok(store->state(device, 1));
    std::atomic<int> winner = -1;
    const int won = race([&](StateStore& each, int i) {
      auto result = each.commit_state(device, 1, before, next_of(before, std::to_string(i)));
      if (result) winner = i;
      return result;
    });
    CHECK(won == 1);
    const StoredState after = ok(second_store->state(device, 1));
    CHECK(after.generation == before.generation + 1);
    CHECK(after.current == std::to_string(winner));
    CHECK(after.previous == before.current);
  }
  CHECK(unexpected == 0);

  std::atomic<std::int64_t> ids = 0;
  CHECK(race([&](StateStore& each, int) -> storage::Result<void> {
          auto made = each.ensure_device(3, "new", "", "", 0, 1);
          if (!made) return storage::fail(made.error());
          ids += made->id;
          return {};
        }) == kThreads);
  CHECK(ids == kThreads * ok(store->device(3, "new")).id);

  std::atomic<int> senders = 0;
  CHECK(race([&](StateStore& each, int) -> storage::Result<void> {
          auto noted = each.begin_send(device, "mail", 1);
          if (!noted) return storage::fail(noted.error());
          if (!noted->has_value()) ++senders;
          return {};
        }) == kThreads);
  CHECK(senders == 1);
}

TEST_CASE_TEMPLATE_DEFINE("state: the ledger of sent mail", Backend, state_ledger) {
  using namespace test;
  const Backend backend;
  if (!backend.available()) return;
  const auto database = backend.open();
  const auto store = ok(storage::open_state_store(*database));
  const std::int64_t device = make_device(*store).id;
  const std::string key("client-1\0\xff", 10);

  SUBCASE("a first one was not noted before; a second one says what became of the first") {
    CHECK_FALSE(ok(store->begin_send(device, key, 1000)).has_value());
    auto noted = ok(store->begin_send(device, key, 2000));
    REQUIRE(noted.has_value());
    CHECK_FALSE(noted->done);
    CHECK(noted->when == 1000);
    ok(store->finish_send(device, key));
    noted = ok(store->begin_send(device, key, 3000));
    REQUIRE(noted.has_value());
    CHECK(noted->done);
    CHECK(noted->when == 1000);
  }
  SUBCASE("a cancelled one may be sent again; keys and devices are apart") {
    const std::int64_t other = make_device(*store, 1, "other").id;
    CHECK_FALSE(ok(store->begin_send(device, key, 1000)).has_value());
    ok(store->cancel_send(device, "something else"));
    CHECK(ok(store->begin_send(device, key, 1000)).has_value());
    CHECK_FALSE(ok(store->begin_send(other, key, 1000)).has_value());
    ok(store->cancel_send(device, key));
    CHECK_FALSE(ok(store->begin_send(device, key, 1000)).has_value());
    CHECK(ok(store->begin_send(other, key, 1000)).has_value());
  }
  SUBCASE("after fourteen days it is forgotten, not before") {
    const storage::UnixMillis start = 1'800'000'000'000;
    CHECK_FALSE(ok(store->begin_send(device, key, start)).has_value());
    ok(store->finish_send(device, key));
    CHECK_FALSE(ok(store->begin_send(device, "kept", start + kDay)).has_value());
    CHECK(ok(store->begin_send(device, key, start + 14 * kDay)).has_value());
    CHECK_FALSE(ok(store->begin_send(device, key, start + 14 * kDay + 1)).has_value());
    CHECK(ok(store->begin_send(device, "kept", start + 14 * kDay + 1)).has_value());
    const auto rows = [&] {
      std::int64_t count = 0;
      ok(database->read([&](storage::Connection& connection) -> storage::Result<void> {
        GODWIT_ASSIGN(const storage::Rows counted,
                      connection.query("SELECT count(*) FROM sent_mail"));
        count = counted.integer(0, 0);
        return {};
      }));
      return count;
    };
    CHECK(rows() == 2);
    CHECK_FALSE(ok(store->begin_send(device, "later", start + 40 * kDay)).has_value());
    CHECK(rows() == 1);  // the old rows themselves are gone
  }
}

TEST_CASE_TEMPLATE_DEFINE("state: a kill at any step leaves the old state or the new one", Backend,
                          state_kills) {
  using namespace test;
  struct Killed {};
  const Backend backend;
  if (!backend.available()) return;
  int steps_left = -1;
  storage::DatabaseOptions options;
  options.before_step = [&](const char*) {
    if (steps_left >= 0 && steps_left-- == 0) throw Killed{};
  };
  const auto database = backend.open(options);
  const auto store = ok(storage::open_state_store(*database));
  const std::int64_t device = make_device(*store).id;
  const StoredState first{1, 1, "first", 0, ""};
  const StoredState second = next_of(first, "second");
  ok(store->commit_state(device, 5, std::nullopt, first));
  ok(store->commit_state(device, 6, std::nullopt, first));

  // Kills `work` at its first, second, … step until it comes through; `check` runs after each kill.
  const auto at_every_step = [&](const std::function<void()>& work,
                                 const std::function<void()>& check) {
    for (int step = 0;; ++step) {
      steps_left = step;
      try {
        work();
        steps_left = -1;
        return step;
      } catch (const Killed&) {
        check();
      }
    }
  };

  CHECK(at_every_step([&] { ok(store->commit_state(device, 5, first, second)); },
                      [&] { CHECK(same(ok(store->state(device, 5)), first)); }) == 2);
  CHECK(same(ok(store->state(device, 5)), second));
  CHECK(at_every_step([&] { make_device(*store, 1, "new"); },
                      [&] { CHECK(kind_of(store->device(1, "new")) == "not_found"); }) == 3);
  const auto untouched = [&] {
    CHECK(ok(store->device(1, "phone")).id == device);
    CHECK(same(ok(store->state(device, 5)), second));
    CHECK(same(ok(store->state(device, 6)), first));
  };
  CHECK(at_every_step([&] { ok(store->remove_device(device)); }, untouched) == 4);
  CHECK(kind_of(store->state(device, 6)) == "not_found");
}

TEST_CASE_TEMPLATE_DEFINE("state: a collection's state takes at most 512 bytes", Backend,
                          state_size) {
  using namespace test;
  constexpr int kRows = 4000;
  const Backend backend;
  if (!backend.available()) return;
  const auto database = backend.open();
  const auto store = ok(storage::open_state_store(*database));
  const std::int64_t device = make_device(*store).id;
  const auto size = [&] {
    std::int64_t bytes = 0;
    ok(database->read([&](storage::Connection& connection) -> storage::Result<void> {
      GODWIT_ASSIGN(
          const storage::Rows rows,
          connection.query(Backend::kIsSqlite ? "SELECT page_count * page_size FROM "
                                                "pragma_page_count(), pragma_page_size()"
                                              : "SELECT pg_total_relation_size('device_state')"));
      bytes = rows.integer(0, 0);
      return {};
    }));
    return bytes;
  };
  const std::int64_t before = size();
  // Two generations of 160 bytes: the most that the engine keeps after an adverse history
  // (server/sync/sync_engine_test.cc measures that), but for conversations.
  const StoredState first{123'456'789, 1, std::string(160, 'a'), 0, ""};
  const StoredState second = next_of(first, std::string(160, 'b'));
  for (int i = 1; i <= kRows; ++i) {
    ok(store->commit_state(device, i, std::nullopt, first));
    ok(store->commit_state(device, i, first, second));
  }
  const std::int64_t each = (size() - before) / kRows;
  MESSAGE("bytes per state of a collection, indexes and page overhead included: ", each);
  CHECK(each > 320);
  CHECK(each <= 512);
}
