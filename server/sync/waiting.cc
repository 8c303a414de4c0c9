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
  // Only mail folders are files that other programs may change.
  std::erase_if(collections_,
                [](storage::CollectionId id) { return class_of(id) != ItemClass::mail; });
  if (auto watched = mailbox->watch(collections_); !watched) {
    storage::log_event(storage::LogLevel::warning, "folders cannot be watched",
                       {{"user_id", user_id}, {"reason", watched.error().message}});
    return;
  }
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
