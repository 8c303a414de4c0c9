// The groups of the address list. A group holds ids, so it holds whoever has the id, whatever their
// address becomes. Circles are refused when a member is added, inside the transaction.
#include <algorithm>
#include <utility>

#include "storage/base/text.h"
#include "storage/directory/sql/directory_tables.h"
#include "storage/directory/sql/entry_rows.h"
#include "storage/directory/sql/sql_address_list.h"

namespace storage {
namespace {

using namespace directory_tables;

Result<std::string> checked_name(std::string_view name) {
  if (name.size() > ProfileLimits::kText) {
    return fail(ErrorKind::too_large, "the name of a group is at most 256 bytes");
  }
  return to_xml_safe_utf8(name);
}

// What nobody can have as an address, nobody has.
Result<std::string> known_address(std::string_view address) {
  auto canonical = checked_address(address);
  if (!canonical) return fail(ErrorKind::not_found, std::move(canonical.error().message));
  return canonical;
}

Result<Group> find_group(Connection& connection, const std::string& address) {
  GODWIT_ASSIGN(
      Rows rows,
      connection.query("SELECT id, name FROM directory_group WHERE address = $1", {address}));
  if (rows.empty()) return fail(ErrorKind::not_found, "no group " + address);
  return Group{rows.integer(0, 0), address, rows.take_text(0, 1)};
}

Result<std::int64_t> find_member(Connection& connection, const std::string& address) {
  GODWIT_ASSIGN(const std::int64_t id, find_id(connection, address));
  if (id == 0) return fail(ErrorKind::not_found, "no user or group " + address);
  return id;
}

// Whether `group` is `member`, or is held by it.
Result<bool> makes_circle(Connection& connection, std::int64_t group, std::int64_t member) {
  if (group == member) return true;
  GODWIT_ASSIGN(
      const Rows rows,
      connection.query(GODWIT_GROUP_MEMBERS "SELECT 1 FROM held WHERE id = $2", {member, group}));
  return !rows.empty();
}

template <typename T>
void sort_by_address(std::vector<T>& entries) {
  std::sort(entries.begin(), entries.end(),
            [](const T& a, const T& b) { return a.address < b.address; });
}

}  // namespace

Result<Group> SqlAddressList::add_group(std::string_view address, std::string_view name) {
  Group group;
  GODWIT_ASSIGN(group.address, checked_address(address));
  GODWIT_ASSIGN(group.name, checked_name(name));
  const auto written = database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const bool taken, address_taken(connection, group.address));
    if (taken) return fail(ErrorKind::exists, group.address + " exists already");
    GODWIT_ASSIGN(group.id, next_id(connection, "user"));
    GODWIT_TRY(
        connection.execute("INSERT INTO directory_group (id, address, name) VALUES ($1, $2, $3)",
                           {group.id, group.address, group.name}));
    return index_group(connection, group.id);
  });
  if (!written) return fail(written.error());
  return group;
}

Result<void> SqlAddressList::set_group_name(std::string_view address, std::string_view name) {
  GODWIT_ASSIGN(const std::string canonical, known_address(address));
  GODWIT_ASSIGN(const std::string text, checked_name(name));
  return database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const Group group, find_group(connection, canonical));
    GODWIT_TRY(
        connection.execute("UPDATE directory_group SET name = $2 WHERE id = $1", {group.id, text}));
    return index_group(connection, group.id);
  });
}

Result<void> SqlAddressList::remove_group(std::string_view address) {
  GODWIT_ASSIGN(const std::string canonical, known_address(address));
  return database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const Group group, find_group(connection, canonical));
    GODWIT_TRY(connection.execute("DELETE FROM directory_group WHERE id = $1", {group.id}));
    return forget(connection, group.id);
  });
}

Result<std::vector<Group>> SqlAddressList::groups() {
  std::vector<Group> groups;
  GODWIT_TRY(database_.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(Rows rows, connection.query("SELECT id, address, name FROM directory_group"));
    for (std::size_t row = 0; row < rows.size(); ++row) {
      groups.push_back({rows.integer(row, 0), rows.take_text(row, 1), rows.take_text(row, 2)});
    }
    return {};
  }));
  sort_by_address(groups);
  return groups;
}

Result<Group> SqlAddressList::group(std::string_view address) {
  GODWIT_ASSIGN(const std::string canonical, known_address(address));
  Group group;
  GODWIT_TRY(database_.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(group, find_group(connection, canonical));
    return {};
  }));
  return group;
}

