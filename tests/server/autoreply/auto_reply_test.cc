// The whole of it on real stores, with a clock and a sender of the test: who is answered, when,
// once.
#include "server/autoreply/auto_reply.h"

#include <doctest/doctest.h>

#include "server/autoreply/ledger.h"
#include "storage/base/text.h"
#include "tests/support/service_fixture.h"

namespace {

using eas::autoreply::Answered;
using eas::autoreply::Audience;
using eas::autoreply::AutoReply;
using eas::autoreply::AutoReplyServices;
using eas::autoreply::Ledger;
using eas::autoreply::Oof;
using eas::autoreply::OofState;
using storage::ErrorKind;
using storage::FolderRole;
using test::ServiceFixture;

constexpr storage::UnixMillis kHour = 3'600'000;

struct Office {
  ServiceFixture server;
  std::unique_ptr<AutoReply> replies;

  Office() { start(); }

  void start() {
    AutoReplyServices services;
    services.directory = server.services.directory;
    services.addresses = server.services.addresses;
    services.mail = server.services.mail;
    services.sender = server.services.sender;
    services.settings = server.services.settings;
    services.hub = server.services.hub;
    services.clock = &server.clock;
    services.local_domains = {"example.test", "other-local.test"};
    replies = std::make_unique<AutoReply>(services);
  }

  // As if the process had been killed and started again.
  void restart() {
    replies.reset();
    server.restart();
    start();
  }

  Oof stored() {
    auto oof = eas::autoreply::load_oof(*server.services.settings, server.user().id);
    REQUIRE(oof.has_value());
    return *oof;
  }

  void set(Oof oof) {
    REQUIRE(eas::autoreply::save_oof(*server.services.settings, server.user().id, stored(), oof,
                                     server.clock.now_ms())
                .has_value());
    replies->oof_changed(server.user());
  }

  // Everybody gets a text of their own.
  void turn_on() {
    Oof oof = stored();
    oof.state = OofState::on;
    oof.message(Audience::internal) = {true, false, "internal text"};
    oof.message(Audience::external_known) = {true, false, "known text"};
    oof.message(Audience::external_unknown) = {true, true, "<p>unknown text</p>"};
    set(oof);
  }
  void turn_off() {
    Oof oof = stored();
    oof.state = OofState::off;
    set(oof);
  }

  void mail_from(const std::string& sender, const std::string& more = "") {
    server.clock.advance(1000);
    server.deliver("Return-Path: <" + sender + ">\r\nFrom: <" + sender +
                   ">\r\nTo: ann@example.test\r\nSubject: Hello\r\nMessage-ID: <" +
                   std::to_string(server.clock.now_ms()) + "@x.test>\r\n" + more +
                   "\r\nHello.\r\n");
  }

