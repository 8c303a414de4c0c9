// Opens the directory of users and the address list. There is one backend, over storage/sql.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "storage/base/clock.h"
#include "storage/base/result.h"
#include "storage/directory/address_list.h"
#include "storage/directory/directory.h"
#include "storage/sql/database.h"

namespace storage {

struct DirectoryOptions {
  // The domain of a login without one ("user" or "DOMAIN\user"); "" when there is none: then such
  // a login is nobody's.
  std::string default_domain;
  // nullptr: the system's clock. Must outlive the directory.
  const Clock* clock = nullptr;
  // yescrypt cost of new hashes, 1 to 11; 0: libcrypt's default (5 today). Tests use 1.
  int hash_cost = 0;
  // Hashes verified at the same time (each takes a core and some MiB); 0: as many as there are
  // cores.
  int concurrent_hashes = 0;
  // When set, counts the password hashes computed by authenticate(). Must outlive the directory.
  std::atomic<std::int64_t>* hash_counter = nullptr;
};

// Brings the tables up to date and opens the directory. `database` must outlive it. Failure: what
// the database says; invalid for a default domain that is not a domain name.
Result<std::unique_ptr<Directory>> open_directory(Database& database,
                                                  const DirectoryOptions& options);

// The address list of the same users. Brings the tables up to date; `database` must outlive it.
Result<std::unique_ptr<AddressList>> open_address_list(Database& database);

}  // namespace storage
