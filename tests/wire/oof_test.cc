// Automatic replies on the wire: set with a phone, answered by the real server.
#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/support/phone.h"
#include "wbxml/code_pages.h"

using namespace std::chrono_literals;
using eas::Version;
using test::find_text;
using test::Phone;
using test::ServerProcess;
using wbxml::Element;
namespace st = wbxml::settings;
namespace fs = std::filesystem;

namespace {

constexpr const char* kAway = "user1@example.test";
constexpr const char* kOther = "user2@example.test";

Element oof_set(const char* state, const char* text) {
  return Element(
      st::kSettings,
      {Element(st::kOof,
               {Element(st::kSet, {Element(st::kOofState, state),
                                   Element(st::kOofMessage, {Element(st::kAppliesToInternal),
                                                             Element(st::kEnabled, "1"),
                                                             Element(st::kReplyMessage, text),
                                                             Element(st::kBodyType, "Text")})})})});
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The automatic replies in a user's Inbox.
std::vector<std::string> replies(const ServerProcess& server, const char* user) {
  std::vector<std::string> found;
  for (const char* folder : {"new", "cur"}) {
    std::error_code ignored;
    for (const auto& entry :
         fs::directory_iterator(fs::path(server.maildir(user)) / folder, ignored)) {
      std::string text = read_file(entry.path());
      if (text.find("Auto-Submitted: auto-replied") != std::string::npos) {
        found.push_back(std::move(text));
      }
    }
  }
  return found;
}

std::size_t wait_for_replies(const ServerProcess& server, const char* user, std::size_t count) {
  for (int i = 0; i < 1000 && replies(server, user).size() < count; ++i) {
    std::this_thread::sleep_for(10ms);
  }
  return replies(server, user).size();
}

std::string mail_of(const std::string& sender, const std::string& subject) {
  return "Return-Path: <" + sender + ">\nFrom: <" + sender + ">\nTo: <" + kAway +
         ">\nSubject: " + subject + "\nMessage-ID: <" + subject + "@x.test>\n\nHello.\n";
}

}  // namespace

TEST_CASE("oof: a delivery from outside is answered once, in the other user's Inbox") {
  for (const Version version : {Version::v12_0, Version::v14_1, Version::v16_1}) {
    CAPTURE(to_string(version));
    test::ServerSetup setup;
    setup.users = 3;
    setup.messages = 2;
    ServerProcess server(setup);
    Phone phone(server, kAway, version);
    phone.connect();
    const Element answer = phone.call(oof_set("1", "Back on Monday."));
    CHECK(find_text(*answer.child(st::kOof), st::kStatus) == "1");
    server.deliver(kAway, mail_of(kOther, "first"));
    REQUIRE(wait_for_replies(server, kOther, 1) == 1);
    const std::string reply = replies(server, kOther).front();
    CHECK(reply.find("Subject: Automatic reply: first") != std::string::npos);
    CHECK(reply.find("In-Reply-To: <first@x.test>") != std::string::npos);
    CHECK(reply.find("Return-Path: <>") != std::string::npos);
    // The second mail of the same person gets none; a third person's shows that it was looked at.
    server.deliver(kAway, mail_of(kOther, "second"));
    server.deliver(kAway, mail_of("user3@example.test", "third"));
    CHECK(wait_for_replies(server, "user3@example.test", 1) == 1);
    CHECK(replies(server, kOther).size() == 1);
    phone.call(oof_set("0", "Back on Monday."));
    server.deliver(kAway, mail_of(kOther, "fourth"));
    std::this_thread::sleep_for(500ms);
    CHECK(replies(server, kOther).size() == 1);
  }
}

TEST_CASE("oof: a kill loses no reply and doubles none") {
  test::ServerSetup setup;
  setup.users = 3;
  setup.messages = 2;
  ServerProcess server(setup);
  {
    Phone phone(server, kAway, Version::v16_1);
    phone.connect();
    phone.call(oof_set("1", "Away."));
  }
  server.deliver(kAway, mail_of(kOther, "first"));
  CHECK(wait_for_replies(server, kOther, 1) == 1);
  server.kill9();
  server.deliver(kAway, mail_of(kOther, "second"));
  server.deliver(kAway, mail_of("user3@example.test", "third"));
  server.restart();
  CHECK(wait_for_replies(server, "user3@example.test", 1) == 1);
  CHECK(replies(server, kOther).size() == 1);
  // Killed at once after deliveries, again and again: still one each.
  for (int round = 0; round < 3; ++round) {
    server.deliver(kAway, mail_of("user3@example.test", "again" + std::to_string(round)));
    std::this_thread::sleep_for(std::chrono::milliseconds(round * 20));
    server.kill9();
    server.restart();
  }
  server.deliver(kAway, mail_of(kOther, "last"));
  std::this_thread::sleep_for(500ms);
  CHECK(replies(server, kOther).size() == 1);
  CHECK(replies(server, "user3@example.test").size() == 1);
}
