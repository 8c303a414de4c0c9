// ConversationId and ConversationIndex. [MS-ASCON] 2.2.2.3.3, 2.2.2.4; [MS-OXOMSG] 2.2.1.3. Pure.
#pragma once

#include <string>
#include <string_view>

#include "server/items/email/mime.h"
#include "storage/base/clock.h"

namespace eas::email {

// 16 bytes, the same for all messages of a thread, in every folder and after every restart.
std::string conversation_id(const Mime& mime, std::string_view thread_topic);

// 5 bytes of time, then 5 bytes for each level of reply. `received` stands in for a missing Date.
std::string conversation_index(const Mime& mime, storage::UnixMillis received);

// For a message that cannot be read.
std::string placeholder_conversation_index(storage::UnixMillis received);

}  // namespace eas::email
