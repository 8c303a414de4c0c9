// From text in any script to the words of the index, the same for both drivers. Words are folded
// (ICU): case, accents, width and the like make no difference. Scripts that put no spaces between
// words (Chinese, Japanese, Korean, Thai, Lao, Khmer, Burmese) are cut into overlapping pairs of
// characters, so that any part of a sentence is found. Pure, thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace storage {

inline constexpr std::size_t kMostTokenBytes = 64;  // longer words count by their beginning

// A text without case and accents, as categories are compared. Not cut into words.
std::string fold_label(std::string_view text);

// The words of a text that is put into the index, at most `most`.
std::vector<std::string> index_tokens(std::string_view text, std::size_t most);

// One after the other in one field.
struct TokenPhrase {
  std::vector<std::string> tokens;  // never empty; at most kMostPhrase
  bool open = false;                // the last one is the beginning of a word
};
inline constexpr std::size_t kMostPhrase = 16;

// A text that is looked for as one phrase. Empty when there is no word in it; several, all of which
// must be found, when it is long. `open`: its last word may go on.
std::vector<TokenPhrase> phrase_tokens(std::string_view text, bool open);

// The words of a text, parted by white space, each a phrase of its own ("anna@example.org" is
// three). With `open` every word may go on, but a short one (under three letters) only when it is
// the last: nobody who writes "to" and goes on looks for "tomorrow".
std::vector<TokenPhrase> word_tokens(std::string_view text, bool open);

}  // namespace storage
