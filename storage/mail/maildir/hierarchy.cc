// The folder list: compares the directories on disk with the folders in the index, and changes
// both.
//
// A folder that another program renamed is recognised by its directory's inode and birth time, so
// it keeps its id. A missing parent (".A.B" without ".A", which Maildir++ allows) is listed as a
// folder without a directory, made when something is put into it. Folders with a role that vanish
// are made again under their id.
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>

#include "storage/base/log.h"
#include "storage/mail/maildir/folder_name.h"
#include "storage/mail/maildir/mailbox.h"

namespace storage::maildir {

namespace {

constexpr FolderRole kRequired[] = {FolderRole::drafts, FolderRole::trash, FolderRole::sent,
                                    FolderRole::outbox};

using DiskFolders = std::map<std::string, DirectoryIdentity, std::less<>>;

Result<DiskFolders> read_disk(int user_fd) {
  DiskFolders disk;
  disk[""] = identity_of(user_fd, ".");
  GODWIT_TRY(list_directory(user_fd, [&](std::string_view name, EntryType type) {
    if (type != EntryType::directory || !is_folder_directory(name)) return;
    disk[std::string(name)] = identity_of(user_fd, std::string(name));
  }));
  return disk;
}

// What has to become of the rows so that they agree with the disk.
struct Plan {
  std::vector<FolderRow> rows;  // all that live afterwards, by dir; id 0: new
  std::vector<FolderRow> gone;
  std::set<std::string> visible;  // dirs of rows whose change phones must be told
  std::set<std::string> touched;  // dirs of rows that changed at all
  std::vector<CollectionId> renamed;
};

class Reconciler {
 public:
  Reconciler(std::vector<FolderRow> rows, DiskFolders disk)
      : rows_(std::move(rows)), disk_(std::move(disk)) {}

  Plan run() {
    match_by_name();
    match_by_identity();
    follow_renamed_children();
    add_new();
    keep_or_drop_missing();
    add_missing_parents();
    assign_roles();
    plan_.rows.clear();
    for (auto& [dir, row] : live_) plan_.rows.push_back(row);
    return std::move(plan_);
  }

 private:
  void match_by_name() {
    for (FolderRow& row : rows_) {
      const auto found = disk_.find(row.dir);
      if (found == disk_.end()) {
        missing_.push_back(row);
        continue;
      }
      if (row.identity != found->second) {
        row.identity = found->second;
        plan_.touched.insert(row.dir);
      }
      disk_.erase(found);
      live_[row.dir] = row;
    }
  }

  void match_by_identity() {
    std::vector<FolderRow> still_missing;
    for (FolderRow& row : missing_) {
      const auto found = std::find_if(disk_.begin(), disk_.end(), [&](const auto& entry) {
        return row.exists_on_disk() && entry.second == row.identity;
      });
      if (found == disk_.end()) {
        still_missing.push_back(row);
        continue;
      }
      moves_.emplace_back(row.dir, found->first);
      disk_.erase(found);
      rename(row, moves_.back().second);
    }
    missing_ = std::move(still_missing);
  }

  void rename(FolderRow& row, const std::string& dir) {
    row.dir = dir;
    row.name = display_name(dir);
    plan_.touched.insert(dir);
    plan_.visible.insert(dir);
    plan_.renamed.push_back(row.id);
    live_[dir] = row;
  }

  // A parent without a directory has no inode by which it could be recognised: it goes where its
  // renamed subfolders went, if none stayed behind.
  void follow_renamed_children() {
    for (const auto& [from, to] : moves_) {
      std::string old_parent(parent_directory(from));
      std::string new_parent(parent_directory(to));
      while (!old_parent.empty() && !new_parent.empty() && old_parent != new_parent) {
        const auto row = std::find_if(missing_.begin(), missing_.end(), [&](const FolderRow& r) {
          return r.dir == old_parent && !r.exists_on_disk();
        });
        if (row == missing_.end() || has_children(old_parent) ||
            live_.find(new_parent) != live_.end() || disk_.find(new_parent) != disk_.end()) {
          break;
        }
        rename(*row, new_parent);
        missing_.erase(row);
        old_parent = parent_directory(old_parent);
        new_parent = parent_directory(new_parent);
      }
    }
  }

