// What a Find shows of a message: enough for a line in a list of results. [MS-ASCMD] 2.2.3.139.1.
// Pure, thread-safe.
#pragma once

#include <string_view>

#include "storage/mail/mail_store.h"
#include "wbxml/encoder.h"

namespace eas::email {

// Writes the children of find:Properties. Of a message that cannot be read: its dates and flags.
void write_found_properties(std::string_view bytes, const storage::MessageInfo& info,
                            wbxml::Encoder& out);

}  // namespace eas::email
