// SQLite: one row of an FTS5 table per message, a column per field. The words are cut and folded
// here (tokens.h), so FTS5 has only to part them at blanks: its `ascii` tokenizer takes everything
// beyond ASCII for letters.
#include "storage/search/sql/text_table.h"

namespace storage::search {
namespace {

constexpr std::array<const char*, kSearchFields> kColumns = {
    "subject", "sender", "receiver", "copied", "blind", "body", "attachment"};

std::string column_filter(unsigned fields) {
  if (fields == 0) return {};
  std::string filter = "{";
  for (std::size_t i = 0; i < kColumns.size(); ++i) {
    if ((fields & (1u << i)) != 0)
      filter += std::string(filter.size() > 1 ? " " : "") + kColumns[i];
  }
  return filter + "} : ";
}

class Fts5Table final : public TextTable {
 public:
  std::string_view schema() const override {
    return "CREATE VIRTUAL TABLE search_text USING fts5(subject, sender, receiver, copied, blind, "
           "body, attachment, tokenize=\"ascii tokenchars '_'\", columnsize=0)";
  }
  std::string_view key_type() const override { return "INTEGER PRIMARY KEY"; }

  Result<void> put(Connection& connection, std::int64_t user_id, std::int64_t key,
                   const std::array<std::string, kSearchFields>& texts) const override {
    const std::string prefix = word_prefix(user_id);
    std::vector<SqlValue> values = {key};
    for (const std::string& text : texts) {
      std::string words;
      for (const std::string& token : index_tokens(text, search_limits::kTokensPerField)) {
        if (!words.empty()) words += ' ';
        words += prefix;
        words += token;
      }
      values.emplace_back(std::move(words));
    }
    GODWIT_TRY(connection.execute(
        "INSERT INTO search_text (rowid, subject, sender, receiver, copied, blind, body, "
        "attachment) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        values));
    return {};
  }

  Result<void> remove(Connection& connection, std::int64_t key) const override {
    GODWIT_TRY(connection.execute("DELETE FROM search_text WHERE rowid = $1", {key}));
    return {};
  }

  void add_condition(std::string_view column, const std::string& prefix,
                     const std::vector<ScopedPhrase>& phrases,
                     Statement& statement) const override {
    std::string match;
    for (const ScopedPhrase& scoped : phrases) {
      if (!match.empty()) match += " AND ";
      match += '(' + column_filter(scoped.fields) + '"';
      for (std::size_t i = 0; i < scoped.phrase.tokens.size(); ++i) {
        if (i > 0) match += ' ';
        match += prefix + scoped.phrase.tokens[i];
      }
      match += scoped.phrase.open ? "\" *)" : "\")";
    }
    statement.sql += std::string(column) +
                     " IN (SELECT rowid FROM search_text WHERE search_text MATCH " +
                     statement.add(std::move(match)) + ")";
  }
};

}  // namespace

std::unique_ptr<TextTable> make_fts5_table() { return std::make_unique<Fts5Table>(); }

}  // namespace storage::search
