// Names of tags. The tables come from the X-lists in pages/, one a code page, which were generated
// once from the specification's tables; adding a tag is adding a row. [MS-ASWBXML] 2.1.2.1
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "wbxml/tag.h"

namespace wbxml {

// Protocol versions as a bit set, for "which versions know this tag".
inline constexpr std::uint16_t kV25 = 1, kV120 = 2, kV121 = 4, kV140 = 8, kV141 = 16, kV160 = 32,
                               kV161 = 64, kAllVersions = 127;

struct TagInfo {
  Tag tag;
  std::string_view name;       // "Subject"
  std::uint16_t versions = 0;  // bits kV25 …; 0 when the documents do not say
  bool legacy = false;         // not in the current document
};

struct PageInfo {
  std::uint8_t page = 0;
  std::string_view name;  // "Email"; also the XML namespace
  std::span<const TagInfo> tags;
};

std::span<const PageInfo> all_pages();
const PageInfo* find_page(std::uint8_t page);  // nullptr: no such page
const TagInfo* find_tag(Tag tag);              // nullptr: not in the tables
std::optional<Tag> find_tag(std::string_view page_name, std::string_view tag_name);
std::string to_string(Tag tag);  // "Email:Subject", or "Page7:0x3A"

// Tag constants: namespace per page, k + name.
#define GODWIT_WBXML_PAGE_BEGIN(space, number, name) \
  namespace space {                                  \
  inline constexpr std::uint8_t kPage = number;
#define GODWIT_WBXML_TAG(token, name, versions, legacy) inline constexpr Tag k##name{kPage, token};
#define GODWIT_WBXML_PAGE_END }
#include "wbxml/pages/all.inc"
#undef GODWIT_WBXML_PAGE_BEGIN
#undef GODWIT_WBXML_TAG
#undef GODWIT_WBXML_PAGE_END

}  // namespace wbxml
