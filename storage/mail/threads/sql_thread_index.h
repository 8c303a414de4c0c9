// The thread index over storage/sql: a row per message, and per folder the cursor that it stands
// at.
#pragma once

#include "storage/mail/thread_index.h"
#include "storage/sql/database.h"

namespace storage {

// Thread-safe. Two that update one folder at once do the same work twice and come to the same rows.
class SqlThreadIndex final : public ThreadIndex {
 public:
  static Result<void> migrate_tables(Database& database);

  // `database` must outlive it.
  SqlThreadIndex(Database& database, ThreadKeyOf key_of)
      : database_(database), key_of_(std::move(key_of)) {}

  Result<void> update(std::int64_t user_id, Mailbox& mailbox, CollectionId folder) override;
  Result<void> update_all(std::int64_t user_id, Mailbox& mailbox) override;
  Result<std::vector<ThreadMember>> members(std::int64_t user_id, std::string_view key) override;
  Result<std::vector<ThreadMember>> siblings(std::int64_t user_id, CollectionId folder,
                                             ItemId id) override;
  Result<std::string> key(std::int64_t user_id, CollectionId folder, ItemId id) override;
  Result<void> forget(std::int64_t user_id) override;

 private:
  struct Row {
    ItemId id = 0;
    UnixMillis date = 0;
    std::string key;
  };
  struct Batch {
    std::vector<Row> added;
    std::vector<ItemId> removed;
    Seq cursor = 0;
  };

  Result<Seq> cursor(std::int64_t user_id, CollectionId folder);
  Result<void> forget_folder(std::int64_t user_id, CollectionId folder);
  Result<Batch> read(Mailbox& mailbox, CollectionId folder, const ChangePage& page) const;
  Result<void> store(std::int64_t user_id, CollectionId folder, const Batch& batch);

  Database& database_;
  const ThreadKeyOf key_of_;
};

}  // namespace storage