  // Who was answered since the last call.
  std::vector<std::string> answered() {
    replies->work();
    std::vector<std::string> recipients;
    for (const auto& sent : server.sender.sent) {
      CHECK(sent.sender.empty());
      recipients.insert(recipients.end(), sent.recipients.begin(), sent.recipients.end());
    }
    server.sender.sent.clear();
    return recipients;
  }
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("autoreply: while it is on, each sender is answered once") {
  Office office;
  CHECK(office.answered().empty());
  office.turn_on();
  CHECK(office.answered().empty());
  office.mail_from("carl@elsewhere.test");
  CHECK(office.answered() == Names{"carl@elsewhere.test"});
  office.mail_from("carl@elsewhere.test");
  office.mail_from("Carl@Elsewhere.test");
  CHECK(office.answered().empty());
  office.mail_from("dora@elsewhere.test");
  CHECK(office.answered() == Names{"dora@elsewhere.test"});
}

TEST_CASE("autoreply: off, or before it was turned on, nobody is answered") {
  Office office;
  office.mail_from("before@elsewhere.test");
  CHECK(office.answered().empty());
  office.server.clock.advance(1000);
  office.turn_on();
  CHECK(office.answered().empty());
  office.turn_off();
  CHECK(office.answered().empty());
  office.mail_from("after@elsewhere.test");
  CHECK(office.answered().empty());
}

TEST_CASE("autoreply: mail that came between the setting and the first look is answered") {
  Office office;
  office.answered();
  office.turn_on();
  office.mail_from("carl@elsewhere.test");
  CHECK(office.answered() == Names{"carl@elsewhere.test"});
}

TEST_CASE("autoreply: a new period answers everybody anew, a new text does not") {
  Office office;
  office.turn_on();
  office.mail_from("carl@elsewhere.test");
  CHECK(office.answered().size() == 1);
  Oof oof = office.stored();
  oof.message(Audience::external_unknown).text = "<p>other</p>";
  office.set(oof);
  office.mail_from("carl@elsewhere.test");
  CHECK(office.answered().empty());
  office.turn_off();
  office.answered();
  const auto rows = office.server.services.settings->list(office.server.user().id, "autoreply:");
  REQUIRE(rows.has_value());
  CHECK(rows->empty());  // nothing is kept of what is over
  office.server.clock.advance(1000);
  office.turn_on();
  office.mail_from("carl@elsewhere.test");
  CHECK(office.answered() == Names{"carl@elsewhere.test"});
}

TEST_CASE("autoreply: a window begins and ends by itself") {
  Office office;
  Oof oof = office.stored();
  oof.state = OofState::timed;
  oof.start = office.server.clock.now_ms() + kHour;
  oof.end = oof.start + kHour;
  oof.message(Audience::external_unknown) = {true, false, "away"};
  office.set(oof);
  CHECK(office.replies->work() == oof.start);
  office.mail_from("early@elsewhere.test");
  CHECK(office.answered().empty());
  office.server.clock.advance(kHour);
  CHECK(office.replies->work() == oof.end);
  office.mail_from("within@elsewhere.test");
  CHECK(office.answered() == Names{"within@elsewhere.test"});
  office.server.clock.advance(kHour);
  office.mail_from("late@elsewhere.test");
  CHECK_FALSE(office.replies->work().has_value());
  CHECK(office.answered().empty());
}

TEST_CASE(
    "autoreply: people here and in local domains are internal; whom the user wrote to is known") {
  // covers: MS-ASCMD R779 R789 R5731 R798 R3514 R3515 R3516 R822 R823
  Office office;
  office.server.deliver(
      "From: ann@example.test\r\nTo: Carl <carl@elsewhere.test>\r\n"
      "Cc: cc@elsewhere.test\r\nBcc: bcc@elsewhere.test\r\n\r\nHi\r\n",
      FolderRole::sent);
  office.turn_on();
  const auto text_for = [&](const std::string& sender) {
    office.mail_from(sender);
    office.replies->work();
    REQUIRE(office.server.sender.sent.size() == 1);
    const std::string bytes = office.server.sender.sent.front().bytes;
    office.server.sender.sent.clear();
    if (bytes.find(storage::base64_encode("internal text")) != std::string::npos) return "internal";
    if (bytes.find(storage::base64_encode("known text")) != std::string::npos) return "known";
    const bool html =
        bytes.find(storage::base64_encode("<p>unknown text</p>")) != std::string::npos;
    return html ? "unknown" : "nothing";
  };
  CHECK(text_for("bob@example.test") == std::string("internal"));
  CHECK(text_for("somebody@other-local.test") == std::string("internal"));
  CHECK(text_for("carl@elsewhere.test") == std::string("known"));
  CHECK(text_for("cc@elsewhere.test") == std::string("known"));
  CHECK(text_for("bcc@elsewhere.test") == std::string("known"));
  CHECK(text_for("stranger@elsewhere.test") == std::string("unknown"));
  office.server.deliver("From: ann@example.test\r\nTo: new@elsewhere.test\r\n\r\nHi\r\n",
                        FolderRole::sent);
  CHECK(text_for("new@elsewhere.test") == std::string("known"));
}

TEST_CASE("autoreply: an audience that is off, or has no text, gets nothing") {
  // covers: MS-ASCMD R785 R794 R803 R2251 R2252
  Office office;
  office.turn_on();
  Oof oof = office.stored();
  oof.message(Audience::external_unknown).enabled = false;
  oof.message(Audience::internal).text.clear();
  office.set(oof);
  office.mail_from("stranger@elsewhere.test");
  office.mail_from("bob@example.test");
  CHECK(office.answered().empty());
  oof = office.stored();
  oof.message(Audience::external_unknown).enabled = true;
  office.set(oof);
  office.mail_from("stranger@elsewhere.test");
  CHECK(office.answered() == Names{"stranger@elsewhere.test"});
}

TEST_CASE("autoreply: machines and lists are not answered, and do not use up the one reply") {
  Office office;
  office.turn_on();
  office.mail_from("carl@elsewhere.test", "List-Id: <l.test>\r\n");
  office.mail_from("carl@elsewhere.test", "Auto-Submitted: auto-replied\r\n");
  CHECK(office.answered().empty());
  office.mail_from("carl@elsewhere.test");
  CHECK(office.answered() == Names{"carl@elsewhere.test"});
}

TEST_CASE("autoreply: what came while the server was down is answered, nobody twice") {
  Office office;
  office.turn_on();
  office.mail_from("carl@elsewhere.test");
  CHECK(office.answered().size() == 1);
  office.replies.reset();
  office.mail_from("dora@elsewhere.test");
  office.mail_from("carl@elsewhere.test");
  office.restart();
  CHECK(office.answered() == Names{"dora@elsewhere.test"});
  office.restart();
  CHECK(office.answered().empty());
}

TEST_CASE("autoreply: a relay that is away is tried again later, and then each is answered once") {
  Office office;
  office.turn_on();
  office.server.sender.fail_with = ErrorKind::unavailable;
  office.mail_from("carl@elsewhere.test");
  office.mail_from("dora@elsewhere.test");
  const auto next = office.replies->work();
  REQUIRE(next.has_value());
  CHECK(*next > office.server.clock.now_ms());
  office.server.sender.fail_with.reset();
  CHECK(office.answered().empty());  // not yet
  office.server.clock.advance(*next - office.server.clock.now_ms());
  CHECK(office.answered() == Names{"carl@elsewhere.test", "dora@elsewhere.test"});
  CHECK(office.answered().empty());
}

TEST_CASE("autoreply: without a relay the reply is given up, and later ones still go out") {
  Office office;
  office.turn_on();
  office.server.sender.fail_with = ErrorKind::denied;
  office.mail_from("carl@elsewhere.test");
  CHECK_FALSE(office.replies->work().has_value());
  office.server.sender.fail_with.reset();
  office.mail_from("bob@example.test");
  CHECK(office.answered() == Names{"bob@example.test"});
}

TEST_CASE("autoreply: killed while a reply went out, it is sent again only where that is safe") {
  Office office;
  office.turn_on();
  Ledger ledger(*office.server.services.settings, office.server.user().id, office.stored().period);
  office.server.sender.on_send = [&] {
    // What a kill would leave at this moment.
    const bool begun = ledger.answered("carl@elsewhere.test") == Answered::begun ||
                       ledger.answered("bob@example.test") == Answered::begun;
    CHECK(begun);
  };
  REQUIRE(ledger.note("carl@elsewhere.test", Answered::begun).has_value());
  REQUIRE(ledger.note("bob@example.test", Answered::begun).has_value());
  office.mail_from("carl@elsewhere.test");
  office.mail_from("bob@example.test");
  office.replies->work();
  REQUIRE(office.server.sender.sent.size() == 1);
  CHECK(office.server.sender.sent.front().recipients == Names{"bob@example.test"});
  CHECK(office.server.sender.sent.front().identity == ledger.identity("bob@example.test"));
  CHECK(ledger.answered("bob@example.test") == Answered::yes);
}

TEST_CASE("autoreply: its thread answers, and takes up a new setting at once") {
  Office office;
  std::atomic<int> sent{0};
  office.server.sender.on_send = [&] { ++sent; };
  office.replies->start();
  office.turn_on();
  office.mail_from("carl@elsewhere.test");
  for (int i = 0; i < 500 && sent == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  CHECK(sent == 1);
  office.replies->stop();
  office.mail_from("dora@elsewhere.test");
  CHECK(sent == 1);
}
