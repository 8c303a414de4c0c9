// A message as a phone submits it, made fit for sending: From is the user, Date and Message-ID are
// there, Bcc is not on the wire, lines are legal. [MS-ASCMD] 2.2.1.17, RFC 5322
//
// The bytes after the header are not touched, so that a signed or encrypted message stays what it
// is; only lines that no mail server would take (longer than 998 bytes, or ended by a bare LF) are
// mended.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace eas {

struct MailSubmitter {
  std::string_view address;       // the user's
  std::string_view display_name;  // may be empty
};

// Movable; one thread at a time.
class OutgoingMessage {
 public:
  // Takes the submitted bytes over. `identity` is what a missing Message-ID is derived from.
  // invalid: this is no message. not_found: it names no recipient. denied: a recipient is no
  // address.
  static storage::Result<OutgoingMessage> prepare(std::string mime, const MailSubmitter& submitter,
                                                  std::string_view identity,
                                                  storage::UnixMillis now);

  // Of To, Cc and Bcc: bare addresses, each person once, in order.
  const std::vector<std::string>& recipients() const { return recipients_; }

  // What goes out, and what is kept in Sent (with Bcc). Each is valid until the next call of
  // either: there is one copy of the body.
  std::string_view transmitted();
  std::string_view kept();

 private:
  OutgoingMessage() = default;
  std::string_view with_header(const std::string& header);

  std::string bytes_;  // header and body
  std::size_t header_size_ = 0;
  std::string transmitted_header_;
  std::string kept_header_;
  std::vector<std::string> recipients_;
};

// True when the message bears an identity of its own: a Message-ID or a Date. Two equal messages
// with one are the same message; without one they may be meant twice. Pure.
bool bears_identity(std::string_view mime);

}  // namespace eas
