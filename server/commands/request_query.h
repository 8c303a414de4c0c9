// The query of a request line, in its plain and its base64 form. [MS-ASHTTP] 2.2.1.1.1
#pragma once

#include <string_view>

#include "server/commands/command.h"
#include "storage/base/result.h"

namespace eas {

// `text` is what follows '?', as received. Tells the forms apart by itself.
// invalid: it is neither form, or the base64 form is cut off. too_large: it, or one of its values,
// is longer than any phone sends.
// A Cmd that is unknown is no error here, and neither is a bad DeviceId or DeviceType: the caller
// answers those in its own way. Pure; thread-safe.
storage::Result<Query> parse_query(std::string_view text);

// Letters, digits and - _ . { } : @ + = ~; 1 to 64 of them. The document allows letters and digits,
// 32 of them; phones have never kept to it. [MS-ASHTTP] 2.2.1.1.1.2.3
bool is_valid_device_id(std::string_view device_id);
// 1 to 64 printable ASCII characters. [MS-ASHTTP] 2.2.1.1.1.2.4
bool is_valid_device_type(std::string_view device_type);

}  // namespace eas
