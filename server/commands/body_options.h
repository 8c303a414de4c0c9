// The body options of a request, from the wire form of any version to eas::BodyOptions. Shared by
// Sync, ItemOperations and (later) Search. [MS-ASAIRS] 2.2.2.12, 2.2.2.35.4, 2.2.2.40.2;
// [MS-ASCMD] 2.2.3.110, 2.2.3.111, 2.2.3.185
#pragma once

#include "server/items/body_preference.h"
#include "server/protocol_version.h"
#include "storage/base/result.h"
#include "wbxml/element.h"

namespace eas {

// `options` is any element that holds them: airsync:Options or itemoperations:Options. What it says
// nothing of has its default; elements that the version does not have, and elements of other
// concerns (FilterType, Class, Conflict), are ignored.
// A BodyPartPreference that asks for anything but HTML is no error here: see part_unsupported.
// invalid: a value outside its range, a BodyPreference without Type, two of one Type, or one whose
// children are out of order or doubled.
// Pure; thread-safe.
storage::Result<BodyOptions> parse_body_options(const wbxml::Element& options, Version version);

}  // namespace eas
