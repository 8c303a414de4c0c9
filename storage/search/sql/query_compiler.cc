// Texts that must all be found are handed to the text table together: FTS5 intersects its lists
// much faster than SQL does.
#include "storage/search/sql/query_compiler.h"

#include <algorithm>
#include <utility>

namespace storage::search {
namespace {

using Kind = SearchQuery::Kind;

std::string one_category(std::string_view category) {
  std::string folded = fold_label(category);
  std::replace(folded.begin(), folded.end(), '\n', ' ');
  std::erase(folded, '\0');
  return folded;
}

std::string escaped_for_like(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '%' || c == '_' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

const char* column_name(SearchQuery::Column column) {
  switch (column) {
    case SearchQuery::Column::received:
      return "i.received";
    case SearchQuery::Column::sent:
      return "i.sent";
    case SearchQuery::Column::size:
      return "i.size";
    case SearchQuery::Column::importance:
      return "i.importance";
  }
  return "i.received";
}

bool is_text(Kind kind) {
  return kind == Kind::words || kind == Kind::exact_words || kind == Kind::phrase ||
         kind == Kind::phrase_start;
}

std::vector<TokenPhrase> phrases_of(const SearchQuery& query) {
  switch (query.kind) {
    case Kind::words:
      return word_tokens(query.text, true);
    case Kind::exact_words:
      return word_tokens(query.text, false);
    case Kind::phrase:
      return phrase_tokens(query.text, false);
    default:
      return phrase_tokens(query.text, true);
  }
}

class Compiler {
 public:
  Compiler(std::int64_t user_id, const TextTable& table, Statement& statement)
      : prefix_(word_prefix(user_id)), table_(table), statement_(statement) {}

  Result<void> compile(const SearchQuery& query, int depth) {
    if (depth > search_limits::kQueryDepth || ++nodes_ > search_limits::kQueryNodes) {
      return fail(ErrorKind::invalid, "the query is too complex");
    }
    std::string& sql = statement_.sql;
    switch (query.kind) {
      case Kind::everything:
        sql += "1 = 1";
        return {};
      case Kind::nothing:
        sql += "1 = 0";
        return {};
      case Kind::number:
        sql += std::string(column_name(query.column)) + " BETWEEN " + statement_.add(query.low) +
               " AND " + statement_.add(query.high);
        return {};
      case Kind::flag: {
        const auto wanted = static_cast<std::int64_t>(query.flags);
        sql += "(i.flags & " + statement_.add(wanted) + ") = " + statement_.add(wanted);
        return {};
      }
      case Kind::category:
        sql += "i.categories LIKE " +
               statement_.add("%\n" + escaped_for_like(one_category(query.text)) + "\n%") +
               " ESCAPE '\\'";
        return {};
      case Kind::conversation:
        sql += "i.conversation = " + statement_.add(Blob{query.text});
        return {};
      case Kind::all_of:
        return compile_all(query, depth);
      case Kind::any_of:
      case Kind::none_of:
        return compile_any(query, depth);
      default:
        return compile_text({&query});
    }
  }

 private:
  Result<void> compile_text(const std::vector<const SearchQuery*>& texts) {
    std::vector<ScopedPhrase> phrases;
    bool impossible = false;
    for (const SearchQuery* text : texts) {
      std::vector<TokenPhrase> found = phrases_of(*text);
      // "tom & jerry": a sign among words is no condition.
      const bool words = text->kind == Kind::words || text->kind == Kind::exact_words;
      impossible = impossible || (found.empty() && !words);
      for (TokenPhrase& phrase : found) phrases.push_back({std::move(phrase), text->fields});
    }
    words_ += phrases.size();
    if (words_ > static_cast<std::size_t>(search_limits::kQueryWords)) {
      return fail(ErrorKind::invalid, "the query has too many words");
    }
    if (impossible || phrases.empty()) {
      statement_.sql += "1 = 0";
      return {};
    }
    table_.add_condition("i.id", prefix_, phrases, statement_);
    return {};
  }

  Result<void> compile_all(const SearchQuery& query, int depth) {
    std::vector<const SearchQuery*> texts;
    statement_.sql += "(1 = 1";
    for (const SearchQuery& child : query.children) {
      if (is_text(child.kind)) {
        texts.push_back(&child);
        continue;
      }
      statement_.sql += " AND ";
      GODWIT_TRY(compile(child, depth + 1));
    }
    if (!texts.empty()) {
      statement_.sql += " AND ";
      GODWIT_TRY(compile_text(texts));
    }
    statement_.sql += ")";
    return {};
  }

  Result<void> compile_any(const SearchQuery& query, int depth) {
    statement_.sql += query.kind == Kind::none_of ? "NOT (1 = 0" : "(1 = 0";
    for (const SearchQuery& child : query.children) {
      statement_.sql += " OR (";
      GODWIT_TRY(compile(child, depth + 1));
      statement_.sql += ")";
    }
    statement_.sql += ")";
    return {};
  }

  const std::string prefix_;
  const TextTable& table_;
  Statement& statement_;
  int nodes_ = 0;
  std::size_t words_ = 0;
};

}  // namespace

std::string category_lines(const std::vector<std::string>& categories) {
  if (categories.empty()) return {};
  std::string lines = "\n";
  for (const std::string& category : categories) lines += one_category(category) + "\n";
  return lines;
}

bool requires_text(const SearchQuery& query) {
  if (is_text(query.kind)) return true;
  return query.kind == Kind::all_of &&
         std::any_of(query.children.begin(), query.children.end(), requires_text);
}

Result<void> compile_query(const SearchQuery& query, std::int64_t user_id, const TextTable& table,
                           Statement& statement) {
  return Compiler(user_id, table, statement).compile(query, 0);
}

}  // namespace storage::search
