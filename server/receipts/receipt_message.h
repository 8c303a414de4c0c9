// The read receipt as a message: a message disposition notification (MDN). RFC 8098 3. Pure.
#pragma once

#include <string>

#include "server/autoreply/message_header.h"
#include "server/autoreply/reply_header.h"

namespace eas::receipts {

// Complete, with CRLF: a text for people, and the report for programs. `parts.from_address` is the
// reader's, `parts.now` the time of reading. Nothing of the original's text goes out with it.
std::string make_receipt(const autoreply::MessageHeader& original,
                         const autoreply::ReplyParts& parts);

}  // namespace eas::receipts