  void add_new() {
    for (const auto& [dir, identity] : disk_) {
      FolderRow& row = live_[dir];
      row.dir = dir;
      row.name = display_name(dir);
      row.identity = identity;
      row.role = dir.empty() ? FolderRole::inbox : FolderRole::none;
    }
    disk_.clear();
  }

  bool has_children(const std::string& dir) const {
    const auto next = live_.lower_bound(dir + ".");
    return next != live_.end() && is_below(next->first, dir);
  }

  // The deepest first: a parent without a directory goes with its last subfolder.
  void keep_or_drop_missing() {
    std::sort(missing_.begin(), missing_.end(),
              [](const FolderRow& a, const FolderRow& b) { return a.dir > b.dir; });
    for (FolderRow& row : missing_) {
      const bool stays = has_children(row.dir);
      if (!stays && row.role == FolderRole::none) {
        plan_.gone.push_back(row);
        continue;
      }
      if (row.exists_on_disk()) {
        row.identity = {};
        plan_.touched.insert(row.dir);
      }
      live_[row.dir] = row;
    }
  }

  void add_missing_parents() {
    std::vector<std::string> dirs;
    for (const auto& [dir, row] : live_) dirs.push_back(dir);
    for (std::string dir : dirs) {
      while (!dir.empty()) {
        dir = parent_directory(dir);
        if (dir.empty() || live_.find(dir) != live_.end()) break;
        FolderRow& row = live_[dir];
        row.dir = dir;
        row.name = display_name(dir);
      }
    }
  }

  // Roles stay with the folder that has them; a role that nobody has goes to the folder named so.
  void assign_roles() {
    std::set<FolderRole> taken;
    for (const auto& [dir, row] : live_) taken.insert(row.role);
    for (auto& [dir, row] : live_) {
      if (row.role != FolderRole::none || dir.empty() || !parent_directory(dir).empty()) continue;
      const FolderRole role = role_by_name(row.name);
      if (role == FolderRole::none || !taken.insert(role).second) continue;
      row.role = role;
      plan_.touched.insert(dir);
      plan_.visible.insert(dir);
    }
  }

