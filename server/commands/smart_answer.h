// What SmartReply and SmartForward have in common: the original is found, the phone's message and
// it become one, that is sent once, and the original is marked. [MS-ASCMD] 2.2.1.19, 2.2.1.20
#pragma once

#include "server/commands/command.h"
#include "server/items/compose/quote.h"

namespace eas {

// Nothing is sent when the original cannot be found (150). A request that comes again after it was
// done is answered as sent, even when the original is gone by then.
CommandResult answer_mail(Request& request, const Services& services, compose::Kind kind);

}  // namespace eas
