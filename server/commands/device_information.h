// What a phone tells of itself, by Settings (12.0 to 14.0) or in its first Provision (14.1 and
// later). [MS-ASCMD] 2.2.3.45, [MS-ASPROV] 2.2.2.53
#pragma once

#include <string>

#include "server/commands/command.h"
#include "storage/base/result.h"
#include "wbxml/element.h"

namespace eas {

// `element` is settings:DeviceInformation of a request. The JSON object that is kept, with the
// names of the elements: {"Model":"…","OS":"…"}. invalid: there is no Set, or a value is longer
// than 1024 bytes.
storage::Result<std::string> device_information_json(const wbxml::Element& element);

// Keeps it in the device's record.
storage::Result<void> store_device_information(Request& request, const Services& services,
                                               const std::string& json);

}  // namespace eas
