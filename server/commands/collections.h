// The collections of a user, whatever store holds them. Mail folders are the mailbox's; of each
// other class there is the default folder. A class whose store does not exist yet has an empty
// one: it can be synchronised, watched and estimated like any empty folder, and takes no items.
#pragma once

#include "server/commands/command.h"
#include "server/sync/item_class.h"
#include "storage/base/result.h"
#include "storage/collection.h"

namespace eas {

// Its class. not_found: there is no such collection now, or the version does not know its class.
storage::Result<ItemClass> find_collection(storage::Mailbox& mailbox, Version version,
                                           storage::CollectionId collection);
inline storage::Result<ItemClass> find_collection(const Request& request,
                                                  storage::CollectionId collection) {
  return find_collection(*request.mailbox, request.version, collection);
}

// The change log that `collection` is in. Lives as long as the mailbox.
storage::ChangeLog& change_log(storage::Mailbox& mailbox, storage::CollectionId collection);

}  // namespace eas
