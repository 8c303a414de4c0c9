#include "wbxml/decoder.h"

#include <doctest/doctest.h>

#include "wbxml/code_pages.h"

namespace {

using wbxml::DecodeError;
using wbxml::DecodeLimits;
using wbxml::Element;

// "03 01 6A 00 | 45 01": hexadecimal pairs; '|' only separates.
std::string bytes_of(std::string_view hex) {
  std::string bytes;
  int high = -1;
  for (const char c : hex) {
    int digit = -1;
    if (c >= '0' && c <= '9') digit = c - '0';
    if (c >= 'A' && c <= 'F') digit = c - 'A' + 10;
    if (digit < 0) continue;
    if (high < 0) {
      high = digit;
    } else {
      bytes.push_back(static_cast<char>(high * 16 + digit));
      high = -1;
    }
  }
  return bytes;
}

const std::string kHeader = "03 01 6A 00 ";

DecodeError error_of(const std::string& bytes, const DecodeLimits& limits = {}) {
  const auto result = wbxml::decode(bytes, limits);
  REQUIRE_FALSE(result.has_value());
  return result.error();
}

Element tree_of(const std::string& hex) {
  const auto result = wbxml::decode(bytes_of(hex));
  REQUIRE_MESSAGE(result.has_value(), result.error().message);
  return *result;
}

struct Malformation {
  const char* name;
  std::string hex;
  std::size_t offset;  // of the byte that is refused
};

const Malformation kMalformations[] = {
    {"no bytes at all", "", 0},
    {"XML instead of WBXML", "3C 3F 78 6D 6C", 0},
    {"version of WBXML 2", "10 01 6A 00 45 01", 0},
    {"only a version", "03", 1},
    {"public id without end", "03 81 82 83", 4},
    {"public id of more than 32 bits", "03 90 80 80 80 00 6A 00 45 01", 1},
    {"public id of six bytes", "03 81 80 80 80 80 00 6A 00 05", 1},
    {"index of the public id missing", "03 00", 2},
    {"character set Latin-1", "03 01 04 00 45 01", 2},
    {"string table beyond the input", "03 01 6A 05 61 62", 3},
    {"string table of 2^32-1 bytes", "03 01 6A 8F FF FF FF 7F 05", 3},
    {"header without a body", kHeader, 4},
    {"code page missing", kHeader + "00", 5},
    {"END as the root", kHeader + "01", 4},
    {"text as the root", kHeader + "03 61 00", 4},
    {"opaque data as the root", kHeader + "C3 01 61", 4},
    {"root without END", kHeader + "45", 5},
    {"inner element without END", kHeader + "45 46 01", 7},
    {"inline string without NUL", kHeader + "45 03 61 62", 5},
    {"inline string without a byte", kHeader + "45 03", 5},
    {"opaque data without a length", kHeader + "45 C3", 6},
    {"opaque data beyond the input", kHeader + "45 C3 05 61 62 63 01", 5},
    {"opaque data of 2^31 bytes", kHeader + "45 C3 88 80 80 80 00 61 01", 5},
    {"opaque data of 2^32-1 bytes", kHeader + "45 C3 8F FF FF FF 7F 61 01", 5},
    {"opaque length of more than 32 bits", kHeader + "45 C3 9F FF FF FF 7F 61 01", 6},
    {"opaque length without end", kHeader + "45 C3 80 80", 8},
    {"tag with attributes", kHeader + "85 01 01", 4},
    {"tag with attributes and content", kHeader + "C5 01 01 01", 4},
    {"literal tag", kHeader + "04 00", 4},
    {"literal tag with content", kHeader + "45 44 00 01", 5},
    {"literal tag with attributes", kHeader + "45 84 00 01", 5},
    {"literal tag with both", kHeader + "45 C4 00 01", 5},
    {"processing instruction", kHeader + "43 05 01 45 01", 4},
    {"inline extension", kHeader + "45 40 61 00 01", 5},
    {"table extension", kHeader + "45 80 00 01", 5},
    {"single-byte extension", kHeader + "45 C0 01", 5},
    {"string index without a table", kHeader + "45 83 00 01", 5},
    {"string index behind the table", "03 01 6A 02 61 00 45 83 02 01", 7},
    {"string index missing", "03 01 6A 02 61 00 45 83", 8},
    {"text behind a tag", kHeader + "45 06 03 61 00 01", 6},
    {"tag behind text", kHeader + "45 03 61 00 06 01", 8},
    {"entity NUL", kHeader + "45 02 00 01", 5},
    {"entity of a surrogate", kHeader + "45 02 83 B0 00 01", 5},
    {"entity above Unicode", kHeader + "45 02 C4 80 00 01", 5},
    {"entity without a number", kHeader + "45 02", 6},
    {"bytes behind the root", kHeader + "05 05", 5},
    {"second document behind the root", kHeader + "45 01 03 01 6A 00 45 01", 6},
};

}  // namespace

