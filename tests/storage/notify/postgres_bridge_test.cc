// Two nodes' hubs over a real PostgreSQL.
#include "storage/notify/postgres_bridge.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <optional>
#include <thread>

#include "storage/base/mutex.h"
#include "storage/notify/pending_events.h"
#include "tests/contracts/expect.h"
#include "tests/support/postgres.h"

namespace {

using namespace storage;
using test::ok;

constexpr unsigned kAll = hub_event::kAdded | hub_event::kOther;

bool eventually(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

// A node: a hub, its bridge, and what one waiter on collections 1 to 200 of user 1 was told.
struct Node {
  ChangeHub hub;
  std::atomic<int> gaps = 0;
  std::atomic<int> calls = 0;
  Mutex mutex;
  std::map<CollectionId, HubEvent> newest GUARDED_BY(mutex);
  std::optional<Subscription> subscription;
  std::unique_ptr<PostgresBridge> bridge;

  explicit Node(const std::string& url, std::size_t most_pending = 100'000) {
    std::vector<CollectionId> collections;
    for (CollectionId id = 1; id <= 200; ++id) collections.push_back(id);
    subscription = hub.subscribe(1, collections, kAll, [this](const HubEvent& event) {
      ++calls;
      MutexLock lock(mutex);
      newest[event.collection] = event;
    });
    bridge = ok(PostgresBridge::start(
        url, hub,
        {.channel = "bridge_test", .on_gap = [this] { ++gaps; }, .most_pending = most_pending}));
  }
  ~Node() { bridge.reset(); }
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  Seq seq_of(CollectionId collection) {
    MutexLock lock(mutex);
    return newest[collection].seq;
  }
};

}  // namespace

TEST_CASE("bridge: what one node publishes reaches the others, and the node itself only once") {
  const auto url = test::postgres_url();
  if (!url) return;
  Node a(*url);
  Node b(*url);
  Node c(*url);
  a.hub.publish({1, 7, 42, hub_event::kAdded});
  REQUIRE(eventually([&] { return b.seq_of(7) == 42 && c.seq_of(7) == 42; }));
  b.hub.publish({1, 8, 43, hub_event::kOther});
  REQUIRE(eventually([&] { return a.seq_of(8) == 43 && c.seq_of(8) == 43; }));
  a.hub.publish({2, 7, 99, hub_event::kAdded});  // another user's
  a.hub.publish({1, 9, 44, hub_event::kAdded});
  REQUIRE(eventually([&] { return b.seq_of(9) == 44; }));
  CHECK(b.seq_of(7) == 42);
  {
    MutexLock lock(b.mutex);
    CHECK(b.newest[7].kinds == hub_event::kAdded);
    CHECK(b.newest[7].user_id == 1);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  CHECK(a.calls == 3);  // its own two of this user, one of b: no echo
  CHECK(a.gaps + b.gaps + c.gaps == 0);
}

TEST_CASE("bridge: a burst is coalesced, and the newest seq of every collection arrives") {
  const auto url = test::postgres_url();
  if (!url) return;
  Node a(*url);
  Node b(*url);
  constexpr int kEach = 200;
  std::vector<std::thread> publishers;
  for (int first = 0; first < 4; ++first) {
    publishers.emplace_back([&, first] {
      for (Seq seq = 1; seq <= kEach; ++seq) {
        for (CollectionId id = 1 + first * 50; id <= 50 + first * 50; ++id) {
          a.hub.publish({1, id, seq, hub_event::kOther});
        }
      }
    });
  }
  for (std::thread& publisher : publishers) publisher.join();
  CHECK(eventually([&] {
    for (CollectionId id = 1; id <= 200; ++id) {
      if (b.seq_of(id) != kEach) return false;
    }
    return true;
  }));
  CHECK(a.calls == 200 * kEach);
  CHECK(b.calls < 200 * kEach);
  CHECK(b.gaps == 0);
}

TEST_CASE(
    "bridge: after the database was away, what waited is sent and everybody learns of a gap") {
  const auto url = test::postgres_url();
  if (!url) return;
  Node a(*url);
  Node b(*url);
  test::PostgresServer::shared()->halt();
  a.hub.publish({1, 3, 50, hub_event::kAdded});
  a.hub.publish({1, 3, 51, hub_event::kAdded});
  test::PostgresServer::shared()->restart();
  CHECK(eventually([&] { return a.gaps >= 1 && b.gaps >= 1; }));
  // b may have come back after a sent it; then its gap tells it to look.
  a.hub.publish({1, 4, 52, hub_event::kAdded});
  CHECK(eventually([&] { return b.seq_of(4) == 52; }));
}

TEST_CASE("bridge: more than may wait becomes a gap at the others") {
  const auto url = test::postgres_url();
  if (!url) return;
  Node a(*url, 10);
  Node b(*url);
  test::PostgresServer::shared()->halt();
  for (CollectionId id = 1; id <= 100; ++id) a.hub.publish({1, id, 5, hub_event::kAdded});
  test::PostgresServer::shared()->restart();
  CHECK(eventually([&] { return b.gaps >= 1; }));
  CHECK(b.calls == 0);
}

TEST_CASE("bridge: it ends at once, also while the database is away; later events go nowhere") {
  const auto url = test::postgres_url();
  if (!url) return;
  Node a(*url);
  test::PostgresServer::shared()->halt();
  a.hub.publish({1, 3, 50, hub_event::kAdded});
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const auto begin = std::chrono::steady_clock::now();
  a.bridge.reset();
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(2));
  a.hub.publish({1, 3, 51, hub_event::kAdded});
  CHECK(a.seq_of(3) == 51);
  test::PostgresServer::shared()->restart();
  CHECK(test::kind_of(PostgresBridge::start("postgresql://nobody@127.0.0.1:1/x", a.hub)) ==
        "unavailable");
}

TEST_CASE("bridge: pending events keep one a collection, and devices apart from collections") {
  PendingEvents pending(3);
  CHECK(pending.empty());
  pending.add({1, 5, 10, hub_event::kAdded});
  pending.add({1, 5, 12, hub_event::kOther});
  pending.add({1, 5, 11, hub_event::kAdded});
  pending.add({1, 5, 1, hub_event::kDevice});
  bool overflowed = false;
  const auto events = pending.take(7900, overflowed);
  CHECK_FALSE(overflowed);
  REQUIRE(events.size() == 2);
  const HubEvent& mail = events[events[0].kinds == hub_event::kDevice ? 1 : 0];
  CHECK(mail.seq == 12);
  CHECK(mail.kinds == kAll);
  CHECK(pending.empty());

  for (CollectionId id = 1; id <= 4; ++id) pending.add({1, id, 1, hub_event::kAdded});
  CHECK_FALSE(pending.empty());
  CHECK(pending.take(7900, overflowed).empty());
  CHECK(overflowed);
  CHECK(pending.empty());
}

TEST_CASE("bridge: a message fits its limit and reads back; foreign text is refused") {
  PendingEvents pending(1000);
  for (CollectionId id = 1; id <= 500; ++id) {
    pending.add({9'223'372'036'854'775'807, -id - 9'000'000'000'000'000'000,
                 9'223'372'036'854'775'807, ~0u});
  }
  std::size_t total = 0;
  while (!pending.empty()) {
    bool overflowed = false;
    const auto events = pending.take(7900, overflowed);
    const std::string text = to_message(events, true);
    CHECK(text.size() <= 7900);
    const auto read = parse_message(text);
    REQUIRE(read.has_value());
    CHECK(read->overflowed);
    REQUIRE(read->events.size() == events.size());
    CHECK(read->events.front().collection == events.front().collection);
    CHECK(read->events.front().seq == 9'223'372'036'854'775'807);
    total += events.size();
  }
  CHECK(total == 500);
  for (const char* text :
       {"", "1,2,3", "1,2,3,4,5", "a,b,c,d", "1,2,3,-1", "1,2,3,4294967296", "1,2,3,4;", "hello"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_message(text));
  }
}
