// What every PolicyStore promises (storage/state/policy_store.h), as test cases over a database
// backend as in sql_backends.h.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "storage/state/backends.h"
#include "tests/contracts/expect.h"

TEST_CASE_TEMPLATE_DEFINE("policies: names, settings, revisions, assignments", Backend,
                          policy_world) {
  using namespace test;
  using storage::Access;
  const Backend backend;
  if (!backend.available()) return;
  const auto database = backend.open();
  const auto state = ok(storage::open_state_store(*database));
  const auto store = ok(storage::open_policy_store(*database));

  SUBCASE("at first nothing is decided, and everybody may sync") {
    const auto world = ok(store->world());
    CHECK(world.number == 0);
    CHECK(world.policies.empty());
    CHECK(world.assignments.empty());
    CHECK(world.rules.empty());
    CHECK(world.default_access == Access::allow);
  }
  SUBCASE("new settings have a new revision; the same ones change nothing") {
    const auto first = ok(store->set_policy("Strict", "a"));
    CHECK(first.id > 0);
    CHECK(first.revision > 0);
    const auto same = ok(store->set_policy("STRICT", "a"));
    CHECK(same.id == first.id);
    CHECK(same.revision == first.revision);
    const std::int64_t number = ok(store->world()).number;
    const auto changed = ok(store->set_policy("strict", "b"));
    CHECK(changed.id == first.id);
    CHECK(changed.revision > first.revision);
    CHECK(ok(store->world()).number > number);
    REQUIRE(store->remove_policy("Strict"));
    const auto made_again = ok(store->set_policy("Strict", "a"));
    CHECK(made_again.revision > changed.revision);
    CHECK(made_again.id != first.id);
  }
  SUBCASE("impossible names are refused") {
    CHECK(kind_of(store->set_policy("", "x")) == "invalid");
    CHECK(kind_of(store->set_policy(" a", "x")) == "invalid");
    CHECK(kind_of(store->set_policy(std::string(65, 'a'), "x")) == "invalid");
    CHECK(kind_of(store->set_policy("a\xff", "x")) == "invalid");
    CHECK(kind_of(store->set_policy("a", std::string((1u << 20) + 1, 'x'))) == "too_large");
  }
  SUBCASE("one policy at most is the default") {
    REQUIRE(store->set_policy("a", "1"));
    REQUIRE(store->set_policy("b", "2"));
    REQUIRE(store->set_default_policy("A"));
    REQUIRE(store->set_default_policy("b"));
    auto world = ok(store->world());
    REQUIRE(world.policies.size() == 2);
    CHECK_FALSE(world.policies[0].is_default);
    CHECK(world.policies[1].is_default);
    CHECK(kind_of(store->set_default_policy("c")) == "not_found");
    CHECK(ok(store->world()).policies[1].is_default);
    REQUIRE(store->set_default_policy(""));
    CHECK_FALSE(ok(store->world()).policies[1].is_default);
  }
  SUBCASE("a user and a group have one policy each; it goes with the policy") {
    REQUIRE(store->set_policy("a", "1"));
    const auto b = ok(store->set_policy("b", "2"));
    REQUIRE(store->assign_policy(false, 7, "a"));
    REQUIRE(store->assign_policy(true, 7, "a"));
    REQUIRE(store->assign_policy(false, 7, "b"));
    CHECK(kind_of(store->assign_policy(false, 7, "c")) == "not_found");
    auto world = ok(store->world());
    REQUIRE(world.assignments.size() == 2);
    CHECK(world.assignments[0].policy == b.id);
    REQUIRE(store->unassign_policy(false, 7));
    REQUIRE(store->unassign_policy(false, 7));
    CHECK(ok(store->world()).assignments.size() == 1);
    REQUIRE(store->remove_policy("a"));
    CHECK(ok(store->world()).assignments.empty());
    CHECK(kind_of(store->remove_policy("a")) == "not_found");
  }
}

TEST_CASE_TEMPLATE_DEFINE("policies: rules, and the world's number", Backend, policy_rules) {
  using namespace test;
  using storage::Access;
  const Backend backend;
  if (!backend.available()) return;
  const auto database = backend.open();
  const auto state = ok(storage::open_state_store(*database));
  const auto store = ok(storage::open_policy_store(*database));

  SUBCASE("rules stand in the order that was asked for") {
    const auto first = ok(store->add_rule("type", "iP*", Access::allow, 0));
    const auto last = ok(store->add_rule("agent", "*", Access::block, 0));
    const auto middle = ok(store->add_rule("model", "x", Access::quarantine, last));
    auto world = ok(store->world());
    REQUIRE(world.rules.size() == 3);
    CHECK(world.rules[0].id == first);
    CHECK(world.rules[0].field == "type");
    CHECK(world.rules[0].pattern == "iP*");
    CHECK(world.rules[0].access == Access::allow);
    CHECK(world.rules[1].id == middle);
    CHECK(world.rules[2].id == last);
    REQUIRE(store->remove_rule(middle));
    CHECK(kind_of(store->remove_rule(middle)) == "not_found");
    CHECK(kind_of(store->add_rule("type", "x", Access::allow, middle)) == "not_found");
    CHECK(kind_of(store->add_rule("type", "", Access::allow, 0)) == "invalid");
    CHECK(ok(store->world()).rules.size() == 2);
    REQUIRE(store->set_default_access(Access::quarantine));
    CHECK(ok(store->world()).default_access == Access::quarantine);
  }
  SUBCASE("every device's row tells the world's number") {
    CHECK(ok(state->ensure_device(1, "phone", "t", "a", 1, 9)).control.world == 0);
    REQUIRE(store->touch());
    const std::int64_t number = ok(store->world()).number;
    CHECK(number > 0);
    CHECK(ok(state->device(1, "phone")).control.world == number);
    CHECK(ok(state->ensure_device(1, "other", "t", "a", 1, 9)).control.world == number);
  }
}

