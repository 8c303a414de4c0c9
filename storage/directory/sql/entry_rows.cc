#include "storage/directory/sql/entry_rows.h"

#include <string>
#include <utility>

namespace storage::directory_tables {
namespace {

Result<void> read_more(Connection& connection, std::int64_t user_id, Profile& profile) {
  GODWIT_ASSIGN(
      Rows picture,
      connection.query("SELECT picture FROM directory_profile WHERE user_id = $1", {user_id}));
  if (!picture.empty()) profile.picture = picture.take_text(0, 0);
  GODWIT_ASSIGN(Rows certificates,
                connection.query("SELECT der FROM directory_certificate WHERE user_id = $1 ORDER "
                                 "BY position",
                                 {user_id}));
  for (std::size_t row = 0; row < certificates.size(); ++row) {
    profile.certificates.push_back(certificates.take_text(row, 0));
  }
  return {};
}

Result<DirectoryEntry> read_group(Connection& connection, std::int64_t id) {
  DirectoryEntry entry;
  entry.kind = DirectoryEntry::Kind::group;
  entry.id = id;
  GODWIT_ASSIGN(Rows rows, connection.query(GODWIT_GROUP_MEMBERS
                                            "SELECT g.address, g.name, (SELECT count(*) FROM "
                                            "directory_user u JOIN held h ON h.id = u.id) FROM "
                                            "directory_group g WHERE g.id = $1",
                                            {id}));
  if (rows.empty()) return fail(ErrorKind::corrupt, "an entry of nobody in the address list");
  entry.address = rows.take_text(0, 0);
  entry.display_name = rows.take_text(0, 1);
  entry.member_count = static_cast<int>(rows.integer(0, 2));
  if (entry.display_name.empty()) entry.display_name = entry.address;
  return entry;
}

}  // namespace

Result<Profile> read_profile(Connection& connection, std::int64_t user_id, bool with_pictures) {
  Profile profile;
  GODWIT_ASSIGN(Rows rows,
                connection.query("SELECT alias, first_name, last_name, title, company, office, "
                                 "phone, home_phone, mobile_phone FROM directory_profile WHERE "
                                 "user_id = $1",
                                 {user_id}));
  if (!rows.empty()) {
    std::size_t column = 0;
    for (std::string* text :
         {&profile.alias, &profile.first_name, &profile.last_name, &profile.title, &profile.company,
          &profile.office, &profile.phone, &profile.home_phone, &profile.mobile_phone}) {
      *text = rows.take_text(0, column++);
    }
  }
  GODWIT_ASSIGN(Rows others, connection.query("SELECT address FROM directory_address WHERE user_id "
                                              "= $1 ORDER BY position",
                                              {user_id}));
  for (std::size_t row = 0; row < others.size(); ++row) {
    profile.other_addresses.push_back(others.take_text(row, 0));
  }
  if (with_pictures) GODWIT_TRY(read_more(connection, user_id, profile));
  return profile;
}

Result<DirectoryEntry> read_entry(Connection& connection, std::int64_t id, bool with_profile,
                                  bool with_pictures) {
  GODWIT_ASSIGN(
      Rows rows,
      connection.query("SELECT address, display_name FROM directory_user WHERE id = $1", {id}));
  if (rows.empty()) return read_group(connection, id);
  DirectoryEntry entry;
  entry.id = id;
  entry.address = rows.take_text(0, 0);
  entry.display_name = rows.take_text(0, 1);
  if (entry.display_name.empty()) entry.display_name = entry.address;
  if (with_profile) {
    GODWIT_ASSIGN(entry.profile, read_profile(connection, id, with_pictures));
  }
  return entry;
}

}  // namespace storage::directory_tables
