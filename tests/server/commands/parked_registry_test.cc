#include "server/commands/parked_registry.h"

#include <doctest/doctest.h>

#include "server/commands/command_table.h"

namespace {

class CountingWaker final : public http::Waker {
 public:
  void wake() override { ++woken; }
  int woken = 0;
};

}  // namespace

TEST_CASE("parked registry: a newer request ends the older ones of device and command only") {
  eas::ParkedRegistry registry;
  const auto* ping = eas::find_command("Ping");
  const auto* sync = eas::find_command("Sync");
  const auto waker = [] { return std::make_shared<CountingWaker>(); };
  const auto mine = waker(), other_device = waker(), other_command = waker();
  const auto a = registry.add({1, 10, ping, {}}, mine, 4, 200);
  const auto b = registry.add({1, 11, ping, {}}, other_device, 4, 200);
  const auto c = registry.add({1, 10, sync, {}}, other_command, 4, 200);
  registry.supersede({1, 10, ping, {}});
  CHECK(a->superseded());
  CHECK(mine->woken == 1);
  CHECK_FALSE(b->superseded());
  CHECK_FALSE(c->superseded());
  CHECK(other_device->woken + other_command->woken == 0);
  registry.supersede({1, 10, ping, {}});
  CHECK(mine->woken == 1);  // once is enough
}

TEST_CASE("parked registry: a newer Sync ends the older ones that share a collection with it") {
  eas::ParkedRegistry registry;
  const auto* sync = eas::find_command("Sync");
  const auto waker = [] { return std::make_shared<CountingWaker>(); };
  const auto a = registry.add({1, 10, sync, {3, 5}}, waker(), 4, 200);
  const auto b = registry.add({1, 10, sync, {4}}, waker(), 4, 200);
  registry.supersede({1, 10, sync, {1, 5}});
  CHECK(a->superseded());
  CHECK_FALSE(b->superseded());
}

TEST_CASE("parked registry: beyond the device's number the oldest is ended") {
  eas::ParkedRegistry registry;
  const auto* sync = eas::find_command("Sync");
  std::vector<std::shared_ptr<CountingWaker>> wakers;
  std::vector<std::shared_ptr<eas::ParkedEntry>> entries;
  for (int i = 0; i < 4; ++i) {
    wakers.push_back(std::make_shared<CountingWaker>());
    entries.push_back(registry.add({1, 10, sync, {}}, wakers.back(), 3, 200));
    REQUIRE(entries.back() != nullptr);
  }
  CHECK(wakers[0]->woken == 1);
  CHECK(entries[0]->superseded());
  CHECK_FALSE(entries[1]->superseded());
}

TEST_CASE("parked registry: a user's number is a limit, and what has ended does not count") {
  eas::ParkedRegistry registry;
  const auto* ping = eas::find_command("Ping");
  std::vector<std::shared_ptr<eas::ParkedEntry>> entries;
  for (int i = 0; i < 3; ++i) {
    entries.push_back(registry.add({1, i, ping, {}}, std::make_shared<CountingWaker>(), 4, 3));
  }
  CHECK(registry.add({1, 99, ping, {}}, std::make_shared<CountingWaker>(), 4, 3) == nullptr);
  CHECK(registry.add({2, 99, ping, {}}, std::make_shared<CountingWaker>(), 4, 3) != nullptr);
  registry.supersede({1, 0, ping, {}});
  const auto again = registry.add({1, 99, ping, {}}, std::make_shared<CountingWaker>(), 4, 3);
  CHECK(again != nullptr);
  entries.clear();
  CHECK(registry.size() == 1);  // entries take themselves out
}

TEST_CASE("parked registry: after parking again the new waker is the one that is used") {
  eas::ParkedRegistry registry;
  const auto* ping = eas::find_command("Ping");
  const auto first = std::make_shared<CountingWaker>();
  const auto second = std::make_shared<CountingWaker>();
  const auto entry = registry.add({1, 10, ping, {}}, first, 4, 200);
  registry.set_waker(*entry, second);
  registry.supersede({1, 10, ping, {}});
  CHECK(first->woken == 0);
  CHECK(second->woken == 1);
}
