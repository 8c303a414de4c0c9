// Opens the state store. There is one backend, over storage/sql, which runs on both drivers.
#pragma once

#include <memory>

#include "storage/base/result.h"
#include "storage/sql/database.h"
#include "storage/state/state_store.h"

namespace storage {

// Brings the tables up to date and opens the store. `database` must outlive it. Failure: what the
// database says (unavailable when it cannot be reached).
Result<std::unique_ptr<StateStore>> open_state_store(Database& database);

}  // namespace storage
