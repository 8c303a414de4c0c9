// Changes to messages. Always the file first, then the index: after a kill in between, the file is
// what counts, and the next look at the folder brings the index after it.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "storage/mail/maildir/filename.h"
#include "storage/mail/maildir/mailbox.h"

namespace storage::maildir {

namespace {

constexpr int kTries = 4;
constexpr std::size_t kMaxAnnotation = 4096;
constexpr std::size_t kMaxName = 255;

// Keywords as they can be stored: no line feeds, none empty, each once.
std::vector<std::string> clean_keywords(const std::vector<std::string>& keywords) {
  std::vector<std::string> clean;
  for (std::string keyword : keywords) {
    std::replace(keyword.begin(), keyword.end(), '\n', ' ');
    if (keyword.empty() || std::find(clean.begin(), clean.end(), keyword) != clean.end()) continue;
    clean.push_back(std::move(keyword));
  }
  return clean;
}

Result<void> write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail(system_error("write", "message", errno));
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

// What a FlagChange makes of an item.
struct Target {
  unsigned flags = 0;
  std::vector<std::string> keywords;
  std::string annotation;
};

Target target_of(const ItemRow& item, const FlagChange& change) {
  MessageFlags flags;
  unpack(item.flags, flags);
  flags.seen = change.seen.value_or(flags.seen);
  flags.flagged = change.flagged.value_or(flags.flagged);
  flags.answered = change.answered.value_or(flags.answered);
  flags.forwarded = change.forwarded.value_or(flags.forwarded);
  Target target;
  target.flags = pack(flags);
  target.keywords = change.keywords ? clean_keywords(*change.keywords) : item.keywords;
  target.annotation = change.annotation.value_or(item.annotation);
  return target;
}

unsigned aspects_between(const ItemRow& item, const Target& target) {
  const unsigned differ = item.flags ^ target.flags;
  unsigned aspects = 0;
  if ((differ & flag::kSeen) != 0) aspects |= aspect::kRead;
  if ((differ & flag::kFlagged) != 0 || item.annotation != target.annotation) {
    aspects |= aspect::kFlag;
  }
  if ((differ & (flag::kAnswered | flag::kForwarded)) != 0) aspects |= aspect::kVerb;
  if (item.keywords != target.keywords) aspects |= aspect::kCategories;
  return aspects;
}

}  // namespace

Result<std::optional<ItemRow>> MaildirMailbox::item_inside(const OpenFolder& folder, ItemId id) {
  std::optional<ItemRow> item;
  auto read = context_.database.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(item, load_item(connection, key_of(folder.row.id), id));
    return {};
  });
  if (!read) return fail(std::move(read.error()));
  return item;
}

Result<ItemRow> MaildirMailbox::live_item(const OpenFolder& folder, ItemId id) {
  GODWIT_ASSIGN(auto item, item_inside(folder, id));
  if (!item || item->removed) return fail(ErrorKind::not_found, "no such message");
  return std::move(*item);
}

Result<void> MaildirMailbox::commit(OpenFolder& folder, std::span<Edit> edits) {
  context_.step("index");
  Applied applied;
  GODWIT_TRY(context_.database.write([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(applied, apply(connection, user_, folder.row.id, edits));
    return {};
  }));
  folder.row.head = applied.head;
  publish(folder.row.id, applied.head, applied.added, applied.other);
  return {};
}

Result<std::string> MaildirMailbox::suffix_for(OpenFolder& folder, std::string_view old,
                                               unsigned flags,
                                               const std::vector<std::string>& keywords) {
  GODWIT_ASSIGN(folder.keywords, KeywordMap::load(folder.fds.folder.get()));
  std::vector<std::string> wanted;
  for (const std::string& category : keywords) {
    if (folder.keywords.letter_of_category(category) < 0) {
      wanted.push_back(keyword_from_category(category));
    }
  }
  // $Forwarded is what IMAP clients show; the letter P is Maildir's own.
  if ((flags & flag::kForwarded) != 0) wanted.emplace_back("$Forwarded");
  if (!wanted.empty()) {
    context_.step("keywords");
    const ScanMark mark(folder.state->gate);  // another program may hold the file's lock
    GODWIT_TRY(folder.keywords.add(folder.fds.folder.get(), wanted));
  }
  const std::uint32_t ours =
      folder.keywords.category_letters() | folder.keywords.forwarded_letter();
  std::uint32_t letters = keyword_letters_in(old) & ~ours;
  if ((flags & flag::kForwarded) != 0) letters |= folder.keywords.forwarded_letter();
  for (const std::string& category : keywords) {
    const int letter = folder.keywords.letter_of_category(category);
    if (letter >= 0) letters |= 1u << letter;
  }
  // A message without flags keeps a name without suffix if it had none.
  if (old.empty() && flags == 0 && letters == 0) return std::string();
  return with_flags(old, flags, letters);
}

