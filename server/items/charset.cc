// Believes the label unless the bytes speak against it: ICU's converters, and its detector when the
// label is missing or wrong.
#include "server/items/charset.h"

#include <unicode/ucnv.h>
#include <unicode/ucnv_err.h>
#include <unicode/ucsdet.h>
#include <unicode/ustring.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>

#include "server/items/charset_labels.h"
#include "server/items/clean_text.h"
#include "storage/base/text.h"

namespace eas {
namespace {

constexpr std::array<std::uint16_t, 32> kWindows1252High = {
    0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x8D,   0x017D, 0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};

void append_code_point(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xE0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

std::string from_windows_1252(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + bytes.size() / 8);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += c;
    } else {
      append_code_point(out, byte < 0xA0 ? kWindows1252High[byte - 0x80u] : byte);
    }
  }
  return out;
}

struct ConverterCloser {
  void operator()(UConverter* converter) const { ucnv_close(converter); }
};
using Converter = std::unique_ptr<UConverter, ConverterCloser>;

struct Converted {
  std::string text;
  std::size_t errors = 0;  // replacement characters
  bool ok = false;
};

void append_utf16(Converted& result, const UChar* units, std::int32_t count) {
  for (std::int32_t i = 0; i < count; ++i) result.errors += units[i] == 0xFFFD ? 1 : 0;
  std::array<char, 3 * 2048> buffer{};
  std::int32_t length = 0;
  UErrorCode error = U_ZERO_ERROR;
  u_strToUTF8WithSub(buffer.data(), static_cast<std::int32_t>(buffer.size()), &length, units, count,
                     0xFFFD, nullptr, &error);
  if (U_SUCCESS(error)) result.text.append(buffer.data(), static_cast<std::size_t>(length));
}

// ICU calls a segment without characters "irregular": one escape sequence of ISO-2022 right after
// another. Encoded words that are joined have them, and nothing is wrong with the text.
void on_malformed(const void* context, UConverterToUnicodeArgs* arguments, const char* units,
                  std::int32_t length, UConverterCallbackReason reason, UErrorCode* error) {
  if (reason == UCNV_IRREGULAR) {
    *error = U_ZERO_ERROR;
    return;
  }
  UCNV_TO_U_CALLBACK_SUBSTITUTE(context, arguments, units, length, reason, error);
}

Converted convert(std::string_view bytes, const char* name, bool partial) {
  Converted result;
  UErrorCode error = U_ZERO_ERROR;
  const Converter converter(ucnv_open(name, &error));
  if (U_FAILURE(error) || !converter) return result;
  ucnv_setToUCallBack(converter.get(), on_malformed, nullptr, nullptr, nullptr, &error);
  result.text.reserve(bytes.size() + bytes.size() / 2);
  const char* source = bytes.data();
  const char* const end = source + bytes.size();
  std::array<UChar, 2049> units{};
  std::int32_t kept = 0;  // a high surrogate that waits for its other half
  for (;;) {
    UChar* target = units.data() + kept;
    error = U_ZERO_ERROR;
    ucnv_toUnicode(converter.get(), &target, units.data() + 2048, &source, end, nullptr,
                   static_cast<UBool>(!partial), &error);
    auto count = static_cast<std::int32_t>(target - units.data());
    const bool more = error == U_BUFFER_OVERFLOW_ERROR;
    if (U_FAILURE(error) && !more) break;
    const bool split = more && count > 0 && U16_IS_LEAD(units[static_cast<std::size_t>(count) - 1]);
    if (split) --count;
    append_utf16(result, units.data(), count);
    kept = split ? 1 : 0;
    if (split) units[0] = units[static_cast<std::size_t>(count)];
    if (!more) break;
  }
  result.ok = true;
  return result;
}

struct Utf8Check {
  bool valid = true;
  std::size_t sequences = 0;  // multibyte ones
};

Utf8Check check_utf8(std::string_view bytes) {
  Utf8Check check;
  std::size_t at = 0;
  const auto is_tail = [&](std::size_t i) {
    return i < bytes.size() && (static_cast<unsigned char>(bytes[i]) & 0xC0) == 0x80;
  };
  for (at = find_high_byte(bytes, 0); at < bytes.size(); at = find_high_byte(bytes, at)) {
    const auto byte = static_cast<unsigned char>(bytes[at]);
    const bool two = byte >= 0xC2 && byte < 0xE0 && is_tail(at + 1);
    const std::size_t length = two ? 2 : utf8_sequence_length(bytes.substr(at));
    if (length == 0) return {false, check.sequences};
    ++check.sequences;
    at += length;
  }
  return check;
}

