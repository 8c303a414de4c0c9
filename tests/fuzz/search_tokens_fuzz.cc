// Any bytes as text for the full-text index: the words are short, and hold nothing that would mean
// something to FTS5 or to a tsquery.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "storage/base/text.h"
#include "storage/search/tokens.h"

namespace {

void check(const std::string& token) {
  if (token.empty() || token.size() > storage::kMostTokenBytes) std::abort();
  if (!storage::is_valid_utf8(token)) std::abort();
  for (const char c : token) {
    const bool letter =
        static_cast<unsigned char>(c) >= 0x80 || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!letter) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const std::string& token : storage::index_tokens(text, 10'000)) check(token);
  for (const bool open : {false, true}) {
    for (const auto& phrase : storage::word_tokens(text, open)) {
      if (phrase.tokens.empty() || phrase.tokens.size() > storage::kMostPhrase) std::abort();
      for (const std::string& token : phrase.tokens) check(token);
    }
    for (const auto& phrase : storage::phrase_tokens(text, open)) {
      if (phrase.tokens.empty() || phrase.tokens.size() > storage::kMostPhrase) std::abort();
    }
  }
  (void)storage::fold_label(text);
  return 0;
}