Result<void> SqlAddressList::add_member(std::string_view group, std::string_view member) {
  GODWIT_ASSIGN(const std::string group_address, known_address(group));
  GODWIT_ASSIGN(const std::string member_address, known_address(member));
  return database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const Group holder, find_group(connection, group_address));
    GODWIT_ASSIGN(const std::int64_t id, find_member(connection, member_address));
    GODWIT_ASSIGN(const bool circle, makes_circle(connection, holder.id, id));
    if (circle) {
      return fail(ErrorKind::invalid,
                  group_address + " would be a member of itself through " + member_address);
    }
    GODWIT_ASSIGN(const std::int64_t added,
                  connection.execute("INSERT INTO directory_member (group_id, member_id) VALUES "
                                     "($1, $2) ON CONFLICT DO NOTHING",
                                     {holder.id, id}));
    if (added == 0) {
      return fail(ErrorKind::exists, member_address + " is a member of " + group_address);
    }
    return {};
  });
}

Result<void> SqlAddressList::remove_member(std::string_view group, std::string_view member) {
  GODWIT_ASSIGN(const std::string group_address, known_address(group));
  GODWIT_ASSIGN(const std::string member_address, known_address(member));
  return database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const Group holder, find_group(connection, group_address));
    GODWIT_ASSIGN(const std::int64_t id, find_member(connection, member_address));
    GODWIT_ASSIGN(
        const std::int64_t removed,
        connection.execute("DELETE FROM directory_member WHERE group_id = $1 AND member_id = $2",
                           {holder.id, id}));
    if (removed == 0) {
      return fail(ErrorKind::not_found, member_address + " is no member of " + group_address);
    }
    return {};
  });
}

Result<std::vector<DirectoryEntry>> SqlAddressList::members(std::string_view group) {
  GODWIT_ASSIGN(const std::string canonical, known_address(group));
  std::vector<DirectoryEntry> members;
  GODWIT_TRY(database_.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const Group holder, find_group(connection, canonical));
    GODWIT_ASSIGN(const Rows rows,
                  connection.query("SELECT member_id FROM directory_member WHERE group_id = $1",
                                   {holder.id}));
    for (std::size_t row = 0; row < rows.size(); ++row) {
      GODWIT_ASSIGN(DirectoryEntry entry,
                    read_entry(connection, rows.integer(row, 0), false, false));
      members.push_back(std::move(entry));
    }
    return {};
  }));
  sort_by_address(members);
  return members;
}

Result<std::vector<User>> SqlAddressList::all_members(std::string_view group) {
  GODWIT_ASSIGN(const std::string canonical, known_address(group));
  std::vector<User> users;
  GODWIT_TRY(database_.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const Group holder, find_group(connection, canonical));
    GODWIT_ASSIGN(Rows rows,
                  connection.query(GODWIT_GROUP_MEMBERS
                                   "SELECT u.id, u.address, u.display_name, u.eas_enabled FROM "
                                   "directory_user u JOIN held h ON h.id = u.id",
                                   {holder.id}));
    for (std::size_t row = 0; row < rows.size(); ++row) {
      users.push_back({rows.integer(row, 0), rows.take_text(row, 1), rows.take_text(row, 2),
                       rows.integer(row, 3) != 0});
    }
    return {};
  }));
  sort_by_address(users);
  return users;
}

Result<std::vector<std::string>> SqlAddressList::all_certificates(std::string_view group) {
  GODWIT_ASSIGN(const std::string canonical, known_address(group));
  std::vector<std::string> certificates;
  GODWIT_TRY(database_.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const Group holder, find_group(connection, canonical));
    GODWIT_ASSIGN(Rows rows, connection.query(
                                 GODWIT_GROUP_MEMBERS
                                 "SELECT c.der FROM directory_certificate c JOIN held h ON h.id = "
                                 "c.user_id JOIN directory_user u ON u.id = c.user_id ORDER BY "
                                 "u.address, c.position",
                                 {holder.id}));
    for (std::size_t row = 0; row < rows.size(); ++row) {
      certificates.push_back(rows.take_text(row, 0));
    }
    return {};
  }));
  return certificates;
}

Result<std::vector<std::int64_t>> SqlAddressList::groups_of(std::int64_t user_id) {
  std::vector<std::int64_t> groups;
  GODWIT_TRY(database_.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const Rows rows,
                  connection.query("WITH RECURSIVE holding (id) AS (SELECT group_id FROM "
                                   "directory_member WHERE member_id = $1 UNION SELECT m.group_id "
                                   "FROM directory_member m JOIN holding h ON m.member_id = h.id) "
                                   "SELECT id FROM holding ORDER BY id",
                                   {user_id}));
    for (std::size_t row = 0; row < rows.size(); ++row) groups.push_back(rows.integer(row, 0));
    return {};
  }));
  return groups;
}

}  // namespace storage
