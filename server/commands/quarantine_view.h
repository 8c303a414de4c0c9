// The mailbox as a phone in quarantine sees it: an Inbox with one message, the one that says that
// the phone waits for approval.
#pragma once

#include <memory>

#include "storage/mail/mail_store.h"

namespace eas {

// `notice`: the message's id in the Inbox; 0: not even that. Nothing can be made or added; the
// message may be read, flagged, moved to the bin and removed. Failure: what the mailbox says.
storage::Result<std::shared_ptr<storage::Mailbox>> quarantine_view(
    std::shared_ptr<storage::Mailbox> mailbox, storage::ItemId notice);

}  // namespace eas
