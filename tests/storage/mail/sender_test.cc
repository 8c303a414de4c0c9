// Outgoing mail: local mailboxes, reports, and real SMTP servers as the relay.
#include <algorithm>
#include <map>

#include "storage/base/text.h"
#include "storage/mail/maildir/directories.h"
#include "storage/mail/smtp/delivery_report.h"
#include "storage/mail/smtp/local_and_relay_sender.h"
#include "tests/storage/mail/mail_fixture.h"
#include "tests/support/postfix.h"

using namespace test;
using storage::ErrorKind;
using storage::OutgoingMail;
using storage::Result;

namespace {

constexpr char kMail[] =
    "From: u@example.test\r\nTo: x@y\r\nSubject: hello\r\n\r\n.dot first\r\n..two\r\nend\r\n";

struct Sending {
  explicit Sending(const std::string& relay_url = "") {
    options.local_domains = {"Example.test"};
    options.relay.url = relay_url;
    options.relay.connect_timeout = std::chrono::milliseconds(2000);
    options.relay.timeout = std::chrono::milliseconds(10'000);
    options.host = "mail.example.test";
    options.group_members =
        [this](std::string_view address) -> Result<std::vector<storage::LocalRecipient>> {
      if (groups_down) return storage::fail(ErrorKind::unavailable, "down");
      const auto found = groups.find(storage::to_lower(address));
      if (found == groups.end()) return storage::fail(ErrorKind::not_found, "no group");
      return found->second;
    };
    open();
  }
  void open() { open(*world.store); }
  void open(storage::MailStore& store) {
    sender = must(storage::open_mail_sender(
        options, store, *world.database,
        [this](std::string_view address) -> Result<std::pair<std::int64_t, std::string>> {
          if (directory_down) return storage::fail(ErrorKind::unavailable, "down");
          std::string name = storage::to_lower(address);
          if (const auto alias = aliases.find(name); alias != aliases.end()) name = alias->second;
          const auto found = users.find(name);
          if (found == users.end()) return storage::fail(ErrorKind::not_found, "nobody");
          return std::pair(found->second, found->first);
        }));
  }
  Result<void> send(std::vector<std::string> to, std::string identity = "dev/1",
                    std::string_view bytes = kMail) {
    OutgoingMail mail;
    mail.sender = "u@example.test";
    mail.recipients = std::move(to);
    mail.bytes = bytes;
    mail.identity = std::move(identity);
    return sender->send(mail);
  }
  // The messages in an Inbox, oldest first.
  std::vector<std::string> inbox_of(std::int64_t user) {
    std::vector<std::string> messages;
    std::string address;
    for (const auto& [name, id] : users) {
      if (id == user) address = name;
    }
    const auto box = must(world.store->open(user, address));
    for (const auto& folder : must(box->folders()).folders) {
      if (folder.role != storage::FolderRole::inbox) continue;
      must(box->head(folder.id));
      for (const auto& item :
           must(box->oldest_first(folder.id, {0, 0}, {INT64_MAX, 0}, 100)).items) {
        messages.emplace_back(must(box->bytes(folder.id, item.id)).view());
      }
    }
    return messages;
  }

  TempDir dir;
  World world{"sqlite:" + dir.file("i.db"), dir.file("mail")};
  std::map<std::string, std::int64_t> users = {{"u@example.test", 1}, {"v@example.test", 2}};
  std::map<std::string, std::string> aliases;
  std::map<std::string, std::vector<storage::LocalRecipient>> groups;
  bool directory_down = false;
  bool groups_down = false;
  storage::SenderOptions options;
  std::unique_ptr<storage::MailSender> sender;
};

// The mail store, but for the users whose mailboxes cannot be opened.
class BrokenStore final : public storage::MailStore {
 public:
  explicit BrokenStore(storage::MailStore& store) : store_(store) {}
  Result<std::shared_ptr<storage::Mailbox>> open(std::int64_t user,
                                                 std::string_view address) override {
    const auto found = broken.find(user);
    if (found != broken.end()) return storage::fail(found->second, "out of order");
    return store_.open(user, address);
  }
  void stop() override {}
  std::map<std::int64_t, ErrorKind> broken;

