// A run of pairs ends with its last character alone: "日本語" is 日本, 本語, 語. So each character
// is the beginning of one word of the index, and a query of one character is the beginning of a
// word.
#include "storage/search/tokens.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "storage/base/text.h"

namespace storage {
namespace {

constexpr std::size_t kMostWordBytes = 4096;  // of one run without a break; the rest is the next

struct Fold {
  UChar32 from;
  const char* to;
};

// Letters that are not an accented other letter to Unicode, but are to who looks for them.
constexpr std::array kFolds = {
    Fold{0x00E6, "ae"},       Fold{0x00F0, "d"},        Fold{0x00F8, "o"},
    Fold{0x0111, "d"},        Fold{0x0127, "h"},        Fold{0x0131, "i"},
    Fold{0x0142, "l"},        Fold{0x0153, "oe"},       Fold{0x0167, "t"},
    Fold{0x0640, ""},         Fold{0x0629, "\xD9\x87"}, Fold{0x0649, "\xD9\x8A"},
    Fold{0x06A9, "\xD9\x83"}, Fold{0x06CC, "\xD9\x8A"},
};

bool is_ascii_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_mark(UChar32 c) { return (U_GET_GC_MASK(c) & U_GC_M_MASK) != 0; }
bool is_word(UChar32 c) {
  return (U_GET_GC_MASK(c) & (U_GC_L_MASK | U_GC_N_MASK | U_GC_M_MASK)) != 0;
}
// Characters that are seen as nothing and part no words; a zero width space does.
bool is_invisible(UChar32 c) { return c != 0x200B && (U_GET_GC_MASK(c) & U_GC_CF_MASK) != 0; }

// Accents, vowel points and the like, but no vowel signs of scripts that need them.
bool is_accent(UChar32 c) {
  if (u_charType(c) != U_NON_SPACING_MARK || c == 0x3099 || c == 0x309A) return false;
  UErrorCode code = U_ZERO_ERROR;
  const UScriptCode script = uscript_getScript(c, &code);
  return script == USCRIPT_INHERITED || script == USCRIPT_HEBREW || script == USCRIPT_ARABIC;
}

bool is_unspaced(UChar32 c) {
  if (c < 0x0E00) return false;
  UErrorCode code = U_ZERO_ERROR;
  switch (uscript_getScript(c, &code)) {
    case USCRIPT_HAN:
    case USCRIPT_HIRAGANA:
    case USCRIPT_KATAKANA:
    case USCRIPT_HANGUL:
    case USCRIPT_BOPOMOFO:
    case USCRIPT_THAI:
    case USCRIPT_LAO:
    case USCRIPT_KHMER:
    case USCRIPT_MYANMAR:
      return true;
    default:
      return c == 0x30FC || c == 0x3006 || c == 0x3005;
  }
}

void append(std::string& out, UChar32 c) {
  std::array<char, 4> bytes{};
  int32_t length = 0;
  UBool failed = 0;
  U8_APPEND(bytes.data(), length, static_cast<int32_t>(bytes.size()), c, failed);
  if (failed == 0) out.append(bytes.data(), static_cast<std::size_t>(length));
}

// The next character of `text` from `at`, U+FFFD for malformed bytes.
UChar32 next_character(std::string_view text, std::size_t& at) {
  auto position = static_cast<int32_t>(at);
  UChar32 c = 0;
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(text.data());
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"  // inside ICU's macro
  U8_NEXT_OR_FFFD(bytes, position, static_cast<int32_t>(text.size()), c);
#pragma GCC diagnostic pop
  at = static_cast<std::size_t>(position);
  return c;
}

std::string normalized(const icu::Normalizer2* normalizer, const std::string& text) {
  if (normalizer == nullptr) return text;
  std::string out;
  icu::StringByteSink<std::string> sink(&out);
  UErrorCode code = U_ZERO_ERROR;
  normalizer->normalizeUTF8(0, text, sink, nullptr, code);
  return U_SUCCESS(code) ? out : text;
}

const icu::Normalizer2* form(const icu::Normalizer2* (*get)(UErrorCode&)) {
  UErrorCode code = U_ZERO_ERROR;
  return get(code);
}

// Without case, accents and width. `letters`: nothing but letters, digits and their signs is kept.
std::string fold(std::string_view text, bool letters) {
  static const icu::Normalizer2* const caseless = form(icu::Normalizer2::getNFKCCasefoldInstance);
  static const icu::Normalizer2* const apart = form(icu::Normalizer2::getNFDInstance);
  static const icu::Normalizer2* const together = form(icu::Normalizer2::getNFCInstance);
  const std::string parts = normalized(apart, normalized(caseless, std::string(text)));
  std::string kept;
  kept.reserve(parts.size());
  std::size_t at = 0;
  while (at < parts.size()) {
    const UChar32 c = next_character(parts, at);
    if (is_accent(c) || (letters && !is_word(c))) continue;
    const auto* const special =
        std::find_if(kFolds.begin(), kFolds.end(), [c](const Fold& row) { return row.from == c; });
    if (special != kFolds.end()) {
      kept += special->to;
    } else if (const int digit = c > 0x7F ? u_charDigitValue(c) : -1; digit >= 0) {
      kept += static_cast<char>('0' + digit);
    } else {
      append(kept, c);
    }
  }
  return normalized(together, kept);
}

struct Piece {
  std::string token;
  bool pair = false;  // of two characters
  bool last = false;  // a character alone at the end of a run of pairs
};

// Cuts one folded word into the pieces of the index.
class Cutter {
 public:
  explicit Cutter(std::vector<Piece>& out) : out_(out) {}

