// What the documents say of tokens and versions, line by line.
#include <doctest/doctest.h>

#include <charconv>

#include "tests/support/requirement_table.h"
#include "tests/support/version_check.h"
#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"
#include "wbxml/encoder.h"
#include "wbxml/tokens.h"

namespace {

int number_of(const std::string& text, int base) {
  int value = -1;
  std::from_chars(text.data() + (base == 16 ? 2 : 0), text.data() + text.size(), value, base);
  return value;
}

}  // namespace

TEST_CASE("code pages: every tag of the documents has its page, token and versions") {
  // covers: MS-ASDTYPE R7 R20 R502 R87 R91
  // covers: MS-ASCON MS-ASDTYPE_R87 MS-ASDTYPE_R91
  const auto rows = test::requirement_table("code_pages.tsv");
  REQUIRE(rows.size() > 900);
  for (const auto& row : rows) {
    REQUIRE(row.size() == 7);
    CAPTURE(row[1]);
    const auto page = static_cast<std::uint8_t>(number_of(row[2], 10));
    const wbxml::PageInfo* info = wbxml::find_page(page);
    REQUIRE(info != nullptr);
    CHECK(info->name == row[3]);
    if (row[4] == "-") continue;
    const wbxml::Tag tag{page, static_cast<std::uint8_t>(number_of(row[5], 16))};
    const wbxml::TagInfo* found = wbxml::find_tag(tag);
    REQUIRE(found != nullptr);
    CHECK(found->name == row[4]);
    CHECK(wbxml::find_tag(row[3], row[4]) == tag);
    for (const std::string& version : test::words_of(row[6])) {
      CHECK_MESSAGE((found->versions & test::version_bit(version)) != 0, version);
    }
    // And it goes over the wire as that token.
    const std::string bytes = wbxml::encode(wbxml::Element(tag, "x"));
    const auto back = wbxml::decode(bytes);
    REQUIRE(back);
    CHECK(back->tag == tag);
    CHECK(static_cast<std::uint8_t>(bytes[bytes.size() - 5]) == (tag.token | 0x40));
    CHECK(bytes.ends_with(std::string_view("\x03x\x00\x01", 4)));  // an inline string
  }
}

TEST_CASE("code pages: each element exists in the versions that the documents say, in no other") {
  const auto rows = test::requirement_table("element_versions.tsv");
  REQUIRE(rows.size() > 300);
  for (const auto& row : rows) {
    REQUIRE(row.size() == 6);
    CAPTURE(row[1]);
    CAPTURE(row[3]);
    const auto tag = wbxml::find_tag(row[2], row[3]);
    REQUIRE(tag);
    const std::uint16_t versions = wbxml::find_tag(*tag)->versions;
    for (const std::string& version : test::words_of(row[4])) {
      CHECK((versions & test::version_bit(version)) != 0);
    }
    for (const std::string& version : test::words_of(row[5])) {
      CHECK((versions & test::version_bit(version)) == 0);
    }
  }
}

TEST_CASE("encoder: only the features of WBXML that the protocol uses") {
  // covers: MS-ASWBXML R801 R802 R804 R819 R6 R8 R655 R656
  // covers: MS-ASHTTP R169
  wbxml::Element root(wbxml::airsync::kSync, {wbxml::Element(wbxml::airsync::kStatus, "1"),
                                              wbxml::Element(wbxml::email2::kConversationId, "id"),
                                              wbxml::Element(wbxml::airsync::kMoreAvailable)});
  root.children[1].opaque = true;
  const std::string expected(
      "\x03\x01\x6A\x00"  // WBXML 1.3, unknown id, UTF-8, no string table
      "\x45"              // Sync with content
      "\x4E\x03"
      "1\x00\x01"                   // Status STR_I "1" END
      "\x00\x16\x49\xC3\x02id\x01"  // SWITCH_PAGE 22, ConversationId OPAQUE END
      "\x00\x00\x14\x01",           // SWITCH_PAGE 0, MoreAvailable (empty), END
      4 + 1 + 5 + 8 + 4);
  CHECK(wbxml::encode(root) == expected);
  const auto back = wbxml::decode(expected);
  REQUIRE(back);
  CHECK(*back == root);
}

TEST_CASE("decoder: what the protocol does not use is refused, not guessed") {
  // covers: MS-ASWBXML R805-R818 R820
  // LITERAL and its forms, EXT_*, PI, STR_T: inside a Sync element.
  for (const int token :
       {0x04, 0x40, 0x41, 0x42, 0x43, 0x44, 0x80, 0x81, 0x82, 0x83, 0x84, 0xC0, 0xC1, 0xC2, 0xC4}) {
    CAPTURE(token);
    std::string bytes("\x03\x01\x6A\x00\x45", 5);
    bytes += static_cast<char>(token);
    bytes += std::string("\x01\x00\x01\x01", 4);
    CHECK_FALSE(wbxml::decode(bytes));
  }
}
