// Brings the index of one folder up to date with its directories: by a scan of both, or by the
// names that inotify told. The caller is inside the folder's gate.
#pragma once

#include <span>
#include <string>

#include "storage/mail/maildir/index.h"
#include "storage/mail/maildir/keywords.h"
#include "storage/mail/maildir/store_context.h"

namespace storage::maildir {

struct ScanResult {
  Seq head = 0;
  bool added = false;
  bool other = false;
  // A file carries a keyword letter that dovecot-keywords does not explain yet (Dovecot renames
  // first and writes that file afterwards): look again soon.
  bool unknown_letters = false;
};

// Compares the folder with its index in one ordered pass. Work is committed in batches, so that
// other writers get their turn and a killed first indexing goes on where it stopped. `row` is
// updated: head, stamps, scanned.
Result<ScanResult> scan_folder(const StoreContext& context, std::int64_t user, FolderRow& row,
                               const FolderFds& fds);

// A name that appeared in or vanished from one of the folder's directories.
struct TouchedName {
  bool in_cur = false;
  std::string name;
  bool appeared = true;
};
// Finds out what became of these names, in the order of what happened; costs what they cost,
// whatever the size of the folder. A message that appeared last and is not there any more stays in
// the index: it was renamed or removed after these events, and an event yet to come tells which.
Result<ScanResult> apply_names(const StoreContext& context, std::int64_t user, const FolderRow& row,
                               const FolderFds& fds, std::span<const TouchedName> names);

// The flag bits that a file name says, with $Forwarded counted.
unsigned flags_of(const KeywordMap& map, std::string_view suffix);
// The change that takes an indexed item to where its file is found now. Without aspects and with an
// equal location there is nothing to do.
Edit edit_for(const ItemRow& item, const Location& found, const KeywordMap& map);

// Removes files in tmp/ that were left behind (36 hours, as the Maildir convention says).
void clean_tmp(int folder_fd);

}  // namespace storage::maildir
