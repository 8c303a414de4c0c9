#include "storage/search/tokens.h"

#include <doctest/doctest.h>

namespace {

using Tokens = std::vector<std::string>;

Tokens tokens(std::string_view text) { return storage::index_tokens(text, 1000); }

struct Case {
  const char* text;
  Tokens expected;
};

}  // namespace

TEST_CASE("tokens: words are folded, scripts without spaces are cut into pairs") {
  const Case cases[] = {
      {"Hello, World!", {"hello", "world"}},
      {"anna@example.org", {"anna", "example", "org"}},
      {"Bericht_2026.pdf", {"bericht", "2026", "pdf"}},
      {"ÀÉÎ Straße ﬁne Ｆｕｌｌ", {"aei", "strasse", "fine", "full"}},
      {"İstanbul ılık", {"istanbul", "ilik"}},
      {"re\u0301sume\u0301", {"resume"}},
      {"soft\u00ADhyphen zero\u200Bwidth", {"softhyphen", "zero", "width"}},
      {"日本語", {"日本", "本語", "語"}},
      {"日", {"日"}},
      {"が", {"が"}},
      {"iPhone15を買う", {"iphone15", "を買", "買う", "う"}},
      {"한국어", {"한국", "국어", "어"}},
      {"", {}},
      {"... --- !!!", {}},
      {"\xFF\xFE"
       "broken\xC3",
       {"broken"}},
  };
  for (const Case& one : cases) {
    CAPTURE(one.text);
    CHECK(tokens(one.text) == one.expected);
  }
  CHECK(tokens("น้ำ") == tokens("น้\u0E4D\u0E32"));  // composed or not
}

TEST_CASE("tokens: a long word counts by its beginning, a long text up to the limit") {
  CHECK(tokens(std::string(1000, 'a')) == Tokens{std::string(storage::kMostTokenBytes, 'a')});
  CHECK(storage::index_tokens("a b c d", 2) == Tokens{"a", "b"});
  CHECK(tokens(std::string(10'000, 'a')).size() == 3);
}

TEST_CASE("tokens: a query that ends in a run of pairs may end inside the message's run") {
  const auto two = storage::phrase_tokens("日本", false);
  REQUIRE(two.size() == 1);
  CHECK(two[0].tokens == Tokens{"日本"});
  CHECK_FALSE(two[0].open);
  const auto one = storage::phrase_tokens("日", false);
  REQUIRE(one.size() == 1);
  CHECK(one[0].tokens == Tokens{"日"});
  CHECK(one[0].open);
  const auto mixed = storage::phrase_tokens("日本 tower", false);
  REQUIRE(mixed.size() == 1);
  CHECK(mixed[0].tokens == Tokens{"日本", "本", "tower"});
}

TEST_CASE("tokens: long phrases are cut into overlapping ones") {
  std::string text;
  for (int i = 0; i < 40; ++i) text += "w" + std::to_string(i) + " ";
  const auto phrases = storage::phrase_tokens(text, true);
  REQUIRE(phrases.size() == 3);
  CHECK(phrases[0].tokens.size() == storage::kMostPhrase);
  CHECK(phrases[0].tokens.back() == phrases[1].tokens.front());
  CHECK_FALSE(phrases[0].open);
  CHECK(phrases[2].open);
  CHECK(phrases[2].tokens.back() == "w39");
}
