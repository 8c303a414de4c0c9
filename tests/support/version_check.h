// Does an answer keep to what its protocol version knows? An element that a version lacks must not
// be sent to it.
#pragma once

#include <string>
#include <string_view>

#include "wbxml/code_pages.h"
#include "wbxml/element.h"

namespace test {

// The bit of "14.1" in wbxml::TagInfo::versions; 0 for anything else.
inline std::uint16_t version_bit(std::string_view version) {
  constexpr std::string_view kVersions[] = {"2.5", "12.0", "12.1", "14.0", "14.1", "16.0", "16.1"};
  std::uint16_t bit = 1;
  for (const std::string_view known : kVersions) {
    if (known == version) return bit;
    bit = static_cast<std::uint16_t>(bit << 1);
  }
  return 0;
}

// The elements of the tree that the version does not have, "Email:Flag Email2:Bcc"; "" when all is
// well.
inline std::string foreign_elements(const wbxml::Element& element, std::string_view version) {
  std::string found;
  const wbxml::TagInfo* info = wbxml::find_tag(element.tag);
  const bool known = info != nullptr && (info->versions & version_bit(version)) != 0;
  if (!known && (info == nullptr || info->versions != 0)) found = wbxml::to_string(element.tag);
  for (const wbxml::Element& child : element.children) {
    const std::string below = foreign_elements(child, version);
    if (!below.empty()) found += (found.empty() ? "" : " ") + below;
  }
  return found;
}

}  // namespace test
