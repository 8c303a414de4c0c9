#include "wbxml/dump.h"

#include <doctest/doctest.h>

#include "wbxml/code_pages.h"
#include "wbxml/xml_reader.h"

namespace {

using wbxml::Element;
using wbxml::Tag;

Element opaque_element(Tag tag, std::string bytes) {
  Element element(tag, std::move(bytes));
  element.opaque = true;
  return element;
}

}  // namespace

TEST_CASE("dump: one element a line, long text cut with a note, opaque data as length and prefix") {
  const Element root(
      wbxml::airsync::kSync,
      {Element(wbxml::airsync::kStatus, "1"), Element(wbxml::airsync::kMoreAvailable),
       Element(wbxml::airsync::kApplicationData,
               {Element(wbxml::email::kSubject, std::string(30, 'x')),
                opaque_element(wbxml::email2::kConversationId, "\x01\x02\x03\xFF")}),
       Element(Tag{200, 0x3A}, "y")});
  wbxml::DumpOptions options;
  options.max_text = 10;
  options.max_opaque = 3;
  CHECK(wbxml::dump(root, options) ==
        "<AirSync:Sync>\n"
        "  <AirSync:Status>1</>\n"
        "  <AirSync:MoreAvailable/>\n"
        "  <AirSync:ApplicationData>\n"
        "    <Email:Subject>xxxxxxxxxx… (30 bytes)</>\n"
        "    <Email2:ConversationId opaque 4 bytes: 010203…/>\n"
        "  </>\n"
        "  <Page200:0x3A>y</>\n"
        "</>\n");
}

TEST_CASE("dump: a text is one line of printable UTF-8 and is never cut inside a character") {
  const auto dump = [](std::string text, std::size_t limit) {
    wbxml::DumpOptions options;
    options.max_text = limit;
    return wbxml::dump(Element(wbxml::airsync::kStatus, std::move(text)), options);
  };
  CHECK(dump("a\r\nb\x1B\xFF", 99) == "<AirSync:Status>a\\r\\nb\\x1b\\xff</>\n");
  CHECK(dump("\xC3\xA4\xC3\xA4", 3) == "<AirSync:Status>\xC3\xA4… (4 bytes)</>\n");
}

TEST_CASE("to_xml: namespaces are code pages without a colon, text is escaped") {
  const Element root(
      wbxml::airsync::kSync,
      {Element(wbxml::airsync::kStatus, "<&>\x01\xFF"), Element(wbxml::email::kCategories),
       opaque_element(wbxml::email2::kConversationId, "\xFF\x01"),
       opaque_element(wbxml::airsync_base::kData, "text"), Element(Tag{99, 0x05})});
  CHECK(wbxml::to_xml(root) ==
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
        "<AirSync:Sync xmlns:AirSync=\"AirSync\" xmlns:Email=\"Email\" "
        "xmlns:AirSyncBase=\"AirSyncBase\" xmlns:Email2=\"Email2\" xmlns:Page99=\"Page99\">\n"
        "  <AirSync:Status>&lt;&amp;&gt;\xEF\xBF\xBD\xEF\xBF\xBD</AirSync:Status>\n"
        "  <Email:Categories/>\n"
        "  <Email2:ConversationId>/wE=</Email2:ConversationId>\n"
        "  <AirSyncBase:Data>text</AirSyncBase:Data>\n"
        "  <Page99:tag-0x05/>\n"
        "</AirSync:Sync>\n");
}

TEST_CASE("from_xml: default namespaces, with and without a colon, and bare page names") {
  const Element expected(wbxml::airsync::kSync, {Element(wbxml::airsync::kStatus, "1"),
                                                 Element(wbxml::email::kSubject, "a b")});
  for (const char* xml :
       {"<Sync xmlns=\"AirSync\"><Status>1</Status><Subject xmlns=\"Email\">a b</Subject></Sync>",
        "<Sync xmlns='AirSync:' xmlns:e='Email:'>\n <Status>1</Status>\n <e:Subject>a "
        "b</e:Subject>\n</Sync>",
        "<AirSync:Sync><AirSync:Status>1</AirSync:Status><Email:Subject><![CDATA[a "
        "b]]></Email:Subject>"
        "</AirSync:Sync>"}) {
    CAPTURE(xml);
    const auto tree = wbxml::from_xml(xml);
    REQUIRE_MESSAGE(tree.has_value(), tree.error());
    CHECK(*tree == expected);
  }
}

TEST_CASE("from_xml: what cannot be WBXML is refused in words") {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<AirSync:Sync>";
  const std::pair<std::string, const char*> rows[] = {
      {"", "not XML"},
      {"<AirSync:Sync>", "not XML"},
      {"<AirSync:Nothing/>", "no such tag: AirSync:Nothing"},
      {"<Sync/>", "no such tag: Sync"},
      {"<AirSync:Sync>a<AirSync:Status/></AirSync:Sync>", "text beside elements"},
      {"<AirSync:Sync a='b'/>", "attribute a"},
      {"<AirSync:Sync opaque='hex'>00</AirSync:Sync>", "opaque must be"},
      {"<AirSync:Sync opaque='base64'>abc</AirSync:Sync>", "malformed base64"},
      {deep, "not XML"},
  };
  for (const auto& row : rows) {
    const auto& [xml, reason] = row;
    CAPTURE(row.second);
    const auto tree = wbxml::from_xml(xml);
    REQUIRE_FALSE(tree.has_value());
    CHECK(tree.error().find(reason) != std::string::npos);
  }
}
