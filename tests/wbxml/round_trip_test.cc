// decode(encode(tree)) is the tree, and encode(decode(bytes)) decodes to the same.
#include <doctest/doctest.h>

#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"
#include "wbxml/dump.h"
#include "wbxml/encoder.h"
#include "wbxml/xml_reader.h"

namespace {

using wbxml::Element;
using wbxml::Tag;

void check_identity(const Element& tree) {
  const std::string bytes = wbxml::encode(tree);
  const auto first = wbxml::decode(bytes);
  REQUIRE(first.has_value());
  CHECK(*first == tree);
  CHECK(wbxml::encode(*first) == bytes);
  wbxml::XmlOptions options;
  options.mark_opaque = true;
  const auto from_xml = wbxml::from_xml(wbxml::to_xml(tree, options));
  REQUIRE_MESSAGE(from_xml.has_value(), from_xml.error());
  CHECK(*from_xml == tree);
}

Element opaque_element(Tag tag, std::string bytes) {
  Element element(tag, std::move(bytes));
  element.opaque = true;
  return element;
}

}  // namespace

TEST_CASE("round trip: every tag of every page, empty, with text, opaque and as a parent") {
  for (const wbxml::PageInfo& page : wbxml::all_pages()) {
    for (const wbxml::TagInfo& info : page.tags) {
      CAPTURE(wbxml::to_string(info.tag));
      check_identity(Element(info.tag));
      check_identity(Element(info.tag, std::string(info.name)));
      check_identity(opaque_element(info.tag, std::string("\0\x01\xFF", 3)));
      check_identity(Element(
          info.tag, std::vector<Element>{Element(wbxml::email::kSubject, "a"), Element(info.tag),
                                         Element(wbxml::airsync::kStatus, "1")}));
    }
  }
}

TEST_CASE("round trip: all tags of all pages in one document") {
  Element root(wbxml::airsync::kSync);
  for (const wbxml::PageInfo& page : wbxml::all_pages()) {
    for (const wbxml::TagInfo& info : page.tags) {
      root.children.emplace_back(info.tag, std::string(info.name));
    }
  }
  CHECK(root.children.size() == 660);
  check_identity(root);
}

TEST_CASE("round trip: tags and pages that the tables do not know keep their numbers") {
  check_identity(Element(
      Tag{0, 0x3F}, std::vector<Element>{Element(Tag{26, 0x05}, "x"), Element(Tag{253, 0x3F})}));
}

TEST_CASE("round trip: opaque data of any length, over the borders of the length's digits") {
  for (const std::size_t size : {0u, 1u, 127u, 128u, 16383u, 16384u, 2097151u, 2097152u}) {
    CAPTURE(size);
    const Element tree = opaque_element(wbxml::compose_mail::kMime, std::string(size, '\x83'));
    const auto decoded = wbxml::decode(wbxml::encode(tree));
    REQUIRE(decoded.has_value());
    CHECK(*decoded == tree);
  }
}

TEST_CASE("round trip: text with every character that XML treats in a special way") {
  check_identity(
      Element(wbxml::email::kSubject, " <a> & \"b\" 'c' ]]> \r\n\t \xC3\xA4\xF0\x9F\x98\x80 "));
}
