// What a phone tells of itself, by Settings (12.0 to 14.0) or in its first Provision (14.1 and
// later). [MS-ASCMD] 2.2.3.45, [MS-ASPROV] 2.2.2.53
#pragma once

#include <string>

#include "server/commands/command.h"
#include "storage/base/result.h"
#include "wbxml/element.h"

namespace eas {

// `element` is settings:DeviceInformation of a request. The JSON object that is kept, with the
// names of the elements: {"Model":"…","OS":"…"}, "" for one that is to be deleted. What `version`
// does not have is left out. invalid: there is no Set, a value is longer than 1024 characters, or
// EnableOutboundSMS is neither 0 nor 1.
storage::Result<std::string> device_information_json(const wbxml::Element& element,
                                                     Version version = Version::v16_1);

// Keeps it in the device's record: values that it does not name stay, empty ones go. An empty
// object clears all. [MS-ASCMD] 2.2.3.167
storage::Result<void> store_device_information(Request& request, const Services& services,
                                               const std::string& json);

}  // namespace eas
