// Sends one message for the user of a request, once, and keeps a copy in Sent if asked. A message
// that is submitted again because its answer was lost is answered as sent and goes to nobody twice.
// [MS-ASCMD] 2.2.1.17, 2.2.3.28.1; DESIGN section 3
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "server/commands/command.h"

namespace eas {

struct Submission {
  std::string mime;
  std::string client_id;  // from 14.0 on; "" before
  bool keep_copy = false;
  // What else tells this submission from others with equal bytes: what it is an answer to. "" for
  // none.
  std::string about;
  // Makes of `mime` what goes out; runs only when something is to be sent or kept. Its error is the
  // submission's, and nothing is sent then. Empty: `mime` goes out as it is.
  std::function<std::variant<std::string, CommandError>(const std::string& mime)> compose;
};

struct Submitted {
  bool before = false;  // an earlier request had sent it
  // Bare addresses. Empty when it was sent before and could not be made again.
  std::vector<std::string> recipients;
};

// Submitted: it is on its way (or was before).
std::variant<Submitted, CommandError> submit(const Request& request, const Services& services,
                                             Submission submission);

// Was a submission with this ClientId, these bytes and this `about` sent before?
storage::Result<bool> was_submitted(const Request& request, const Services& services,
                                    const Submission& submission);

}  // namespace eas
