// Reads entries of the address list from the directory's tables, inside a transaction.
#pragma once

#include <cstdint>

#include "storage/base/result.h"
#include "storage/directory/address_list.h"
#include "storage/sql/database.h"

namespace storage::directory_tables {

// The users that a group holds, each once, nested groups resolved. $1 is the group's id. UNION ends
// also where the groups form a circle, which add_member() does not let happen.
#define GODWIT_GROUP_MEMBERS                                                                 \
  "WITH RECURSIVE held (id) AS (SELECT member_id FROM directory_member WHERE group_id = $1 " \
  "UNION SELECT m.member_id FROM directory_member m JOIN held h ON m.group_id = h.id) "

// The whole profile, or without picture and certificates. Empty when the user has none.
Result<Profile> read_profile(Connection& connection, std::int64_t user_id, bool with_pictures);

// REQUIRES: a user or group with that id exists.
Result<DirectoryEntry> read_entry(Connection& connection, std::int64_t id, bool with_profile,
                                  bool with_pictures);

}  // namespace storage::directory_tables
