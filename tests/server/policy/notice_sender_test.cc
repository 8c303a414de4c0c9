#include "server/policy/notice_sender.h"

#include <doctest/doctest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

using eas::policy::NoticeSender;
using namespace std::chrono_literals;

namespace {

// Fails or hangs when told to, and says when it was asked.
class Relay final : public storage::MailSender {
 public:
  storage::Result<void> send(const storage::OutgoingMail& mail) override {
    std::unique_lock lock(mutex_);
    ++attempts_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !hangs_; });
    if (failures_ > 0) {
      --failures_;
      return storage::fail(kind_, "told to fail");
    }
    identities_.push_back(mail.identity);
    bytes_ = std::string(mail.bytes);
    changed_.notify_all();
    return {};
  }
  void fail_next(int times, storage::ErrorKind kind) {
    const std::lock_guard lock(mutex_);
    failures_ = times;
    kind_ = kind;
  }
  void hang(bool hangs) {
    const std::lock_guard lock(mutex_);
    hangs_ = hangs;
    changed_.notify_all();
  }
  bool wait_sent(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, [&] { return identities_.size() >= count; });
  }
  bool wait_attempts(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, [&] { return attempts_ >= count; });
  }
  std::vector<std::string> identities() {
    const std::lock_guard lock(mutex_);
    return identities_;
  }
  std::string bytes() {
    const std::lock_guard lock(mutex_);
    return bytes_;
  }
  int attempts() {
    const std::lock_guard lock(mutex_);
    return attempts_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int failures_ = 0;
  storage::ErrorKind kind_ = storage::ErrorKind::unavailable;
  bool hangs_ = false;
  int attempts_ = 0;
  std::vector<std::string> identities_;
  std::string bytes_;
};

storage::Result<void> give(NoticeSender& sender, const std::string& identity) {
  const std::string bytes = "Subject: " + identity + "\r\n\r\n";  // gone when this returns
  storage::OutgoingMail mail;
  mail.sender = "admin@example.test";
  mail.recipients = {"admin@example.test"};
  mail.bytes = bytes;
  mail.identity = identity;
  return sender.send(mail);
}

NoticeSender::Options soon(int attempts = 8, std::size_t most = 1000) {
  return {1ms, attempts, most};
}

}  // namespace

TEST_CASE("notices: nobody waits for a relay that hangs, and all is sent in its order") {
  Relay relay;
  relay.hang(true);
  NoticeSender sender(relay, soon());
  for (const char* identity : {"a", "b", "c"}) CHECK(give(sender, identity).has_value());
  CHECK(relay.wait_attempts(1));
  CHECK(relay.identities().empty());
  relay.hang(false);
  REQUIRE(relay.wait_sent(3));
  CHECK(relay.identities() == std::vector<std::string>{"a", "b", "c"});
  CHECK(relay.bytes() == "Subject: c\r\n\r\n");
}

TEST_CASE("notices: what cannot be sent is sent again, under the same identity") {
  Relay relay;
  relay.fail_next(3, storage::ErrorKind::unavailable);
  NoticeSender sender(relay, soon());
  CHECK(give(sender, "a").has_value());
  REQUIRE(relay.wait_sent(1));
  CHECK(relay.attempts() == 4);
  CHECK(relay.identities() == std::vector<std::string>{"a"});
}

TEST_CASE("notices: what will never go, or has failed too often, is given up") {
  Relay relay;
  NoticeSender sender(relay, soon(3));
  relay.fail_next(1, storage::ErrorKind::denied);
  CHECK(give(sender, "never").has_value());
  CHECK(relay.wait_attempts(1));
  relay.fail_next(3, storage::ErrorKind::unavailable);
  CHECK(give(sender, "often").has_value());
  CHECK(relay.wait_attempts(4));
  CHECK(give(sender, "good").has_value());
  REQUIRE(relay.wait_sent(1));
  CHECK(relay.identities() == std::vector<std::string>{"good"});
}

TEST_CASE("notices: what waits is bounded, and ends with the sender") {
  Relay relay;
  relay.hang(true);
  NoticeSender sender(relay, soon(8, 2));
  CHECK(give(sender, "at it").has_value());
  CHECK(relay.wait_attempts(1));
  CHECK(give(sender, "a").has_value());
  CHECK(give(sender, "b").has_value());
  const auto refused = give(sender, "c");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == storage::ErrorKind::unavailable);
  relay.hang(false);
  REQUIRE(relay.wait_sent(3));
  sender.stop();
  CHECK_FALSE(give(sender, "late").has_value());
}
