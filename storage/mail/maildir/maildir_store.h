// The embedded mail store: Maildir++ directories on disk, their index in SQL.
#pragma once

#include <array>
#include <memory>
#include <unordered_map>

#include "storage/base/mutex.h"
#include "storage/mail/mail_store.h"
#include "storage/mail/maildir/mailbox.h"
#include "storage/mail/maildir/store_context.h"
#include "storage/mail/maildir/watcher.h"

namespace storage::maildir {

class MaildirStore final : public MailStore {
 public:
  // Makes the root directory and the tables. `database` and `hub` must outlive the store.
  static Result<std::unique_ptr<MaildirStore>> open(const MaildirOptions& options,
                                                    Database& database, ChangeHub& hub);
  ~MaildirStore() override;

  Result<std::shared_ptr<Mailbox>> open(std::int64_t user_id, std::string_view address) override;
  void stop() override;

  Watcher& watcher() { return *watcher_; }  // for metrics and tests

 private:
  MaildirStore(const MaildirOptions& options, Database& database, ChangeHub& hub, UniqueFd root);
  void sweep() REQUIRES(mutex_);

  StoreContext context_;
  std::unique_ptr<Watcher> watcher_;
  Mutex mutex_;
  std::unordered_map<std::int64_t, std::weak_ptr<MaildirMailbox>> open_ GUARDED_BY(mutex_);
  std::size_t sweep_at_ GUARDED_BY(mutex_) = 256;
  // Keeps mailboxes for a while after a request, so that the next one of the same user need not
  // prepare it again; one place per user id, the newcomer displaces.
  std::array<std::shared_ptr<MaildirMailbox>, 512> recent_ GUARDED_BY(mutex_);
};

}  // namespace storage::maildir
