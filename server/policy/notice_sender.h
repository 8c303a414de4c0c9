// Sends messages later, on a thread of its own, and again when that fails: whoever gives one does
// not wait for a relay that hangs. For messages to the administrator, which a phone's request must
// not wait for.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "storage/base/mutex.h"
#include "storage/mail/mail_sender.h"

namespace eas::policy {

// Thread-safe. What waits is in memory only: it is lost with the process.
class NoticeSender final : public storage::MailSender {
 public:
  struct Options {
    std::chrono::milliseconds pause{60'000};  // after a failure; longer each time
    int attempts = 8;                         // a message is given up after the last: two hours
    std::size_t most = 1'000;                 // that wait
  };

  // `inner` must outlive it.
  explicit NoticeSender(storage::MailSender& inner);
  NoticeSender(storage::MailSender& inner, Options options);
  ~NoticeSender() override;  // stops
  NoticeSender(const NoticeSender&) = delete;
  NoticeSender& operator=(const NoticeSender&) = delete;

  // Takes the message and returns at once. unavailable: too many wait, or it was stopped. Failures
  // later are logged.
  storage::Result<void> send(const storage::OutgoingMail& mail) override;
  // Ends the thread after the message that it is at; what waits is dropped.
  void stop();

 private:
  using Clock = std::chrono::steady_clock;
  struct Waiting {
    std::string sender;
    std::vector<std::string> recipients;
    std::string bytes;
    std::string identity;
    int failures = 0;
    Clock::time_point due;
  };

  void run();
  // The first that is due, waiting for it; false: stopped.
  bool next(Waiting& message);
  void deliver(Waiting message);

  storage::MailSender& inner_;
  const Options options_;
  storage::Mutex mutex_;
  storage::CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::deque<Waiting> waiting_ GUARDED_BY(mutex_);
  std::thread thread_;  // last: it uses the others
};

}  // namespace eas::policy
