// Read receipts on the wire: asked for with one phone, given when the other user's phones read.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/support/phone.h"
#include "wbxml/code_pages.h"

using namespace std::chrono_literals;
using eas::Version;
using eas::client::change_read;
using eas::client::MailFolder;
using test::Phone;
using test::ServerProcess;
namespace fs = std::filesystem;

namespace {

constexpr const char* kAsker = "user1@example.test";
constexpr const char* kReader = "user2@example.test";
// As a phone may write it; it is to arrive like that.
constexpr const char* kAsks =
    "Disposition-Notification-To: \"One, User\"\r\n\t<User1@example.test>\r\n";

std::string asking_mail(const std::string& subject) {
  return std::string("From: ") + kAsker + "\r\nTo: " + kReader + "\r\n" + kAsks +
         "Subject: " + subject + "\r\nMessage-ID: <" + subject +
         "@phone.test>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nRead this.\r\n";
}

// The messages in a user's Inbox that have this text.
std::vector<std::string> messages_with(const ServerProcess& server, const char* user,
                                       const std::string& text) {
  std::vector<std::string> found;
  for (const char* folder : {"new", "cur"}) {
    std::error_code ignored;
    for (const auto& entry :
         fs::directory_iterator(fs::path(server.maildir(user)) / folder, ignored)) {
      std::ifstream file(entry.path(), std::ios::binary);
      std::ostringstream bytes;
      bytes << file.rdbuf();
      if (bytes.str().find(text) != std::string::npos) found.push_back(bytes.str());
    }
  }
  return found;
}

std::vector<std::string> receipts_for(const ServerProcess& server, const std::string& subject) {
  return messages_with(server, kAsker, "Original-Message-ID: <" + subject + "@phone.test>");
}

bool wait_for_receipt(const ServerProcess& server, const std::string& subject) {
  for (int i = 0; i < 1000 && receipts_for(server, subject).empty(); ++i) {
    std::this_thread::sleep_for(10ms);
  }
  return !receipts_for(server, subject).empty();
}

std::string id_of(const MailFolder& folder, const std::string& subject) {
  const auto* item = folder.find_subject(subject);
  REQUIRE(item != nullptr);
  return item->server_id;
}

test::ServerSetup two_users(const std::string& config = {}) {
  test::ServerSetup setup;
  setup.users = 2;
  setup.messages = 2;
  setup.config += config;
  return setup;
}

void send(Phone& phone, const std::string& subject) {
  const auto sent = phone.client().send_mail(asking_mail(subject), "id-" + subject, false);
  REQUIRE_MESSAGE(sent.has_value(), sent.error().message);
}

}  // namespace

TEST_CASE("receipts: asked for with SendMail, one arrives, however often the message is read") {
  for (const Version version : {Version::v12_1, Version::v14_1, Version::v16_1}) {
    CAPTURE(to_string(version));
    ServerProcess server(two_users());
    Phone asker(server, kAsker, version);
    asker.connect();
    send(asker, "first");
    const auto arrived = messages_with(server, kReader, "<first@phone.test>");
    REQUIRE(arrived.size() == 1);
    CHECK(arrived.front().find(kAsks) != std::string::npos);

    Phone phone(server, kReader, version, "WirePhoneA");
    Phone tablet(server, kReader, version, "WirePhoneB");
    phone.connect();
    tablet.connect();
    MailFolder on_phone(phone.inbox());
    MailFolder on_tablet(tablet.inbox());
    phone.sync_all(on_phone);
    tablet.sync_all(on_tablet);
    const std::string id = id_of(on_phone, "first");
    // The first answer is lost, and the tablet does not know yet.
    const auto request = on_phone.request(version, {change_read(id, true)});
    phone.call_or_empty(request);
    on_phone.apply(phone.call(request));
    tablet.sync(on_tablet, {change_read(id, true)});
    REQUIRE(wait_for_receipt(server, "first"));

    server.restart();
    Phone again(server, kReader, version, "WirePhoneC");
    again.connect();
    MailFolder inbox(again.inbox());
    again.sync_all(inbox);
    again.sync(inbox, {change_read(id, false)});
    again.sync(inbox, {change_read(id, true)});
    // The receipt for another message shows that the thread is past the first.
    Phone asker_again(server, kAsker, version);
    asker_again.connect();
    send(asker_again, "second");
    again.sync_all(inbox);
    again.sync(inbox, {change_read(id_of(inbox, "second"), true)});
    REQUIRE(wait_for_receipt(server, "second"));
    const auto receipts = receipts_for(server, "first");
    REQUIRE(receipts.size() == 1);
    CHECK(receipts.front().starts_with("Return-Path: <>\r\n"));

    MailFolder asker_inbox(asker_again.inbox());
    asker_again.sync_all(asker_inbox);
    const auto* receipt = asker_inbox.find_subject("Read: first");
    REQUIRE(receipt != nullptr);
    CHECK(receipt->data.text_of(wbxml::email::kMessageClass) == "REPORT.IPM.Note.IPNRN");
  }
}

TEST_CASE("receipts: the setting turns them off") {
  ServerProcess server(two_users("[mail]\nread_receipts = \"never\"\n"));
  Phone asker(server, kAsker, Version::v16_1);
  asker.connect();
  send(asker, "first");
  Phone phone(server, kReader, Version::v16_1, "WirePhoneA");
  phone.connect();
  MailFolder inbox(phone.inbox());
  phone.sync_all(inbox);
  phone.sync(inbox, {change_read(id_of(inbox, "first"), true)});
  std::this_thread::sleep_for(500ms);
  CHECK(receipts_for(server, "first").empty());
}
