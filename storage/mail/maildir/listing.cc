#include "storage/mail/maildir/listing.h"

#include <algorithm>

#include "storage/mail/maildir/filename.h"

namespace storage::maildir {

Result<Listing> Listing::read(const FolderFds& fds) {
  Listing listing;
  GODWIT_TRY(listing.read_directory(fds.new_.get(), false));
  GODWIT_TRY(listing.read_directory(fds.cur.get(), true));
  listing.sort();
  return listing;
}

Result<void> Listing::read_directory(int fd, bool in_cur) {
  return list_directory(fd, [&](std::string_view name, EntryType type) {
    if (type != EntryType::regular || !is_message_name(name)) {
      ++skipped_;
      return;
    }
    Entry entry;
    entry.offset = static_cast<std::uint32_t>(names_.size());
    entry.base_length = static_cast<std::uint16_t>(split_file_name(name).base.size());
    entry.length = static_cast<std::uint16_t>(name.size());
    entry.in_cur = in_cur;
    names_ += name;
    entries_.push_back(entry);
  });
}

void Listing::sort() {
  // Of two files with one base the one in cur/ comes first and is kept.
  std::sort(entries_.begin(), entries_.end(), [this](const Entry& a, const Entry& b) {
    const int order = base(a).compare(base(b));
    if (order != 0) return order < 0;
    if (a.in_cur != b.in_cur) return a.in_cur;
    return suffix(a) < suffix(b);
  });
  const auto last =
      std::unique(entries_.begin(), entries_.end(),
                  [this](const Entry& a, const Entry& b) { return base(a) == base(b); });
  entries_.erase(last, entries_.end());
}

bool Listing::contains(std::string_view wanted) const {
  const auto found = std::lower_bound(
      entries_.begin(), entries_.end(), wanted,
      [this](const Entry& entry, std::string_view value) { return base(entry) < value; });
  return found != entries_.end() && base(*found) == wanted;
}

}  // namespace storage::maildir
