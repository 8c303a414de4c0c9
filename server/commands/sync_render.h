// From planned operations to the content of <Commands>. One message that cannot be rendered goes
// out as a placeholder and is noted for the administrator; the folder moves on.
#pragma once

#include <vector>

#include "server/commands/command.h"
#include "server/commands/spare_threads.h"
#include "server/items/body_preference.h"
#include "server/sync/sync_plan.h"
#include "storage/base/result.h"
#include "wbxml/encoder.h"

namespace eas {

// The content of ApplicationData for one message; a placeholder when it cannot be read or is no
// message. not_found: it went away meanwhile. unavailable: the store cannot be reached now.
storage::Result<void> render_message(const Request& request, storage::CollectionId collection,
                                     const storage::MessageInfo& info, const BodyOptions& options,
                                     wbxml::Encoder& out);

struct RenderTask {
  const Request& request;
  storage::CollectionId collection = 0;
  const BodyOptions& options;
  SpareThreads* spare = nullptr;  // helps with many operations; may be null
};

// Writes the operations in order; those whose message went away meanwhile are left out (its
// tombstone is news of the next Sync). Returns how many were written.
storage::Result<int> render_operations(const RenderTask& task,
                                       const std::vector<SyncOperation>& operations,
                                       wbxml::Encoder& out);

// How many of the operations fit into about `budget` bytes; at least one.
storage::Result<int> operations_within(const Request& request, storage::CollectionId collection,
                                       const std::vector<SyncOperation>& operations,
                                       const BodyOptions& options, std::size_t budget);

}  // namespace eas
