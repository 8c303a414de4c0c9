// Every component below a user's directory is opened with O_NOFOLLOW, so a link planted by the
// user's other programs can never lead a rename or a read outside it. The user's directory itself
// may be a link: only the administrator can place one there.
#include "storage/mail/maildir/directories.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

namespace storage::maildir {

namespace {

constexpr std::int64_t kNanos = 1'000'000'000;

Stamp stamp_from(const struct stat& info) {
  return {static_cast<std::int64_t>(info.st_mtim.tv_sec) * kNanos + info.st_mtim.tv_nsec,
          static_cast<std::int64_t>(info.st_ino)};
}

EntryType type_of(int fd, const dirent& entry) {
  switch (entry.d_type) {
    case DT_REG:
      return EntryType::regular;
    case DT_DIR:
      return EntryType::directory;
    case DT_UNKNOWN: {
      struct stat info {};
      if (::fstatat(fd, entry.d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) return EntryType::other;
      if (S_ISREG(info.st_mode)) return EntryType::regular;
      return S_ISDIR(info.st_mode) ? EntryType::directory : EntryType::other;
    }
    default:
      return EntryType::other;
  }
}

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

}  // namespace

Error system_error(const char* what, std::string_view name, int error) {
  ErrorKind kind = ErrorKind::internal;
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      kind = ErrorKind::not_found;
      break;
    case EEXIST:
    case ENOTEMPTY:
      kind = ErrorKind::exists;
      break;
    case EACCES:
    case EPERM:
    case ELOOP:
      kind = ErrorKind::denied;
      break;
    case EDQUOT:  // the user's, who has to make room
      kind = ErrorKind::too_large;
      break;
    case ENOSPC:
    case EIO:
    case EROFS:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN:
    case EBUSY:
    case ESTALE:
      kind = ErrorKind::unavailable;
      break;
    default:
      break;
  }
  std::string message = what;
  message += ' ';
  message += name;
  message += ": ";
  message += std::strerror(error);
  return Error{kind, std::move(message)};
}

Stamp stamp_of(int at, const std::string& path) {
  struct stat info {};
  if (::fstatat(at, path.c_str(), &info, 0) != 0) return {};
  return stamp_from(info);
}

Stamp stamp_of(int fd) {
  struct stat info {};
  if (fd < 0 || ::fstat(fd, &info) != 0) return {};
  return stamp_from(info);
}

bool is_settled(const Stamp& stamp, UnixMillis granularity) {
  // The system's clock, not the injected one: it is what the file system stamps with.
  const auto now = std::chrono::duration_cast<std::chrono::nanoseconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  return stamp.mtime < now - granularity * 1'000'000;
}

Result<FileFacts> facts_of(int at, const std::string& name) {
  if (at < 0) return fail(ErrorKind::not_found, "no directory for " + name);
  struct stat info {};
  if (::fstatat(at, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    return fail(system_error("stat", name, errno));
  }
  return FileFacts{
      S_ISREG(info.st_mode),
      static_cast<UnixMillis>(info.st_mtim.tv_sec) * 1000 + info.st_mtim.tv_nsec / 1'000'000,
      static_cast<std::int64_t>(info.st_size), static_cast<std::int64_t>(info.st_ino),
      static_cast<std::int64_t>(info.st_nlink)};
}

Result<UniqueFd> open_directory(int at, const std::string& name, bool follow) {
  const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW);
  UniqueFd fd(::openat(at, name.c_str(), flags));
  if (!fd) return fail(system_error("open directory", name, errno));
  return fd;
}

Result<UniqueFd> open_or_make_directory(int at, const std::string& name) {
  auto opened = open_directory(at, name);
  if (opened || opened.error().kind != ErrorKind::not_found) return opened;
  if (::mkdirat(at, name.c_str(), 0700) != 0 && errno != EEXIST) {
    return fail(system_error("make directory", name, errno));
  }
  return open_directory(at, name);
}

Result<FolderFds> open_folder(int user_fd, const std::string& dir) {
  GODWIT_ASSIGN(UniqueFd folder, open_directory(user_fd, dir.empty() ? "." : dir));
  FolderFds fds;
  for (const bool in_cur : {false, true}) {
    auto opened = open_directory(folder.get(), in_cur ? "cur" : "new");
    if (opened) {
      (in_cur ? fds.cur : fds.new_) = std::move(*opened);
    } else if (opened.error().kind != ErrorKind::not_found) {
      return fail(std::move(opened.error()));
    }
  }
  fds.folder = std::move(folder);
  return fds;
}

Result<FolderFds> open_folder_to_write(int user_fd, const std::string& dir) {
  FolderFds fds;
  if (dir.empty()) {
    GODWIT_ASSIGN(fds.folder, open_directory(user_fd, "."));
  } else {
    GODWIT_ASSIGN(fds.folder, open_or_make_directory(user_fd, dir));
  }
  GODWIT_ASSIGN(fds.new_, open_or_make_directory(fds.folder.get(), "new"));
  GODWIT_ASSIGN(fds.cur, open_or_make_directory(fds.folder.get(), "cur"));
  GODWIT_TRY(open_or_make_directory(fds.folder.get(), "tmp"));
  return fds;
}

Result<void> list_directory(int fd, const std::function<void(std::string_view, EntryType)>& visit) {
  if (fd < 0) return {};
  const int own = ::openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (own < 0) return fail(system_error("list", ".", errno));
  const std::unique_ptr<DIR, CloseDir> dir(::fdopendir(own));
  if (dir == nullptr) {
    const int error = errno;
    ::close(own);
    return fail(system_error("list", ".", error));
  }
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(dir.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    visit(name, type_of(own, *entry));
  }
  if (errno != 0) return fail(system_error("list", ".", errno));
  return {};
}

DirectoryIdentity identity_of(int at, const std::string& name) {
  struct statx info {};
  const unsigned wanted = STATX_INO | STATX_BTIME;
  if (::statx(at, name.c_str(), AT_SYMLINK_NOFOLLOW, wanted, &info) != 0) return {};
  DirectoryIdentity identity;
  identity.inode = static_cast<std::int64_t>(info.stx_ino);
  if ((info.stx_mask & STATX_BTIME) != 0) {
    identity.born = info.stx_btime.tv_sec * kNanos + info.stx_btime.tv_nsec;
  }
  return identity;
}

Result<void> rename_file(int from_fd, const std::string& from, int to_fd, const std::string& to) {
  if (from_fd < 0 || to_fd < 0) return fail(ErrorKind::not_found, "no directory for " + from);
  if (::renameat2(from_fd, from.c_str(), to_fd, to.c_str(), RENAME_NOREPLACE) == 0) return {};
  if (errno != EINVAL && errno != ENOSYS) return fail(system_error("rename", from, errno));
  // A file system without RENAME_NOREPLACE (NFS): link, then unlink.
  if (::linkat(from_fd, from.c_str(), to_fd, to.c_str(), 0) != 0) {
    return fail(system_error("link", from, errno));
  }
  if (::unlinkat(from_fd, from.c_str(), 0) != 0 && errno != ENOENT) {
    return fail(system_error("unlink", from, errno));
  }
  return {};
}

Result<void> remove_tree(int at, const std::string& name) {
  auto opened = open_directory(at, name);
  if (!opened) {
    if (opened.error().kind == ErrorKind::not_found) return {};
    return fail(std::move(opened.error()));
  }
  std::vector<std::pair<std::string, bool>> entries;
  GODWIT_TRY(list_directory(opened->get(), [&](std::string_view entry, EntryType type) {
    entries.emplace_back(entry, type == EntryType::directory);
  }));
  for (const auto& [entry, is_directory] : entries) {
    if (is_directory) {
      GODWIT_TRY(remove_tree(opened->get(), entry));
    } else if (::unlinkat(opened->get(), entry.c_str(), 0) != 0 && errno != ENOENT) {
      return fail(system_error("unlink", entry, errno));
    }
  }
  if (::unlinkat(at, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
    return fail(system_error("remove directory", name, errno));
  }
  return {};
}

}  // namespace storage::maildir
