// What UserSettings promises (storage/state/user_settings.h), as a test case over a database
// backend as in sql_backends.h.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "storage/state/backends.h"
#include "tests/contracts/expect.h"

TEST_CASE_TEMPLATE_DEFINE("user settings", Backend, user_settings) {
  using namespace test;
  const Backend backend;
  if (!backend.available()) return;
  const auto database = backend.open();
  const auto settings = ok(storage::open_user_settings(*database));

  SUBCASE("one that was never set is `not_found`; the newest value counts, byte for byte") {
    CHECK(kind_of(settings->get(1, "oof")) == "not_found");
    REQUIRE(settings->set(1, "oof", "first"));
    REQUIRE(settings->set(1, "oof", std::string("a\0b\xFF", 4)));
    CHECK(ok(settings->get(1, "oof")) == std::string("a\0b\xFF", 4));
    CHECK(kind_of(settings->get(2, "oof")) == "not_found");
  }
  SUBCASE("removing forgets it, and may come twice") {
    REQUIRE(settings->set(1, "oof", "x"));
    REQUIRE(settings->remove(1, "oof"));
    REQUIRE(settings->remove(1, "oof"));
    CHECK(kind_of(settings->get(1, "oof")) == "not_found");
  }
  SUBCASE("listing takes whole prefixes, of one user or of all, in order") {
    REQUIRE(settings->set(2, "conversation:b", "2b"));
    REQUIRE(settings->set(1, "conversation:b", "1b"));
    REQUIRE(settings->set(1, "conversation:A", "1A"));
    REQUIRE(settings->set(1, "conversatiom", "no"));
    REQUIRE(settings->set(1, "conversation", "no"));
    const auto own = ok(settings->list(1, "conversation:"));
    REQUIRE(own.size() == 2);
    CHECK(own[0].value == "1A");
    CHECK(own[1].value == "1b");
    const auto all = ok(settings->list(0, "conversation:"));
    REQUIRE(all.size() == 3);
    CHECK(all[2].user_id == 2);
    CHECK(all[2].name == "conversation:b");
  }
  SUBCASE("a removed user leaves nothing") {
    REQUIRE(settings->set(1, "oof", "x"));
    REQUIRE(settings->set(2, "oof", "y"));
    REQUIRE(settings->remove_all(1));
    CHECK(kind_of(settings->get(1, "oof")) == "not_found");
    CHECK(ok(settings->get(2, "oof")) == "y");
  }
  SUBCASE("impossible names and endless values are refused") {
    CHECK(kind_of(settings->set(1, "", "x")) == "invalid");
    CHECK(kind_of(settings->set(1, "with space", "x")) == "invalid");
    CHECK(kind_of(settings->set(1, std::string(129, 'a'), "x")) == "invalid");
    CHECK(kind_of(settings->set(1, "big", std::string((1u << 20) + 1, 'x'))) == "too_large");
  }
}
