// Takes a removed user out of the index. The files are not touched.
#pragma once

#include <cstdint>

#include "storage/base/result.h"
#include "storage/sql/database.h"

namespace storage::maildir {

// forget_mail_of() of backends.h.
Result<void> forget_user(Database& database, std::int64_t user_id);

}  // namespace storage::maildir
