// The policy store over storage/sql. Every method is one transaction.
#pragma once

#include <string_view>

#include "storage/sql/database.h"
#include "storage/state/policy_store.h"

namespace storage {

// Thread-safe.
class SqlPolicyStore final : public PolicyStore {
 public:
  // Brings the tables up to date. Call before the first use, after the state store's.
  static Result<void> migrate_tables(Database& database);

  // `database` must outlive the store.
  explicit SqlPolicyStore(Database& database) : database_(database) {}

  Result<PolicyWorld> world() override;
  Result<void> touch() override;

  Result<Policy> set_policy(std::string_view name, std::string_view settings) override;
  Result<void> remove_policy(std::string_view name) override;
  Result<void> set_default_policy(std::string_view name) override;
  Result<void> assign_policy(bool group, std::int64_t subject, std::string_view name) override;
  Result<void> unassign_policy(bool group, std::int64_t subject) override;

  Result<std::int64_t> add_rule(std::string_view field, std::string_view pattern, Access access,
                                std::int64_t before) override;
  Result<void> remove_rule(std::int64_t rule) override;
  Result<void> set_default_access(Access access) override;

  Result<void> set_access(std::int64_t device, Access access) override;
  Result<void> set_wipe(std::int64_t device, Wipe wipe, UnixMillis when) override;
  Result<void> note_wipe_sent(std::int64_t device, UnixMillis when, bool failed) override;
  Result<void> note_access(std::int64_t device, Access noticed, std::int64_t item) override;
  Result<void> note_storm(std::int64_t device, UnixMillis until, std::string_view reason) override;
  Result<void> reset_device(std::int64_t device) override;

 private:
  Database& database_;
};

}  // namespace storage
