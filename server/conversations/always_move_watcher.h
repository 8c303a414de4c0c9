// Carries out the rules of conversations on mail that arrives while no phone asks: a thread that
// waits at the change hub for the users who have such rules, and for nobody else.
#pragma once

#include <memory>
#include <thread>

#include "server/conversations/conversations.h"
#include "storage/mail/mail_store.h"
#include "storage/notify/change_hub.h"

namespace eas {

// Thread-safe. What it was made of must outlive it; the rules must not change their listener.
class AlwaysMoveWatcher {
 public:
  // Starts at once, with what came while nobody watched. Becomes the listener of `conversations`.
  AlwaysMoveWatcher(Conversations& conversations, storage::MailStore& mail,
                    storage::ChangeHub& hub);
  // Joins the thread.
  ~AlwaysMoveWatcher();
  AlwaysMoveWatcher(const AlwaysMoveWatcher&) = delete;
  AlwaysMoveWatcher& operator=(const AlwaysMoveWatcher&) = delete;

 private:
  struct Work;
  class Runner;
  const std::shared_ptr<Work> work_;
  Conversations& conversations_;
  std::thread thread_;
};

}  // namespace eas
