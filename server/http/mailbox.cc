#include "server/http/mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <iterator>
#include <utility>

#include "server/http/job.h"

namespace http {

Message::Message(Kind message_kind, ConnectionRef ref, std::unique_ptr<Completion> done)
    : kind(message_kind), connection(ref), completion(std::move(done)) {}
Message::Message(Message&&) noexcept = default;
Message& Message::operator=(Message&&) noexcept = default;
Message::~Message() = default;

Mailbox::Mailbox() : event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
Mailbox::~Mailbox() = default;

void Mailbox::post(Message message) {
  const storage::MutexLock lock(mutex_);
  if (closed_) return;
  const bool was_empty = messages_.empty();
  messages_.push_back(std::move(message));
  if (!was_empty) return;
  // The event before the flag: a take() that sees the flag has the event to drain. The other way
  // round it could run between the two, and leave an event behind that nobody drains.
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then the loop is awake anyway.
  [[maybe_unused]] const ssize_t written = ::write(event_.get(), &one, sizeof one);
  filled_.store(true, std::memory_order_release);
}

void Mailbox::take(std::vector<Message>& to) {
  if (!filled_.load(std::memory_order_acquire)) return;
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t drained = ::read(event_.get(), &count, sizeof count);
  const storage::MutexLock lock(mutex_);
  filled_.store(false, std::memory_order_relaxed);
  if (to.empty()) {
    to.swap(messages_);
    return;
  }
  to.insert(to.end(), std::make_move_iterator(messages_.begin()),
            std::make_move_iterator(messages_.end()));
  messages_.clear();
}

void Mailbox::close() {
  std::vector<Message> dropped;  // destroyed outside the lock: it may run code of handlers
  const storage::MutexLock lock(mutex_);
  closed_ = true;
  filled_.store(false, std::memory_order_relaxed);
  dropped.swap(messages_);
}

}  // namespace http
