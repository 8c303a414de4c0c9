#include "server/commands/body_options.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "wbxml/code_pages.h"

namespace {

using eas::parse_body_options;
using eas::Version;
using wbxml::Element;
namespace airsync = wbxml::airsync;
namespace base = wbxml::airsync_base;

Element preference(const char* type, std::vector<Element> more = {}) {
  Element element(base::kBodyPreference);
  element.children.emplace_back(base::kType, std::string(type));
  for (Element& child : more) element.children.push_back(std::move(child));
  return element;
}

Element options(std::vector<Element> children) {
  return Element(airsync::kOptions, std::move(children));
}

}  // namespace

TEST_CASE("body options: nothing said is everything by default (quirks.md: MIMESupport)") {
  const auto parsed = parse_body_options(Element(airsync::kOptions), Version::v16_1);
  REQUIRE(parsed);
  CHECK(parsed->preferences.empty());
  CHECK(parsed->mime_support == 0);
  CHECK_FALSE(parsed->mime_truncation);
  CHECK_FALSE(parsed->truncation);
}

TEST_CASE("body options: several preferences keep their order and values") {
  const auto parsed = parse_body_options(
      options({Element(airsync::kMIMESupport, "2"),
               preference("2", {Element(base::kTruncationSize, "4294967295"),
                                Element(base::kAllOrNone, "1"), Element(base::kPreview, "255")}),
               preference("4", {Element(base::kAllOrNone)})}),
      Version::v14_1);
  REQUIRE(parsed);
  REQUIRE(parsed->preferences.size() == 2);
  CHECK(parsed->preferences[0].type == eas::BodyType::html);
  CHECK(parsed->preferences[0].truncation_size == 4294967295u);
  CHECK(parsed->preferences[0].all_or_none);
  CHECK(parsed->preferences[0].preview == 255);
  CHECK(parsed->preferences[1].type == eas::BodyType::mime);
  CHECK_FALSE(parsed->preferences[1].truncation_size);
  CHECK_FALSE(parsed->preferences[1].all_or_none);  // ignored without TruncationSize
  CHECK(parsed->mime_support == 2);
}

TEST_CASE("body options: an empty AllOrNone beside a size is true") {
  const auto parsed = parse_body_options(
      options({preference("1", {Element(base::kTruncationSize, "10"), Element(base::kAllOrNone)})}),
      Version::v12_1);
  REQUIRE(parsed);
  CHECK(parsed->preferences[0].all_or_none);
}

TEST_CASE("body options: what a version does not have is ignored") {
  const Element all =
      options({Element(airsync::kTruncation, "4"), Element(airsync::kMIMETruncation, "4"),
               preference("1", {Element(base::kPreview, "50")})});
  const auto old = parse_body_options(all, Version::v2_5);
  REQUIRE(old);
  CHECK(old->preferences.empty());
  CHECK(old->truncation == 5120u);  // the scale of Truncation
  const auto newer = parse_body_options(all, Version::v12_1);
  REQUIRE(newer);
  CHECK_FALSE(newer->truncation);
  CHECK(newer->mime_truncation == 10'240u);  // the scale of MIMETruncation
  CHECK(newer->preferences[0].preview == 0);
  CHECK(parse_body_options(all, Version::v14_0)->preferences[0].preview == 50);
}

TEST_CASE(
    "body options: both scales of truncation, with their values for none and all (quirks.md: "
    "Android)") {
  // covers: MS-ASCMD R3418-R3426
  const std::uint32_t mime[] = {0, 4096, 5120, 7168, 10'240, 20'480, 51'200, 102'400};
  for (unsigned i = 0; i <= 8; ++i) {
    const auto parsed = parse_body_options(
        options({Element(airsync::kMIMETruncation, std::to_string(i))}), Version::v14_1);
    REQUIRE(parsed);
    if (i < 8) CHECK(parsed->mime_truncation == mime[i]);
    if (i == 8) CHECK_FALSE(parsed->mime_truncation);
  }
  const std::uint32_t old[] = {0, 512, 1024, 2048, 5120, 10'240, 20'480, 51'200, 102'400};
  for (unsigned i = 0; i <= 9; ++i) {
    const auto parsed = parse_body_options(
        options({Element(airsync::kTruncation, std::to_string(i))}), Version::v2_5);
    REQUIRE(parsed);
    if (i < 9) CHECK(parsed->truncation == old[i]);
    if (i == 9) CHECK_FALSE(parsed->truncation);
  }
}

TEST_CASE("body options: a preference's children stand in order, each at most once") {
  // covers: MS-ASAIRS R348 R351
  const Element type(base::kType, "1");
  const Element size(base::kTruncationSize, "10");
  const Element all(base::kAllOrNone, "1");
  const Element preview(base::kPreview, "5");
  const auto parse = [](std::vector<Element> children, Version version) {
    return parse_body_options(options({Element(base::kBodyPreference, std::move(children))}),
                              version);
  };
  for (const Version version : {Version::v12_0, Version::v12_1, Version::v14_1, Version::v16_1}) {
    CAPTURE(to_string(version));
    CHECK(parse({type, size, all, preview}, version));
    CHECK(parse({type, all}, version));
    CHECK_FALSE(parse({size, type}, version));
    CHECK_FALSE(parse({type, all, size}, version));
    CHECK_FALSE(parse({type, type}, version));
    CHECK_FALSE(parse({type, size, size}, version));
    CHECK_FALSE(parse({type, size, all, all}, version));
    // Before 14.0 there is no Preview, wherever it stands.
    CHECK(parse({preview, type}, version).has_value() == (version < Version::v14_0));
  }
}

TEST_CASE("body options: bad values are refused (quirks.md: invalid Options)") {
  const std::vector<Element> bad = {
      options({preference("0")}),
      options({preference("5")}),
      options({preference("text")}),
      options({Element(base::kBodyPreference)}),
      options({preference("1"), preference("1")}),
      options({preference("1", {Element(base::kTruncationSize, "-1")})}),
      options({preference("1", {Element(base::kTruncationSize, "4294967296")})}),
      options({preference("1", {Element(base::kAllOrNone, "maybe")})}),
      options({preference("1", {Element(base::kPreview, "256")})}),
      options({Element(airsync::kMIMESupport, "3")}),
      options({Element(airsync::kMIMETruncation, "9")}),
  };
  for (const Element& element : bad) {
    const auto parsed = parse_body_options(element, Version::v14_1);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().kind == storage::ErrorKind::invalid);
  }
  CHECK_FALSE(parse_body_options(options({Element(airsync::kTruncation, "10")}), Version::v2_5));
}