// --- append --------------------------------------------------------------------------------------

Result<void> MaildirMailbox::write_file(OpenFolder& folder, const Location& location,
                                        std::string_view bytes, UnixMillis date) {
  GODWIT_ASSIGN(const UniqueFd tmp, open_or_make_directory(folder.fds.folder.get(), "tmp"));
  context_.step("create");
  ::unlinkat(tmp.get(), location.base.c_str(), 0);  // left behind by a killed attempt
  {
    const UniqueFd fd(::openat(tmp.get(), location.base.c_str(),
                               O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd) return fail(system_error("create", location.base, errno));
    auto written = write_all(fd.get(), bytes);
    const timespec time{date / 1000, (date % 1000) * 1'000'000};
    const timespec times[2] = {time, time};
    if (written && ::futimens(fd.get(), times) != 0) {
      written = fail(system_error("set time of", location.base, errno));
    }
    if (written && context_.options.fsync && ::fsync(fd.get()) != 0) {
      written = fail(system_error("flush", location.base, errno));
    }
    if (!written) {
      ::unlinkat(tmp.get(), location.base.c_str(), 0);
      return written;
    }
  }
  context_.step("rename into place");
  auto renamed =
      rename_file(tmp.get(), location.base, folder.fds.of(location.in_cur), location.name());
  if (!renamed) {
    ::unlinkat(tmp.get(), location.base.c_str(), 0);
    return renamed;
  }
  if (context_.options.fsync) ::fsync(folder.fds.of(location.in_cur));
  return {};
}

// The message that an identity named before: returned as it is now, a tombstone too.
Result<MessageInfo> MaildirMailbox::stored_before(OpenFolder& folder, const ItemRow& item,
                                                  const MessageFlags& flags) {
  if (item.removed || !item.annotation.empty() || flags.annotation.empty()) {
    return info_of(item);
  }
  // The first attempt was killed before the index knew of it, and a scan found the file alone.
  Edit edit;
  edit.kind = Edit::Kind::update;
  edit.id = item.id;
  edit.location = item.location;
  edit.flags = item.flags;
  edit.keywords = item.keywords;
  edit.annotation = flags.annotation;
  GODWIT_TRY(commit(folder, {&edit, 1}));
  GODWIT_ASSIGN(const ItemRow now, live_item(folder, item.id));
  return info_of(now);
}

// The message that was stored under the base of an identity; nullopt when there is none.
Result<std::optional<MessageInfo>> MaildirMailbox::find_stored(OpenFolder& folder,
                                                               const std::string& base,
                                                               const MessageFlags& flags) {
  std::optional<ItemRow> before;
  GODWIT_TRY(context_.database.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(before, find_in_any_state(connection, key_of(folder.row.id), base));
    return {};
  }));
  if (!before) return std::optional<MessageInfo>();
  GODWIT_ASSIGN(MessageInfo info, stored_before(folder, *before, flags));
  return std::optional(std::move(info));
}

// An earlier attempt that was cut off has left its file, but no row. In this process that is known
// (has_all_appended), so the folder is listed once and not for every message; one of another
// process is met when its file's name is taken.
Result<MessageInfo> MaildirMailbox::append_inside(OpenFolder& folder, std::string_view bytes,
                                                  const MessageFlags& flags, UnixMillis date,
                                                  std::string_view identity) {
  Edit edit;
  edit.location.base = identity.empty() ? unique_base(context_.clock.now_ms(), bytes.size())
                                        : identity_base(identity);
  if (!identity.empty()) {
    if (!folder.state->has_all_appended.load()) {
      GODWIT_TRY(bring_up_to_date(folder));
      folder.state->has_all_appended.store(true);
    }
    GODWIT_ASSIGN(auto before, find_stored(folder, edit.location.base, flags));
    if (before) return std::move(*before);
  }
  edit.keywords = clean_keywords(flags.keywords);
  edit.flags = pack(flags);
  edit.annotation = flags.annotation;
  GODWIT_ASSIGN(edit.location.suffix, suffix_for(folder, "", edit.flags, edit.keywords));
  edit.location.in_cur = !edit.location.suffix.empty();
  edit.date = date;
  edit.size = static_cast<std::int64_t>(bytes.size());
  const bool had_all = folder.state->has_all_appended.exchange(false);
  auto written = write_file(folder, edit.location, bytes, date);
  if (!written && written.error().kind == ErrorKind::exists && !identity.empty()) {
    GODWIT_TRY(scan_inside(folder));
    GODWIT_ASSIGN(auto before, find_stored(folder, edit.location.base, flags));
    if (before) return std::move(*before);
  }
  if (!written) return fail(std::move(written.error()));
  GODWIT_TRY(commit(folder, {&edit, 1}));
  folder.state->has_all_appended.store(had_all);
  GODWIT_ASSIGN(const ItemRow item, live_item(folder, edit.id));
  // Another process indexed the file first: what only the index holds is still missing.
  if (edit.existed) return stored_before(folder, item, flags);
  return info_of(item);
}

