// The tables that the directory and the address list share: users, groups, their addresses, and the
// words under which they are found. Both classes change users, so both keep these in step, inside
// the transaction that changes something.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/base/result.h"
#include "storage/sql/database.h"

namespace storage::directory_tables {

// How an id is marked in directory_entry.kind.
inline constexpr std::int64_t kUser = 0;
inline constexpr std::int64_t kGroup = 1;

// Brings all tables up to date, and indexes whoever is not indexed yet or by other rules of
// folding. Safe when several processes start at once.
Result<void> bring_up_to_date(Database& database);

// canonical_address() as a Result: invalid.
Result<std::string> checked_address(std::string_view address);

// Whether anybody (user or group, by a first or another address) has this canonical address.
Result<bool> address_taken(Connection& connection, const std::string& address);

// The id of the user (by any address) or the group; 0: nobody.
Result<std::int64_t> find_id(Connection& connection, const std::string& address);

// Writes the entry and the words of that user or group anew from the other tables. Also when it has
// none yet. REQUIRES: a write transaction, and that it exists.
Result<void> index_user(Connection& connection, std::int64_t user_id);
Result<void> index_group(Connection& connection, std::int64_t group_id);

// The same for a new user, of whom there is nothing but this.
Result<void> index_new_user(Connection& connection, std::int64_t user_id,
                            const std::string& address, const std::string& display_name);

// Removes what these tables hold of an id beside its own row: entry, words, memberships, profile,
// certificates, other addresses.
Result<void> forget(Connection& connection, std::int64_t id);

}  // namespace storage::directory_tables
