// The automatic reply as a message. RFC 3834 3, RFC 5322. Pure.
#pragma once

#include <string>

#include "server/autoreply/message_header.h"
#include "server/autoreply/oof.h"
#include "server/autoreply/reply_header.h"

namespace eas::autoreply {

// Complete, with CRLF and lines that every relay takes. HTML goes with a plain text beside it.
std::string make_reply(const MessageHeader& original, const OofMessage& text,
                       const ReplyParts& parts);

}  // namespace eas::autoreply
