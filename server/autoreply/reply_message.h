// The automatic reply as a message. RFC 3834 3, RFC 5322. Pure.
#pragma once

#include <string>
#include <string_view>

#include "server/autoreply/message_header.h"
#include "server/autoreply/oof.h"
#include "storage/base/clock.h"

namespace eas::autoreply {

struct ReplyParts {
  std::string_view from_address;
  std::string_view from_name;   // UTF-8, may be empty
  std::string_view recipient;   // bare address
  std::string_view message_id;  // without angle brackets
  storage::UnixMillis now = 0;
};

// Complete, with CRLF and lines that every relay takes. HTML goes with a plain text beside it.
std::string make_reply(const MessageHeader& original, const OofMessage& text,
                       const ReplyParts& parts);

}  // namespace eas::autoreply
