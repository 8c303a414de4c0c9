// Whether a message asks for a read receipt that may go out without the reader being asked, as no
// phone asks. RFC 8098 2.1, 2.2. Pure.
#pragma once

#include <string>
#include <vector>

#include "server/autoreply/message_header.h"
#include "server/autoreply/reply_rules.h"

namespace eas::receipts {

// The recipient is who asks: the one address in Disposition-Notification-To, if it is also the one
// in Return-Path. Without a Return-Path there is no receipt: only the delivery agent knows who sent
// it. Never to lists, bulk mail, machines and oneself. `own_addresses`: every address that means
// the user, lower case.
autoreply::Verdict judge_request(const autoreply::MessageHeader& header,
                                 const std::vector<std::string>& own_addresses);

// Whether a receipt is asked for at all: most messages are done with that.
bool asks_for_receipt(const autoreply::MessageHeader& header);

}  // namespace eas::receipts
