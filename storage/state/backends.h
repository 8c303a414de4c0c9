// Opens the stores of state. There is one backend, over storage/sql, which runs on both drivers.
#pragma once

#include <memory>

#include "storage/base/result.h"
#include "storage/sql/database.h"
#include "storage/state/policy_store.h"
#include "storage/state/state_store.h"
#include "storage/state/user_settings.h"

namespace storage {

// Each brings its tables up to date and opens the store. `database` must outlive it. Failure: what
// the database says (unavailable when it cannot be reached).
Result<std::unique_ptr<StateStore>> open_state_store(Database& database);
// After the state store.
Result<std::unique_ptr<PolicyStore>> open_policy_store(Database& database);
Result<std::unique_ptr<UserSettings>> open_user_settings(Database& database);

}  // namespace storage
