// The contract of the address list on both drivers, folding, and what a search costs.
#include "tests/contracts/address_list_contract.h"

#include <chrono>

#include "storage/directory/folding.h"
#include "tests/contracts/sql_backends.h"

TEST_CASE_TEMPLATE_INVOKE(address_list_profiles, test::SqliteBackend, test::PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(address_list_search, test::SqliteBackend, test::PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(address_list_pages, test::SqliteBackend, test::PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(address_list_resolve, test::SqliteBackend, test::PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(address_list_groups, test::SqliteBackend, test::PostgresBackend);

TEST_CASE("folding: words of names and addresses") {
  using storage::index_words;
  using Words = std::vector<std::string>;
  CHECK(storage::fold_text("\xc3\x84lvdalen \xc5\x81\xc3\xb3"
                           "d\xc5\xba") == "alvdalen lodz");
  CHECK(storage::fold_text("\xc4\xb0stanbul \xc4\xb1") == "istanbul i");
  CHECK(index_words({"Ann-Marie O'Neil"}, {"a.m@example.test"}) ==
        Words{"a", "a.m@example.test", "ann", "m", "marie", "neil", "o"});
  CHECK(index_words({"\xe7\x94\xb0\xe4\xb8\xad", "\xe7\x94\xb0"}, {}) ==
        Words{"\xe4\xb8\xad", "\xe7\x94\xb0", "\xe7\x94\xb0\xe4\xb8\xad"});
  // Kana with a voiced mark is another syllable.
  CHECK(storage::fold_text("\xe3\x81\x8c") != storage::fold_text("\xe3\x81\x8b"));
  // A long text is cut at a character.
  std::string many;
  for (int i = 0; i < 300; ++i) many += "w" + std::to_string(i) + " ";
  CHECK(index_words({many}, {}).size() == 96);
  std::string wide;
  for (int i = 0; i < 200; ++i) wide += "\xd0\xb6";
  CHECK(index_words({wide}, {}).at(0).size() == 254);
  CHECK(storage::search_words("lee ANN lee") == Words{"ann", "lee"});
  CHECK(storage::search_words("ann@ex b") == Words{"ann@ex", "b"});
}

TEST_CASE("address list: a search costs what it finds, not what is there") {
  test::Listed<test::SqliteBackend> setup;
  const auto fill = [&](int from, int to) {
    std::vector<std::string> addresses;
    for (int i = from; i < to; ++i) addresses.push_back("u" + std::to_string(i) + "@example.test");
    test::ok(setup.directory->add_many(addresses, "x"));
  };
  setup.add("godwit", "Limosa Lapponica");
  // The fastest of some, in microseconds.
  const auto cost = [&] {
    std::chrono::nanoseconds best = std::chrono::hours(1);
    for (int i = 0; i < 50; ++i) {
      const auto begin = std::chrono::steady_clock::now();
      CHECK(setup.found("lim lapp").size() == 1);
      best = std::min<std::chrono::nanoseconds>(best, std::chrono::steady_clock::now() - begin);
    }
    return static_cast<double>(best.count()) / 1000;
  };
  fill(0, 100);
  const double few = cost();
  fill(100, 10'000);
  const double many = cost();
  MESSAGE("one of 100: " << few << " us, one of 10,000: " << many << " us");
  CHECK(many < few * 5);
}
