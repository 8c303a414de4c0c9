// Names and search texts as words that compare without case and accents, and the order in which a
// list of names is shown. The same bytes whatever the database, so both drivers find the same.
// Pure functions, thread-safe. All texts UTF-8.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace storage {

inline constexpr std::size_t kMostSearchWords = 16;

// `text` without case, accents and differences of width: "Älvdalen Łódź" → "alvdalen lodz".
std::string fold_text(std::string_view text);

// The words under which somebody with these names and addresses is found, folded, sorted, each
// once, at most 96. A word is a run of letters and digits. Of a run in a script without spaces
// between words (Han, kana, Hangul, Thai, …) each ending is a word too, so a given name is found
// behind the family name. Of an address: the words before the '@', and the whole.
std::vector<std::string> index_words(const std::vector<std::string_view>& names,
                                     const std::vector<std::string_view>& addresses);

// The words that a search text asks for, folded, each once; a part with '@' in it is one word (the
// beginning of an address). More than kMostSearchWords come back when there are more.
std::vector<std::string> search_words(std::string_view text);

// Bytes whose order is that of the texts for a reader: the Unicode root collation of `name`, then
// `address`. At most 1024 bytes.
std::string sort_key(std::string_view name, std::string_view address);

// Changes when the functions above may give other bytes than before: what was stored is then stale.
std::string folding_version();

}  // namespace storage