TEST_CASE("decoder: every malformation is refused with its offset and a reason") {
  for (const Malformation& row : kMalformations) {
    CAPTURE(row.name);
    const DecodeError error = error_of(bytes_of(row.hex));
    CAPTURE(error.message);
    CHECK(error.offset == row.offset);
    CHECK_FALSE(error.over_limit);
    CHECK_FALSE(error.message.empty());
  }
}

TEST_CASE("decoder: every document that is cut off anywhere is refused") {
  const std::string whole =
      bytes_of(kHeader + "45 5C 4F 4B 03 30 00 01 00 15 50 C3 03 61 62 63 01 01 01 01");
  REQUIRE(wbxml::decode(whole).has_value());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(wbxml::decode(std::string_view(whole).substr(0, size)).has_value());
  }
}

TEST_CASE("decoder: 200,000 nested tags are refused at the depth limit") {
  std::string bytes = bytes_of(kHeader);
  bytes.append(200'000, '\x45');
  const DecodeError error = error_of(bytes);
  CHECK(error.over_limit);
  CHECK(error.offset == 4 + DecodeLimits{}.max_depth);
}

TEST_CASE("decoder: the depth limit counts elements, and its value itself is allowed") {
  DecodeLimits limits;
  limits.max_depth = 3;
  CHECK(wbxml::decode(bytes_of(kHeader + "45 46 47 01 01 01"), limits).has_value());
  CHECK(wbxml::decode(bytes_of(kHeader + "45 46 07 07 01 01"), limits).has_value());
  CHECK(error_of(bytes_of(kHeader + "45 46 47 08 01 01 01"), limits).over_limit);
}

TEST_CASE("decoder: more elements than the limit are refused") {
  DecodeLimits limits;
  limits.max_elements = 4;
  CHECK(wbxml::decode(bytes_of(kHeader + "45 06 06 06 01"), limits).has_value());
  const DecodeError error = error_of(bytes_of(kHeader + "45 06 06 06 06 01"), limits);
  CHECK(error.over_limit);
  CHECK(error.offset == 8);
}

TEST_CASE("decoder: a text over the limit is refused, in one piece or in many") {
  DecodeLimits limits;
  limits.max_text = 4;
  CHECK(wbxml::decode(bytes_of(kHeader + "45 03 61 62 63 64 00 01"), limits).has_value());
  CHECK(error_of(bytes_of(kHeader + "45 03 61 62 63 64 65 00 01"), limits).over_limit);
  CHECK(error_of(bytes_of(kHeader + "45 C3 05 61 62 63 64 65 01"), limits).over_limit);
  const DecodeError joined =
      error_of(bytes_of(kHeader + "45 03 61 62 63 00 C3 02 64 65 01"), limits);
  CHECK(joined.over_limit);
  CHECK(joined.offset == 10);
}

TEST_CASE("decoder: a string table that is used again and again cannot fill the memory") {
  std::string bytes = bytes_of("03 01 6A 84 00");  // 512 bytes
  bytes.append(511, 'x');
  bytes.push_back('\0');
  bytes.push_back('\x45');
  for (int i = 0; i < 20'000; ++i) bytes += bytes_of("47 83 00 01");
  bytes.push_back('\x01');
  CHECK(error_of(bytes).over_limit);
}

TEST_CASE("decoder: a request as a phone sends it") {
  const Element sync = tree_of(
      kHeader + "45 5C 4F 4B 03 30 00 01 52 03 32 00 01 57 00 11 45 46 03 31 00 01 01 01 01 01 01");
  CHECK(sync.tag == wbxml::airsync::kSync);
  const Element* collections = sync.child(wbxml::airsync::kCollections);
  REQUIRE(collections != nullptr);
  REQUIRE(collections->children.size() == 1);
  const Element& collection = collections->children.front();
  CHECK(collection.text_of(wbxml::airsync::kSyncKey) == "0");
  CHECK(collection.text_of(wbxml::airsync::kCollectionId) == "2");
  CHECK_FALSE(collection.text_of(wbxml::airsync::kWindowSize).has_value());
  const Element* options = collection.child(wbxml::airsync::kOptions);
  REQUIRE(options != nullptr);
  const Element* preference = options->child(wbxml::airsync_base::kBodyPreference);
  REQUIRE(preference != nullptr);
  CHECK(preference->text_of(wbxml::airsync_base::kType) == "1");
}

TEST_CASE("decoder: peculiar encoders are understood (quirks.md: pyActiveSync)") {
  struct Row {
    const char* name;
    std::string hex;
  };
  const Row rows[] = {
      {"plain", kHeader + "45 4E 03 31 00 01 01"},
      {"page switch before the first tag", kHeader + "00 00 45 4E 03 31 00 01 01"},
      {"page switch before every tag", kHeader + "00 00 45 00 00 4E 03 31 00 01 01"},
      {"page switch between text and END", kHeader + "45 4E 03 31 00 00 00 01 00 00 01"},
      {"page switch behind the root", kHeader + "45 4E 03 31 00 01 01 00 00"},
      {"opaque instead of a string", kHeader + "45 4E 03 00 03 31 00 03 00 01 01"},
      {"entity instead of a string", kHeader + "45 4E 02 31 01 01"},
      {"WBXML 1.1", "01 01 6A 00 45 4E 03 31 00 01 01"},
      {"WBXML 1.2 and US-ASCII", "02 01 03 00 45 4E 03 31 00 01 01"},
      {"WBXML 1.0 names no character set", "00 01 00 45 4E 03 31 00 01 01"},
      {"public id from the string table", "03 00 00 6A 04 2D 2F 2F 00 45 4E 03 31 00 01 01"},
      {"text from the string table", "03 01 6A 04 61 00 31 00 45 4E 83 02 01 01"},
      {"text at the unterminated end of the string table",
       "03 01 6A 03 61 00 31 45 4E 83 02 01 01"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const Element sync = tree_of(row.hex);
    CHECK(sync.tag == wbxml::airsync::kSync);
    CHECK(sync.text_of(wbxml::airsync::kStatus) == "1");
    CHECK(sync.children.size() == 1);
  }
}

TEST_CASE(
    "decoder: an empty element is the same with and without the content bit (quirks.md: bad "
    "WBXML)") {
  const Element bare = tree_of(kHeader + "45 13 01");
  CHECK(tree_of(kHeader + "45 53 01 01") == bare);
  CHECK(tree_of(kHeader + "45 53 03 00 01 01") == bare);
  REQUIRE(bare.children.size() == 1);
  CHECK(bare.children.front().is_empty());
}

TEST_CASE("decoder: opaque data keeps its bytes and says that it was opaque") {
  const Element root = tree_of(kHeader + "00 15 45 50 C3 04 00 01 FF 00 01 01");
  const Element* mime = root.child(wbxml::compose_mail::kMime);
  REQUIRE(mime != nullptr);
  CHECK(mime->opaque);
  CHECK(mime->text == std::string("\x00\x01\xFF\x00", 4));
  CHECK_FALSE(root.opaque);
}

TEST_CASE("decoder: several pieces of text are joined") {
  const Element root = tree_of(kHeader + "45 03 61 00 C3 01 62 02 81 72 03 63 00 01");
  CHECK(root.text ==
        "ab\xC3\xB2"
        "c");
  CHECK(root.opaque);
}

TEST_CASE("decoder: empty text beside tags is not mixed content") {
  CHECK(tree_of(kHeader + "45 03 00 0E 03 00 C3 00 01") == tree_of(kHeader + "45 0E 01"));
}
