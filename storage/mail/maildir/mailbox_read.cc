// Reading messages. Small files are read into memory, which is cheaper than mapping them; large
// ones are mapped, so that a message of many megabytes is never held whole.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "storage/base/text.h"
#include "storage/mail/maildir/filename.h"
#include "storage/mail/maildir/mailbox.h"

namespace storage::maildir {

namespace {

constexpr std::int64_t kMapFrom = 256 * 1024;
constexpr int kTries = 4;

constexpr int kOpenMessage = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;

Result<std::string> read_whole(int fd, std::int64_t size) {
  std::string text(static_cast<std::size_t>(size), '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t got = ::read(fd, text.data() + filled, text.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(system_error("read", "message", errno));
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  text.resize(filled);
  return text;
}

Result<MessageBytes> read_message(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return fail(system_error("stat", "message", errno));
  if (!S_ISREG(info.st_mode)) return fail(ErrorKind::corrupt, "the message is not a file");
  if (info.st_size < kMapFrom) {
    GODWIT_ASSIGN(std::string text, read_whole(fd, info.st_size));
    return MessageBytes(std::move(text));
  }
  const auto length = static_cast<std::size_t>(info.st_size);
  void* mapping = ::mmap(nullptr, length, PROT_READ, MAP_PRIVATE, fd, 0);
  if (mapping == MAP_FAILED) return fail(system_error("map", "message", errno));
  ::madvise(mapping, length, MADV_SEQUENTIAL);
  return MessageBytes(mapping, length);
}

}  // namespace

MessageInfo MaildirMailbox::info_of(const ItemRow& item) {
  MessageInfo info;
  info.id = item.id;
  info.date = item.date;
  info.size = item.size;
  info.seq = item.seq;
  info.created_seq = item.id;
  unpack(item.flags, info.flags);
  info.flags.keywords = item.keywords;
  info.flags.annotation = item.annotation;
  return info;
}

Result<std::vector<MessageInfo>> MaildirMailbox::messages(CollectionId folder,
                                                          std::span<const ItemId> ids) {
  std::vector<MessageInfo> infos;
  const std::int64_t key = key_of(folder);
  GODWIT_TRY(context_.database.read([&](Connection& connection) -> Result<void> {
    infos.clear();
    GODWIT_ASSIGN(const FolderRow row, live_folder(connection, folder));
    for (const ItemId id : ids) {
      GODWIT_ASSIGN(const auto item, load_item(connection, key, id));
      if (!item || item->removed) continue;
      infos.push_back(info_of(*item));
      infos.back().location =
          path_of(row.dir) + (item->location.in_cur ? "/cur/" : "/new/") + item->location.name();
    }
    return {};
  }));
  return infos;
}

Result<MessageInfo> MaildirMailbox::message(CollectionId folder, ItemId id) {
  const ItemId ids[] = {id};
  GODWIT_ASSIGN(auto infos, messages(folder, ids));
  if (infos.empty()) return fail(ErrorKind::not_found, "no such message");
  return std::move(infos.front());
}

Result<bool> MaildirMailbox::was_here(CollectionId folder, ItemId id) {
  bool known = false;
  GODWIT_TRY(context_.database.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const auto item, load_item(connection, key_of(folder), id));
    known = item.has_value();
    return {};
  }));
  return known;
}

Result<MessageBytes> MaildirMailbox::read_file(const OpenFolder& folder,
                                               const Location& location) const {
  const std::string name = location.name();
  const UniqueFd fd(::openat(folder.fds.of(location.in_cur), name.c_str(), kOpenMessage));
  if (!fd) {
    if (errno == EACCES) return fail(ErrorKind::corrupt, "the message file is not readable");
    return fail(system_error("open", name, errno));
  }
  return read_message(fd.get());
}

// The file is where it was a moment ago, or the index is asked. The base of its name is the
// message's identity, so a file that is there is the right one. No directory of the path may be a
// symbolic link, as everywhere in this store.
Result<MessageBytes> MaildirMailbox::bytes(CollectionId folder, const MessageInfo& info) {
  if (!info.location.empty()) {
    open_how how{};
    how.flags = kOpenMessage;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
    const UniqueFd fd(static_cast<int>(
        ::syscall(SYS_openat2, context_.root.get(), info.location.c_str(), &how, sizeof how)));
    if (fd) return read_message(fd.get());
  }
  return bytes(folder, info.id);
}

Result<MessageBytes> MaildirMailbox::bytes(CollectionId folder, ItemId id) {
  // Without the gate first: reading needs no order with others. A file renamed meanwhile is found
  // by looking at the folder again.
  for (int attempt = 0; attempt < kTries; ++attempt) {
    OpenFolder open;
    GODWIT_ASSIGN(open.row, live_folder(folder));
    GODWIT_ASSIGN(const ItemRow item, live_item(open, id));
    GODWIT_ASSIGN(const UniqueFd user_fd, open_user());
    auto fds = open_folder(user_fd.get(), open.row.dir);
    if (fds) {
      open.fds = std::move(*fds);
      auto read = read_file(open, item.location);
      if (read || read.error().kind != ErrorKind::not_found) return read;
    } else if (fds.error().kind != ErrorKind::not_found) {
      return fail(std::move(fds.error()));
    }
    GODWIT_TRY(refresh(folder, true));
  }
  return fail(ErrorKind::unavailable, "the message is renamed all the time");
}

Result<void> MaildirMailbox::note_broken(CollectionId folder, ItemId id, std::string_view reason) {
  return context_.database.write([&](Connection& connection) -> Result<void> {
    GODWIT_TRY(connection.execute(
        "INSERT INTO mail_broken (collection, id, reason, noticed) VALUES ($1, $2, $3, $4) ON "
        "CONFLICT DO NOTHING",
        {key_of(folder), id, to_xml_safe_utf8(utf8_prefix(reason, 500)), context_.clock.now_ms()}));
    return {};
  });
}

Result<std::vector<Mailbox::BrokenMessage>> MaildirMailbox::broken_messages() {
  std::vector<BrokenMessage> broken;
  GODWIT_TRY(context_.database.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const Rows rows,
                  connection.query("SELECT collection, id, reason, noticed FROM mail_broken WHERE "
                                   "collection > $1 AND collection <= $2 ORDER BY noticed, "
                                   "collection, id",
                                   {key_of(0), key_of(kMaxFolder)}));
    broken.clear();
    for (std::size_t r = 0; r < rows.size(); ++r) {
      broken.push_back({rows.integer(r, 0) - key_of(0), rows.integer(r, 1), rows.text(r, 2),
                        rows.integer(r, 3)});
    }
    return {};
  }));
  return broken;
}

}  // namespace storage::maildir
