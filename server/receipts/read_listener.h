// How commands tell that a user reads a message: read_receipts.h listens.
#pragma once

#include "storage/directory/directory.h"
#include "storage/mail/mail_store.h"

namespace eas::receipts {

class ReadListener {
 public:
  virtual ~ReadListener() = default;
  // A phone of `user` is about to mark a message that was unread as read. Told before it is done,
  // so that a request that fails or a kill in between loses nothing: the phone repeats the change,
  // and telling it again is no harm. Fails only when that is wanted, since a store is unavailable.
  // Thread-safe, sends nothing itself.
  virtual storage::Result<void> message_read(const storage::User& user, storage::Mailbox& mailbox,
                                             storage::CollectionId folder, storage::ItemId id) = 0;
};

}  // namespace eas::receipts
