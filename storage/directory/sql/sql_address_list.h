// The address list over storage/sql.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/directory/address_list.h"
#include "storage/sql/database.h"

namespace storage {

// Thread-safe.
class SqlAddressList final : public AddressList {
 public:
  // Brings the tables up to date. Call before the first use.
  static Result<void> migrate_tables(Database& database);

  // `database` must outlive the list.
  explicit SqlAddressList(Database& database) : database_(database) {}

  Result<Profile> profile(std::int64_t user_id) override;
  Result<void> set_profile(std::int64_t user_id, const Profile& profile) override;
  Result<void> set_display_name(std::int64_t user_id, std::string_view name) override;
  Result<DirectoryPage> search(std::string_view text, int offset, int limit,
                               bool with_pictures) override;
  Result<DirectoryPage> resolve(std::string_view to, int limit, bool with_pictures) override;

  Result<Group> add_group(std::string_view address, std::string_view name) override;
  Result<void> set_group_name(std::string_view address, std::string_view name) override;
  Result<void> remove_group(std::string_view address) override;
  Result<std::vector<Group>> groups() override;
  Result<Group> group(std::string_view address) override;
  Result<void> add_member(std::string_view group, std::string_view member) override;
  Result<void> remove_member(std::string_view group, std::string_view member) override;
  Result<std::vector<DirectoryEntry>> members(std::string_view group) override;
  Result<std::vector<User>> all_members(std::string_view group) override;
  Result<std::vector<std::string>> all_certificates(std::string_view group) override;
  Result<std::vector<std::int64_t>> groups_of(std::int64_t user_id) override;

 private:
  Database& database_;
};

}  // namespace storage
