#include "storage/notify/change_hub.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

using storage::ChangeHub;
using storage::CollectionId;
using storage::HubEvent;
using storage::Subscription;
namespace hub_event = storage::hub_event;

namespace {
struct Recorder {
  std::vector<HubEvent> events;
  ChangeHub::Callback callback() {
    return [this](const HubEvent& event) { events.push_back(event); };
  }
};
}  // namespace

TEST_CASE("hub: a subscription receives the events of its user, collections and kinds only") {
  ChangeHub hub;
  Recorder recorder;
  const CollectionId collections[] = {3, 5};
  const Subscription subscription =
      hub.subscribe(7, collections, hub_event::kAdded, recorder.callback());

  hub.publish({7, 3, 11, hub_event::kAdded});
  hub.publish({7, 5, 12, hub_event::kAdded | hub_event::kOther});
  hub.publish({7, 4, 13, hub_event::kAdded});      // another collection
  hub.publish({7, 3, 14, hub_event::kOther});      // another kind
  hub.publish({8, 3, 15, hub_event::kAdded});      // another user
  hub.publish({7, 0, 16, hub_event::kHierarchy});  // not asked for

  REQUIRE(recorder.events.size() == 2);
  CHECK(recorder.events[0].seq == 11);
  CHECK(recorder.events[1].seq == 12);
}

TEST_CASE("hub: a hierarchy event matches whatever the collections, when asked for") {
  ChangeHub hub;
  Recorder recorder;
  const CollectionId collections[] = {3};
  const Subscription subscription =
      hub.subscribe(1, collections, hub_event::kAdded | hub_event::kHierarchy, recorder.callback());
  hub.publish({1, 0, 2, hub_event::kHierarchy});
  REQUIRE(recorder.events.size() == 1);
  CHECK(recorder.events[0].kinds == hub_event::kHierarchy);
}

TEST_CASE("hub: an ended subscription is silent, whichever place it had among its user's") {
  ChangeHub hub;
  Recorder recorders[3];
  const CollectionId collections[] = {1};
  for (int gone = 0; gone < 3; ++gone) {
    std::vector<Subscription> subscriptions;
    for (Recorder& recorder : recorders) {
      recorder.events.clear();
      subscriptions.push_back(
          hub.subscribe(9, collections, hub_event::kAdded, recorder.callback()));
    }
    subscriptions[static_cast<std::size_t>(gone)].reset();
    hub.publish({9, 1, 1, hub_event::kAdded});
    for (int i = 0; i < 3; ++i) CHECK(recorders[i].events.size() == (i == gone ? 0u : 1u));
    subscriptions.clear();
    hub.publish({9, 1, 2, hub_event::kAdded});
    for (int i = 0; i < 3; ++i) CHECK(recorders[i].events.size() == (i == gone ? 0u : 1u));
  }
}

TEST_CASE("hub: a moved subscription goes on, and assigning over one ends it") {
  ChangeHub hub;
  Recorder first;
  Recorder second;
  const CollectionId collections[] = {1};
  Subscription a = hub.subscribe(1, collections, hub_event::kAdded, first.callback());
  Subscription b = std::move(a);
  hub.publish({1, 1, 1, hub_event::kAdded});
  CHECK(first.events.size() == 1);
  b = hub.subscribe(1, collections, hub_event::kAdded, second.callback());
  hub.publish({1, 1, 2, hub_event::kAdded});
  CHECK(first.events.size() == 1);
  CHECK(second.events.size() == 1);
}

TEST_CASE("hub: published events are forwarded, delivered ones are not") {
  ChangeHub hub;
  Recorder recorder;
  std::vector<HubEvent> forwarded;
  hub.set_forward([&](const HubEvent& event) { forwarded.push_back(event); });
  const CollectionId collections[] = {1};
  const Subscription subscription =
      hub.subscribe(1, collections, hub_event::kAdded, recorder.callback());
  hub.publish({1, 1, 1, hub_event::kAdded});
  hub.deliver({1, 1, 2, hub_event::kAdded});
  CHECK(recorder.events.size() == 2);
  REQUIRE(forwarded.size() == 1);
  CHECK(forwarded[0].seq == 1);
}

TEST_CASE("hub: after the end of a subscription its callback does not run, under publishers") {
  ChangeHub hub;
  std::atomic<bool> stop{false};
  std::atomic<int> calls{0};
  std::atomic<int> late{0};
  std::vector<std::thread> publishers;
  for (int t = 0; t < 2; ++t) {
    publishers.emplace_back([&] {
      while (!stop.load()) {
        for (std::int64_t user = 0; user < 4; ++user) hub.publish({user, 1, 1, hub_event::kAdded});
      }
    });
  }
  const CollectionId collections[] = {1};
  for (int round = 0; round < 2000 || calls.load() == 0; ++round) {
    auto alive = std::make_unique<std::atomic<bool>>(true);
    Subscription subscription =
        hub.subscribe(round % 4, collections, hub_event::kAdded, [&, flag = alive.get()](auto&) {
          ++calls;
          if (!flag->load()) ++late;
        });
    if (round % 8 == 0) std::this_thread::yield();
    subscription.reset();
    alive->store(false);
  }
  stop.store(true);
  for (std::thread& publisher : publishers) publisher.join();
  CHECK(calls.load() > 0);
  CHECK(late.load() == 0);
}