TEST_CASE_TEMPLATE_DEFINE("policies: what is decided about one device", Backend, policy_devices) {
  using namespace test;
  using storage::Access;
  using storage::Wipe;
  const Backend backend;
  if (!backend.available()) return;
  const auto database = backend.open();
  const auto state = ok(storage::open_state_store(*database));
  const auto store = ok(storage::open_policy_store(*database));
  const storage::Device device = ok(state->ensure_device(1, "phone", "t", "a", 1, 9));
  const auto control = [&] { return ok(state->device_by_row(device.id)).control; };

  SUBCASE("a device has nothing decided, and is found by its row") {
    CHECK(ok(state->device_by_row(device.id)).device_id == "phone");
    CHECK(kind_of(state->device_by_row(device.id + 1)) == "not_found");
    CHECK(control().access == Access::none);
    CHECK(control().wipe == Wipe::none);
    CHECK(control().noticed == Access::none);
  }
  SUBCASE("decisions outlive a record that was read before them and is written after them") {
    storage::Device before = ok(state->device(1, "phone"));
    REQUIRE(store->set_access(device.id, Access::block));
    REQUIRE(store->set_wipe(device.id, Wipe::full, 500));
    before.policy_key = 5;
    before.policy_revision = 6;
    before.pending_policy_revision = 7;
    before.policy_status = 2;
    before.policy_at = 8;
    REQUIRE(state->update_device(before));
    const storage::Device now = ok(state->device(1, "phone"));
    CHECK(now.control.access == Access::block);
    CHECK(now.control.wipe == Wipe::full);
    CHECK(now.control.wipe_at == 500);
    CHECK(now.policy_revision == 6);
    CHECK(now.pending_policy_revision == 7);
    CHECK(now.policy_status == 2);
    CHECK(now.policy_at == 8);
  }
  SUBCASE("a wipe is asked for, told, refused by the device, and done; a new one starts anew") {
    REQUIRE(store->set_wipe(device.id, Wipe::account, 100));
    REQUIRE(store->note_wipe_sent(device.id, 200, true));
    CHECK(control().wipe_sent == 200);
    CHECK(control().wipe_failed);
    REQUIRE(store->set_wipe(device.id, Wipe::account_done, 300));
    CHECK(control().wipe == Wipe::account_done);
    CHECK(control().wipe_at == 300);
    CHECK(control().wipe_sent == 200);
    CHECK_FALSE(control().wipe_failed);
    REQUIRE(store->set_wipe(device.id, Wipe::full, 400));
    CHECK(control().wipe_sent == 0);
  }
  SUBCASE("of two that note the same refusal one is told that it was first") {
    REQUIRE(store->note_access(device.id, Access::quarantine, 42));
    CHECK(kind_of(store->note_access(device.id, Access::quarantine, 43)) == "conflict");
    CHECK(control().noticed == Access::quarantine);
    CHECK(control().notice_item == 42);
    REQUIRE(store->note_access(device.id, Access::none, 0));
    CHECK(control().noticed == Access::none);
  }
  SUBCASE("a storm is remembered in words") {
    REQUIRE(store->note_storm(device.id, 900, "Ping 40 times"));
    CHECK(control().storm_until == 900);
    CHECK(control().storm_reason == "Ping 40 times");
  }
  SUBCASE("a device that is reset has synced nothing, and keeps what was decided") {
    REQUIRE(store->set_access(device.id, Access::allow));
    storage::Device full = ok(state->device(1, "phone"));
    full.ping = "p";
    full.sync = "s";
    full.policy_key = 5;
    full.policy_revision = 6;
    REQUIRE(state->update_device(full));
    REQUIRE(state->commit_state(device.id, 3, std::nullopt, {1, 1, "x", 0, ""}));
    REQUIRE(store->reset_device(device.id));
    CHECK(kind_of(state->state(device.id, 3)) == "not_found");
    const storage::Device now = ok(state->device(1, "phone"));
    CHECK(now.ping.empty());
    CHECK(now.sync.empty());
    CHECK(now.policy_key == 5);
    CHECK(now.policy_revision == 6);
    CHECK(now.control.access == Access::allow);
  }
  SUBCASE("nothing can be decided about a device that was removed") {
    REQUIRE(state->remove_device(device.id));
    CHECK(kind_of(store->set_access(device.id, Access::block)) == "not_found");
    CHECK(kind_of(store->set_wipe(device.id, Wipe::full, 1)) == "not_found");
    CHECK(kind_of(store->note_access(device.id, Access::block, 1)) == "not_found");
    CHECK(kind_of(store->reset_device(device.id)) == "not_found");
  }
}
