// The Move of ItemOperations: a whole conversation, always. [MS-ASCMD] 2.2.3.117.1, [MS-ASCON]
// 3.2.5.3; 14.0 and later.
#pragma once

#include "server/commands/command.h"

namespace eas {

// Carries out one Move element of the request and writes its answer: Status and ConversationId.
void move_conversation(const wbxml::Element& move, const Request& request, const Services& services,
                       wbxml::Encoder& out);

}  // namespace eas
