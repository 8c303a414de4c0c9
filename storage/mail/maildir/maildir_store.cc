#include "storage/mail/maildir/maildir_store.h"

#include <fcntl.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace storage::maildir {

namespace {

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

// An address that can be the name of a directory below the root.
bool is_safe_address(std::string_view address) {
  if (address.empty() || address.size() > 200 || address.front() == '.') return false;
  for (const char c : address) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F || c == '/') return false;
  }
  return true;
}

}  // namespace

MaildirStore::MaildirStore(const MaildirOptions& options, Database& database, ChangeHub& hub,
                           UniqueFd root)
    : context_{database,        hub,
               options,         options.clock != nullptr ? *options.clock : system_clock(),
               std::move(root), nullptr},
      watcher_(std::make_unique<Watcher>(options, options.root)) {
  context_.watcher = watcher_.get();
}

MaildirStore::~MaildirStore() { stop(); }

Result<std::unique_ptr<MaildirStore>> MaildirStore::open(const MaildirOptions& options,
                                                         Database& database, ChangeHub& hub) {
  GODWIT_TRY(migrate(database, migrations()));
  std::error_code error;
  if (std::filesystem::create_directories(options.root, error)) {
    std::filesystem::permissions(options.root, std::filesystem::perms::owner_all, error);
  }
  GODWIT_ASSIGN(UniqueFd root, open_directory(AT_FDCWD, options.root, true));
  return std::unique_ptr<MaildirStore>(new MaildirStore(options, database, hub, std::move(root)));
}

Result<std::shared_ptr<Mailbox>> MaildirStore::open(std::int64_t user_id,
                                                    std::string_view address) {
  if (!is_safe_address(address)) {
    return fail(ErrorKind::invalid, "the address cannot name a mail directory");
  }
  std::shared_ptr<MaildirMailbox> mailbox;
  {
    const MutexLock lock(mutex_);
    if (open_.size() >= sweep_at_) sweep();
    auto& known = open_[user_id];
    mailbox = known.lock();
    if (mailbox == nullptr) {
      mailbox = std::make_shared<MaildirMailbox>(context_, user_id, address);
      known = mailbox;
    }
  }
  GODWIT_TRY(mailbox->prepare());
  std::shared_ptr<MaildirMailbox> displaced = mailbox;  // ends outside the lock
  {
    const MutexLock lock(mutex_);
    recent_[static_cast<std::size_t>(user_id) % recent_.size()].swap(displaced);
  }
  return std::shared_ptr<Mailbox>(std::move(mailbox));
}

// Forgets mailboxes that nobody holds any more.
void MaildirStore::sweep() {
  std::erase_if(open_, [](const auto& entry) { return entry.second.expired(); });
  sweep_at_ = std::max<std::size_t>(256, open_.size() * 2);
}

void MaildirStore::stop() {
  {
    const MutexLock lock(mutex_);
    recent_ = {};
  }
  watcher_->stop();
}

}  // namespace storage::maildir
