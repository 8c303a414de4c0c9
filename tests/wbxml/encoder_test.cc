#include "wbxml/encoder.h"

#include <doctest/doctest.h>

#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"

namespace {

using wbxml::Element;
using wbxml::Encoder;

std::string hex(std::string_view bytes) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : bytes) {
    if (!out.empty()) out += ' ';
    out += kHex[static_cast<unsigned char>(c) >> 4];
    out += kHex[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

}  // namespace

TEST_CASE(
    "encoder: the bytes of a small answer, with one switch for each change of the page (quirks.md: "
    "TbSync)") {
  Encoder out;
  out.start(wbxml::airsync::kSync);
  out.text(wbxml::airsync::kStatus, "1");
  out.start(wbxml::airsync::kApplicationData);
  out.text(wbxml::email::kSubject, "a");
  out.number(wbxml::email::kRead, 0);
  out.end();
  out.empty(wbxml::airsync::kMoreAvailable);
  out.end();
  CHECK(hex(out.take()) ==
        "03 01 6A 00 45 4E 03 31 00 01 5D 00 02 54 03 61 00 01 55 03 30 00 01 01 00 00 14 01");
}

TEST_CASE("encoder: an element without content has no content bit and no END") {
  Encoder out;
  out.start(wbxml::airsync::kSync);
  out.text(wbxml::airsync::kStatus, "");
  out.start(wbxml::airsync::kCommands);
  out.end();
  out.end();
  CHECK(hex(out.take()) == "03 01 6A 00 45 0E 16 01");
}

TEST_CASE("encoder: text ends at a NUL byte, opaque data does not") {
  Encoder out;
  out.start(wbxml::airsync::kSync);
  out.text(wbxml::airsync::kStatus, std::string_view("a\0b", 3));
  out.text(wbxml::airsync::kStatus, std::string_view("\0b", 2));
  out.opaque(wbxml::airsync::kStatus, std::string_view("a\0b", 3));
  out.end();
  CHECK(hex(out.take()) == "03 01 6A 00 45 4E 03 61 00 01 0E 4E C3 03 61 00 62 01 01");
}

TEST_CASE("encoder: numbers at the ends of their range") {
  Encoder out;
  out.start(wbxml::airsync::kSync);
  out.number(wbxml::airsync::kStatus, INT64_MIN);
  out.number(wbxml::airsync::kStatus, INT64_MAX);
  out.end();
  const auto tree = wbxml::decode(out.take());
  REQUIRE(tree.has_value());
  CHECK(tree->children[0].text == "-9223372036854775808");
  CHECK(tree->children[1].text == "9223372036854775807");
}

TEST_CASE("encoder: opaque data can be streamed once its size is known") {
  Encoder streamed;
  streamed.start(wbxml::compose_mail::kMime);
  streamed.begin_opaque(300);
  for (int i = 0; i < 3; ++i) streamed.write_raw(std::string(100, 'x'));
  streamed.end();
  Encoder whole;
  whole.opaque(wbxml::compose_mail::kMime, std::string(300, 'x'));
  CHECK(streamed.take() == whole.take());
}

TEST_CASE("encoder: a fragment can be put into any document, and pages stay right behind it") {
  Encoder fragment(Encoder::Kind::fragment);
  fragment.start(wbxml::airsync::kAdd);
  fragment.text(wbxml::email::kSubject, "s");
  fragment.end();
  Encoder out;
  out.start(wbxml::settings::kSettings);
  out.append(Encoder(Encoder::Kind::fragment));  // an empty one changes nothing
  out.append(fragment);
  out.text(wbxml::email::kRead, "1");
  out.append(fragment);
  out.end();
  const auto tree = wbxml::decode(out.take());
  REQUIRE(tree.has_value());
  const Element add(wbxml::airsync::kAdd, {Element(wbxml::email::kSubject, "s")});
  CHECK(*tree ==
        Element(wbxml::settings::kSettings, {add, Element(wbxml::email::kRead, "1"), add}));
}

TEST_CASE("encoder: an item that fails half-way is forgotten by rewind") {
  Encoder out;
  out.start(wbxml::airsync::kSync);
  const Encoder::Mark empty_root = out.mark();
  out.start(wbxml::airsync::kAdd);
  out.text(wbxml::email::kSubject, "lost");
  out.rewind(empty_root);
  CHECK(out.has_open_element());
  SUBCASE("nothing more comes: the element is empty again") {
    out.end();
    CHECK(hex(out.take()) == "03 01 6A 00 05");
  }
  SUBCASE("something else comes: on the page that was in force at the mark") {
    out.text(wbxml::airsync::kStatus, "1");
    const Encoder::Mark later = out.mark();
    out.text(wbxml::email::kSubject, "lost too");
    out.rewind(later);
    out.text(wbxml::airsync::kStatus, "2");
    out.end();
    CHECK(hex(out.take()) == "03 01 6A 00 45 4E 03 31 00 01 4E 03 32 00 01 01");
  }
}

TEST_CASE("encoder: an opaque element of a tree stays opaque, also when it is empty") {
  Element mime(wbxml::compose_mail::kMime);
  mime.opaque = true;
  const auto tree = wbxml::decode(wbxml::encode(mime));
  REQUIRE(tree.has_value());
  CHECK(*tree == mime);
}
