// How other threads talk to an event loop: messages and an eventfd that is written only when the
// mailbox was empty, so that ten thousand wakes cost the loop one. Outlives the loop in the hands
// of wakers and workers; messages to a closed mailbox are dropped. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "storage/base/mutex.h"
#include "storage/base/unique_fd.h"

namespace http {

struct Completion;

// Names a connection without holding it: a slot of its loop and which of the slot's connections.
struct ConnectionRef {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
  friend bool operator==(const ConnectionRef&, const ConnectionRef&) = default;
};

struct Message {
  enum class Kind { wake, completion, shutdown };
  Kind kind = Kind::wake;
  ConnectionRef connection;                // of wake and completion
  std::unique_ptr<Completion> completion;  // of completion

  Message(Kind message_kind, ConnectionRef ref, std::unique_ptr<Completion> done);
  Message(Message&&) noexcept;
  Message& operator=(Message&&) noexcept;
  ~Message();
};

class Mailbox {
 public:
  Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;
  ~Mailbox();

  bool is_valid() const { return static_cast<bool>(event_); }
  int fd() const { return event_.get(); }  // readable while there are messages to take

  void post(Message message) EXCLUDES(mutex_);
  // Appends what is there to `to`. The loop's thread only.
  void take(std::vector<Message>& to) EXCLUDES(mutex_);
  // From now on post() drops. What is still inside is dropped too.
  void close() EXCLUDES(mutex_);

 private:
  storage::UniqueFd event_;
  std::atomic<bool> filled_{false};  // event_ is to be drained; lets take() look without the lock
  storage::Mutex mutex_;
  std::vector<Message> messages_ GUARDED_BY(mutex_);
  bool closed_ GUARDED_BY(mutex_) = false;
};

}  // namespace http
