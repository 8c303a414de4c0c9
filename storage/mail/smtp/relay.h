// Hands mail to the configured SMTP relay, with libcurl.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"
#include "storage/mail/sender_options.h"

namespace storage::smtp {

// A recipient that the relay refused for good.
struct Refusal {
  std::string recipient;
  int code = 0;       // the SMTP reply code, 5xx
  std::string reply;  // the reply's text
};

// Hands over one message to all recipients in one transaction, so that nothing is handed over when
// any recipient is refused for now. Recipients refused for good are left out and returned. When the
// message itself is refused for good, all of them are. unavailable: the relay cannot be reached,
// does not let us in, or says 4xx; nothing was handed over. Thread-safe: each call has its own
// connection.
Result<std::vector<Refusal>> relay(const RelayOptions& options, std::string_view sender,
                                   std::vector<std::string> recipients, std::string_view bytes);

}  // namespace storage::smtp
