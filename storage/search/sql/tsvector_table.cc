// PostgreSQL: a tsvector keeps at most 256 places of a word and no place beyond 16,383, so a long
// field is cut into rows that stay within both. Neighbouring rows overlap by a phrase, so that a
// phrase is found wherever the cut falls. The words are written by us (tokens.h); no text search
// configuration of the server has a say.
#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "storage/search/sql/text_table.h"

namespace storage::search {
namespace {

constexpr std::size_t kMostPlaces = 8000;  // in one row
constexpr int kMostOfOneWord = 200;

std::string quoted(const std::string& prefix, const std::string& token) {
  return "'" + prefix + token + "'";  // a token has letters and digits only
}

// The words from `from` on that fit into one row, as a tsvector; `end` is the first that does not.
std::string vector_text(const std::string& prefix, const std::vector<std::string>& tokens,
                        std::size_t from, std::size_t& end) {
  std::unordered_map<std::string_view, int> seen;
  std::string text;
  for (end = from; end < tokens.size() && end - from < kMostPlaces; ++end) {
    if (++seen[tokens[end]] > kMostOfOneWord) break;
    if (!text.empty()) text += ' ';
    text += quoted(prefix, tokens[end]) + ':' + std::to_string(end - from + 1);
  }
  return text;
}

class TsvectorTable final : public TextTable {
 public:
  std::string_view schema() const override {
    return "CREATE TABLE search_text (item BIGINT NOT NULL, field BIGINT NOT NULL, piece BIGINT "
           "NOT NULL, words TSVECTOR NOT NULL, PRIMARY KEY (item, field, piece));"
           "CREATE INDEX search_text_words ON search_text USING GIN (words)";
  }
  std::string_view key_type() const override {
    return "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY";
  }

  Result<void> put(Connection& connection, std::int64_t user_id, std::int64_t key,
                   const std::array<std::string, kSearchFields>& texts) const override {
    const std::string prefix = word_prefix(user_id);
    for (std::size_t field = 0; field < texts.size(); ++field) {
      const auto tokens = index_tokens(texts[field], search_limits::kTokensPerField);
      std::int64_t piece = 0;
      for (std::size_t from = 0; from < tokens.size(); ++piece) {
        std::size_t end = from;
        std::string words = vector_text(prefix, tokens, from, end);
        GODWIT_TRY(
            connection.execute("INSERT INTO search_text (item, field, piece, words) VALUES "
                               "($1, $2, $3, $4::tsvector)",
                               {key, static_cast<std::int64_t>(field), piece, std::move(words)}));
        if (end == tokens.size()) break;
        from = std::max(from + 1, end - std::min(end, kMostPhrase - 1));
      }
    }
    return {};
  }

  Result<void> remove(Connection& connection, std::int64_t key) const override {
    GODWIT_TRY(connection.execute("DELETE FROM search_text WHERE item = $1", {key}));
    return {};
  }

  void add_condition(std::string_view column, const std::string& prefix,
                     const std::vector<ScopedPhrase>& phrases,
                     Statement& statement) const override {
    for (std::size_t at = 0; at < phrases.size(); ++at) {
      const ScopedPhrase& scoped = phrases[at];
      std::string query;
      for (const std::string& token : scoped.phrase.tokens) {
        if (!query.empty()) query += " <-> ";
        query += quoted(prefix, token);
      }
      if (scoped.phrase.open) query += ":*";
      if (at > 0) statement.sql += " AND ";
      statement.sql +=
          std::string(column) + " IN (SELECT t.item FROM search_text t WHERE t.words @@ " +
          statement.add(std::move(query)) + "::tsquery" + field_filter(scoped.fields) + ")";
    }
  }

 private:
  static std::string field_filter(unsigned fields) {
    if (fields == 0) return {};
    std::string list;
    for (unsigned i = 0; i < kSearchFields; ++i) {
      if ((fields & (1u << i)) != 0) list += (list.empty() ? "" : ", ") + std::to_string(i);
    }
    return " AND t.field IN (" + list + ")";
  }
};

}  // namespace

std::unique_ptr<TextTable> make_tsvector_table() { return std::make_unique<TsvectorTable>(); }

}  // namespace storage::search