  std::vector<FolderRow> rows_;
  DiskFolders disk_;
  std::vector<FolderRow> missing_;
  std::map<std::string, FolderRow> live_;
  std::vector<std::pair<std::string, std::string>> moves_;  // directories renamed by others
  Plan plan_;
};

// Writes a plan. Parents come before their children in the order of dirs. exists: another process
// gave one of these dirs to a row meanwhile.
Result<Seq> save_plan(Connection& connection, std::int64_t user, Plan plan) {
  Seq newest = 0;
  std::map<std::string, CollectionId> ids;
  // Tombstones first, so that a dir is free for the row that takes it over.
  for (const FolderRow& row : plan.gone) {
    GODWIT_ASSIGN(newest, next_hierarchy_seq(connection, user));
    GODWIT_TRY(remove_folder(connection, user, row.id, newest));
  }
  // So are the dirs that renamed folders left: a subfolder that stayed behind has a parent there.
  for (const CollectionId id : plan.renamed) {
    GODWIT_TRY(release_folder_dir(connection, user, id));
  }
  for (FolderRow& row : plan.rows) {
    const CollectionId parent = row.dir.empty() ? 0 : ids[std::string(parent_directory(row.dir))];
    const CollectionId shown = parent_directory(row.dir).empty() ? 0 : parent;
    if (row.id == 0) {
      GODWIT_ASSIGN(row.id, next_folder_id(connection, user));
      GODWIT_ASSIGN(newest, next_hierarchy_seq(connection, user));
      row.parent = shown;
      row.created_seq = newest;
      row.changed_seq = newest;
      GODWIT_TRY(insert_folder(connection, user, row));
    } else if (plan.touched.contains(row.dir) || row.parent != shown) {
      if (plan.visible.contains(row.dir) || row.parent != shown) {
        GODWIT_ASSIGN(newest, next_hierarchy_seq(connection, user));
        row.changed_seq = newest;
      }
      row.parent = shown;
      GODWIT_TRY(update_folder(connection, user, row));
    }
    ids[row.dir] = row.id;
  }
  return newest;
}

bool is_needed(const Plan& plan, const std::vector<FolderRow>& before) {
  return !plan.gone.empty() || !plan.touched.empty() || plan.rows.size() != before.size() ||
         std::any_of(plan.rows.begin(), plan.rows.end(),
                     [](const FolderRow& row) { return row.id == 0; });
}

}  // namespace

// Directories of missing folders with a role are made before the comparison.
Result<void> MaildirMailbox::make_role_folders(int user_fd, const std::vector<FolderRow>& rows) {
  GODWIT_ASSIGN(const DiskFolders disk, read_disk(user_fd));
  std::set<FolderRole> present;
  for (const FolderRow& row : rows) {
    if (row.role == FolderRole::none) continue;
    present.insert(row.role);
    const bool renamed = std::any_of(disk.begin(), disk.end(), [&](const auto& entry) {
      return row.exists_on_disk() && entry.second == row.identity;
    });
    if (disk.find(row.dir) == disk.end() && !renamed) {
      context_.step("make folder");
      GODWIT_TRY(open_folder_to_write(user_fd, row.dir));
    }
  }
  for (const auto& [dir, identity] : disk) {
    if (!dir.empty() && parent_directory(dir).empty())
      present.insert(role_by_name(display_name(dir)));
  }
  for (const FolderRole role : kRequired) {
    if (present.contains(role)) continue;
    context_.step("make folder");
    GODWIT_TRY(open_folder_to_write(user_fd, "." + std::string(default_name(role))));
  }
  GODWIT_TRY(open_folder_to_write(user_fd, ""));
  return {};
}

Result<void> MaildirMailbox::refresh_hierarchy(bool force) {
  const MutexLock lock(hierarchy_mutex_);
  return refresh_hierarchy_locked(force);
}

Result<void> MaildirMailbox::refresh_hierarchy_locked(bool force) {
  std::optional<UserRow> user;
  std::vector<FolderRow> rows;
  const auto load = [&]() -> Result<void> {
    return context_.database.read([&](Connection& connection) -> Result<void> {
      GODWIT_ASSIGN(user, load_user(connection, user_));
      if (!user) return fail(ErrorKind::internal, "the mail user has no row");
      GODWIT_ASSIGN(rows, load_live_folders(connection, user_));
      return {};
    });
  };
  if (!force) {
    GODWIT_TRY(context_.database.read([&](Connection& connection) -> Result<void> {
      GODWIT_ASSIGN(user, load_user(connection, user_));
      return {};
    }));
    const Stamp now = stamp_of(context_.root.get(), address_);
    if (user && user->root.mtime != 0 && user->root == now && user->rename_from.empty()) return {};
  }
  GODWIT_TRY(load());
  GODWIT_ASSIGN(const UniqueFd user_fd, open_user());
  if (!user->rename_from.empty()) {
    GODWIT_TRY(finish_rename(*user, user_fd.get()));
    GODWIT_TRY(load());
  }
  GODWIT_TRY(make_role_folders(user_fd.get(), rows));
  auto saved = compare_hierarchy(user_fd.get(), user->root, rows);
  if (saved || saved.error().kind != ErrorKind::exists) return saved;
  // Another process saved news first, most often the same: what is there left to save?
  GODWIT_TRY(load());
  saved = compare_hierarchy(user_fd.get(), user->root, rows);
  if (!saved && saved.error().kind == ErrorKind::exists) {
    log_event(LogLevel::warning, "the list of mail folders could not be saved",
              {{"user", user_}, {"reason", saved.error().message}});
    saved.error().kind = ErrorKind::unavailable;
  }
  return saved;
}

// Makes the rows agree with the directories. exists: the rows have changed since they were loaded.
Result<void> MaildirMailbox::compare_hierarchy(int user_fd, const Stamp& known,
                                               const std::vector<FolderRow>& rows) {
  Stamp stamp = stamp_of(user_fd);
  GODWIT_ASSIGN(DiskFolders disk, read_disk(user_fd));
  const Plan plan = Reconciler(rows, std::move(disk)).run();
  if (!is_settled(stamp, context_.options.granularity)) stamp.mtime = 0;
  if (!is_needed(plan, rows)) {
    if (known == stamp || stamp.mtime == 0) return {};
    return context_.database.write(
        [&](Connection& connection) { return save_root_stamp(connection, user_, stamp); });
  }
  context_.step("index folders");
  Seq newest = 0;
  GODWIT_TRY(context_.database.write([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(newest, save_plan(connection, user_, plan));
    return save_root_stamp(connection, user_, stamp);
  }));
  if (newest != 0) publish_hierarchy(newest);
  return {};
}

Result<void> MaildirMailbox::prepare() {
  if (prepared_.load()) return {};
  const MutexLock lock(hierarchy_mutex_);
  std::optional<UserRow> user;
  GODWIT_TRY(context_.database.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(user, load_user(connection, user_));
    return {};
  }));
  if (user && user->hierarchy_seq > 0 && user->rename_from.empty()) {
    prepared_.store(true);
    return {};
  }
  if (::mkdirat(context_.root.get(), address_.c_str(), 0700) != 0 && errno != EEXIST) {
    return fail(system_error("make directory", address_, errno));
  }
  if (!user) {
    GODWIT_TRY(context_.database.write(
        [&](Connection& connection) { return insert_user(connection, user_); }));
  }
  GODWIT_TRY(refresh_hierarchy_locked(true));
  prepared_.store(true);
  return {};
}

