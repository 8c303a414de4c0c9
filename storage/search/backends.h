// Opens the full-text index. One implementation per database driver.
#pragma once

#include <memory>

#include "storage/base/result.h"
#include "storage/search/search_index.h"
#include "storage/sql/database.h"

namespace storage {

// Brings the tables up to date and opens the index; one that an older version made in another way
// is emptied first. `database` must outlive it. On SQLite give it a database of its own: batches of
// the index then never hold up the writer of the other stores. Failure: what the database says.
Result<std::unique_ptr<SearchIndex>> open_search_index(Database& database);

// Opens the SQLite database of an index; one that is damaged is deleted and made anew. For a
// PostgreSQL URL there is nothing to delete: it is only opened.
Result<std::unique_ptr<Database>> open_search_database(std::string_view url);

}  // namespace storage
