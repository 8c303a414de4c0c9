// What a phone asked of bodies, in one form for all versions. [MS-ASAIRS] 2.2.2.12,
// [MS-ASCMD] 2.2.3.110, 2.2.3.111, 2.2.3.185
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace eas {

enum class BodyType : std::uint8_t { plain = 1, html = 2, rtf = 3, mime = 4 };

struct BodyPreference {
  BodyType type = BodyType::plain;
  std::optional<std::uint32_t> truncation_size;  // bytes; nullopt: the whole body
  bool all_or_none = false;
  std::uint32_t preview = 0;  // characters, 0 … 255; 0: no Preview element
};

// The options of one class in one collection (Sync, ItemOperations, Search).
struct BodyOptions {
  std::vector<BodyPreference> preferences;       // 12.0 and later, at most one per type
  int mime_support = 0;                          // 0 never, 1 S/MIME only, 2 all
  std::optional<std::uint32_t> mime_truncation;  // bytes of type 4 (or MIMEData); nullopt: whole
  std::optional<std::uint32_t> truncation;       // 2.5: bytes of Body; nullopt: whole
  // BodyPartPreference, 14.1 and later: a BodyPart is wanted, always as HTML. [MS-ASAIRS] 2.2.2.11
  std::optional<BodyPreference> part;
  // A BodyPartPreference asked for something else: the command answers with status 164.
  bool part_unsupported = false;
  // The item is told for its conversation's sake only: a preview, no data. [MS-ASCMD] 2.2.3.36.2
  bool without_data = false;
};

}  // namespace eas
