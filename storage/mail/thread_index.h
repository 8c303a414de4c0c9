// Which messages of a mailbox belong together: for each message a key that the layer above makes of
// its head, kept in derived data that follows the folders' change logs. So finding a conversation
// in all folders reads only what came since it was last asked for, never the mailbox; the first
// time reads the head of every message once. One implementation over storage/sql, for any backend.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/collection.h"
#include "storage/mail/mail_store.h"

namespace storage {

struct ThreadMember {
  CollectionId folder = 0;
  ItemId id = 0;
  UnixMillis date = 0;  // received
  bool operator==(const ThreadMember&) const = default;
};

// The key of a message, at most 64 bytes; `head` is its bytes up to the empty line that ends the
// header. Must give the same for the same message always. Runs on the caller's thread.
using ThreadKeyOf = std::function<std::string(std::string_view head, const MessageInfo& info)>;

// Thread-safe. What it tells may have gone meanwhile: look before relying on it.
class ThreadIndex {
 public:
  virtual ~ThreadIndex() = default;

  // Reads what the folder's log says since the last time. not_found: no such folder; what was known
  // of it is forgotten. Costs one comparison when there is nothing new.
  virtual Result<void> update(std::int64_t user_id, Mailbox& mailbox, CollectionId folder) = 0;
  // The same for all folders of the mailbox.
  virtual Result<void> update_all(std::int64_t user_id, Mailbox& mailbox) = 0;

  // What the last update() knows, by folder, then oldest first. Empty: no such conversation.
  virtual Result<std::vector<ThreadMember>> members(std::int64_t user_id, std::string_view key) = 0;
  // Those of one folder that have the key of `id`, itself included, oldest first. Empty: `id` is
  // not known (yet).
  virtual Result<std::vector<ThreadMember>> siblings(std::int64_t user_id, CollectionId folder,
                                                     ItemId id) = 0;
  // not_found: not known (yet).
  virtual Result<std::string> key(std::int64_t user_id, CollectionId folder, ItemId id) = 0;
  // Everything of a user that is removed; it is derived, so nothing is lost.
  virtual Result<void> forget(std::int64_t user_id) = 0;
};

}  // namespace storage
