// What a parked Ping or Sync holds: its subscription at the change hub and the watch on its
// folders. Destroying it ends both, also when the phone hung up. Subscribe first, then look once
// more, then park. Movable; one thread at a time.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "storage/mail/mail_store.h"
#include "storage/notify/change_hub.h"

namespace eas {

class Waiting {
 public:
  Waiting() = default;
  // `wake` runs on a publisher's thread, see ChangeHub. A failing watch is no failure here: changes
  // made through the store still arrive, and the deadline ends the wait. Folders that do not exist
  // are left out.
  Waiting(storage::ChangeHub& hub, std::int64_t user_id, std::shared_ptr<storage::Mailbox> mailbox,
          std::vector<storage::CollectionId> collections, unsigned kinds,
          storage::ChangeHub::Callback wake);
  Waiting(Waiting&&) noexcept = default;
  Waiting& operator=(Waiting&& other) noexcept;
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting();

 private:
  void stop();
  std::shared_ptr<storage::Mailbox> mailbox_;
  std::vector<storage::CollectionId> collections_;  // those that are watched
  storage::Subscription subscription_;
};

}  // namespace eas
