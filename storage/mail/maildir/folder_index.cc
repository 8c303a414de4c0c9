#include "storage/mail/maildir/index.h"

namespace storage::maildir {

namespace {

#define GODWIT_FOLDER_COLUMNS                                                                  \
  "id, parent, dir, name, role, created_seq, changed_seq, removed, head, horizon, new_mtime, " \
  "new_inode, cur_mtime, cur_inode, keywords_mtime, keywords_inode, scanned, dir_inode, dir_born"

FolderRow folder_from(const Rows& rows, std::size_t r) {
  FolderRow row;
  row.id = rows.integer(r, 0);
  row.parent = rows.integer(r, 1);
  row.dir = rows.text(r, 2);
  row.name = rows.text(r, 3);
  row.role = static_cast<FolderRole>(rows.integer(r, 4));
  row.created_seq = rows.integer(r, 5);
  row.changed_seq = rows.integer(r, 6);
  row.removed = rows.integer(r, 7) != 0;
  row.head = rows.integer(r, 8);
  row.horizon = rows.integer(r, 9);
  row.new_stamp = {rows.integer(r, 10), rows.integer(r, 11)};
  row.cur_stamp = {rows.integer(r, 12), rows.integer(r, 13)};
  row.keywords_stamp = {rows.integer(r, 14), rows.integer(r, 15)};
  row.scanned = rows.integer(r, 16) != 0;
  row.identity = {rows.integer(r, 17), rows.integer(r, 18)};
  return row;
}

std::vector<FolderRow> folders_from(const Rows& rows) {
  std::vector<FolderRow> folders;
  folders.reserve(rows.size());
  for (std::size_t r = 0; r < rows.size(); ++r) folders.push_back(folder_from(rows, r));
  return folders;
}

Blob blob(std::string_view bytes) { return Blob{std::string(bytes)}; }

}  // namespace

MailFolder FolderRow::to_folder() const {
  return {id, parent, name, role, created_seq, changed_seq, removed};
}

Result<std::optional<UserRow>> load_user(Connection& connection, std::int64_t user) {
  GODWIT_ASSIGN(const Rows rows,
                connection.query("SELECT hierarchy_seq, next_folder, root_mtime, root_inode, "
                                 "rename_from, rename_to FROM mail_user WHERE user_id = $1",
                                 {user}));
  if (rows.empty()) return std::optional<UserRow>();
  UserRow row;
  row.hierarchy_seq = rows.integer(0, 0);
  row.next_folder = rows.integer(0, 1);
  row.root = {rows.integer(0, 2), rows.integer(0, 3)};
  row.rename_from = rows.text(0, 4);
  row.rename_to = rows.text(0, 5);
  return std::optional(std::move(row));
}

Result<void> insert_user(Connection& connection, std::int64_t user) {
  GODWIT_TRY(connection.execute(
      "INSERT INTO mail_user (user_id, hierarchy_seq, next_folder, root_mtime, root_inode, "
      "rename_from, rename_to) VALUES ($1, 0, 1, 0, 0, $2, $2) ON CONFLICT DO NOTHING",
      {user, Blob{}}));
  return {};
}

Result<void> save_root_stamp(Connection& connection, std::int64_t user, const Stamp& stamp) {
  GODWIT_TRY(
      connection.execute("UPDATE mail_user SET root_mtime = $2, root_inode = $3 WHERE user_id = $1",
                         {user, stamp.mtime, stamp.inode}));
  return {};
}

Result<void> save_rename(Connection& connection, std::int64_t user, std::string_view from,
                         std::string_view to) {
  GODWIT_TRY(
      connection.execute("UPDATE mail_user SET rename_from = $2, rename_to = $3 WHERE user_id = $1",
                         {user, blob(from), blob(to)}));
  return {};
}

Result<Seq> next_hierarchy_seq(Connection& connection, std::int64_t user) {
  GODWIT_ASSIGN(const Rows rows,
                connection.query("UPDATE mail_user SET hierarchy_seq = hierarchy_seq + 1 WHERE "
                                 "user_id = $1 RETURNING hierarchy_seq",
                                 {user}));
  if (rows.empty()) return fail(ErrorKind::internal, "the mail user has no row");
  return rows.integer(0, 0);
}

Result<CollectionId> next_folder_id(Connection& connection, std::int64_t user) {
  GODWIT_ASSIGN(const Rows rows,
                connection.query("UPDATE mail_user SET next_folder = next_folder + 1 WHERE "
                                 "user_id = $1 RETURNING next_folder",
                                 {user}));
  if (rows.empty()) return fail(ErrorKind::internal, "the mail user has no row");
  const CollectionId id = rows.integer(0, 0) - 1;
  if (id > kMaxFolder) return fail(ErrorKind::too_large, "this user has used up all folder ids");
  return id;
}

Result<std::optional<FolderRow>> load_folder(Connection& connection, std::int64_t user,
                                             CollectionId folder) {
  GODWIT_ASSIGN(const Rows rows, connection.query("SELECT " GODWIT_FOLDER_COLUMNS
                                                  " FROM mail_folder WHERE user_id = $1 AND id = "
                                                  "$2",
                                                  {user, folder}));
  if (rows.empty()) return std::optional<FolderRow>();
  return std::optional(folder_from(rows, 0));
}

Result<std::vector<FolderRow>> load_live_folders(Connection& connection, std::int64_t user) {
  GODWIT_ASSIGN(const Rows rows, connection.query("SELECT " GODWIT_FOLDER_COLUMNS
                                                  " FROM mail_folder WHERE user_id = $1 AND "
                                                  "removed = 0 ORDER BY dir",
                                                  {user}));
  return folders_from(rows);
}

Result<std::vector<FolderRow>> load_changed_folders(Connection& connection, std::int64_t user,
                                                    Seq since) {
  GODWIT_ASSIGN(const Rows rows, connection.query("SELECT " GODWIT_FOLDER_COLUMNS
                                                  " FROM mail_folder WHERE user_id = $1 AND "
                                                  "changed_seq > $2 ORDER BY dir",
                                                  {user, since}));
  return folders_from(rows);
}

Result<void> insert_folder(Connection& connection, std::int64_t user, const FolderRow& row) {
  GODWIT_TRY(connection.execute(
      "INSERT INTO mail_folder (user_id, " GODWIT_FOLDER_COLUMNS
      ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, $9, $10)",
      {user, row.id, row.parent, blob(row.dir), row.name, std::int64_t(row.role), row.created_seq,
       row.changed_seq, row.identity.inode, row.identity.born}));
  return {};
}

