// Opens the configured mail store and the mail sender. One row per store backend in backends.cc.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "storage/base/clock.h"
#include "storage/mail/mail_sender.h"
#include "storage/mail/mail_store.h"
#include "storage/mail/sender_options.h"
#include "storage/mail/thread_index.h"
#include "storage/notify/change_hub.h"
#include "storage/sql/database.h"

namespace storage {

struct MailStoreOptions {
  std::string backend = "maildir";
  std::string root;              // maildir: the directory that holds one Maildir++ per address
  const Clock* clock = nullptr;  // must outlive the store; the system's when null
  std::chrono::milliseconds poll_interval{3000};   // of folders that cannot be watched
  std::chrono::milliseconds watch_linger{60'000};  // after the last waiter left
  bool fsync = true;     // flush each stored message to the disk before it appears
  StepHook before_step;  // tests only: called before each step that changes files; may throw
};

// Also brings the tables up to date. `database` and `hub` must outlive the store. invalid: no such
// backend.
Result<std::unique_ptr<MailStore>> open_mail_store(const MailStoreOptions& options,
                                                   Database& database, ChangeHub& hub);

// Takes out of the database what is kept there about the mail of a user who was removed from the
// directory, for any backend; the mail itself stays. Also brings the tables up to date.
Result<void> forget_mail_of(Database& database, std::int64_t user_id);

// The sender for local mailboxes and the relay; `resolver` says who has a mailbox here. Also brings
// its table up to date. `store` and `database` must outlive the sender.
Result<std::unique_ptr<MailSender>> open_mail_sender(SenderOptions options, MailStore& store,
                                                     Database& database,
                                                     RecipientResolver resolver);

// Which messages belong together, by the keys that `key_of` makes; for any backend. Also brings its
// tables up to date. `database` must outlive it.
Result<std::unique_ptr<ThreadIndex>> open_thread_index(Database& database, ThreadKeyOf key_of);

}  // namespace storage
