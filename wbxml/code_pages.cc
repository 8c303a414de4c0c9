// The tables of code_pages.h, built from the X-lists at compile time. The compiler itself refuses a
// token outside 0x05 … 0x3F, one that is used twice in a page, and pages out of order.
#include "wbxml/code_pages.h"

#include <array>
#include <cstddef>

namespace wbxml {
namespace {

namespace tables {
#define GODWIT_WBXML_PAGE_BEGIN(space, number, name) \
  namespace space {                                  \
  constexpr std::uint8_t kNumber = number;           \
  constexpr std::string_view kName = name;           \
  constexpr TagInfo kTags[] = {
#define GODWIT_WBXML_TAG(token, name, versions, legacy) \
  TagInfo{Tag{kNumber, token}, #name, versions, legacy},
#define GODWIT_WBXML_PAGE_END \
  }                           \
  ;                           \
  }
#include "wbxml/pages/all.inc"
#undef GODWIT_WBXML_PAGE_BEGIN
#undef GODWIT_WBXML_TAG
#undef GODWIT_WBXML_PAGE_END
}  // namespace tables

constexpr PageInfo kPages[] = {
#define GODWIT_WBXML_PAGE_BEGIN(space, number, name) \
  PageInfo{tables::space::kNumber, tables::space::kName, tables::space::kTags},
#define GODWIT_WBXML_TAG(token, name, versions, legacy)
#define GODWIT_WBXML_PAGE_END
#include "wbxml/pages/all.inc"
#undef GODWIT_WBXML_PAGE_BEGIN
#undef GODWIT_WBXML_TAG
#undef GODWIT_WBXML_PAGE_END
};

constexpr std::size_t kPageCount = std::size(kPages);
constexpr std::uint8_t kFirstToken = 0x05;
constexpr std::uint8_t kLastToken = 0x3F;
constexpr std::size_t kTokensPerPage = kLastToken + 1;

constexpr bool tokens_are_in_range() {
  for (const PageInfo& page : kPages) {
    for (const TagInfo& info : page.tags) {
      if (info.tag.token < kFirstToken || info.tag.token > kLastToken) return false;
    }
  }
  return true;
}

constexpr bool tokens_are_unique() {
  for (const PageInfo& page : kPages) {
    std::array<bool, kTokensPerPage> seen{};
    for (const TagInfo& info : page.tags) {
      if (seen[info.tag.token]) return false;
      seen[info.tag.token] = true;
    }
  }
  return true;
}

constexpr bool pages_are_in_order() {
  for (std::size_t i = 1; i < kPageCount; ++i) {
    if (kPages[i - 1].page >= kPages[i].page) return false;
  }
  return true;
}

static_assert(tokens_are_in_range(), "a token is outside 0x05 ... 0x3F");
static_assert(tokens_are_unique(), "a token is used twice in one page");
static_assert(pages_are_in_order(), "pages must be listed in the order of their numbers");

// Where a page and a tag lie: index + 1, 0 for "not there".
struct Index {
  std::array<std::uint8_t, 256> page{};
  std::array<std::array<std::uint8_t, kTokensPerPage>, kPageCount> tag{};
};

constexpr Index make_index() {
  Index index;
  for (std::size_t p = 0; p < kPageCount; ++p) {
    index.page[kPages[p].page] = static_cast<std::uint8_t>(p + 1);
    for (std::size_t t = 0; t < kPages[p].tags.size(); ++t) {
      index.tag[p][kPages[p].tags[t].tag.token] = static_cast<std::uint8_t>(t + 1);
    }
  }
  return index;
}

constexpr Index kIndex = make_index();

}  // namespace

std::span<const PageInfo> all_pages() { return kPages; }

const PageInfo* find_page(std::uint8_t page) {
  const std::size_t position = kIndex.page[page];
  return position == 0 ? nullptr : &kPages[position - 1];
}

const TagInfo* find_tag(Tag tag) {
  const std::size_t page = kIndex.page[tag.page];
  if (page == 0 || tag.token > kLastToken) return nullptr;
  const std::size_t position = kIndex.tag[page - 1][tag.token];
  return position == 0 ? nullptr : &kPages[page - 1].tags[position - 1];
}

std::optional<Tag> find_tag(std::string_view page_name, std::string_view tag_name) {
  for (const PageInfo& page : kPages) {
    if (page.name != page_name) continue;
    for (const TagInfo& info : page.tags) {
      if (info.name == tag_name) return info.tag;
    }
  }
  return std::nullopt;
}

std::string to_string(Tag tag) {
  const PageInfo* page = find_page(tag.page);
  const TagInfo* info = find_tag(tag);
  std::string result;
  if (page != nullptr) {
    result = page->name;
  } else {
    result = "Page" + std::to_string(tag.page);
  }
  result += ':';
  if (info != nullptr) {
    result += info->name;
  } else {
    constexpr char kHex[] = "0123456789ABCDEF";
    result += "0x";
    result += kHex[tag.token >> 4];
    result += kHex[tag.token & 0x0F];
  }
  return result;
}

}  // namespace wbxml
