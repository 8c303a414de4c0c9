#include "server/search/kql.h"

#include <doctest/doctest.h>

#include <string>

namespace {

using storage::SearchQuery;
using Kind = SearchQuery::Kind;
using storage::SearchField;

constexpr storage::UnixMillis kNow = 1'795'000'000'000;  // Wednesday, 2026-11-18

std::string number(std::int64_t value) {
  if (value == std::numeric_limits<std::int64_t>::min()) return "";
  if (value == std::numeric_limits<std::int64_t>::max()) return "";
  return std::to_string(value);
}

std::string fields(unsigned bits) {
  constexpr const char* kNames[] = {"subject", "from", "to", "cc", "bcc", "body", "file"};
  std::string out;
  for (std::size_t i = 0; i < storage::kSearchFields; ++i) {
    if ((bits & (1u << i)) != 0) out += (out.empty() ? "" : "|") + std::string(kNames[i]);
  }
  return out.empty() ? out : out + ":";
}

// A query as text: (a & b), (a | b), !(a), words as they are, 'phrases', received[from,to].
std::string print(const SearchQuery& query);

std::string print_all(const SearchQuery& query, const char* between) {
  std::string out = "(";
  for (const SearchQuery& child : query.children) {
    if (out.size() > 1) out += between;
    out += print(child);
  }
  return out + ")";
}

std::string print(const SearchQuery& query) {
  constexpr const char* kColumns[] = {"received", "sent", "size", "importance"};
  switch (query.kind) {
    case Kind::everything:
      return "all";
    case Kind::nothing:
      return "none";
    case Kind::words:
    case Kind::exact_words:
      return fields(query.fields) + query.text;
    case Kind::phrase:
      return fields(query.fields) + "'" + query.text + "'";
    case Kind::phrase_start:
      return fields(query.fields) + "'" + query.text + "'*";
    case Kind::number:
      return kColumns[static_cast<int>(query.column)] + ("[" + number(query.low)) + "," +
             number(query.high) + "]";
    case Kind::flag:
      return "flag" + std::to_string(query.flags);
    case Kind::category:
      return "category:" + query.text;
    case Kind::conversation:
      return "conversation";
    case Kind::all_of:
      return print_all(query, " & ");
    case Kind::any_of:
      return print_all(query, " | ");
    case Kind::none_of:
      return "!" + print_all(query, " | ");
  }
  return "?";
}

std::string parsed(std::string_view text) {
  const auto query = eas::parse_kql(text, kNow);
  return query ? print(*query) : storage::to_string(query.error().kind);
}

struct Case {
  const char* text;
  const char* expected;
};

template <std::size_t N>
void check_all(const Case (&cases)[N]) {
  for (const Case& one : cases) {
    CAPTURE(one.text);
    CHECK(parsed(one.text) == one.expected);
  }
}

}  // namespace

TEST_CASE("KQL: words, phrases, operators and what binds more tightly") {
  check_all({
      {"word", "word"},
      {"two words", "(two & words)"},
      {"\"two words\"", "'two words'"},
      {"\"two wor*\"", "'two wor'*"},
      {"\"two wor\"*", "'two wor'*"},
      {"wor*", "wor"},
      {"\xE2\x80\x9Ctwo words\xE2\x80\x9D", "'two words'"},
      {"a AND b", "(a & b)"},
      {"a OR b", "(a | b)"},
      {"a OR b c", "(a | (b & c))"},
      {"a b OR c d OR e", "((a & b) | (c & d) | e)"},
      {"(a OR b) c", "((a | b) & c)"},
      {"NOT a", "!(a)"},
      {"a NOT b", "(a & !(b))"},
      {"a AND NOT (b OR c)", "(a & !((b | c)))"},
      {"-a +b", "(!(a) & b)"},
      {"a - b", "(a & all & b)"},
      {"a NEAR(n=4) b", "(a & b)"},
      {"a ONEAR b", "(a & b)"},
      {"and or not", "(and & or & not)"},
      {"ANDROID ORacle NOTes", "(ANDROID & ORacle & NOTes)"},
      {"*", "all"},
      {"東京　会議", "(東京 & 会議)"},
      {"e-mail", "e-mail"},
      {"http://example.org/a", "http://example.org/a"},
      {"foo:bar", "foo:bar"},
      {"10:30", "10:30"},
  });
}

