// The state store over storage/sql. Every method is one transaction, most are one statement.
#pragma once

#include <atomic>
#include <optional>
#include <string_view>
#include <vector>

#include "storage/sql/database.h"
#include "storage/state/state_store.h"

namespace storage {

// Thread-safe.
class SqlStateStore final : public StateStore {
 public:
  // Brings the tables up to date. Call before the first use.
  static Result<void> migrate_tables(Database& database);

  // `database` must outlive the store.
  explicit SqlStateStore(Database& database) : database_(database) {}

  Result<Device> device(std::int64_t user_id, std::string_view device_id) override;
  Result<Device> ensure_device(std::int64_t user_id, std::string_view device_id,
                               std::string_view type, std::string_view user_agent, UnixMillis now,
                               int max_devices) override;
  Result<Device> device_by_row(std::int64_t device) override;
  Result<void> update_device(const Device& device) override;
  Result<std::vector<Device>> devices(std::int64_t user_id) override;
  Result<void> remove_device(std::int64_t device) override;

  Result<StoredState> state(std::int64_t device, CollectionId collection) override;
  Result<void> commit_state(std::int64_t device, CollectionId collection,
                            const std::optional<StoredState>& expected,
                            const StoredState& next) override;
  Result<void> remove_state(std::int64_t device, CollectionId collection) override;

  Result<std::optional<SentMail>> begin_send(std::int64_t device, std::string_view key,
                                             UnixMillis now) override;
  Result<void> finish_send(std::int64_t device, std::string_view key) override;
  Result<void> cancel_send(std::int64_t device, std::string_view key) override;

 private:
  void drop_old_mail(UnixMillis now);

  Database& database_;
  std::atomic<UnixMillis> last_drop_{0};
};

}  // namespace storage
