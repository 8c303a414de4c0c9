#include "wbxml/code_pages.h"

#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "tests/wbxml/shared_files.h"

namespace {

using wbxml::Tag;

std::size_t tag_count() {
  std::size_t count = 0;
  for (const wbxml::PageInfo& page : wbxml::all_pages()) count += page.tags.size();
  return count;
}

std::uint16_t version_bits(const nlohmann::json& token) {
  static const std::map<std::string, std::uint16_t> kBits = {
      {"2.5", wbxml::kV25},   {"12.0", wbxml::kV120}, {"12.1", wbxml::kV121},
      {"14.0", wbxml::kV140}, {"14.1", wbxml::kV141}, {"16.0", wbxml::kV160},
      {"16.1", wbxml::kV161}};
  if (!token.contains("versions")) return 0;
  const nlohmann::json& versions = token["versions"];
  if (versions.is_string()) return wbxml::kAllVersions;
  std::uint16_t bits = 0;
  for (const std::string version : versions) bits |= kBits.at(version);
  return bits;
}

}  // namespace

TEST_CASE("code pages: there are 27 pages with 660 tags") {
  CHECK(wbxml::all_pages().size() == 27);
  CHECK(tag_count() == 660);
}

TEST_CASE("code pages: every tag is found by number and by name") {
  for (const wbxml::PageInfo& page : wbxml::all_pages()) {
    CHECK(wbxml::find_page(page.page) == &page);
    for (const wbxml::TagInfo& info : page.tags) {
      CHECK(info.tag.page == page.page);
      CHECK(wbxml::find_tag(info.tag) == &info);
      CHECK(wbxml::find_tag(page.name, info.name) == info.tag);
      CHECK(wbxml::to_string(info.tag) == std::string(page.name) + ":" + std::string(info.name));
    }
  }
}

TEST_CASE("code pages: constants carry the numbers of the specification") {
  CHECK(wbxml::airsync::kSync == Tag{0, 0x05});
  CHECK(wbxml::email::kSubject == Tag{2, 0x14});
  CHECK(wbxml::folder_hierarchy::kFolderSync == Tag{7, 0x16});
  CHECK(wbxml::ping::kHeartbeatInterval == Tag{13, 0x08});
  CHECK(wbxml::compose_mail::kMime == Tag{21, 0x10});
  CHECK(wbxml::windows_live::kPage == 254);
  CHECK(wbxml::email::kSubject.number() == 0x0214);
}

TEST_CASE("code pages: what is not in the tables is not found, and has a readable name") {
  CHECK(wbxml::find_page(26) == nullptr);
  CHECK(wbxml::find_tag(Tag{26, 0x05}) == nullptr);
  CHECK(wbxml::find_tag(Tag{0, 0x3F}) == nullptr);
  CHECK(wbxml::find_tag(Tag{0, 0xFF}) == nullptr);
  CHECK_FALSE(wbxml::find_tag("AirSync", "Nothing").has_value());
  CHECK_FALSE(wbxml::find_tag("Nothing", "Sync").has_value());
  CHECK(wbxml::to_string(Tag{7, 0x3A}) == "FolderHierarchy:0x3A");
  CHECK(wbxml::to_string(Tag{200, 0x05}) == "Page200:0x05");
}

TEST_CASE("code pages: the tables equal the collected tables of the documents") {
  const auto text = test::read_file(test::shared_dir() / "spec" / "codepages.json");
  if (!text) {
    MESSAGE("skipped: ../shared/spec/codepages.json is not here");
    return;
  }
  const nlohmann::json document = nlohmann::json::parse(*text);
  CHECK(document["pages"].size() == wbxml::all_pages().size());
  std::size_t tokens = 0;
  for (const nlohmann::json& page : document["pages"]) {
    const wbxml::PageInfo* info = wbxml::find_page(page["page"].get<std::uint8_t>());
    REQUIRE(info != nullptr);
    CHECK(info->name == page["xmlns"].get<std::string>());
    CHECK(info->tags.size() == page["tokens"].size());
    for (const auto& [number, token] : page["tokens"].items()) {
      ++tokens;
      const Tag tag{info->page, static_cast<std::uint8_t>(std::stoi(number, nullptr, 16))};
      CAPTURE(wbxml::to_string(tag));
      const wbxml::TagInfo* found = wbxml::find_tag(tag);
      REQUIRE(found != nullptr);
      CHECK(found->name == token["name"].get<std::string>());
      CHECK(found->versions == version_bits(token));
      CHECK(found->legacy == token.value("legacy", false));
    }
  }
  CHECK(tokens == tag_count());
}
