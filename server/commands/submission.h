// Sends one message for the user of a request, once, and keeps a copy in Sent if asked. A message
// that is submitted again because its answer was lost is answered as sent and goes to nobody twice.
// [MS-ASCMD] 2.2.1.17, 2.2.3.28.1; DESIGN section 3
#pragma once

#include <optional>
#include <string>

#include "server/commands/command.h"

namespace eas {

struct Submission {
  std::string mime;
  std::string client_id;  // from 14.0 on; "" before
  bool keep_copy = false;
};

// nullopt: it is on its way (or was before).
std::optional<CommandError> submit(const Request& request, const Services& services,
                                   Submission submission);

}  // namespace eas
