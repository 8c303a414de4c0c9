// Where the two drivers differ: the table with the words of the messages, and how it is asked.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"
#include "storage/search/search_index.h"
#include "storage/search/tokens.h"
#include "storage/sql/database.h"

namespace storage::search {

// A statement under construction, with its parameters.
struct Statement {
  std::string sql;
  std::vector<SqlValue> parameters;
  // Adds a value and returns its name, "$3".
  std::string add(SqlValue value) {
    parameters.push_back(std::move(value));
    return "$" + std::to_string(parameters.size());
  }
};

// A phrase that is looked for in some of the fields (field_bit()s; 0: all).
struct ScopedPhrase {
  TokenPhrase phrase;
  unsigned fields = 0;
};

// What stands before each word of the index: so each user has words of their own, and what others
// have neither slows a search down nor can be found by it.
inline std::string word_prefix(std::int64_t user_id) { return std::to_string(user_id) + "_"; }

// Stateless; thread-safe.
class TextTable {
 public:
  virtual ~TextTable() = default;
  // The statements that make the table `search_text`.
  virtual std::string_view schema() const = 0;
  // The type of the key of `search_item`, which numbers the rows itself.
  virtual std::string_view key_type() const = 0;
  virtual Result<void> put(Connection& connection, std::int64_t user_id, std::int64_t key,
                           const std::array<std::string, kSearchFields>& texts) const = 0;
  virtual Result<void> remove(Connection& connection, std::int64_t key) const = 0;
  // Appends the condition that `column`, a key, is of a message with all of these phrases.
  // REQUIRES: at least one.
  virtual void add_condition(std::string_view column, const std::string& prefix,
                             const std::vector<ScopedPhrase>& phrases,
                             Statement& statement) const = 0;
};

std::unique_ptr<TextTable> make_fts5_table();
std::unique_ptr<TextTable> make_tsvector_table();

}  // namespace storage::search