// --- a rename of several directories
// ---------------------------------------------------------------

// Renames what is left to rename: the folder and everything below it. Noted in the user's row
// before the first step, so that a kill leaves no half-renamed tree.
Result<void> MaildirMailbox::finish_rename(const UserRow& user, int user_fd) {
  GODWIT_ASSIGN(const DiskFolders disk, read_disk(user_fd));
  for (const auto& [dir, identity] : disk) {
    if (dir != user.rename_from && !is_below(dir, user.rename_from)) continue;
    const std::string target = user.rename_to + dir.substr(user.rename_from.size());
    context_.step("rename folder");
    auto renamed = rename_file(user_fd, dir, user_fd, target);
    if (!renamed && renamed.error().kind == ErrorKind::exists) {
      log_event(LogLevel::warning, "a folder was not renamed with its parent: the name is taken",
                {{"user", user_}, {"folder", display_name(dir)}});
      continue;
    }
    if (!renamed && renamed.error().kind != ErrorKind::not_found) return renamed;
  }
  return update_rows_after_rename(user.rename_from, user.rename_to);
}

Result<void> MaildirMailbox::update_rows_after_rename(const std::string& from,
                                                      const std::string& to) {
  context_.step("index folders");
  Seq newest = 0;
  auto saved = context_.database.write([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const auto rows, load_live_folders(connection, user_));
    std::map<std::string, CollectionId, std::less<>> ids;
    for (const FolderRow& row : rows) ids[row.dir] = row.id;
    for (FolderRow row : rows) {
      const bool itself = row.dir == from;
      if (!itself && !is_below(row.dir, from)) continue;
      row.dir = to + row.dir.substr(from.size());
      if (itself) {
        const auto parent = ids.find(parent_directory(to));
        row.parent = parent_directory(to).empty() || parent == ids.end() ? 0 : parent->second;
        row.name = display_name(to);
        GODWIT_ASSIGN(newest, next_hierarchy_seq(connection, user_));
        row.changed_seq = newest;
      }
      GODWIT_TRY(update_folder(connection, user_, row));
    }
    return save_rename(connection, user_, "", "");
  });
  if (!saved) return saved;
  if (newest != 0) publish_hierarchy(newest);
  return {};
}

}  // namespace storage::maildir
