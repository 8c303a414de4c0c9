// The Sync command. [MS-ASCMD] 2.2.1.21
#pragma once

#include "server/commands/command.h"

namespace eas {

CommandResult run_sync(Request& request, const Services& services);

}  // namespace eas
