#include "storage/base/text.h"

#include <doctest/doctest.h>

#include <limits>

using namespace std::string_literals;

TEST_CASE("text: case is folded for ASCII letters only") {
  CHECK(storage::to_lower("AbZ[@`{09\xC3\x84") == "abz[@`{09\xC3\x84");
  CHECK(storage::equals_ignore_case("Content-Type", "content-TYPE"));
  CHECK_FALSE(storage::equals_ignore_case("ab", "abc"));
  CHECK_FALSE(storage::equals_ignore_case("abc", "ab"));
  CHECK_FALSE(storage::equals_ignore_case("[", "{"));
  CHECK(storage::starts_with_ignore_case("BASIC xyz", "Basic "));
  CHECK(storage::starts_with_ignore_case("x", ""));
  CHECK_FALSE(storage::starts_with_ignore_case("Bas", "Basic"));
}

TEST_CASE("text: trim takes white space from both ends and nothing else") {
  CHECK(storage::trim(" \t\r\na b\r\n") == "a b");
  CHECK(storage::trim(" \r\n\t ").empty());
  CHECK(storage::trim("").empty());
  CHECK(storage::trim("\va\v") == "\va\v");
}

TEST_CASE("text: split keeps empty parts and always gives one part more than separators") {
  using Parts = std::vector<std::string_view>;
  CHECK(storage::split("a,b,c", ',') == Parts{"a", "b", "c"});
  CHECK(storage::split(",a,,", ',') == Parts{"", "a", "", ""});
  CHECK(storage::split("", ',') == Parts{""});
}

TEST_CASE("text: numbers are read whole or not at all") {
  struct Row {
    const char* text;
    std::optional<std::int64_t> as_int;
    std::optional<std::uint64_t> as_uint;
  };
  const Row rows[] = {
      {"0", 0, 0},
      {"42", 42, 42},
      {"-42", -42, std::nullopt},
      {"007", 7, 7},
      {"9223372036854775807", INT64_MAX, INT64_MAX},
      {"9223372036854775808", std::nullopt, 9223372036854775808u},
      {"-9223372036854775808", INT64_MIN, std::nullopt},
      {"18446744073709551615", std::nullopt, UINT64_MAX},
      {"18446744073709551616", std::nullopt, std::nullopt},
      {"", std::nullopt, std::nullopt},
      {"-", std::nullopt, std::nullopt},
      {"+1", std::nullopt, std::nullopt},
      {" 1", std::nullopt, std::nullopt},
      {"1 ", std::nullopt, std::nullopt},
      {"1x", std::nullopt, std::nullopt},
      {"0x10", std::nullopt, std::nullopt},
      {"1.5", std::nullopt, std::nullopt},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(storage::parse_int(row.text) == row.as_int);
    CHECK(storage::parse_uint(row.text) == row.as_uint);
  }
}

TEST_CASE("text: hexadecimal is lower case, two digits a byte") {
  CHECK(storage::to_hex("\x00\x0F\xA9\xFF"s) == "000fa9ff");
  CHECK(storage::to_hex("").empty());
}

