// What SearchIndex promises (storage/search/search_index.h), as test cases over a database backend
// as in sql_backends.h. Both drivers must find the same.
#pragma once

#include <doctest/doctest.h>

#include <initializer_list>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/search/backends.h"
#include "tests/contracts/expect.h"

namespace test {

using storage::SearchDocument;
using storage::SearchField;
using storage::SearchQuery;
using Kind = storage::SearchQuery::Kind;
using Items = std::vector<storage::ItemId>;

inline SearchDocument document(storage::ItemId item, std::string subject, std::string body = {}) {
  SearchDocument result;
  result.item = item;
  result.date = 1000 * item;
  result.sent = 1000 * item - 10;
  result.created_seq = item;
  result.size = 100 * item;
  result.text(SearchField::subject) = std::move(subject);
  result.text(SearchField::body) = std::move(body);
  return result;
}

// One index with a folder that is filled step by step.
struct SearchWorld {
  explicit SearchWorld(std::unique_ptr<storage::Database> opened)
      : database(std::move(opened)), index(ok(storage::open_search_index(*database))) {}

  void apply(storage::SearchBatch batch, storage::CollectionId folder = 5, std::int64_t user = 1) {
    const auto before = ok(index->progress(user, folder));
    batch.next.cursor = before ? before->cursor + 1 : 1;
    batch.next.full = true;
    ok(index->apply(user, folder, before, batch));
  }
  void put(std::vector<SearchDocument> documents, storage::CollectionId folder = 5,
           std::int64_t user = 1) {
    storage::SearchBatch batch;
    batch.put = std::move(documents);
    apply(std::move(batch), folder, user);
  }
  Items find(const SearchQuery& query, std::vector<storage::CollectionId> folders = {5},
             std::int64_t user = 1) {
    Items items;
    const auto found = ok(index->search(user, folders, query, 0, 1000));
    for (const storage::SearchHit& hit : found.hits) items.push_back(hit.item);
    CHECK(found.total == static_cast<std::int64_t>(items.size()));
    return items;
  }
  Items words(std::string text, unsigned fields = 0) {
    return find(SearchQuery::text_query(Kind::words, std::move(text), fields));
  }
  Items phrase(std::string text) {
    return find(SearchQuery::text_query(Kind::phrase, std::move(text)));
  }

  std::unique_ptr<storage::Database> database;
  std::unique_ptr<storage::SearchIndex> index;
};

}  // namespace test

TEST_CASE_TEMPLATE_DEFINE("search index: texts", Backend, search_texts) {
  using namespace test;
  const Backend backend;
  if (!backend.available()) return;
  SearchWorld world(backend.open());

  SUBCASE("words begin with what was typed, whatever their case and accents") {
    world.put({document(1, "Die Rückmeldung zum Café"), document(2, "ruckmeldungen", "CAFE"),
               document(3, "Straße nach Łódź"), document(4, "zurückmelden")});
    CHECK(world.words("rückmeld") == Items{2, 1});
    CHECK(world.words("RUCKMELDUNG cafe") == Items{2, 1});
    CHECK(world.words("cafés") == Items{});
    CHECK(world.words("strasse lodz") == Items{3});
    CHECK(world.words("STRASSE") == Items{3});
    CHECK(world.words("meldung") == Items{});
  }
  SUBCASE("a short word is whole, unless it is the one being typed") {
    world.put({document(1, "to be"), document(2, "tomorrow we bet")});
    CHECK(world.words("to be ") == Items{1});
    CHECK(world.words("to") == Items{2, 1});
    CHECK(world.words("t") == Items{});
  }
  SUBCASE("any script: Cyrillic, Greek, Arabic, Hebrew, Devanagari") {
    world.put({document(1, "Ёлка и йогурт"), document(2, "Καλημέρα κόσμε"),
               document(3, "مُحَمَّد أحمد"), document(4, "שָׁלוֹם עולם"), document(5, "नमस्ते दुनिया"),
               document(6, "سال ۱۴۰۳")});
    CHECK(world.words("елка") == Items{1});
    CHECK(world.words("ЙОГ") == Items{1});
    CHECK(world.words("ΚΑΛΗΜΕΡΑ") == Items{2});
    CHECK(world.words("محمد احمد") == Items{3});
    CHECK(world.words("שלום") == Items{4});
    CHECK(world.words("नमस्ते") == Items{5});
    CHECK(world.words("1403") == Items{6});
  }
  SUBCASE("scripts without spaces: any part of a sentence is found, other orders are not") {
    world.put({document(1, "東京都の会議について"), document(2, "京東商城訂單"),
               document(3, "การประชุมพรุ่งนี้"), document(4, "ﾃｽﾄメール"),
               document(5, "회의 일정을 보내드립니다"), document(6, "关于 Godwit 的会议")});
    CHECK(world.words("東京") == Items{1});
    CHECK(world.words("京東") == Items{2});
    CHECK(world.words("会議") == Items{1});
    CHECK(world.words("会議について") == Items{1});
    CHECK(world.words("議会") == Items{});
    CHECK(world.words("京") == Items{2, 1});
    CHECK(world.words("て") == Items{1});  // the last of its run
    CHECK(world.words("ประชุม") == Items{3});
    CHECK(world.words("テスト") == Items{4});
    CHECK(world.words("일정") == Items{5});
    CHECK(world.words("会议") == Items{6});
    CHECK(world.words("godwit 会议") == Items{6});
    CHECK(world.words("東京都 会議") == Items{1});
  }
  SUBCASE("a phrase is in that order, in one field, with whole words") {
    world.put({document(1, "quarterly report draft"), document(2, "report quarterly"),
               document(3, "quarterly", "report"), document(4, "quarterly reports")});
    CHECK(world.phrase("Quarterly Report") == Items{1});
    CHECK(world.find(SearchQuery::text_query(Kind::phrase_start, "quarterly rep")) == Items{4, 1});
    CHECK(world.words("quarterly report") == Items{4, 3, 2, 1});
    CHECK(world.find(SearchQuery::text_query(Kind::exact_words, "quarterly report")) ==
          Items{3, 2, 1});
  }
}

