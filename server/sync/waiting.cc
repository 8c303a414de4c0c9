#include "server/sync/waiting.h"

#include <utility>

#include "server/sync/item_class.h"
#include "storage/base/log.h"

namespace eas {

Waiting::Waiting(storage::ChangeHub& hub, std::int64_t user_id,
                 std::shared_ptr<storage::Mailbox> mailbox,
                 std::vector<storage::CollectionId> collections, unsigned kinds,
                 storage::ChangeHub::Callback wake)
    : collections_(std::move(collections)),
      subscription_(hub.subscribe(user_id, collections_, kinds, std::move(wake))) {
  // Folder by folder: one that is gone, or never was, keeps no other from being watched.
  std::erase_if(collections_, [&](storage::CollectionId id) {
    // Only mail folders are files that other programs may change.
    if (class_of(id) != ItemClass::mail) return true;
    const auto watched = mailbox->watch({&id, 1});
    if (!watched && watched.error().kind != storage::ErrorKind::not_found) {
      storage::log_event(
          storage::LogLevel::warning, "a folder cannot be watched",
          {{"user_id", user_id}, {"folder", id}, {"reason", watched.error().message}});
    }
    return !watched;
  });
  mailbox_ = std::move(mailbox);
}

Waiting& Waiting::operator=(Waiting&& other) noexcept {
  if (this != &other) {
    stop();
    mailbox_ = std::move(other.mailbox_);
    collections_ = std::move(other.collections_);
    subscription_ = std::move(other.subscription_);
  }
  return *this;
}

Waiting::~Waiting() { stop(); }

void Waiting::stop() {
  subscription_.reset();
  if (mailbox_) mailbox_->unwatch(collections_);
  mailbox_.reset();
}

}  // namespace eas
