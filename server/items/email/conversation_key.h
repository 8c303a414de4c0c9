// The conversation of a message, of its bytes alone. [MS-ASCON] 2.2.2.3.3. Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "storage/mail/mail_store.h"

namespace eas::email {

// The ConversationId that the message is shown with; `bytes` are the whole message or only its
// header. A message that cannot be read is a conversation of its own.
std::string conversation_id_of(std::string_view bytes, const storage::MessageInfo& info);

}  // namespace eas::email
