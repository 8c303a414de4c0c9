// The whole server below HTTP in one process: real SQLite and Maildir in a private directory, a
// clock that stands still until told, two users, a sender that records. Requests go through the
// dispatcher as they would from a phone.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "server/commands/dispatch.h"
#include "server/config/limits.h"
#include "server/conversations/conversations.h"
#include "server/policy/device_service.h"
#include "server/search/mail_search.h"
#include "server/sync/collection_locks.h"
#include "storage/mail/mail_sender.h"
#include "storage/sql/database.h"
#include "tests/support/schema_check.h"
#include "tests/support/temp_dir.h"

namespace test {

class ManualClock final : public storage::Clock {
 public:
  storage::UnixMillis now_ms() const override { return now_.load(); }
  void advance(storage::UnixMillis by) { now_ += by; }

 private:
  std::atomic<storage::UnixMillis> now_{1'795'000'000'000};  // 2026-11-18
};

// Records what is sent; fails when told to.
class RecordingSender final : public storage::MailSender {
 public:
  struct Sent {
    std::string sender;
    std::vector<std::string> recipients;
    std::string bytes;
    std::string identity;
  };
  storage::Result<void> send(const storage::OutgoingMail& mail) override {
    tried = mail.identity;
    if (on_send) on_send();
    if (fail_with) return storage::fail(*fail_with, "told to fail");
    sent.push_back({mail.sender, mail.recipients, std::string(mail.bytes), mail.identity});
    return {};
  }
  std::vector<Sent> sent;
  std::string tried;  // identity of the last one, also when it failed
  std::optional<storage::ErrorKind> fail_with;
  std::function<void()> on_send;
};

// Counts calls of wake().
class TestWaker final : public http::Waker {
 public:
  void wake() override { ++woken; }
  std::atomic<int> woken{0};
};

// One request as a phone would send it.
struct Call {
  std::string command;
  std::string version = "14.1";
  wbxml::Element body;  // encoded, unless its tag is 0:0
  std::string raw;      // the body instead, as it is
  std::string device = "dev1";
  std::string device_type = "TestPhone";
  std::string login = "ann@example.test";
  std::string password = "secret";
  std::string more_query;  // "&SaveInSent=T"
  std::string content_type = "application/vnd.ms-sync.wbxml";
  std::vector<http::Header> headers;
  std::string method = "POST";
  std::string query;  // the whole query instead
};

class ServiceFixture {
 public:
  static constexpr std::string_view kAnn = "ann@example.test";
  static constexpr std::string_view kBob = "bob@example.test";
  static constexpr std::string_view kAdmin = "admin@example.test";  // gets mails about devices

  explicit ServiceFixture(eas::Limits custom = {}, eas::DispatcherOptions options = {},
                          storage::StepHook before_step = {});
  ~ServiceFixture();

  // --- asking ----------------------------------------------------------------------------------
  http::Outcome handle(const Call& call);
  // The answer; fails the test when the request parks.
  http::HttpReply reply(const Call& call);
  // The same, decoded. Fails the test unless it is 200 with WBXML.
  wbxml::Element element(const Call& call);
  // Parks; fails the test when it is answered at once.
  http::Parked park(const Call& call);
  // The waker of the request handled last.
  TestWaker& waker() { return *waker_; }
  std::shared_ptr<TestWaker> waker_pointer() { return waker_; }

  // FolderSync with key 0; returns the id of the folder of that type (2: Inbox).
  std::string folder_id(int type, const std::string& device = "dev1");
  // Sync with key 0 and one more, so that everything there is counts as seen. Returns the last key.
  std::string prime(const std::string& folder, const std::string& device = "dev1");

  // --- the other side --------------------------------------------------------------------------
  storage::User user(std::string_view address = kAnn);
  std::shared_ptr<storage::Mailbox> mailbox(std::string_view address = kAnn);
  storage::CollectionId folder(storage::FolderRole role, std::string_view address = kAnn);
  storage::ItemId deliver(std::string_view bytes,
                          storage::FolderRole role = storage::FolderRole::inbox);
  storage::Result<storage::Device> device(const std::string& id = "dev1");
  int count(storage::FolderRole role, std::string_view address = kAnn);
  // Stops everything and starts it again on the same directory.
  void restart();

  TempDir dir;
  ManualClock clock;
  eas::Limits limits;
  RecordingSender sender;
  std::function<void()> on_make_waker;  // runs in a request that is about to park
  eas::policy::StormOptions storms{0};  // off; counts from the next restart() on
  eas::Services services;
  std::unique_ptr<eas::Dispatcher> dispatcher;

 private:
  void start();
  void stop();
  void check_schema(const Call& call, const http::HttpReply& answered);

  eas::DispatcherOptions dispatcher_options_;
  storage::StepHook before_step_;
  std::unique_ptr<storage::Database> database_;
  std::unique_ptr<storage::ChangeHub> hub_;
  std::unique_ptr<storage::Directory> directory_;
  std::unique_ptr<storage::AddressList> addresses_;
  std::unique_ptr<storage::StateStore> state_;
  std::unique_ptr<storage::UserSettings> settings_;
  std::unique_ptr<storage::PolicyStore> policies_;
  std::unique_ptr<storage::MailStore> mail_;
  std::unique_ptr<storage::ThreadIndex> threads_;
  std::unique_ptr<eas::Conversations> conversations_;
  std::unique_ptr<eas::policy::DeviceService> devices_;
  std::unique_ptr<eas::CollectionLocks> locks_;
  std::unique_ptr<storage::Database> search_database_;
  std::unique_ptr<storage::SearchIndex> search_index_;
  std::unique_ptr<eas::MailSearch> search_;
  std::shared_ptr<TestWaker> waker_;
  SchemaCheck schemas_;
};

// A small message with that subject.
std::string simple_mail(std::string_view subject, std::string_view body = "Hello.");

// Text of the first element on a path of child tags; "" when there is none.
std::string text_at(const wbxml::Element& root, std::initializer_list<wbxml::Tag> path);

}  // namespace test