Result<MessageInfo> MaildirMailbox::append(CollectionId folder, std::string_view bytes,
                                           const MessageFlags& flags, UnixMillis date,
                                           std::string_view identity) {
  if (flags.annotation.size() > kMaxAnnotation) {
    return fail(ErrorKind::too_large, "the annotation is too long");
  }
  return in_folder<MessageInfo>(
      folder, [&](OpenFolder& open) { return append_inside(open, bytes, flags, date, identity); });
}

// --- flags ---------------------------------------------------------------------------------------

// nullopt: the file is not where the index says.
Result<std::optional<MessageInfo>> MaildirMailbox::try_set_flags(OpenFolder& folder, ItemId id,
                                                                 const FlagChange& change) {
  GODWIT_ASSIGN(const ItemRow item, live_item(folder, id));
  const Target target = target_of(item, change);
  Edit edit;
  edit.kind = Edit::Kind::update;
  edit.id = id;
  edit.aspects = aspects_between(item, target);
  if (edit.aspects == 0) {
    MessageInfo info = info_of(item);
    return std::optional(std::move(info));
  }
  edit.location = item.location;
  if (target.flags != item.flags || target.keywords != item.keywords) {
    GODWIT_ASSIGN(edit.location.suffix,
                  suffix_for(folder, item.location.suffix, target.flags, target.keywords));
    if (edit.location.suffix != item.location.suffix) edit.location.in_cur = true;
  }
  if (edit.location.name().size() > kMaxName) {
    edit.location.base = identity_base(edit.location.base);
  }
  if (edit.location != item.location) {
    context_.step("rename flags");
    auto renamed = rename_file(folder.fds.of(item.location.in_cur), item.location.name(),
                               folder.fds.cur.get(), edit.location.name());
    if (!renamed && renamed.error().kind == ErrorKind::not_found) {
      return std::optional<MessageInfo>();
    }
    if (!renamed) return fail(std::move(renamed.error()));
  }
  edit.flags = target.flags;
  edit.keywords = target.keywords;
  edit.annotation = target.annotation;
  GODWIT_TRY(commit(folder, {&edit, 1}));
  GODWIT_ASSIGN(const ItemRow now, live_item(folder, id));
  MessageInfo info = info_of(now);
  return std::optional(std::move(info));
}

Result<MessageInfo> MaildirMailbox::set_flags(CollectionId folder, ItemId id,
                                              const FlagChange& change) {
  if (change.annotation && change.annotation->size() > kMaxAnnotation) {
    return fail(ErrorKind::too_large, "the annotation is too long");
  }
  return in_folder<MessageInfo>(folder, [&](OpenFolder& open) -> Result<MessageInfo> {
    for (int attempt = 0; attempt < kTries; ++attempt) {
      GODWIT_ASSIGN(auto info, try_set_flags(open, id, change));
      if (info) return std::move(*info);
      GODWIT_TRY(scan_inside(open));
    }
    return fail(ErrorKind::unavailable, "the message is renamed all the time");
  });
}

// --- removal -------------------------------------------------------------------------------------

Result<Seq> MaildirMailbox::remove(CollectionId folder, ItemId id) {
  return in_folder<Seq>(folder, [&](OpenFolder& open) -> Result<Seq> {
    for (int attempt = 0; attempt < kTries; ++attempt) {
      GODWIT_ASSIGN(const ItemRow item, live_item(open, id));
      context_.step("unlink");
      const std::string name = item.location.name();
      if (::unlinkat(open.fds.of(item.location.in_cur), name.c_str(), 0) == 0) {
        Edit edit;
        edit.kind = Edit::Kind::remove;
        edit.id = id;
        GODWIT_TRY(commit(open, {&edit, 1}));
        return edit.seq;
      }
      if (errno != ENOENT) return fail(system_error("unlink", name, errno));
      GODWIT_TRY(scan_inside(open));
    }
    return fail(ErrorKind::unavailable, "the message is renamed all the time");
  });
}

}  // namespace storage::maildir
