#include "storage/directory/backends.h"

#include "storage/directory/address.h"
#include "storage/directory/sql/sql_address_list.h"
#include "storage/directory/sql/sql_directory.h"

namespace storage {
namespace {

// Has no state, so one serves all.
const SystemClock kSystemClock;

}  // namespace

Result<std::unique_ptr<Directory>> open_directory(Database& database,
                                                  const DirectoryOptions& options) {
  std::string domain;
  if (!options.default_domain.empty()) {
    const auto canonical = canonical_domain(options.default_domain);
    if (!canonical) {
      return fail(ErrorKind::invalid, "\"" + options.default_domain + "\" is not a domain name");
    }
    domain = *canonical;
  }
  GODWIT_TRY(SqlDirectory::migrate_tables(database));
  return std::make_unique<SqlDirectory>(
      database, SqlDirectory::Settings{
                    std::move(domain), options.clock != nullptr ? options.clock : &kSystemClock,
                    options.hash_cost, options.concurrent_hashes, options.hash_counter});
}

Result<std::unique_ptr<AddressList>> open_address_list(Database& database) {
  GODWIT_TRY(SqlAddressList::migrate_tables(database));
  return std::make_unique<SqlAddressList>(database);
}

}  // namespace storage