 private:
  storage::MailStore& store_;
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("sender: a local recipient gets the message with its trace, and is woken") {
  Sending s;
  const storage::CollectionId inbox[] = {1};
  int woken = 0;
  const auto subscription = s.world.hub.subscribe(2, inbox, storage::hub_event::kAdded,
                                                  [&](const storage::HubEvent&) { ++woken; });
  must(s.send({"V@Example.test"}));
  const auto messages = s.inbox_of(2);
  REQUIRE(messages.size() == 1);
  CHECK(woken == 1);
  CHECK(
      messages[0].starts_with("Return-Path: <u@example.test>\r\nDelivered-To: v@example.test\r\n"
                              "Received: by mail.example.test (Godwit)\r\n"));
  CHECK(messages[0].ends_with(kMail));
  CHECK_FALSE(storage::smtp::has_bare_line_feed(messages[0]));
}

TEST_CASE("sender: the same submission delivers once, another one again") {
  Sending s;
  must(s.send({"v@example.test", "u@example.test"}, "dev/1"));
  must(s.send({"v@example.test", "u@example.test"}, "dev/1"));
  s.world.reopen();
  s.open();
  must(s.send({"v@example.test", "u@example.test"}, "dev/1"));
  CHECK(s.inbox_of(1).size() == 1);
  CHECK(s.inbox_of(2).size() == 1);
  must(s.send({"v@example.test"}, "dev/2"));
  CHECK(s.inbox_of(2).size() == 2);
}

TEST_CASE("sender: mail to a group goes once to each member, the sender included") {
  Sending s;
  s.groups["all@example.test"] = {{1, "u@example.test"}, {2, "v@example.test"}};
  s.groups["few@example.test"] = {{2, "v@example.test"}};
  must(s.send({"All@example.test", "few@example.test", "v@example.test"}, ""));
  CHECK(s.inbox_of(1).size() == 1);
  REQUIRE(s.inbox_of(2).size() == 1);
  CHECK(contains(s.inbox_of(2)[0], "Delivered-To: v@example.test\r\n"));
  must(s.send({"all@example.test"}, "dev/1"));
  must(s.send({"all@example.test"}, "dev/1"));
  CHECK(s.inbox_of(2).size() == 2);
}

TEST_CASE("sender: another address of a user is that user, and gets one copy") {
  Sending s;
  s.aliases["vee@other.test"] = "v@example.test";
  must(s.send({"vee@other.test", "v@example.test"}, ""));
  CHECK(s.inbox_of(2).size() == 1);
}

TEST_CASE("sender: an empty group is reported; while groups cannot be asked nothing is sent") {
  Sending s;
  s.groups["all@example.test"] = {};
  must(s.send({"all@example.test", "v@example.test"}));
  CHECK(s.inbox_of(2).size() == 1);
  const auto reports = s.inbox_of(1);
  REQUIRE(reports.size() == 1);
  CHECK(contains(reports[0], "Final-Recipient: rfc822; all@example.test"));
  CHECK(contains(reports[0], "Status: 5.2.4"));
  s.groups_down = true;
  CHECK(kind_of(s.send({"v@example.test", "x@example.test"}, "dev/2")) == ErrorKind::unavailable);
  CHECK(s.inbox_of(2).size() == 1);
}

TEST_CASE("sender: bare line feeds become CRLF") {
  Sending s;
  must(s.send({"v@example.test"}, "i", "Subject: x\n\nline\r\nline\n"));
  CHECK(s.inbox_of(2).at(0).ends_with("Subject: x\r\n\r\nline\r\nline\r\n"));
}

TEST_CASE("sender: an unknown address of a local domain comes back as a report") {
  Sending s;
  must(s.send({"nobody@example.test", "v@example.test"}));
  must(s.send({"nobody@example.test", "v@example.test"}));
  CHECK(s.inbox_of(2).size() == 1);
  const auto reports = s.inbox_of(1);
  REQUIRE(reports.size() == 1);
  const std::string& report = reports[0];
  CHECK(contains(report, "Return-Path: <>"));
  CHECK(contains(report, "Content-Type: multipart/report; report-type=delivery-status"));
  CHECK(contains(report, "Auto-Submitted: auto-replied"));
  CHECK(contains(report, "Final-Recipient: rfc822; nobody@example.test"));
  CHECK(contains(report, "Status: 5.1.1"));
  CHECK(contains(report, "Subject: hello"));
  CHECK_FALSE(contains(report, ".dot first"));
}

TEST_CASE("sender: a remote recipient without a relay is denied before anything is delivered") {
  Sending s;
  CHECK(kind_of(s.send({"v@example.test", "x@elsewhere.test"})) == ErrorKind::denied);
  CHECK(s.inbox_of(2).empty());
  CHECK(s.inbox_of(1).empty());
  CHECK(kind_of(s.send({})) == ErrorKind::invalid);
  s.directory_down = true;
  CHECK(kind_of(s.send({"v@example.test"})) == ErrorKind::unavailable);
}

TEST_CASE("sender: a broken or full mailbox is reported, and everybody else gets the mail") {
  const auto sink = SmtpSink::start({});
  if (sink == nullptr) return;
  Sending s(sink->url());
  s.users = {
      {"u@example.test", 1}, {"a@example.test", 2}, {"b@example.test", 3}, {"v@example.test", 4}};
  BrokenStore store(*s.world.store);
  s.open(store);
  store.broken = {{2, ErrorKind::denied},
                  {3, storage::maildir::system_error("write", "x", EDQUOT).kind}};
  must(s.send({"a@example.test", "b@example.test", "v@example.test", "x@elsewhere.test"}));
  CHECK(s.inbox_of(4).size() == 1);
  CHECK(contains(sink->received(), "X-Rcpt-Args: <x@elsewhere.test>"));
  const auto reports = s.inbox_of(1);
  REQUIRE(reports.size() == 1);
  CHECK(contains(reports[0], "rfc822; a@example.test\r\nAction: failed\r\nStatus: 5.2.0"));
  CHECK(contains(reports[0], "rfc822; b@example.test\r\nAction: failed\r\nStatus: 5.2.2"));
}

TEST_CASE("sender: a mailbox that is out of order for now stops no other local mail") {
  Sending s;
  s.users = {{"u@example.test", 1}, {"a@example.test", 2}, {"v@example.test", 4}};
  BrokenStore store(*s.world.store);
  s.open(store);
  store.broken = {{2, ErrorKind::unavailable}};
  for (int i = 0; i < 2; ++i) {
    CHECK(kind_of(s.send({"a@example.test", "v@example.test"})) == ErrorKind::unavailable);
    CHECK(s.inbox_of(4).size() == 1);
    CHECK(s.inbox_of(1).empty());
  }
  store.broken.clear();
  must(s.send({"a@example.test", "v@example.test"}));
  CHECK(s.inbox_of(2).size() == 1);
  CHECK(s.inbox_of(4).size() == 1);
}

TEST_CASE("sender: an address that would break the SMTP dialogue never reaches it") {
  Sending s("smtp://127.0.0.1:1");
  must(s.send({"a@b>\r\nRCPT TO:<c@d", "v@example.test"}));
  CHECK(s.inbox_of(2).size() == 1);
  const auto reports = s.inbox_of(1);
  REQUIRE(reports.size() == 1);
  CHECK(contains(reports[0], "Status: 5.1.3"));
  CHECK_FALSE(contains(reports[0], "c@d"));
}

TEST_CASE("sender: a relay that cannot be reached is temporary") {
  Sending s("smtp://127.0.0.1:" + std::to_string(free_port()));
  CHECK(kind_of(s.send({"x@elsewhere.test", "v@example.test"})) == ErrorKind::unavailable);
  CHECK(s.inbox_of(2).size() == 1);  // local mail does not wait for the relay
  CHECK(kind_of(s.send({"x@elsewhere.test", "v@example.test"})) == ErrorKind::unavailable);
  CHECK(s.inbox_of(2).size() == 1);
}

TEST_CASE("relay: smtp-sink receives one transaction, once, with dots intact") {
  const auto sink = SmtpSink::start({});
  if (sink == nullptr) return;
  Sending s(sink->url());
  must(s.send({"x@elsewhere.test", "y@elsewhere.test", "v@example.test"}));
  must(s.send({"x@elsewhere.test", "y@elsewhere.test", "v@example.test"}));  // sent again
  s.open();
  must(s.send({"x@elsewhere.test", "y@elsewhere.test", "v@example.test"}));
  const std::string got = sink->received();
  CHECK(contains(got, "X-Mail-Args: <u@example.test>"));
  CHECK(contains(got, "X-Rcpt-Args: <x@elsewhere.test>"));
  CHECK(contains(got, "X-Rcpt-Args: <y@elsewhere.test>"));
  CHECK(contains(got, "\n.dot first\n..two\nend\n"));
  CHECK_FALSE(contains(got, "v@example.test"));
  CHECK(got.find("Subject: hello") == got.rfind("Subject: hello"));
  CHECK(s.inbox_of(2).size() == 1);
  CHECK(s.inbox_of(1).empty());
}

TEST_CASE("relay: a temporary refusal at any step is unavailable, and nothing is reported") {
  for (const char* command : {"helo,ehlo", "mail", "rcpt", "data", "."}) {
    CAPTURE(command);
    const auto sink = SmtpSink::start({"-r", command});
    if (sink == nullptr) return;
    Sending s(sink->url());
    CHECK(kind_of(s.send({"x@elsewhere.test"})) == ErrorKind::unavailable);
    CHECK(s.inbox_of(1).empty());
  }
}

TEST_CASE("relay: a final refusal becomes one report for all recipients, also when sent again") {
  for (const char* command : {"mail", "rcpt", "data", "."}) {
    CAPTURE(command);
    const auto sink = SmtpSink::start({"-f", command, "-B", "554 5.7.1 no thank you"});
    if (sink == nullptr) return;
    Sending s(sink->url());
    must(s.send({"x@elsewhere.test", "y@elsewhere.test"}));
    must(s.send({"x@elsewhere.test", "y@elsewhere.test"}));
    const auto reports = s.inbox_of(1);
    REQUIRE(reports.size() == 1);
    CHECK(contains(reports[0], "Final-Recipient: rfc822; x@elsewhere.test"));
    CHECK(contains(reports[0], "Final-Recipient: rfc822; y@elsewhere.test"));
    CHECK(contains(reports[0], "Status: 5.7.1"));
    CHECK(contains(reports[0], "no thank you"));
  }
}

TEST_CASE("relay: a relay that lets nobody in is a fault of the set-up, not of the mail") {
  const auto sink = SmtpSink::start({"-f", "connect"});
  if (sink == nullptr) return;
  Sending s(sink->url());
  CHECK(kind_of(s.send({"x@elsewhere.test"})) == ErrorKind::unavailable);
  CHECK(s.inbox_of(1).empty());
}

TEST_CASE("relay: a relay without STARTTLS is refused when TLS is required") {
  const auto sink = SmtpSink::start({});
  if (sink == nullptr) return;
  Sending s;
  s.options.relay.url = sink->url();
  s.options.relay.starttls = storage::StartTls::required;
  s.open();
  CHECK(kind_of(s.send({"x@elsewhere.test"})) == ErrorKind::unavailable);
  CHECK(sink->received().empty());
}

TEST_CASE("relay: a real Postfix takes the good recipients and the refused one is reported") {
  const auto postfix = Postfix::start();
  if (postfix == nullptr) return;
  Sending s(postfix->url());
  must(s.send({"known@remote.test", "missing@remote.test", "other@remote.test"}));
  const auto known = postfix->delivered("known", 1);
  REQUIRE(known.size() == 1);
  CHECK(contains(known[0], "\n.dot first\n..two\nend\n"));
  CHECK(postfix->delivered("other", 1).size() == 1);
  const auto reports = s.inbox_of(1);
  REQUIRE(reports.size() == 1);
  CHECK(contains(reports[0], "Final-Recipient: rfc822; missing@remote.test"));
  CHECK(contains(reports[0], "Status: 5.1.1"));
  CHECK_FALSE(contains(reports[0], "known@remote.test"));
  // One recipient is refused for now: nobody gets it yet.
  CHECK(kind_of(s.send({"known@remote.test", "greylisted@remote.test"}, "dev/2")) ==
        ErrorKind::unavailable);
  must(s.send({"other@remote.test"}, "dev/3"));
  CHECK(postfix->delivered("other", 2).size() == 2);
  CHECK(postfix->delivered("known", 1).size() == 1);
}

TEST_CASE("report: text pieces") {
  CHECK(storage::smtp::with_crlf("a\nb\r\nc\n\n") == "a\r\nb\r\nc\r\n\r\n");
  CHECK(storage::smtp::is_plain_address("a@b"));
  for (const char* bad : {"", "a", "@b", "a@", "a b@c", "<a@b>", "a@b\n", "a\r@b"}) {
    CHECK_FALSE(storage::smtp::is_plain_address(bad));
  }
}