// Without the incomplete character at the end that cutting may have left.
std::string_view without_cut_character(std::string_view bytes) {
  for (std::size_t back = 1; back <= 3 && back <= bytes.size(); ++back) {
    const auto byte = static_cast<unsigned char>(bytes[bytes.size() - back]);
    if (byte < 0x80) break;
    if (byte >= 0xC0) {
      const std::size_t wanted = byte >= 0xF0 ? 4 : (byte >= 0xE0 ? 3 : 2);
      return back < wanted ? bytes.substr(0, bytes.size() - back) : bytes;
    }
  }
  return bytes;
}

// The byte that windows-1252 has for a character, -1 when it has none.
int windows_1252_byte(std::uint32_t code) {
  if (code < 0x80 || (code >= 0xA0 && code <= 0xFF)) return static_cast<int>(code);
  for (std::size_t i = 0; i < kWindows1252High.size(); ++i) {
    if (kWindows1252High[i] == code) return static_cast<int>(0x80 + i);
  }
  return -1;
}

std::uint32_t code_point(std::string_view sequence) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(sequence[i]); };
  switch (sequence.size()) {
    case 1:
      return at(0);
    case 2:
      return (at(0) & 0x1Fu) << 6 | (at(1) & 0x3Fu);
    case 3:
      return (at(0) & 0x0Fu) << 12 | (at(1) & 0x3Fu) << 6 | (at(2) & 0x3Fu);
    default:
      return 0x10000;
  }
}

// Text that was encoded as UTF-8 twice: every character beyond ASCII is a windows-1252 byte, and
// each run of those bytes is UTF-8 again, at least two characters in all. Real text does not look
// like that, and shows it at its first such run.
bool undo_double_utf8(std::string_view text, std::string& out) {
  std::string once;
  std::string run;
  std::size_t sequences = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = find_high_byte(text, at);
    once.append(text, at, end - at);
    at = end;
    run.clear();
    while (at < text.size() && static_cast<signed char>(text[at]) < 0) {
      const std::size_t length = utf8_sequence_length(text.substr(at));
      if (length == 0) return false;
      const int byte = windows_1252_byte(code_point(text.substr(at, length)));
      if (byte < 0) return false;
      run += static_cast<char>(byte);
      at += length;
    }
    const Utf8Check check = check_utf8(run);
    if (!check.valid) return false;
    sequences += check.sequences;
    once += run;
  }
  if (sequences < 2) return false;
  out = std::move(once);
  return true;
}

// `bytes` begin with well-formed UTF-8 of `length` bytes, which is the text.
std::string finish_utf8(std::string bytes, std::size_t length, std::size_t sequences) {
  bytes.resize(length);
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.erase(0, 3);
  std::string repaired;
  if (sequences >= 4 && undo_double_utf8(bytes, repaired)) return repaired;
  return bytes;
}

struct DetectorCloser {
  void operator()(UCharsetDetector* detector) const { ucsdet_close(detector); }
};

// What ICU thinks of a sample around the first byte beyond ASCII; nullptr: no idea.
const Charset* detect(std::string_view bytes) {
  constexpr std::size_t kSample = 4096;
  const auto high = std::find_if(bytes.begin(), bytes.end(),
                                 [](char c) { return static_cast<signed char>(c) < 0; });
  auto from = static_cast<std::size_t>(high - bytes.begin());
  from = from > 512 ? from - 512 : 0;
  const std::string_view sample = bytes.substr(from, kSample);
  UErrorCode error = U_ZERO_ERROR;
  const std::unique_ptr<UCharsetDetector, DetectorCloser> detector(ucsdet_open(&error));
  if (U_FAILURE(error)) return nullptr;
  ucsdet_setText(detector.get(), sample.data(), static_cast<std::int32_t>(sample.size()), &error);
  const UCharsetMatch* match = ucsdet_detect(detector.get(), &error);
  if (U_FAILURE(error) || match == nullptr) return nullptr;
  const char* name = ucsdet_getName(match, &error);
  const std::int32_t confidence = ucsdet_getConfidence(match, &error);
  if (U_FAILURE(error) || name == nullptr || confidence < 20) return nullptr;
  const Charset* charset = find_charset(name);
  return charset != nullptr && charset->kind != CharsetKind::utf8 ? charset : nullptr;
}

std::string decode_guessed(std::string_view bytes, bool partial) {
  const Charset* charset = detect(bytes);
  if (charset != nullptr && charset->kind != CharsetKind::western) {
    Converted converted = convert(bytes, charset->converter, partial);
    if (converted.ok && converted.errors * 50 <= converted.text.size()) {
      return std::move(converted.text);
    }
  }
  return from_windows_1252(bytes);
}

// Nearly UTF-8: mostly well-formed, with a few broken places.
bool mostly_utf8(std::string_view bytes) {
  std::size_t good = 0;
  std::size_t bad = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t length = utf8_sequence_length(bytes.substr(at));
    if (length > 1) ++good;
    if (length == 0) ++bad;
    at += length == 0 ? 1 : length;
  }
  return good > 0 && bad * 8 <= good;
}

