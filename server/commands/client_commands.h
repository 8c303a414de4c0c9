// Applies what a phone changed: Change, Delete, Fetch and Add of one Sync collection.
// [MS-ASCMD] 2.2.3.7.2, 2.2.3.24, 2.2.3.42.2, 2.2.3.63.2, 3.1.5.9
//
// Every command may come a second time, when the answer was lost: setting the same flags again
// changes nothing, and deleting what is deleted is success. Neither needs a ledger.
#pragma once

#include <cstddef>
#include <vector>

#include "server/commands/command.h"
#include "server/commands/sync_options.h"
#include "server/commands/sync_request.h"
#include "server/sync/collection_state.h"
#include "storage/base/result.h"
#include "wbxml/encoder.h"

namespace eas {

struct ClientCommandContext {
  Request& request;
  const Services& services;
  storage::CollectionId collection = 0;
  const CollectionRequest& collection_request;
  const SyncOptions& options;
  std::size_t budget = 0;  // bytes of responses beyond which nothing more is fetched
};

// Applies the commands in order. Adds to `state.own` what the phone must not be told again, and
// writes the content of <Responses>. Fails only when a store is unavailable.
storage::Result<void> apply_client_commands(const ClientCommandContext& context,
                                            CollectionState& state, wbxml::Encoder& responses);

}  // namespace eas
