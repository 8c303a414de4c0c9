// Outgoing mail: local recipients straight into their mailboxes, the others to the SMTP relay.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"

namespace storage {

struct OutgoingMail {
  std::string sender;                   // envelope sender, a bare address; "": nobody is told of
                                        // failures, as replies of machines need it (RFC 3834)
  std::vector<std::string> recipients;  // envelope recipients, bare addresses, no doubles
  std::string_view bytes;               // RFC 5322 with CRLF, without Bcc
  // Names this submission for ever (device, ClientId). Sending it again delivers to nobody twice
  // where the effect can be found again: local mailboxes always; the relay unless the process was
  // killed between the relay's acceptance and our note of it.
  std::string identity;
};

// Thread-safe.
class MailSender {
 public:
  virtual ~MailSender() = default;
  // A recipient may be a group: then each user in it is one, and none gets two copies, by however
  // many ways they are meant. Returns when every recipient is either delivered, accepted by the
  // relay, or reported: a local address that does not exist, a local mailbox that is full or
  // broken, or a recipient that the relay refuses for good, comes back to the sender's Inbox as a
  // non-delivery report and is no failure here.
  // denied: recipients elsewhere, but no relay is configured. unavailable: a local mailbox or the
  // relay cannot be reached, or the relay says 4xx (nothing was handed over to it); local
  // recipients may have theirs already. invalid: no recipients.
  virtual Result<void> send(const OutgoingMail& mail) = 0;
};

}  // namespace storage
