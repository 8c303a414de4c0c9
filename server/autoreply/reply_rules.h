// Whether a message may be answered by a machine, and who gets the answer. RFC 3834. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/autoreply/message_header.h"

namespace eas::autoreply {

struct Verdict {
  std::string recipient;     // bare address, lower case; "" : no answer
  std::string_view why_not;  // for the log, when there is none
  bool answer() const { return !recipient.empty(); }
};

// `own_addresses`: every address that means the user, lower case. The answer goes to the
// Return-Path, or to the one person in From where no delivery agent noted one. Never to lists, bulk
// mail, machines and oneself, and only when the user is named in To or Cc.
Verdict judge(const MessageHeader& header, const std::vector<std::string>& own_addresses);

}  // namespace eas::autoreply