TEST_CASE("KQL: the properties of text") {
  check_all({
      {"subject:report", "subject:report"},
      {"SUBJECT:report", "subject:report"},
      {"subject=report", "subject:report"},
      {"subject: report", "subject:report"},
      {"subject:\"quarterly report\" x", "(subject:'quarterly report' & x)"},
      {"from:anna@example.org", "from:anna@example.org"},
      {"sender:anna", "from:anna"},
      {"to:a", "to:a"},
      {"cc:a", "cc:a"},
      {"bcc:a", "bcc:a"},
      {"participants:a", "from|to|cc|bcc:a"},
      {"recipients:a", "to|cc|bcc:a"},
      {"body:a", "body:a"},
      {"attachment:plan.pdf", "file:plan.pdf"},
      {"attachmentnames:plan", "file:plan"},
      {"subject<>draft", "!(subject:draft)"},
      {"subject:(a OR \"b c\")", "(subject:a | subject:'b c')"},
      {"subject:(a b)", "(subject:a & subject:b)"},
      {"category:\"Red category\"", "category:Red category"},
  });
}

TEST_CASE("KQL: terms of one property side by side are a choice, others must all match") {
  check_all({
      {"from:a from:b", "(from:a | from:b)"},
      {"from:a from:b subject:c x", "((from:a | from:b) & subject:c & x)"},
      {"from:a AND from:b", "(from:a & from:b)"},
      {"from:a to:b", "(from:a & to:b)"},
      {"from:(a) from:b AND from:c", "((from:a | from:b) & from:c)"},
  });
}

TEST_CASE("KQL: dates are days, months, years or moments, of UTC") {
  check_all({
      {"received:2026-01-31", "received[1769817600000,1769903999999]"},
      {"received=1/31/2026", "received[1769817600000,1769903999999]"},
      {"received>2026-01-31", "received[1769904000000,]"},
      {"received>=2026-01-31", "received[1769817600000,]"},
      {"received:>=2026-01-31", "received[1769817600000,]"},
      {"received<2026-01-31", "received[,1769817599999]"},
      {"received<=2026-01-31", "received[,1769903999999]"},
      {"received<>2026-01-31", "!(received[1769817600000,1769903999999])"},
      {"received:2026-01-30..2026-01-31", "received[1769731200000,1769903999999]"},
      {"received:\"2026-01-30\"..\"2026-01-31\"", "received[1769731200000,1769903999999]"},
      {"received:2026-01", "received[1767225600000,1769903999999]"},
      {"received:2026", "received[1767225600000,1798761599999]"},
      {"sent:2026-01-31T10:20:30Z", "sent[1769854830000,1769854830999]"},
      {"sent>=2026-01-31T10:20", "sent[1769854800000,]"},
      {"date:today", "received[1794960000000,1795046399999]"},
      {"received:yesterday", "received[1794873600000,1794959999999]"},
      {"received:\"this week\"", "received[1794700800000,1795305599999]"},
      {"received:\"last week\"", "received[1794096000000,1794700799999]"},
      {"received:\"this month\"", "received[1793491200000,1796083199999]"},
      {"received:\"last month\"", "received[1790812800000,1793491199999]"},
      {"received:\"last year\"", "received[1735689600000,1767225599999]"},
  });
}

TEST_CASE("KQL: size, importance, flags and kinds") {
  check_all({
      {"size>1024", "size[1025,]"},
      {"size:1kb..2MB", "size[1024,2097152]"},
      {"importance:high", "importance[2,2]"},
      {"importance:normal", "importance[1,1]"},
      {"importance<>low", "!(importance[0,0])"},
      {"hasattachment:true", "flag32"},
      {"hasattachments:no", "!(flag32)"},
      {"isread:false", "!(flag1)"},
      {"isflagged:yes", "flag2"},
      {"isdraft:1", "flag16"},
      {"kind:meetings", "flag64"},
      {"kind:email", "!(flag64)"},
      {"kind:contacts", "none"},
  });
}

TEST_CASE("KQL: what cannot be understood is invalid, not something else") {
  for (const char* text : {"",
                           "   ",
                           "\"open",
                           "(a",
                           "a)",
                           "()",
                           "a OR",
                           "OR a",
                           "AND",
                           "NOT",
                           "a AND",
                           "a AND OR b",
                           "subject:",
                           "subject:)",
                           "(subject:)",
                           "subject:\"\"",
                           "received:soon",
                           "received:2026-13",
                           "received:2026-02-30",
                           "received>",
                           "received:2026-01-01..",
                           "received:2026-01-01..x",
                           "size:big",
                           "size:1..x",
                           "importance:very",
                           "hasattachment:maybe",
                           "isread>1",
                           "kind:dogs",
                           "subject>a",
                           "subject:a..b",
                           "\xE2\x80\x9Copen"}) {
    CAPTURE(text);
    CHECK(parsed(text) == "invalid");
  }
  CHECK(parsed(std::string(5000, 'a')) == "invalid");
  CHECK(parsed(std::string(100, '(') + "a" + std::string(100, ')')) == "invalid");
  std::string nots;
  for (int i = 0; i < 500; ++i) nots += "NOT ";
  CHECK(parsed(nots + "a") == "invalid");
}
