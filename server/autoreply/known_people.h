// Whom a user has written to: the "known" ones among external senders. Read from the newest
// messages in Sent when first asked, kept up to date from its change log after that, in memory
// only.
#pragma once

#include <string>
#include <unordered_set>

#include "storage/mail/mail_store.h"

namespace eas::autoreply {

// One thread.
class KnownPeople {
 public:
  // How far back the first look goes.
  static constexpr int kMaxMessages = 5000;

  // Whether a message in Sent has `address` (lower case) in To, Cc or Bcc. Until contacts are kept
  // here, that is what "represented in the user's contacts" means. [MS-ASCMD] 2.2.3.12
  storage::Result<bool> knows(storage::Mailbox& mailbox, const std::string& address);

 private:
  storage::Result<void> read_all(storage::Mailbox& mailbox, storage::Seq head);
  storage::Result<void> read_news(storage::Mailbox& mailbox);
  void read(storage::Mailbox& mailbox, storage::ItemId id);

  storage::CollectionId sent_ = 0;  // 0: not read yet
  storage::Seq cursor_ = 0;
  std::unordered_set<std::string> addresses_;
};

}  // namespace eas::autoreply
