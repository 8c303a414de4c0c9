// A recursive descent parser over the text itself. Depth is counted, so that no input reaches the
// end of the stack, and every step takes at least one byte.
#include "server/search/kql.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "server/search/kql_properties.h"
#include "storage/base/text.h"

namespace eas {
namespace {

using kql::Operator;
using kql::Property;
using kql::Value;
using storage::ErrorKind;
using storage::fail;
using storage::Result;
using storage::SearchQuery;
using Kind = SearchQuery::Kind;

constexpr int kMostDepth = 8;  // each level makes at most three in the query
constexpr std::string_view kQuotes = "\"";
constexpr std::string_view kLeftQuote = "\xE2\x80\x9C";  // phones write them by themselves
constexpr std::string_view kRightQuote = "\xE2\x80\x9D";

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// One term and whose it is, for terms side by side.
struct Term {
  SearchQuery query;
  const Property* property = nullptr;
};

class Parser {
 public:
  Parser(std::string_view text, storage::UnixMillis now) : text_(text), now_(now) {}

  Result<SearchQuery> parse() {
    GODWIT_ASSIGN(SearchQuery query, parse_any(nullptr, 0));
    if (at_ < text_.size()) return problem("a parenthesis that was never opened");
    return query;
  }

 private:
  static tl::unexpected<storage::Error> problem(const char* what) {
    return fail(ErrorKind::invalid, std::string("KQL: ") + what);
  }

  void skip_blanks() {
    while (at_ < text_.size()) {
      if (is_blank(text_[at_])) {
        ++at_;
      } else if (text_.substr(at_).starts_with("\xE3\x80\x80")) {  // the wide blank of Japanese
        at_ += 3;
      } else {
        return;
      }
    }
  }
  bool at_end() {
    skip_blanks();
    return at_ >= text_.size() || text_[at_] == ')';
  }
  // Takes an operator in upper case that stands alone.
  bool take_word(std::string_view word) {
    skip_blanks();
    const std::string_view rest = text_.substr(at_);
    if (!rest.starts_with(word)) return false;
    if (rest.size() > word.size() && !is_blank(rest[word.size()]) && rest[word.size()] != '(' &&
        rest[word.size()] != ')') {
      return false;
    }
    at_ += word.size();
    return true;
  }
  // NEAR, NEAR(n=4), ONEAR(8).
  bool take_near() {
    if (!take_word("NEAR") && !take_word("ONEAR")) return false;
    if (at_ < text_.size() && text_[at_] == '(') {
      const std::size_t close = text_.find(')', at_);
      if (close != std::string_view::npos && close - at_ < 10) at_ = close + 1;
    }
    return true;
  }

  // `scope`: the property that words without one belong to.
  Result<SearchQuery> parse_any(const Property* scope, int depth) {
    if (depth > kMostDepth) return problem("too deep");
    std::vector<SearchQuery> choices;
    do {
      GODWIT_ASSIGN(SearchQuery all, parse_all(scope, depth));
      choices.push_back(std::move(all));
    } while (take_word("OR"));
    if (choices.size() == 1) return std::move(choices.front());
    return SearchQuery::combine(Kind::any_of, std::move(choices));
  }

  Result<SearchQuery> parse_all(const Property* scope, int depth) {
    std::vector<Term> terms;
    bool joined = true;  // an operator stands before the next term, or nothing does
    for (;;) {
      GODWIT_ASSIGN(Term term, parse_term(scope, depth));
      if (!joined && term.property != nullptr && terms.back().property == term.property) {
        join(terms.back(), std::move(term));
      } else {
        terms.push_back(std::move(term));
      }
      joined = take_word("AND") || take_near();
      if (joined) continue;
      if (at_end()) break;
      const std::size_t here = at_;
      const bool next_choice = take_word("OR");
      at_ = here;
      if (next_choice) break;
    }
    if (terms.size() == 1) return std::move(terms.front().query);
    std::vector<SearchQuery> all;
    all.reserve(terms.size());
    for (Term& term : terms) all.push_back(std::move(term.query));
    return SearchQuery::combine(Kind::all_of, std::move(all));
  }

  // Terms side by side of one property: any of them. [MS-KQL] 2.1.12
  static void join(Term& before, Term term) {
    if (before.query.kind != Kind::any_of) {
      std::vector<SearchQuery> one;
      one.push_back(std::move(before.query));
      before.query = SearchQuery::combine(Kind::any_of, std::move(one));
    }
    before.query.children.push_back(std::move(term.query));
  }

  Result<Term> parse_term(const Property* scope, int depth) {
    if (depth > kMostDepth) return problem("too deep");
    if (at_end()) return problem("an operator without a term, or nothing at all");
    bool negative = take_word("NOT");
    skip_blanks();
    if (!negative && at_ < text_.size() && (text_[at_] == '-' || text_[at_] == '+')) {
      negative = text_[at_] == '-';
      ++at_;
      if (at_ >= text_.size() || is_blank(text_[at_])) {
        // A dash between words is no operator.
        return Term{SearchQuery{}, nullptr};
      }
    }
    if (negative) {
      GODWIT_ASSIGN(Term term, parse_term(scope, depth + 1));
      std::vector<SearchQuery> one;
      one.push_back(std::move(term.query));
      return Term{SearchQuery::combine(Kind::none_of, std::move(one)), nullptr};
    }
    if (at_end()) return problem("an operator without a term");
    if (text_[at_] == '(') {
      GODWIT_ASSIGN(SearchQuery group, parse_group(scope, depth));
      return Term{std::move(group), nullptr};
    }
    if (take_word("AND") || take_word("OR") || take_word("NOT")) {
      return problem("an operator without a term");
    }
    if (const Property* property = take_property()) return parse_property(*property, depth);
    GODWIT_ASSIGN(const Value value, take_value(false));
    if (scope != nullptr) {
      GODWIT_ASSIGN(SearchQuery query, property_query(*scope, Operator::equal, value, now_));
      return Term{std::move(query), nullptr};
    }
    if (value.text.empty() && value.open) return Term{SearchQuery{}, nullptr};  // "*"
    return Term{kql::text_query(value, 0), nullptr};
  }

