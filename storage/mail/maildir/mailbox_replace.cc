// Another content for a message. Nobody who reads a Maildir expects a file to change, so there is a
// new file, whose name says of which message it is the next state (filename.h): whatever a kill
// leaves between these steps, a look at the folder finds the message under its id.
//
//   the new file is put in place → the old one is removed → the index
#include <unistd.h>

#include <cerrno>

#include "storage/mail/maildir/filename.h"
#include "storage/mail/maildir/mailbox.h"

namespace storage::maildir {

namespace {

constexpr int kTries = 4;

}  // namespace

// nullopt: the file is not where the index says.
Result<std::optional<MessageInfo>> MaildirMailbox::try_replace(OpenFolder& folder, ItemId id,
                                                               std::string_view bytes,
                                                               Seq expected) {
  GODWIT_ASSIGN(const ItemRow item, live_item(folder, id));
  if (item.seq != expected) return fail(ErrorKind::conflict, "the message changed meanwhile");
  const int old_fd = folder.fds.of(item.location.in_cur);
  if (!facts_of(old_fd, item.location.name())) return std::optional<MessageInfo>();
  Edit edit;
  edit.kind = Edit::Kind::update;
  edit.id = id;
  edit.location = item.location;
  edit.location.base = replacement_base(item.location.base, bytes.size());
  edit.flags = item.flags;
  edit.keywords = item.keywords;
  edit.aspects = aspect::kContent;
  edit.new_size = static_cast<std::int64_t>(bytes.size());
  GODWIT_TRY(write_file(folder, edit.location, bytes, item.date));
  context_.step("unlink replaced");
  if (::unlinkat(old_fd, item.location.name().c_str(), 0) != 0) {
    if (errno != ENOENT) return fail(system_error("unlink", item.location.name(), errno));
    // Somebody renamed it in this moment: the look finds both files and the message they are.
    GODWIT_TRY(scan_inside(folder));
  } else {
    GODWIT_TRY(commit(folder, {&edit, 1}));
  }
  GODWIT_ASSIGN(const ItemRow now, live_item(folder, id));
  return std::optional(info_of(now));
}

Result<MessageInfo> MaildirMailbox::replace(CollectionId folder, ItemId id, std::string_view bytes,
                                            Seq expected) {
  return in_folder<MessageInfo>(folder, [&](OpenFolder& open) -> Result<MessageInfo> {
    GODWIT_TRY(bring_up_to_date(open));  // also what an earlier attempt left
    for (int attempt = 0; attempt < kTries; ++attempt) {
      GODWIT_ASSIGN(auto info, try_replace(open, id, bytes, expected));
      if (info) return std::move(*info);
      GODWIT_TRY(scan_inside(open));
    }
    return fail(ErrorKind::unavailable, "the message is renamed all the time");
  });
}

}  // namespace storage::maildir