TEST_CASE("base64: the test vectors of RFC 4648, both ways") {
  const std::pair<const char*, const char*> rows[] = {{"", ""},
                                                      {"f", "Zg=="},
                                                      {"fo", "Zm8="},
                                                      {"foo", "Zm9v"},
                                                      {"foob", "Zm9vYg=="},
                                                      {"fooba", "Zm9vYmE="},
                                                      {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : rows) {
    CHECK(storage::base64_encode(plain) == encoded);
    CHECK(storage::base64_decode(encoded) == plain);
  }
}

TEST_CASE("base64: every byte value at every position survives") {
  for (int value = 0; value < 256; ++value) {
    for (std::size_t length = 1; length <= 4; ++length) {
      const std::string bytes(length, static_cast<char>(value));
      CHECK(storage::base64_decode(storage::base64_encode(bytes)) == bytes);
    }
  }
}

TEST_CASE("base64: both alphabets, missing padding and white space are accepted, the rest is not") {
  CHECK(storage::base64_decode("-_-_") == storage::base64_decode("+/+/"));
  CHECK(storage::base64_decode("Zg") == "f");
  CHECK(storage::base64_decode("Zm8") == "fo");
  CHECK(storage::base64_decode("Zm\r\n 9v\t") == "foo");
  for (const char* bad : {"Z", "Zm9vY", "Zm9v!", "Zg==Zg==", "=Zg", "\x80\x80\x80\x80"}) {
    CAPTURE(bad);
    CHECK_FALSE(storage::base64_decode(bad).has_value());
  }
}

TEST_CASE("percent decoding: malformed escapes stay, a plus is a plus") {
  CHECK(storage::percent_decode("a%40b%2Fc%2f+d") == "a@b/c/+d");
  CHECK(storage::percent_decode("%00") == "\0"s);
  CHECK(storage::percent_decode("%") == "%");
  CHECK(storage::percent_decode("%4") == "%4");
  CHECK(storage::percent_decode("%zz%4g") == "%zz%4g");
  CHECK(storage::percent_decode("%2541") == "%41");
}

namespace {

struct Utf8Row {
  const char* name;
  std::string bytes;
  bool valid;
  std::string xml_safe;
};

const std::string kFFFD = "\xEF\xBF\xBD";

const Utf8Row kUtf8Rows[] = {
    {"empty", "", true, ""},
    {"ASCII", "abc", true, "abc"},
    {"two, three and four bytes", "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", true,
     "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"},
    {"the last character of each length", "\x7F\xDF\xBF\xEF\xBF\xBD\xF4\x8F\xBF\xBF", true,
     "\x7F\xDF\xBF\xEF\xBF\xBD\xF4\x8F\xBF\xBF"},
    {"white space is kept", "a\t\r\nb", true, "a\t\r\nb"},
    {"controls are removed", "a\x01\x1B\x1F\x0B"s + "b", true, "ab"},
    {"NUL is removed", "a\0b"s, true, "ab"},
    {"U+FFFE and U+FFFF are removed", "a\xEF\xBF\xBE\xEF\xBF\xBF"s + "b", true, "ab"},
    {"a lone continuation byte", "a\x80"s + "b", false, "a" + kFFFD + "b"},
    {"overlong slash", "\xC0\xAF", false, kFFFD},
    {"overlong three bytes", "\xE0\x80\xAF", false, kFFFD},
    {"overlong four bytes", "\xF0\x80\x80\xAF", false, kFFFD},
    {"surrogate", "\xED\xA0\x80", false, kFFFD},
    {"above Unicode", "\xF4\x90\x80\x80", false, kFFFD},
    {"F5 and above", "\xF5\xFF", false, kFFFD + kFFFD},
    {"cut off at the end", "a\xE2\x82", false, "a" + kFFFD},
    {"cut off in the middle", "\xE2\x82"s + "a", false, kFFFD + "a"},
    {"Latin-1", "caf\xE9 x", false, "caf" + kFFFD + " x"},
};

}  // namespace

TEST_CASE("UTF-8: validity, and the text that XML may hold") {
  for (const Utf8Row& row : kUtf8Rows) {
    CAPTURE(row.name);
    CHECK(storage::is_valid_utf8(row.bytes) == row.valid);
    CHECK(storage::to_xml_safe_utf8(row.bytes) == row.xml_safe);
    CHECK(storage::is_valid_utf8(storage::to_xml_safe_utf8(row.bytes)));
  }
}

TEST_CASE("UTF-8: the safe text of any two bytes is valid") {
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const std::string bytes{static_cast<char>(a), static_cast<char>(b)};
      REQUIRE(storage::is_valid_utf8(storage::to_xml_safe_utf8(bytes)));
    }
  }
}

TEST_CASE("UTF-8: a prefix ends at a character border and is the longest such one") {
  const std::string text = "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80z";  // borders 0 1 3 6 10 11
  const std::size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
  for (std::size_t limit = 0; limit < std::size(expected); ++limit) {
    CAPTURE(limit);
    CHECK(storage::utf8_prefix(text, limit).size() == expected[limit]);
  }
}

TEST_CASE("Latin-1: every byte becomes its character") {
  CHECK(storage::latin1_to_utf8("caf\xE9 \x80\xFF") == "caf\xC3\xA9 \xC2\x80\xC3\xBF");
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  CHECK(storage::latin1_to_utf8(all).size() == 128 + 2 * 128);
  CHECK(storage::is_valid_utf8(storage::latin1_to_utf8(all)));
}
