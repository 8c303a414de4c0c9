// The hierarchy as callers see it.
#include <algorithm>
#include <map>

#include "storage/mail/maildir/folder_name.h"
#include "storage/mail/maildir/mailbox.h"

namespace storage::maildir {

namespace {

// Live folders with parents before children, tombstones after them.
std::vector<MailFolder> in_order(const std::vector<FolderRow>& rows) {
  std::vector<MailFolder> ordered;
  // Rows come by dir, and a parent's dir is a prefix of its children's.
  for (const FolderRow& row : rows) {
    if (!row.removed) ordered.push_back(row.to_folder());
  }
  for (const FolderRow& row : rows) {
    if (row.removed) ordered.push_back(row.to_folder());
  }
  return ordered;
}

}  // namespace

Result<HierarchyPage> MaildirMailbox::page(bool changed_only, Seq since) {
  GODWIT_TRY(refresh_hierarchy(false));
  HierarchyPage page;
  GODWIT_TRY(context_.database.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const auto user, load_user(connection, user_));
    GODWIT_ASSIGN(const auto rows, changed_only ? load_changed_folders(connection, user_, since)
                                                : load_live_folders(connection, user_));
    page.head = user ? user->hierarchy_seq : 0;
    page.folders = in_order(rows);
    return {};
  }));
  return page;
}

Result<HierarchyPage> MaildirMailbox::folders() { return page(false, 0); }

Result<HierarchyPage> MaildirMailbox::hierarchy_changes(Seq since) { return page(true, since); }

Result<Seq> MaildirMailbox::hierarchy_head() {
  GODWIT_TRY(refresh_hierarchy(false));
  Seq head = 0;
  GODWIT_TRY(context_.database.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const auto user, load_user(connection, user_));
    head = user ? user->hierarchy_seq : 0;
    return {};
  }));
  return head;
}

Result<MailFolder> MaildirMailbox::folder(CollectionId id) {
  GODWIT_TRY(refresh_hierarchy(false));
  GODWIT_ASSIGN(const FolderRow row, live_folder(id));
  return row.to_folder();
}

// The directory that a folder of this name would have; checks that it is free.
Result<std::string> MaildirMailbox::free_directory(CollectionId parent, std::string_view name) {
  std::vector<FolderRow> rows;
  GODWIT_TRY(context_.database.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(rows, load_live_folders(connection, user_));
    return {};
  }));
  std::string parent_dir;
  if (parent != 0) {
    const auto found = std::find_if(rows.begin(), rows.end(),
                                    [&](const FolderRow& row) { return row.id == parent; });
    if (found == rows.end()) return fail(ErrorKind::not_found, "no such parent folder");
    parent_dir = found->dir;
  }
  auto dir = child_directory(parent_dir, name);
  if (!dir) return fail(ErrorKind::invalid, "a mail folder cannot have this name");
  const bool taken = std::any_of(rows.begin(), rows.end(), [&](const FolderRow& row) {
    return row.dir == *dir || (row.parent == (parent_dir.empty() ? 0 : parent) && row.name == name);
  });
  if (taken) return fail(ErrorKind::exists, "there is a folder of this name");
  return std::move(*dir);
}

Result<MailFolder> MaildirMailbox::create_folder(CollectionId parent, std::string_view name) {
  const MutexLock lock(hierarchy_mutex_);
  GODWIT_TRY(refresh_hierarchy_locked(false));
  GODWIT_ASSIGN(const std::string dir, free_directory(parent, name));
  GODWIT_ASSIGN(const UniqueFd user_fd, open_user());
  context_.step("make folder");
  GODWIT_TRY(open_folder_to_write(user_fd.get(), dir));
  GODWIT_TRY(refresh_hierarchy_locked(true));
  MailFolder made;
  GODWIT_TRY(context_.database.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const auto rows, load_live_folders(connection, user_));
    for (const FolderRow& row : rows) {
      if (row.dir == dir) made = row.to_folder();
    }
    return {};
  }));
  if (made.id == 0) return fail(ErrorKind::unavailable, "the folder was removed at once");
  return made;
}

Result<void> MaildirMailbox::rename_folder(CollectionId id, CollectionId parent,
                                           std::string_view name) {
  const MutexLock lock(hierarchy_mutex_);
  GODWIT_TRY(refresh_hierarchy_locked(false));
  GODWIT_ASSIGN(const FolderRow row, live_folder(id));
  if (row.role != FolderRole::none) return fail(ErrorKind::denied, "a folder with a role");
  if (row.parent == parent && row.name == name) return {};
  if (parent != 0) {
    GODWIT_ASSIGN(const FolderRow above, live_folder(parent));
    if (above.id == id || is_below(above.dir, row.dir)) {
      return fail(ErrorKind::invalid, "a folder cannot be moved into itself");
    }
  }
  GODWIT_ASSIGN(const std::string dir, free_directory(parent, name));
  context_.step("note rename");
  GODWIT_TRY(context_.database.write(
      [&](Connection& connection) { return save_rename(connection, user_, row.dir, dir); }));
  GODWIT_ASSIGN(const UniqueFd user_fd, open_user());
  UserRow under_way;
  under_way.rename_from = row.dir;
  under_way.rename_to = dir;
  return finish_rename(under_way, user_fd.get());
}

// The subfolders first: a removal that was cut off leaves the folder, and is asked for again.
Result<void> MaildirMailbox::remove_folder(CollectionId id) {
  const MutexLock lock(hierarchy_mutex_);
  GODWIT_TRY(refresh_hierarchy_locked(false));
  GODWIT_ASSIGN(const FolderRow row, live_folder(id));
  std::vector<FolderRow> doomed;
  GODWIT_TRY(context_.database.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const auto rows, load_live_folders(connection, user_));
    for (const FolderRow& other : rows) {
      if (other.id == id || is_below(other.dir, row.dir)) doomed.push_back(other);
    }
    return {};
  }));
  for (const FolderRow& folder : doomed) {
    if (folder.role != FolderRole::none) return fail(ErrorKind::denied, "a folder with a role");
  }
  std::sort(doomed.begin(), doomed.end(),
            [](const FolderRow& a, const FolderRow& b) { return a.dir > b.dir; });
  GODWIT_ASSIGN(const UniqueFd user_fd, open_user());
  for (const FolderRow& folder : doomed) {
    FolderGate& gate = state_of(folder.id).gate;
    const GatePass pass(gate);
    if (!folder.exists_on_disk()) continue;
    const ScanMark mark(gate);  // many files may take long
    context_.step("remove folder");
    // Out of sight first; a name with two dots is no folder to anybody.
    const std::string hidden = "..godwit-removed-" + std::to_string(folder.id);
    GODWIT_TRY(remove_tree(user_fd.get(), hidden));
    auto renamed = rename_file(user_fd.get(), folder.dir, user_fd.get(), hidden);
    if (!renamed && renamed.error().kind != ErrorKind::not_found) return renamed;
    context_.step("remove files");
    GODWIT_TRY(remove_tree(user_fd.get(), hidden));
  }
  return refresh_hierarchy_locked(true);
}

}  // namespace storage::maildir
