// A folder's `dovecot-keywords` file: which keyword each letter a to z of a file name stands for.
// Read and written as Dovecot does it, so categories set on a phone are keywords in IMAP clients
// and the other way round.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"
#include "storage/mail/maildir/directories.h"

namespace storage::maildir {

// IMAP keywords have no spaces and no characters beyond ASCII. A category is written so that it
// stays readable: a space is '_', other forbidden characters are modified UTF-7 ("Grün 1" →
// "Gr&APw-n_1").
std::string keyword_from_category(std::string_view category);
std::string category_from_keyword(std::string_view keyword);
// Keywords that programs use among themselves ($Forwarded, $MDNSent, Junk …) are no categories.
bool is_system_keyword(std::string_view keyword);

class KeywordMap {
 public:
  // Reads the file. A missing or damaged one reads as empty or as far as it goes.
  static Result<KeywordMap> load(int folder_fd);

  // The category of a letter (0 is 'a'); "" when the letter is unknown or a system keyword.
  const std::string& category(unsigned letter) const { return categories_[letter]; }
  bool is_known(unsigned letter) const { return !keywords_[letter].empty(); }
  // The letter of a category or keyword; -1 when it has none.
  int letter_of_category(std::string_view category) const;
  int letter_of_keyword(std::string_view keyword) const;
  // The letters that stand for categories, as a bit set; the other ones are left alone on changes.
  std::uint32_t category_letters() const;
  std::uint32_t forwarded_letter() const;  // bit of "$Forwarded", 0 when it has none

  // Gives every keyword a letter, adding to the file under its lock what is missing. Keywords
  // beyond the 26 letters get none. Also takes over what others added meanwhile.
  Result<void> add(int folder_fd, const std::vector<std::string>& keywords);

 private:
  void parse(std::string_view text);
  std::array<std::string, 26> keywords_;    // as in the file
  std::array<std::string, 26> categories_;  // decoded, "" for system keywords
};

// The stamp of the file, to see that another program changed the meaning of the letters.
Stamp keywords_stamp(int folder_fd);

// The categories of a message: those known by its letters, in the order of `stored` (what the index
// had) and then of the letters; categories in `stored` that have no letter stay.
std::vector<std::string> merge_categories(const KeywordMap& map, std::uint32_t letters,
                                          const std::vector<std::string>& stored);

}  // namespace storage::maildir