  void cut(const std::string& word) {
    std::size_t at = 0;
    while (at < word.size()) {
      const std::size_t begin = at;
      const UChar32 c = next_character(word, at);
      const std::string_view bytes = std::string_view(word).substr(begin, at - begin);
      if (is_mark(c) && (!run_.empty() || !spaced_.empty())) {
        (run_.empty() ? spaced_ : run_.back()) += bytes;
      } else if (is_unspaced(c)) {
        end_spaced();
        run_.emplace_back(bytes);
      } else {
        end_run();
        spaced_ += bytes;
      }
    }
    end_spaced();
    end_run();
  }

 private:
  void end_spaced() {
    if (spaced_.empty()) return;
    out_.push_back({std::string(utf8_prefix(spaced_, kMostTokenBytes)), false, false});
    spaced_.clear();
  }
  void end_run() {
    for (std::size_t i = 0; i < run_.size(); ++i) {
      const bool pair = i + 1 < run_.size();
      const std::string both = pair ? run_[i] + run_[i + 1] : run_[i];
      out_.push_back({std::string(utf8_prefix(both, kMostTokenBytes)), pair, !pair});
    }
    run_.clear();
  }

  std::vector<Piece>& out_;
  std::string spaced_;            // a word of a script with spaces
  std::vector<std::string> run_;  // the characters, each with its marks, of one without
};

std::string lower_ascii(std::string_view text) { return to_lower(text); }

// Reads the words of a text one by one.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  // The next run of letters and digits, folded; false at the end.
  bool next(std::string& word) {
    word.clear();
    while (at_ < text_.size() && word.empty()) {
      skip();
      const std::size_t begin = at_;
      bool ascii = true;
      take(ascii);
      if (at_ == begin) return false;
      const std::string_view raw = text_.substr(begin, at_ - begin);
      word = ascii ? lower_ascii(raw) : fold(raw, true);
    }
    return !word.empty();
  }

 private:
  void skip() {
    while (at_ < text_.size()) {
      if (static_cast<unsigned char>(text_[at_]) < 0x80) {
        if (is_ascii_word(text_[at_])) return;
        ++at_;
        continue;
      }
      std::size_t after = at_;
      if (is_word(next_character(text_, after))) return;
      at_ = after;
    }
  }
  void take(bool& ascii) {
    const std::size_t begin = at_;
    while (at_ < text_.size() && at_ - begin < kMostWordBytes) {
      if (static_cast<unsigned char>(text_[at_]) < 0x80) {
        if (!is_ascii_word(text_[at_])) return;
        ++at_;
        continue;
      }
      std::size_t after = at_;
      const UChar32 c = next_character(text_, after);
      if (!is_word(c) && !is_invisible(c)) return;
      ascii = false;
      at_ = after;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

std::vector<Piece> pieces_of(std::string_view text, std::size_t most) {
  std::vector<Piece> pieces;
  Cutter cutter(pieces);
  Reader reader(text);
  std::string word;
  while (pieces.size() < most && reader.next(word)) cutter.cut(word);
  if (pieces.size() > most) pieces.resize(most);
  return pieces;
}

bool is_space(UChar32 c) { return u_isUWhiteSpace(c) != 0; }

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  std::size_t begin = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t here = at;
    if (!is_space(next_character(text, at))) continue;
    if (here > begin) words.push_back(text.substr(begin, here - begin));
    begin = at;
  }
  if (begin < text.size()) words.push_back(text.substr(begin));
  return words;
}

}  // namespace

std::string fold_label(std::string_view text) { return fold(text, false); }

std::vector<std::string> index_tokens(std::string_view text, std::size_t most) {
  std::vector<std::string> tokens;
  for (Piece& piece : pieces_of(text, most)) tokens.push_back(std::move(piece.token));
  return tokens;
}

std::vector<TokenPhrase> phrase_tokens(std::string_view text, bool open) {
  constexpr std::size_t kMost = kMostPhrase * 16;
  std::vector<Piece> pieces = pieces_of(text, kMost);
  if (pieces.empty()) return {};
  // The run that a query ends with may go on in the message.
  bool goes_on = open;
  if (pieces.back().last) {
    if (pieces.size() > 1 && pieces[pieces.size() - 2].pair) {
      pieces.pop_back();
      goes_on = false;
    } else {
      goes_on = true;
    }
  }
  std::vector<TokenPhrase> phrases;
  for (std::size_t at = 0; at < pieces.size();) {
    const std::size_t end = std::min(at + kMostPhrase, pieces.size());
    TokenPhrase phrase;
    for (std::size_t i = at; i < end; ++i) phrase.tokens.push_back(pieces[i].token);
    phrase.open = goes_on && end == pieces.size();
    phrases.push_back(std::move(phrase));
    if (end == pieces.size()) break;
    at = end - 1;  // they overlap, so that they hold together
  }
  return phrases;
}

std::vector<TokenPhrase> word_tokens(std::string_view text, bool open) {
  std::vector<TokenPhrase> all;
  const std::vector<std::string_view> words = words_of(text);
  const bool still_typing =
      !words.empty() && words.back().data() + words.back().size() == text.data() + text.size();
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool last = i + 1 == words.size() && still_typing;
    std::vector<TokenPhrase> phrases = phrase_tokens(words[i], open);
    for (TokenPhrase& phrase : phrases) {
      const std::string& end = phrase.tokens.back();
      const bool ascii = std::all_of(end.begin(), end.end(), is_ascii_word);
      const std::size_t least = last ? 2 : 3;
      if (phrase.open && ascii && end.size() < least) phrase.open = false;
      all.push_back(std::move(phrase));
    }
  }
  return all;
}

}  // namespace storage
