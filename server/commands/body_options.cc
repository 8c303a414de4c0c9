// Two scales exist for truncation by number: Truncation, of 2.5 only, and MIMETruncation. They look
// alike and differ in every value.
#include "server/commands/body_options.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string_view>

#include "storage/base/text.h"
#include "wbxml/code_pages.h"

namespace eas {
namespace {

namespace airsync = wbxml::airsync;
namespace base = wbxml::airsync_base;
using storage::ErrorKind;
using storage::Result;

// Index: the value on the wire. The value after the last one means "do not truncate".
constexpr std::array<std::uint32_t, 8> kMimeTruncation = {0,      4096,   5120,   7168,
                                                          10'240, 20'480, 51'200, 102'400};
constexpr std::array<std::uint32_t, 9> kTruncation = {0,      512,    1024,   2048,   5120,
                                                      10'240, 20'480, 51'200, 102'400};

// The number in `tag` if it is between 0 and `max`; nullopt when the element is absent or empty.
Result<std::optional<std::uint32_t>> number(const wbxml::Element& parent, wbxml::Tag tag,
                                            std::uint64_t max) {
  const auto text = parent.text_of(tag);
  if (!text || storage::trim(*text).empty()) return std::optional<std::uint32_t>();
  const auto value = storage::parse_uint(storage::trim(*text));
  if (!value || *value > max) {
    return storage::fail(ErrorKind::invalid, wbxml::to_string(tag) + " is out of range");
  }
  return std::optional<std::uint32_t>(static_cast<std::uint32_t>(*value));
}

template <std::size_t N>
Result<std::optional<std::uint32_t>> scale(const wbxml::Element& parent, wbxml::Tag tag,
                                           const std::array<std::uint32_t, N>& steps) {
  GODWIT_ASSIGN(const auto step, number(parent, tag, N));
  if (!step || *step == N) return std::optional<std::uint32_t>();
  return std::optional<std::uint32_t>(steps[*step]);
}

// An empty tag is true, as for every boolean of the protocol. [MS-ASDTYPE] 2.1
Result<bool> boolean(const wbxml::Element& parent, wbxml::Tag tag) {
  const auto text = parent.text_of(tag);
  if (!text) return false;
  if (text->empty() || *text == "1") return true;
  if (*text == "0") return false;
  return storage::fail(ErrorKind::invalid, wbxml::to_string(tag) + " is not a boolean");
}

// Each at most once and in this order. [MS-ASAIRS] 2.2.2.11, 2.2.2.12, 3.2.5.1 (R348, R351)
bool is_well_ordered(const wbxml::Element& preference, Version version) {
  constexpr std::array kOrder = {base::kType, base::kTruncationSize, base::kAllOrNone,
                                 base::kPreview};
  const auto known = kOrder.end() - (version < Version::v14_0 ? 1 : 0);
  auto next = kOrder.begin();
  for (const wbxml::Element& child : preference.children) {
    const auto place = std::find(kOrder.begin(), known, child.tag);
    if (place == known) continue;
    if (place < next) return false;
    next = place + 1;
  }
  return true;
}

Result<BodyPreference> parse_preference(const wbxml::Element& element, Version version) {
  BodyPreference preference;
  if (!is_well_ordered(element, version)) {
    return storage::fail(ErrorKind::invalid, "BodyPreference out of order");
  }
  GODWIT_ASSIGN(const auto type, number(element, base::kType, 4));
  if (!type || *type == 0) {
    return storage::fail(ErrorKind::invalid, "BodyPreference without a valid Type");
  }
  preference.type = static_cast<BodyType>(*type);
  GODWIT_ASSIGN(preference.truncation_size,
                number(element, base::kTruncationSize, std::numeric_limits<std::uint32_t>::max()));
  GODWIT_ASSIGN(const bool all_or_none, boolean(element, base::kAllOrNone));
  // MUST be ignored without TruncationSize. [MS-ASAIRS] 2.2.2.3.2
  preference.all_or_none = all_or_none && preference.truncation_size.has_value();
  if (version >= Version::v14_0) {
    GODWIT_ASSIGN(const auto preview, number(element, base::kPreview, 255));
    preference.preview = preview.value_or(0);
  }
  return preference;
}

// 14.1 and later. [MS-ASAIRS] 2.2.2.11
Result<void> parse_part(const wbxml::Element& options, Version version, BodyOptions& result) {
  for (const wbxml::Element& child : options.children) {
    if (child.tag != base::kBodyPartPreference) continue;
    GODWIT_ASSIGN(const BodyPreference preference, parse_preference(child, version));
    if (preference.type != BodyType::html) {
      result.part_unsupported = true;
    } else if (result.part) {
      return storage::fail(ErrorKind::invalid, "two BodyPartPreferences of one Type");
    } else {
      result.part = preference;
    }
  }
  return {};
}

}  // namespace

Result<BodyOptions> parse_body_options(const wbxml::Element& options, Version version) {
  BodyOptions result;
  if (version >= Version::v12_0) {
    for (const wbxml::Element& child : options.children) {
      if (child.tag != base::kBodyPreference) continue;
      GODWIT_ASSIGN(const BodyPreference preference, parse_preference(child, version));
      const bool twice =
          std::any_of(result.preferences.begin(), result.preferences.end(),
                      [&](const BodyPreference& other) { return other.type == preference.type; });
      if (twice) return storage::fail(ErrorKind::invalid, "two BodyPreferences of one Type");
      result.preferences.push_back(preference);
    }
    if (version >= Version::v14_1) GODWIT_TRY(parse_part(options, version, result));
  } else {
    GODWIT_ASSIGN(result.truncation, scale(options, airsync::kTruncation, kTruncation));
  }
  GODWIT_ASSIGN(const auto mime_support, number(options, airsync::kMIMESupport, 2));
  result.mime_support = static_cast<int>(mime_support.value_or(0));
  GODWIT_ASSIGN(result.mime_truncation, scale(options, airsync::kMIMETruncation, kMimeTruncation));
  return result;
}

}  // namespace eas
