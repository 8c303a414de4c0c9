// What the two drivers offer to Database::open. Nobody else includes this.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "storage/base/result.h"
#include "storage/sql/database.h"

namespace storage::sql {

Result<std::unique_ptr<Database>> open_sqlite(std::string_view url, DatabaseOptions options);
Result<std::unique_ptr<Database>> open_postgres(std::string_view url, DatabaseOptions options);

// `sql` with {blob} replaced by the driver's name of the byte type.
std::string with_blob_type(std::string_view sql, std::string_view type);

// True for statements that are run once in a database's life (CREATE, ALTER, DROP, SET, LOCK …):
// they are not worth a place in the cache of prepared statements.
bool is_run_once(std::string_view sql);

// The beginning of `sql` on one line, for error messages.
std::string describe(std::string_view sql);

}  // namespace storage::sql
