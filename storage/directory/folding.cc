// ICU does the work. Marks are stripped only where they are accents: those that belong to no script
// of their own (U+0301 and the like, also the Arabic vowel marks). Vowel signs of Indic scripts are
// letters to their readers, and the voiced marks of kana make other syllables.
#include "storage/directory/folding.h"

#include <unicode/coll.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>
#include <unicode/uversion.h>

#include <algorithm>
#include <array>
#include <memory>

#include "storage/base/text.h"

namespace storage {
namespace {

constexpr std::size_t kMostIndexWords = 96;
constexpr std::size_t kMostWordBytes = 254;  // an address fits
constexpr std::size_t kMostKeyBytes = 1024;
constexpr int kMostEndings = 16;  // of one run without spaces

// Bump when this file changes what it makes of a text.
constexpr std::string_view kOwnVersion = "1";

struct Letter {
  UChar32 from;
  std::string_view to;
};
// Latin letters that Unicode does not take apart, as people type them without a special keyboard.
constexpr std::array kLetters = {
    Letter{0xe6, "ae"},  Letter{0xf0, "d"},  Letter{0xf8, "o"},  Letter{0xfe, "th"},
    Letter{0x111, "d"},  Letter{0x127, "h"}, Letter{0x131, "i"}, Letter{0x142, "l"},
    Letter{0x153, "oe"}, Letter{0x167, "t"},
};

UScriptCode script_of(UChar32 c) {
  UErrorCode error = U_ZERO_ERROR;
  const UScriptCode script = uscript_getScript(c, &error);
  return U_SUCCESS(error) ? script : USCRIPT_UNKNOWN;
}

bool is_accent(UChar32 c) {
  if (c == 0x3099 || c == 0x309a) return false;
  return u_charType(c) == U_NON_SPACING_MARK && script_of(c) == USCRIPT_INHERITED;
}

// Whether words of this script follow each other without a space, or names do.
bool is_unspaced(UChar32 c) {
  switch (script_of(c)) {
    case USCRIPT_HAN:
    case USCRIPT_HIRAGANA:
    case USCRIPT_KATAKANA:
    case USCRIPT_HANGUL:
    case USCRIPT_THAI:
    case USCRIPT_LAO:
    case USCRIPT_KHMER:
    case USCRIPT_MYANMAR:
      return true;
    default:
      return false;
  }
}

bool is_word_character(UChar32 c) {
  return u_isalnum(c) != 0 || (U_GET_GC_MASK(c) & U_GC_M_MASK) != 0;
}

icu::UnicodeString normalized(const icu::Normalizer2* form, const icu::UnicodeString& text) {
  UErrorCode error = U_ZERO_ERROR;
  icu::UnicodeString result = form->normalize(text, error);
  return U_SUCCESS(error) ? result : text;
}

icu::UnicodeString folded(std::string_view text) {
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* apart = icu::Normalizer2::getNFKDInstance(error);
  const icu::Normalizer2* together = icu::Normalizer2::getNFKCInstance(error);
  icu::UnicodeString all =
      icu::UnicodeString::fromUTF8({text.data(), static_cast<std::int32_t>(text.size())});
  if (U_FAILURE(error)) return all.foldCase();
  // Apart again after the fold: it makes combined characters of some.
  all = normalized(apart, normalized(apart, all).foldCase());
  icu::UnicodeString plain;
  for (std::int32_t at = 0; at < all.length(); at = all.moveIndex32(at, 1)) {
    const UChar32 c = all.char32At(at);
    if (is_accent(c)) continue;
    const auto* letter = std::find_if(kLetters.begin(), kLetters.end(),
                                      [c](const Letter& each) { return each.from == c; });
    if (letter == kLetters.end()) {
      plain.append(c);
    } else {
      plain.append(icu::UnicodeString::fromUTF8(
          {letter->to.data(), static_cast<std::int32_t>(letter->to.size())}));
    }
  }
  return normalized(together, plain);
}

std::string utf8_of(const icu::UnicodeString& text) {
  std::string result;
  text.toUTF8String(result);
  return result;
}

void add_word(std::vector<std::string>& words, const icu::UnicodeString& word) {
  std::string text = utf8_of(word);
  text.resize(utf8_prefix(text, kMostWordBytes).size());
  if (!text.empty()) words.push_back(std::move(text));
}

// The words of folded text; with `endings` those of unspaced runs too.
void add_words(std::vector<std::string>& words, const icu::UnicodeString& text, bool endings) {
  std::int32_t begin = 0;
  while (begin < text.length()) {
    std::int32_t end = begin;
    while (end < text.length() && is_word_character(text.char32At(end))) {
      end = text.moveIndex32(end, 1);
    }
    if (end > begin) add_word(words, text.tempSubStringBetween(begin, end));
    std::int32_t at = begin;
    for (int count = 0; endings && at < end && count < kMostEndings; ++count) {
      at = text.moveIndex32(at, 1);
      const bool starts_word = at < end && is_unspaced(text.char32At(at)) &&
                               (U_GET_GC_MASK(text.char32At(at)) & U_GC_M_MASK) == 0;
      if (starts_word) add_word(words, text.tempSubStringBetween(at, end));
    }
    begin = end > begin ? end : text.moveIndex32(begin, 1);
  }
}

void sort_once(std::vector<std::string>& words) {
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
}

}  // namespace

std::string fold_text(std::string_view text) { return utf8_of(folded(text)); }

std::vector<std::string> index_words(const std::vector<std::string_view>& names,
                                     const std::vector<std::string_view>& addresses) {
  std::vector<std::string> words;
  for (const std::string_view address : addresses) {
    add_word(words, folded(address));
    add_words(words, folded(address.substr(0, address.find('@'))), true);
  }
  for (const std::string_view name : names) add_words(words, folded(name), true);
  // What comes first matters more, should there be too many.
  std::vector<std::string> first;
  for (std::string& word : words) {
    if (first.size() == kMostIndexWords) break;
    if (std::find(first.begin(), first.end(), word) == first.end()) first.push_back(word);
  }
  sort_once(first);
  return first;
}

std::vector<std::string> search_words(std::string_view text) {
  std::vector<std::string> words;
  const icu::UnicodeString all = folded(text);
  std::int32_t begin = 0;
  while (begin < all.length()) {
    std::int32_t end = begin;
    while (end < all.length() && !u_isUWhiteSpace(all.char32At(end))) {
      end = all.moveIndex32(end, 1);
    }
    icu::UnicodeString part = all.tempSubStringBetween(begin, end);
    if (part.indexOf(u'@') > 0) {
      add_word(words, part);
    } else {
      add_words(words, part, false);
    }
    begin = end > begin ? end : all.moveIndex32(begin, 1);
  }
  sort_once(words);
  return words;
}

std::string sort_key(std::string_view name, std::string_view address) {
  UErrorCode error = U_ZERO_ERROR;
  const std::unique_ptr<icu::Collator> collator(
      icu::Collator::createInstance(icu::Locale::getRoot(), error));
  std::string key;
  if (U_SUCCESS(error)) {
    const icu::UnicodeString text =
        icu::UnicodeString::fromUTF8({name.data(), static_cast<std::int32_t>(name.size())});
    std::array<std::uint8_t, kMostKeyBytes> bytes{};
    const std::int32_t size = collator->getSortKey(text, bytes.data(), bytes.size());
    key.assign(bytes.begin(), bytes.begin() + std::min<std::int32_t>(size, bytes.size()));
  } else {
    key = fold_text(name);
    key += '\0';
  }
  key += address;
  key.resize(std::min(key.size(), kMostKeyBytes));
  return key;
}

std::string folding_version() {
  UVersionInfo version{};
  u_getVersion(version);
  std::array<char, U_MAX_VERSION_STRING_LENGTH> text{};
  u_versionToString(version, text.data());
  return std::string(kOwnVersion) + "/" + text.data();
}

}  // namespace storage
