// The message files of a folder's new/ and cur/, sorted by base, in one block of memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/mail/maildir/directories.h"

namespace storage::maildir {

class Listing {
 public:
  struct Entry {
    std::uint32_t offset = 0;
    std::uint16_t base_length = 0;
    std::uint16_t length = 0;
    bool in_cur = false;
  };

  // Lists both directories, new/ first: a message that moves to cur/ meanwhile is then seen twice
  // (once is kept) and not missed.
  static Result<Listing> read(const FolderFds& fds);

  const std::vector<Entry>& entries() const { return entries_; }
  std::string_view base(const Entry& entry) const {
    return std::string_view(names_).substr(entry.offset, entry.base_length);
  }
  std::string_view suffix(const Entry& entry) const {
    return std::string_view(names_).substr(entry.offset + entry.base_length,
                                           std::size_t(entry.length) - entry.base_length);
  }
  std::string_view name(const Entry& entry) const {
    return std::string_view(names_).substr(entry.offset, entry.length);
  }
  bool contains(std::string_view base) const;
  // Entries that are no messages: directories, links, odd names.
  std::size_t skipped() const { return skipped_; }

 private:
  Result<void> read_directory(int fd, bool in_cur);
  void sort();
  std::string names_;
  std::vector<Entry> entries_;
  std::size_t skipped_ = 0;
};

}  // namespace storage::maildir
