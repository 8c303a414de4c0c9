// From the tree of a query to the condition of a SELECT over `search_item i`.
#pragma once

#include <cstdint>

#include "storage/base/result.h"
#include "storage/search/search_index.h"
#include "storage/search/sql/text_table.h"

namespace storage::search {

// How a message's categories are kept: folded, one a line, with a line end before and after each.
std::string category_lines(const std::vector<std::string>& categories);

// Whether whatever matches has a word of the query in it.
bool requires_text(const SearchQuery& query);

// Appends the condition to the statement. invalid: over search_limits; the statement is then of no
// use.
Result<void> compile_query(const SearchQuery& query, std::int64_t user_id, const TextTable& table,
                           Statement& statement);

}  // namespace storage::search
