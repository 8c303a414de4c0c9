// The index is brought up to date once, before the first question, and again when the log has named
// an item that it does not know: one that came in between.
#include "server/sync/thread_lookup.h"

namespace eas {

storage::Result<void> ThreadLookup::update() {
  updated_ = true;
  return threads_.update(user_id_, mailbox_, collection_);
}

storage::Result<std::vector<storage::Position>> ThreadLookup::members(storage::ItemId item) {
  if (!updated_) GODWIT_TRY(update());
  GODWIT_ASSIGN(auto found, threads_.siblings(user_id_, collection_, item));
  if (found.empty()) {
    GODWIT_TRY(update());
    GODWIT_ASSIGN(found, threads_.siblings(user_id_, collection_, item));
  }
  std::vector<storage::Position> members;
  members.reserve(found.size());
  for (const storage::ThreadMember& member : found) members.push_back({member.date, member.id});
  return members;
}

}  // namespace eas
