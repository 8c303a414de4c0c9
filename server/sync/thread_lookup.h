// The conversations of one collection, from the thread index, for planning with ConversationMode.
#pragma once

#include <vector>

#include "server/sync/sync_plan.h"
#include "storage/mail/thread_index.h"

namespace eas {

// Lives no longer than the request that uses it.
class ThreadLookup final : public ConversationLookup {
 public:
  ThreadLookup(storage::ThreadIndex& threads, std::int64_t user_id, storage::Mailbox& mailbox,
               storage::CollectionId collection)
      : threads_(threads), user_id_(user_id), mailbox_(mailbox), collection_(collection) {}

  storage::Result<std::vector<storage::Position>> members(storage::ItemId item) override;

 private:
  storage::Result<void> update();

  storage::ThreadIndex& threads_;
  const std::int64_t user_id_;
  storage::Mailbox& mailbox_;
  const storage::CollectionId collection_;
  bool updated_ = false;
};

}  // namespace eas