  Result<SearchQuery> parse_group(const Property* scope, int depth) {
    ++at_;
    GODWIT_ASSIGN(SearchQuery group, parse_any(scope, depth + 1));
    skip_blanks();
    if (at_ >= text_.size()) return problem("a parenthesis is not closed");
    ++at_;
    return group;
  }

  // "from:" and "size>=": the property, when there is one of that name; at_ is then at the
  // operator.
  const Property* take_property() {
    std::size_t end = at_;
    while (end < text_.size() && ((text_[end] | 0x20) >= 'a' && (text_[end] | 0x20) <= 'z')) ++end;
    if (end == at_ || end >= text_.size()) return nullptr;
    if (std::string_view(":=<>").find(text_[end]) == std::string_view::npos) return nullptr;
    const Property* property = kql::find_property(text_.substr(at_, end - at_));
    if (property != nullptr) at_ = end;
    return property;
  }

  Operator take_operator() {
    const std::string_view rest = text_.substr(at_);
    const auto take = [&](std::size_t length, Operator op) {
      at_ += length;
      return op;
    };
    if (rest.starts_with("<>")) return take(2, Operator::not_equal);
    if (rest.starts_with("<=")) return take(2, Operator::less_equal);
    if (rest.starts_with(">=")) return take(2, Operator::greater_equal);
    if (rest.starts_with("<")) return take(1, Operator::less);
    if (rest.starts_with(">")) return take(1, Operator::greater);
    // "received:>=2026-01-01" is written too.
    if (rest.size() > 1 && rest[0] == ':' && (rest[1] == '<' || rest[1] == '>' || rest[1] == '=')) {
      ++at_;
      return take_operator();
    }
    return take(1, Operator::equal);
  }

  Result<Term> parse_property(const Property& property, int depth) {
    const Operator op = take_operator();
    skip_blanks();
    if (at_ >= text_.size() || text_[at_] == ')') return problem("a property without a value");
    if (text_[at_] == '(' && op == Operator::equal) {
      GODWIT_ASSIGN(SearchQuery group, parse_group(&property, depth));
      return Term{std::move(group), &property};
    }
    GODWIT_ASSIGN(const Value value, take_value(true));
    if (op == Operator::equal) {
      std::string_view from = value.text;
      std::string_view to;
      if (const std::size_t dots = from.find(".."); !value.quoted && dots != from.npos) {
        to = from.substr(dots + 2);
        from = from.substr(0, dots);
      } else if (text_.substr(at_).starts_with("..")) {
        at_ += 2;
        GODWIT_ASSIGN(const Value end, take_value(true));
        to = end.text;
      }
      if (!to.empty()) {
        GODWIT_ASSIGN(SearchQuery range, range_query(property, from, to, now_));
        return Term{std::move(range), &property};
      }
    }
    GODWIT_ASSIGN(SearchQuery query, property_query(property, op, value, now_));
    return Term{std::move(query), &property};
  }

  // A quoted text, or all up to the next blank or parenthesis; with the * after it.
  Result<Value> take_value(bool of_property) {
    const std::string_view rest = text_.substr(at_);
    for (const auto& [open, close] :
         {std::pair(kQuotes, kQuotes), std::pair(kLeftQuote, kRightQuote)}) {
      if (!rest.starts_with(open)) continue;
      std::size_t end = rest.find(close, open.size());
      std::size_t length = close.size();
      if (end == std::string_view::npos && open != kQuotes) {
        end = rest.find(kQuotes, open.size());
        length = 1;
      }
      if (end == std::string_view::npos) return problem("a quote is not closed");
      Value value{storage::trim(rest.substr(open.size(), end - open.size())), true, false};
      at_ += end + length;
      if (at_ < text_.size() && text_[at_] == '*') {
        ++at_;
        value.open = true;
      }
      if (value.text.ends_with('*')) {
        value.text.remove_suffix(1);
        value.open = true;
      }
      return value;
    }
    std::size_t end = 0;
    while (end < rest.size() && !is_blank(rest[end]) && rest[end] != '(' && rest[end] != ')' &&
           rest[end] != '"' && !rest.substr(end).starts_with("\xE3\x80\x80")) {
      ++end;
    }
    if (end == 0) return problem(of_property ? "a property without a value" : "a term is missing");
    Value value{rest.substr(0, end), false, false};
    at_ += end;
    while (value.text.ends_with('*')) {
      value.text.remove_suffix(1);
      value.open = true;
    }
    return value;
  }

  const std::string_view text_;
  const storage::UnixMillis now_;
  std::size_t at_ = 0;
};

}  // namespace

Result<SearchQuery> parse_kql(std::string_view text, storage::UnixMillis now) {
  if (text.size() > kMostKql) return fail(ErrorKind::invalid, "KQL: too long");
  return Parser(text, now).parse();
}

}  // namespace eas
