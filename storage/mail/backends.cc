#include "storage/mail/backends.h"

#include <array>

#include "storage/mail/maildir/forget.h"
#include "storage/mail/maildir/maildir_store.h"
#include "storage/mail/smtp/local_and_relay_sender.h"
#include "storage/mail/threads/sql_thread_index.h"

namespace storage {

namespace {

Result<std::unique_ptr<MailStore>> open_maildir(const MailStoreOptions& options, Database& database,
                                                ChangeHub& hub) {
  maildir::MaildirOptions own;
  own.root = options.root;
  own.clock = options.clock;
  own.poll_interval = options.poll_interval;
  own.watch_linger = options.watch_linger;
  own.fsync = options.fsync;
  own.before_step = options.before_step;
  GODWIT_ASSIGN(auto store, maildir::MaildirStore::open(own, database, hub));
  return std::unique_ptr<MailStore>(std::move(store));
}

struct Backend {
  std::string_view name;
  Result<std::unique_ptr<MailStore>> (*open)(const MailStoreOptions&, Database&, ChangeHub&);
  Result<void> (*forget)(Database& database, std::int64_t user_id);
};
constexpr std::array kBackends = {Backend{"maildir", open_maildir, maildir::forget_user}};

}  // namespace

Result<std::unique_ptr<MailStore>> open_mail_store(const MailStoreOptions& options,
                                                   Database& database, ChangeHub& hub) {
  for (const Backend& backend : kBackends) {
    if (backend.name == options.backend) return backend.open(options, database, hub);
  }
  return fail(ErrorKind::invalid, "no mail backend is called " + options.backend);
}

Result<void> forget_mail_of(Database& database, std::int64_t user_id) {
  for (const Backend& backend : kBackends) GODWIT_TRY(backend.forget(database, user_id));
  return {};
}

Result<std::unique_ptr<MailSender>> open_mail_sender(SenderOptions options, MailStore& store,
                                                     Database& database,
                                                     RecipientResolver resolver) {
  GODWIT_ASSIGN(auto sender, smtp::LocalAndRelaySender::open(std::move(options), store, database,
                                                             std::move(resolver)));
  return std::unique_ptr<MailSender>(std::move(sender));
}

Result<std::unique_ptr<ThreadIndex>> open_thread_index(Database& database, ThreadKeyOf key_of) {
  GODWIT_TRY(SqlThreadIndex::migrate_tables(database));
  return std::make_unique<SqlThreadIndex>(database, std::move(key_of));
}

}  // namespace storage
