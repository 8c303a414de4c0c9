// One batch of indexing: what the next few changes of a folder, or the next few of its older
// messages, put into the index. Reads the mailbox, writes nothing.
#pragma once

#include <functional>
#include <optional>

#include "storage/base/result.h"
#include "storage/mail/mail_store.h"
#include "storage/search/search_index.h"

namespace eas {

struct FolderBatch {
  storage::SearchBatch batch;  // with the progress after it
  bool more = false;           // there is more to do at once
  bool empty = false;          // nothing to write
  bool broken = false;         // the log does not go with the index: forget the folder
};

// What comes next for a folder that stands at `progress` (nullopt: not in the index yet). `stop` is
// asked between messages. not_found: no such folder.
storage::Result<FolderBatch> next_batch(storage::Mailbox& mailbox, storage::CollectionId folder,
                                        const std::optional<storage::SearchProgress>& progress,
                                        const std::function<bool()>& stop);

}  // namespace eas
