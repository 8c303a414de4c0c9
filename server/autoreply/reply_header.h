// What every message of a machine that answers another one begins with, and its texts. RFC 3834 3,
// RFC 5322. Pure.
#pragma once

#include <string>
#include <string_view>

#include "server/autoreply/message_header.h"
#include "storage/base/clock.h"

namespace eas::autoreply {

struct ReplyParts {
  std::string_view from_address;
  std::string_view from_name;   // UTF-8, may be empty
  std::string_view recipient;   // bare address
  std::string_view message_id;  // without angle brackets
  storage::UnixMillis now = 0;
};

// The fields from From to MIME-Version; those of the body are to follow. The subject is the
// original's after `subject_prefix` ("Automatic reply: "). Lines that every relay takes.
std::string reply_header(const MessageHeader& original, std::string_view subject_prefix,
                         const ReplyParts& parts);

// The fields and the body of a text (UTF-8, any line ends) of that type, with the last line's end.
void append_text(std::string& out, std::string_view type, std::string_view text);

// "<a@b>" as it may stand in a header of ours; "" when the original has none, or anything else.
std::string message_id_of(const MessageHeader& original);

// The original's subject, decoded, on one line and not too long.
std::string subject_of(const MessageHeader& original);

}  // namespace eas::autoreply