Result<void> update_folder(Connection& connection, std::int64_t user, const FolderRow& row) {
  GODWIT_TRY(connection.execute(
      "UPDATE mail_folder SET parent = $3, dir = $4, name = $5, role = $6, changed_seq = $7, "
      "dir_inode = $8, dir_born = $9 WHERE user_id = $1 AND id = $2",
      {user, row.id, row.parent, blob(row.dir), row.name, std::int64_t(row.role), row.changed_seq,
       row.identity.inode, row.identity.born}));
  return {};
}

Result<void> release_folder_dir(Connection& connection, std::int64_t user, CollectionId folder) {
  // No directory's name has a slash in it.
  GODWIT_TRY(connection.execute("UPDATE mail_folder SET dir = $3 WHERE user_id = $1 AND id = $2",
                                {user, folder, blob("/" + std::to_string(folder))}));
  return {};
}

Result<void> remove_folder(Connection& connection, std::int64_t user, CollectionId folder,
                           Seq changed_seq) {
  const std::int64_t key = folder_key(user, folder);
  GODWIT_TRY(connection.execute(
      "UPDATE mail_folder SET removed = 1, changed_seq = $3 WHERE user_id = $1 AND id = $2",
      {user, folder, changed_seq}));
  GODWIT_TRY(connection.execute("DELETE FROM mail_broken WHERE collection = $1", {key}));
  GODWIT_TRY(connection.execute("DELETE FROM mail_item WHERE collection = $1", {key}));
  return {};
}

Result<void> save_stamps(Connection& connection, std::int64_t user, const FolderRow& row) {
  GODWIT_TRY(connection.execute(
      "UPDATE mail_folder SET new_mtime = $3, new_inode = $4, cur_mtime = $5, cur_inode = $6, "
      "keywords_mtime = $7, keywords_inode = $8, scanned = $9 WHERE user_id = $1 AND id = $2",
      {user, row.id, row.new_stamp.mtime, row.new_stamp.inode, row.cur_stamp.mtime,
       row.cur_stamp.inode, row.keywords_stamp.mtime, row.keywords_stamp.inode,
       std::int64_t(row.scanned)}));
  return {};
}

}  // namespace storage::maildir
