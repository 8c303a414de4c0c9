#include "storage/state/backends.h"

#include "storage/state/sql/sql_state_store.h"

namespace storage {

Result<std::unique_ptr<StateStore>> open_state_store(Database& database) {
  GODWIT_TRY(SqlStateStore::migrate_tables(database));
  return std::make_unique<SqlStateStore>(database);
}

}  // namespace storage
