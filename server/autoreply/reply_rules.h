// Whether a message may be answered by a machine, and who gets the answer. RFC 3834. Pure.
// server/receipts judges with the same words, but asks other questions of the addresses.
#pragma once

#include <initializer_list>
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

// Why no person waits for an answer: lists, bulk mail, reports, spam, mail of machines. "" for an
// ordinary message. RFC 3834 2, 5
std::string_view not_from_a_person(const MessageHeader& header);

// Whether X-Auto-Response-Suppress has one of these words (lower case), or "All".
bool suppresses(const MessageHeader& header, std::initializer_list<std::string_view> words);

// An address (lower case) behind which nobody reads: noreply@, postmaster@, friends-bounces@ …
bool is_machine(std::string_view address);

}  // namespace eas::autoreply
