// The body of a request: content type, WBXML, root element. [MS-ASHTTP] 2.2.1.1.2.3, 2.2.1.1.3
#pragma once

#include <optional>
#include <string_view>

#include "server/commands/command.h"

namespace eas {

// A body that cannot be used. http_status is what every version gets when `plain`; else as in
// CommandError.
struct BodyError {
  CommandError error;
  bool plain = false;  // over a limit: 413 for all versions
};

// Fills in request.body, or request.raw_body for a command that takes message/rfc822 in this
// version. `bytes` must outlive the request. Texts that are no valid UTF-8 are repaired, so that
// nothing invalid is stored or sent back. nullopt: all is well.
std::optional<BodyError> read_body(Request& request, std::string_view bytes,
                                   std::string_view content_type, const CommandInfo& command);

}  // namespace eas
