// File system access of the Maildir store: opening a folder's directories without following links
// that lead elsewhere, listing them, and the stamps by which an unchanged directory is recognised.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "storage/base/clock.h"
#include "storage/base/result.h"
#include "storage/base/unique_fd.h"

namespace storage::maildir {

// When a directory's contents changed last. Two equal stamps mean an unchanged directory only if
// the time lies further back than the file system's time step, see `is_settled`.
struct Stamp {
  std::int64_t mtime = 0;  // nanoseconds; 0: no such directory, or not to be trusted
  std::int64_t inode = 0;
  bool operator==(const Stamp&) const = default;
};

// What identifies a directory across renames.
struct DirectoryIdentity {
  std::int64_t inode = 0;
  std::int64_t born = 0;  // nanoseconds; 0 where the file system does not tell
  bool operator==(const DirectoryIdentity&) const = default;
};

// The stamp of `path` under `at`; all zeros when there is nothing.
Stamp stamp_of(int at, const std::string& path);
Stamp stamp_of(int fd);
// Whether a change made now would certainly get another time than `stamp` has.
bool is_settled(const Stamp& stamp, UnixMillis granularity);

// One message file as stat() shows it.
struct FileFacts {
  bool regular = false;
  UnixMillis mtime = 0;
  std::int64_t size = 0;
  std::int64_t inode = 0;
  std::int64_t links = 1;  // names that the file has
};
// not_found when there is nothing of that name.
Result<FileFacts> facts_of(int at, const std::string& name);

// Opens a directory. not_found: nothing there, or not a directory (a symbolic link is none, unless
// `follow`).
Result<UniqueFd> open_directory(int at, const std::string& name, bool follow = false);
// Like that, and makes it (mode 0700) when it is missing.
Result<UniqueFd> open_or_make_directory(int at, const std::string& name);

// A folder's directories. `new_` and `cur` may be absent (-1) when they were opened to be read.
struct FolderFds {
  UniqueFd folder;
  UniqueFd new_;
  UniqueFd cur;
  int of(bool in_cur) const { return in_cur ? cur.get() : new_.get(); }
};
// not_found: the folder's directory is gone.
Result<FolderFds> open_folder(int user_fd, const std::string& dir);
// The same for writing: makes what is missing, the folder included.
Result<FolderFds> open_folder_to_write(int user_fd, const std::string& dir);

enum class EntryType { regular, directory, other };
// Calls `visit(name, type)` for every entry but "." and "..".
Result<void> list_directory(int fd, const std::function<void(std::string_view, EntryType)>& visit);

DirectoryIdentity identity_of(int at, const std::string& name);

// Renames without overwriting. exists: the new name is taken; not_found: the old one is gone.
Result<void> rename_file(int from_fd, const std::string& from, int to_fd, const std::string& to);
// Removes a directory below `at` with all its contents, never following a link.
Result<void> remove_tree(int at, const std::string& name);

// The Error of a failed system call: ENOENT → not_found, EEXIST → exists, EACCES and EPERM →
// denied, no space and the like → unavailable, anything else → internal.
Error system_error(const char* what, std::string_view name, int error);

}  // namespace storage::maildir
