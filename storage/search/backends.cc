#include "storage/search/backends.h"

#include <filesystem>
#include <string>

#include "storage/base/log.h"
#include "storage/search/sql/sql_search_index.h"

namespace storage {

Result<std::unique_ptr<SearchIndex>> open_search_index(Database& database) {
  GODWIT_ASSIGN(std::unique_ptr<SearchIndex> index, search::SqlSearchIndex::open(database));
  return index;
}

Result<std::unique_ptr<Database>> open_search_database(std::string_view url) {
  constexpr std::string_view kSqlite = "sqlite:";
  auto database = Database::open(url);
  if (database || database.error().kind != ErrorKind::corrupt || !url.starts_with(kSqlite)) {
    return database;
  }
  const std::string path(url.substr(kSqlite.size()));
  log_event(LogLevel::warning, "the search index is damaged and is made anew",
            {{"file", path}, {"reason", database.error().message}});
  std::error_code ignored;
  for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(path + end, ignored);
  return Database::open(url);
}

}  // namespace storage