TEST_CASE_TEMPLATE_DEFINE("search index: fields", Backend, search_fields) {
  using namespace test;
  const Backend backend;
  if (!backend.available()) return;
  SearchWorld world(backend.open());

  SUBCASE("each field alone") {
    SearchDocument mail = document(1, "alpha", "beta");
    mail.text(SearchField::from) = "Carl Gamma <carl@elsewhere.test>";
    mail.text(SearchField::to) = "delta@example.test";
    mail.text(SearchField::cc) = "epsilon@example.test";
    mail.text(SearchField::bcc) = "zeta@example.test";
    mail.text(SearchField::attachment) = "Bericht_2026.pdf\n写真.jpg";
    world.put({mail, document(2, "carl", "delta gamma alpha")});
    const auto in = [](SearchField field) { return storage::field_bit(field); };
    CHECK(world.words("alpha", in(SearchField::subject)) == Items{1});
    CHECK(world.words("carl", in(SearchField::from)) == Items{1});
    CHECK(world.words("carl@elsewhere.test", in(SearchField::from)) == Items{1});
    CHECK(world.words("elsewhere", in(SearchField::from)) == Items{1});
    CHECK(world.words("delta", in(SearchField::to)) == Items{1});
    CHECK(world.words("delta", in(SearchField::to) | in(SearchField::body)) == Items{2, 1});
    CHECK(world.words("epsilon", in(SearchField::cc)) == Items{1});
    CHECK(world.words("zeta", in(SearchField::bcc)) == Items{1});
    CHECK(world.words("bericht pdf", in(SearchField::attachment)) == Items{1});
    CHECK(world.words("写真", in(SearchField::attachment)) == Items{1});
    CHECK(world.words("写真", in(SearchField::subject)) == Items{});
    CHECK(world.words("gamma") == Items{2, 1});
  }
  SUBCASE("long texts: words and phrases at any place, words that come very often") {
    std::string text;
    for (int i = 0; i < 20'000; ++i) text += "filler" + std::to_string(i) + " often ";
    text += "needle in the haystack";
    std::string grams;
    for (int i = 0; i < 3000; ++i) grams += "東東";
    world.put({document(1, "long", text), document(2, "grams", grams + "京都")});
    CHECK(world.words("needle") == Items{1});
    CHECK(world.phrase("needle in the haystack") == Items{1});
    for (const int at : {7, 99, 100, 199, 4000, 7998, 7999, 8000, 8001, 15'999, 19'998}) {
      CAPTURE(at);
      CHECK(world.phrase("filler" + std::to_string(at) + " often filler" +
                         std::to_string(at + 1)) == Items{1});
    }
    CHECK(world.phrase("東東京都") == Items{2});
    CHECK(world.phrase("filler5 filler6").empty());
  }
  SUBCASE("signs alone are no words") {
    world.put({document(1, "!!! ???")});
    CHECK(world.words("!!!").empty());
    CHECK(world.words("").empty());
    CHECK(world.words("\"') OR *").empty());
    CHECK(world.phrase("' :* & |").empty());
  }
}

TEST_CASE_TEMPLATE_DEFINE("search index: conditions", Backend, search_conditions) {
  using namespace test;
  namespace flag = storage::search_flag;
  using Column = SearchQuery::Column;
  const Backend backend;
  if (!backend.available()) return;
  SearchWorld world(backend.open());

  SUBCASE("dates, size, importance, flags, categories, conversation") {
    SearchDocument first = document(1, "a");
    first.importance = 2;
    first.flags = flag::kSeen | flag::kAttachments;
    first.categories = {"Rot 100%", "Größe"};
    first.conversation = std::string("\0\x01\xFF", 3);
    SearchDocument second = document(2, "b");
    second.flags = flag::kSeen;
    second.categories = {"Rot 1000", "_"};
    world.put({first, second, document(3, "c")});
    CHECK(world.find({}) == Items{3, 2, 1});
    CHECK(world.find(SearchQuery::range(Column::received, 2000, 2999)) == Items{2});
    CHECK(world.find(SearchQuery::range(Column::received, 2001,
                                        std::numeric_limits<std::int64_t>::max())) == Items{3});
    CHECK(world.find(SearchQuery::range(Column::sent, 990, 1990)) == Items{2, 1});
    CHECK(world.find(SearchQuery::range(Column::size, 100, 200)) == Items{2, 1});
    CHECK(world.find(SearchQuery::range(Column::importance, 2, 2)) == Items{1});
    CHECK(world.find(SearchQuery::with_flags(flag::kSeen)) == Items{2, 1});
    CHECK(world.find(SearchQuery::with_flags(flag::kSeen | flag::kAttachments)) == Items{1});
    CHECK(world.find(SearchQuery::text_query(Kind::category, "rot 100%")) == Items{1});
    CHECK(world.find(SearchQuery::text_query(Kind::category, "GROSSE")) == Items{1});
    CHECK(world.find(SearchQuery::text_query(Kind::category, "rot")).empty());
    CHECK(world.find(SearchQuery::text_query(Kind::category, "_")) == Items{2});
    CHECK(world.find(SearchQuery::text_query(Kind::conversation, std::string("\0\x01\xFF", 3))) ==
          Items{1});
    CHECK(world.find(SearchQuery::combine(Kind::nothing, {})).empty());
  }
  SUBCASE("and, or, not") {
    world.put({document(1, "red apple"), document(2, "green apple"), document(3, "red pear")});
    const auto text = [](const char* words) { return SearchQuery::text_query(Kind::words, words); };
    CHECK(world.find(SearchQuery::combine(Kind::all_of, {text("red"), text("apple")})) == Items{1});
    CHECK(world.find(SearchQuery::combine(Kind::any_of, {text("green"), text("pear")})) ==
          Items{3, 2});
    CHECK(world.find(SearchQuery::combine(Kind::none_of, {text("green"), text("pear")})) ==
          Items{1});
    CHECK(world.find(SearchQuery::combine(
              Kind::all_of, {text("apple"), SearchQuery::combine(Kind::none_of, {text("red")}),
                             SearchQuery::range(Column::size, 0, 1000)})) == Items{2});
    CHECK(world.find(SearchQuery::combine(Kind::all_of, {})) == Items{3, 2, 1});
    CHECK(world.find(SearchQuery::combine(Kind::any_of, {})).empty());
  }
  SUBCASE("a query without end is refused") {
    SearchQuery deep;
    for (int i = 0; i < 50; ++i) deep = SearchQuery::combine(Kind::none_of, {deep});
    const std::vector<storage::CollectionId> folders = {5};
    CHECK(kind_of(world.index->search(1, folders, deep, 0, 10)) == "invalid");
    const SearchQuery wide =
        SearchQuery::combine(Kind::any_of, std::vector<SearchQuery>(1000, SearchQuery{}));
    CHECK(kind_of(world.index->search(1, folders, wide, 0, 10)) == "invalid");
    std::string words;
    for (int i = 0; i < 500; ++i) words += "word ";
    CHECK(kind_of(world.index->search(1, folders, SearchQuery::text_query(Kind::words, words), 0,
                                      10)) == "invalid");
  }
  SUBCASE("pages: newest first, the total whatever the page") {
    std::vector<SearchDocument> many;
    for (int i = 1; i <= 25; ++i) many.push_back(document(i, "same"));
    many[3].date = many[4].date;
    world.put(many);
    const std::vector<storage::CollectionId> folders = {5};
    const SearchQuery query = SearchQuery::text_query(Kind::words, "same");
    const auto page = ok(world.index->search(1, folders, query, 18, 5));
    REQUIRE(page.hits.size() == 5);
    CHECK(page.total == 25);
    CHECK(page.hits[0].item == 7);
    CHECK(page.hits[2].item == 5);  // of the same date: by id
    CHECK(page.hits[3].item == 4);
    CHECK(page.hits[0].folder == 5);
    CHECK(page.hits[0].date == 7000);
    CHECK(page.hits[0].created_seq == 7);
    CHECK(ok(world.index->search(1, folders, query, 100, 5)).total == 25);
    CHECK(ok(world.index->search(1, folders, query, 0, 0)).total == 25);
  }
}

TEST_CASE_TEMPLATE_DEFINE("search index: changes", Backend, search_changes) {
  using namespace test;
  namespace flag = storage::search_flag;
  const Backend backend;
  if (!backend.available()) return;
  SearchWorld world(backend.open());

  SUBCASE("put again replaces, removed is not found any more") {
    world.put({document(1, "before"), document(2, "other")});
    world.put({document(1, "after")});
    CHECK(world.words("before").empty());
    CHECK(world.words("after") == Items{1});
    CHECK(world.find({}) == Items{2, 1});
    storage::SearchBatch batch;
    batch.removed = {1, 77};
    world.apply(std::move(batch));
    CHECK(world.words("after").empty());
    CHECK(world.find({}) == Items{2});
  }
  SUBCASE("flags change, what came with the texts stays") {
    SearchDocument mail = document(1, "x");
    mail.flags = flag::kSeen | flag::kAttachments;
    mail.categories = {"old"};
    world.put({mail});
    storage::SearchBatch batch;
    batch.flags = {{1, flag::kFlagged, {"new"}}, {99, flag::kSeen, {}}};
    world.apply(std::move(batch));
    CHECK(world.find(SearchQuery::with_flags(flag::kSeen)).empty());
    CHECK(world.find(SearchQuery::with_flags(flag::kFlagged | flag::kAttachments)) == Items{1});
    CHECK(world.find(SearchQuery::text_query(Kind::category, "new")) == Items{1});
    CHECK(world.find(SearchQuery::text_query(Kind::category, "old")).empty());
  }
  SUBCASE("folders and users are apart") {
    world.put({document(1, "secret")}, 5, 1);
    world.put({document(1, "secret")}, 6, 1);
    world.put({document(8, "secret")}, 5, 12);
    const SearchQuery query = SearchQuery::text_query(Kind::words, "secret");
    CHECK(world.find(query, {5, 6}) == Items{1, 1});
    CHECK(world.find(query, {6}) == Items{1});
    CHECK(world.find(query, {7}).empty());
    CHECK(world.find(query, {}).empty());
    CHECK(world.find(query, {5}, 12) == Items{8});
    CHECK(world.find(query, {5}, 2).empty());
    CHECK(ok(world.index->users()) == std::vector<std::int64_t>{1, 12});
    CHECK(ok(world.index->folders(1)) == std::vector<storage::CollectionId>{5, 6});
  }
  SUBCASE("a folder is forgotten step by step") {
    std::vector<SearchDocument> many;
    for (int i = 1; i <= 700; ++i) many.push_back(document(i, "same"));
    world.put(many);
    world.put({document(1, "same")}, 6);
    CHECK_FALSE(ok(world.index->forget_some(1, 5)));
    CHECK(ok(world.index->progress(1, 5)).has_value());
    CHECK(ok(world.index->forget_some(1, 5)));
    CHECK_FALSE(ok(world.index->progress(1, 5)).has_value());
    CHECK(world.words("same").empty());
    CHECK(world.find(SearchQuery::text_query(Kind::words, "same"), {6}) == Items{1});
    CHECK(ok(world.index->forget_some(1, 5)));
  }
  SUBCASE("progress is kept, and who is late is told so and writes nothing") {
    storage::SearchBatch batch;
    batch.put = {document(1, "first")};
    batch.next = {7, 9, {1234, 5}, false};
    ok(world.index->apply(1, 5, std::nullopt, batch));
    CHECK(ok(world.index->progress(1, 5)) == batch.next);
    CHECK_FALSE(ok(world.index->progress(1, 6)).has_value());
    storage::SearchBatch late;
    late.put = {document(2, "late")};
    late.next.cursor = 100;
    CHECK(kind_of(world.index->apply(1, 5, std::nullopt, late)) == "conflict");
    CHECK(world.words("late").empty());
    CHECK(ok(world.index->progress(1, 5)) == batch.next);
  }
  SUBCASE("an index of another version is made anew") {
    world.put({document(1, "old")});
    ok(world.database->write([](storage::Connection& connection) -> storage::Result<void> {
      GODWIT_TRY(connection.execute("UPDATE search_version SET version = version + 1"));
      return {};
    }));
    const auto again = ok(storage::open_search_index(*world.database));
    CHECK_FALSE(ok(again->progress(1, 5)).has_value());
    CHECK(world.words("old").empty());
  }
}
