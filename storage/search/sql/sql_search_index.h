// The full-text index over storage/sql. What differs by driver is in text_table.h.
#pragma once

#include <memory>

#include "storage/search/search_index.h"
#include "storage/search/sql/text_table.h"
#include "storage/sql/database.h"

namespace storage::search {

// Thread-safe.
class SqlSearchIndex final : public SearchIndex {
 public:
  // Makes the tables; those of another version are dropped first. `database` must outlive it.
  static Result<std::unique_ptr<SqlSearchIndex>> open(Database& database);

  Result<std::optional<SearchProgress>> progress(std::int64_t user_id,
                                                 CollectionId folder) override;
  Result<std::vector<CollectionId>> folders(std::int64_t user_id) override;
  Result<std::vector<std::int64_t>> users() override;
  Result<void> apply(std::int64_t user_id, CollectionId folder,
                     const std::optional<SearchProgress>& expected,
                     const SearchBatch& batch) override;
  Result<bool> forget_some(std::int64_t user_id, CollectionId folder) override;
  Result<SearchHits> search(std::int64_t user_id, std::span<const CollectionId> folders,
                            const SearchQuery& query, std::int64_t offset, int limit) override;

 private:
  struct Place;
  SqlSearchIndex(Database& database, std::unique_ptr<TextTable> table)
      : database_(database), table_(std::move(table)) {}
  Result<void> make_tables();
  Result<void> put(Connection& connection, const Place& place, const SearchDocument& document);
  Result<void> remove(Connection& connection, const Place& place, ItemId item);

  Database& database_;
  const std::unique_ptr<TextTable> table_;
};

}  // namespace storage::search