// An ISO-2022 escape sequence.
bool has_escape(std::string_view bytes) {
  for (std::size_t at = bytes.find('\x1B'); at != std::string_view::npos;
       at = bytes.find('\x1B', at + 1)) {
    if (at + 1 < bytes.size() && (bytes[at + 1] == '$' || bytes[at + 1] == '(')) return true;
  }
  return false;
}

std::string decode_unlabelled(std::string bytes, bool partial) {
  if (has_escape(bytes)) {
    Converted converted = convert(bytes, "iso-2022-jp", partial);
    if (converted.ok && converted.errors == 0) return std::move(converted.text);
  }
  const std::string_view whole = partial ? without_cut_character(bytes) : std::string_view(bytes);
  const Utf8Check check = check_utf8(whole);
  if (check.valid) return finish_utf8(std::move(bytes), whole.size(), check.sequences);
  if (mostly_utf8(whole)) {
    std::string repaired;
    append_clean(repaired, whole);
    return repaired;
  }
  return decode_guessed(bytes, partial);
}

// A label other than UTF-8 is contradicted by well-formed UTF-8: hardly any text in another
// charset is that by chance. Short texts in other scripts can be, so they need more evidence.
bool is_utf8_despite(const Charset& charset, std::string_view whole) {
  const std::size_t needed = charset.kind == CharsetKind::western ? 1 : 4;
  const Utf8Check check = check_utf8(whole);
  return check.valid && check.sequences >= needed;
}

bool has_high_byte(std::string_view bytes) { return find_high_byte(bytes, 0) < bytes.size(); }

}  // namespace

std::string decode_text(std::string bytes, std::string_view label, bool partial) {
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) {
    Converted converted = convert(bytes, "utf-16", partial);
    if (converted.ok && converted.errors == 0) return std::move(converted.text);
  }
  const Charset* charset = find_charset(label);
  if (charset == nullptr || charset->kind == CharsetKind::utf8) {
    return decode_unlabelled(std::move(bytes), partial);
  }
  if (charset->kind == CharsetKind::other) {
    Converted converted = convert(bytes, charset->converter, partial);
    if (converted.ok && converted.errors * 20 <= converted.text.size()) {
      return std::move(converted.text);
    }
    return decode_unlabelled(std::move(bytes), partial);
  }
  if (!has_high_byte(bytes)) return bytes;
  const std::string_view whole = partial ? without_cut_character(bytes) : std::string_view(bytes);
  if (charset->kind != CharsetKind::multibyte && is_utf8_despite(*charset, whole)) {
    return finish_utf8(std::move(bytes), whole.size(), 4);
  }
  if (std::string_view(charset->converter) == "windows-1252") return from_windows_1252(bytes);
  Converted converted = convert(bytes, charset->converter, partial);
  if (!converted.ok) return decode_unlabelled(std::move(bytes), partial);
  if (converted.errors > 0 && check_utf8(whole).valid) {
    return finish_utf8(std::move(bytes), whole.size(), 4);
  }
  if (converted.errors * 20 > converted.text.size()) return decode_guessed(bytes, partial);
  return std::move(converted.text);
}

namespace {

// Where the value of charset= is in the first <meta> that has one: offset and length, or npos.
std::pair<std::size_t, std::size_t> find_meta_charset(std::string_view html) {
  constexpr std::size_t kLook = 2048;
  const std::string head = storage::to_lower(html.substr(0, kLook));
  for (std::size_t at = head.find("<meta"); at != std::string::npos;
       at = head.find("<meta", at + 5)) {
    const std::size_t close = std::min(head.find('>', at), head.size());
    const std::size_t name = head.find("charset", at);
    if (name == std::string::npos || name >= close) continue;
    std::size_t from = name + 7;
    while (from < close && (head[from] == ' ' || head[from] == '\t')) ++from;
    if (from >= close || head[from] != '=') continue;
    ++from;
    while (from < close && (head[from] == ' ' || head[from] == '"' || head[from] == '\'')) ++from;
    std::size_t to = from;
    while (to < close && head[to] != '"' && head[to] != '\'' && head[to] != ' ' &&
           head[to] != ';' && head[to] != '/') {
      ++to;
    }
    if (to > from) return {from, to - from};
  }
  return {std::string_view::npos, 0};
}

}  // namespace

std::string_view meta_charset(std::string_view html) {
  const auto [at, length] = find_meta_charset(html);
  return at == std::string_view::npos ? std::string_view() : html.substr(at, length);
}

void set_meta_charset_utf8(std::string& html) {
  const auto [at, length] = find_meta_charset(html);
  if (at == std::string_view::npos) return;
  if (storage::equals_ignore_case(std::string_view(html).substr(at, length), "utf-8")) return;
  html.replace(at, length, "utf-8");
}

}  // namespace eas
