#include "storage/state/backends.h"

#include "storage/state/sql/sql_policy_store.h"
#include "storage/state/sql/sql_state_store.h"
#include "storage/state/sql/sql_user_settings.h"

namespace storage {

Result<std::unique_ptr<StateStore>> open_state_store(Database& database) {
  GODWIT_TRY(SqlStateStore::migrate_tables(database));
  return std::make_unique<SqlStateStore>(database);
}

Result<std::unique_ptr<PolicyStore>> open_policy_store(Database& database) {
  GODWIT_TRY(SqlPolicyStore::migrate_tables(database));
  return std::make_unique<SqlPolicyStore>(database);
}

Result<std::unique_ptr<UserSettings>> open_user_settings(Database& database) {
  GODWIT_TRY(SqlUserSettings::migrate_tables(database));
  return std::make_unique<SqlUserSettings>(database);
}

}  // namespace storage
