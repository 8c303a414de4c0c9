// Who may be answered by a machine, and what the answer looks like. RFC 3834
#include "server/autoreply/reply_rules.h"

#include <doctest/doctest.h>

#include "server/autoreply/reply_message.h"
#include "server/items/email/mime.h"
#include "storage/base/text.h"

namespace {

using eas::autoreply::judge;
using eas::autoreply::MessageHeader;
using eas::autoreply::OofMessage;

const std::vector<std::string> kOwn = {"ann@example.test", "ann.other@example.test"};

std::string recipient_of(const std::string& header) {
  return judge(MessageHeader(header + "\r\n\r\nBody\r\n"), kOwn).recipient;
}

const std::string kPlain = "From: Carl <Carl@Elsewhere.test>\r\nTo: ann@example.test";

bool header_has(const std::string& reply, const std::string& line) {
  return ("\r\n" + reply.substr(0, reply.find("\r\n\r\n") + 2)).find("\r\n" + line + "\r\n") !=
         std::string::npos;
}

}  // namespace

TEST_CASE("autoreply: an ordinary message to the user is answered to its sender") {
  CHECK(recipient_of(kPlain) == "carl@elsewhere.test");
  CHECK(recipient_of("From: c@x.test\r\nTo: bob@x.test\r\nCC: Ann <ANN@example.test>") ==
        "c@x.test");
  CHECK(recipient_of("From: c@x.test\r\nTo: ann.other@example.test") == "c@x.test");
  CHECK(recipient_of("From: c@x.test\r\nTo: a@x.test,\r\n b@x.test,\r\n\tann@example.test") ==
        "c@x.test");
  CHECK(recipient_of(kPlain + "\r\nAuto-Submitted: no\r\nPrecedence: first-class") ==
        "carl@elsewhere.test");
}

TEST_CASE("autoreply: the Return-Path gets the answer where there is one, an empty one nothing") {
  CHECK(recipient_of("Return-Path: <real@x.test>\r\n" + kPlain) == "real@x.test");
  CHECK(recipient_of("Return-Path: <>\r\n" + kPlain).empty());
  CHECK(recipient_of("Return-Path: \r\n" + kPlain).empty());
}

TEST_CASE("autoreply: lists, bulk mail, machines and reports are never answered") {
  for (const char* line : {
           "Auto-Submitted: auto-generated",
           "Auto-Submitted: auto-replied (vacation)",
           "auto-submitted: AUTO-NOTIFIED; x=y",
           "Precedence: bulk",
           "Precedence: List",
           "Precedence: junk",
           "List-Id: <friends.example.test>",
           "List-Unsubscribe: <mailto:off@x.test>",
           "List-Post: NO",
           "Mailing-List: contact x",
           "X-Auto-Response-Suppress: DR, OOF, AutoReply",
           "X-Auto-Response-Suppress: All",
           "X-Loop: x",
           "X-Spam-Flag: YES",
           "Content-Type: multipart/report; report-type=delivery-status",
           "Return-Path: <friends-bounces+ann=example.test@lists.test>",
           "Return-Path: <owner-friends@lists.test>",
           "Return-Path: <MAILER-DAEMON@x.test>",
       }) {
    CAPTURE(line);
    CHECK(recipient_of(std::string(line) + "\r\n" + kPlain).empty());
  }
  for (const char* from : {"noreply@x.test", "no-reply@x.test", "friends-request@x.test",
                           "MAILER-DAEMON@x.test", "postmaster@x.test", "bounce+123@x.test"}) {
    CAPTURE(from);
    CHECK(recipient_of("From: " + std::string(from) + "\r\nTo: ann@example.test").empty());
  }
}

TEST_CASE("autoreply: no answer to oneself, to several or no senders, or when only in Bcc") {
  CHECK(recipient_of("From: ann@example.test\r\nTo: ann@example.test").empty());
  CHECK(recipient_of("From: Ann.Other@example.test\r\nTo: ann@example.test").empty());
  CHECK(recipient_of("Return-Path: <c@x.test>\r\nFrom: ann@example.test\r\nTo: ann@example.test")
            .empty());
  CHECK(recipient_of("From: a@x.test, b@x.test\r\nTo: ann@example.test").empty());
  CHECK(recipient_of("To: ann@example.test").empty());
  CHECK(recipient_of("From: nobody in particular\r\nTo: ann@example.test").empty());
  CHECK(recipient_of("From: c@x.test\r\nTo: bob@example.test").empty());
  CHECK(recipient_of("From: c@x.test\r\nTo: undisclosed-recipients:;").empty());
  CHECK(recipient_of("").empty());
}

TEST_CASE("autoreply: rubbish headers are read as far as they go") {
  CHECK(recipient_of(std::string("\0\0\xff no colon\r\n folded\r\n", 23) + kPlain) ==
        "carl@elsewhere.test");
  CHECK(judge(MessageHeader(std::string(2'000'000, 'x')), kOwn).recipient.empty());
  CHECK(judge(MessageHeader(kPlain), kOwn).recipient == "carl@elsewhere.test");  // no body
}

TEST_CASE("autoreply: the reply says that a machine sent it, and what it answers") {
  const std::string text =
      "Message-ID: <m3@x.test>\r\nReferences: <m1@x.test>\r\n <m2@x.test>\r\n"
      "Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n" +
      kPlain + "\r\n\r\n";
  const MessageHeader original(text);
  eas::autoreply::ReplyParts parts;
  parts.from_address = "ann@example.test";
  parts.from_name = "Ann \"A\" Example";
  parts.recipient = "carl@elsewhere.test";
  parts.message_id = "id@example.test";
  parts.now = 1'795'000'000'000;
  const std::string reply = make_reply(original, {true, false, "Gone fishing.\nBye"}, parts);
  CHECK(header_has(reply, "From: \"Ann \\\"A\\\" Example\" <ann@example.test>"));
  CHECK(header_has(reply, "To: <carl@elsewhere.test>"));
  CHECK(header_has(reply, "Message-ID: <id@example.test>"));
  CHECK(header_has(reply, "In-Reply-To: <m3@x.test>"));
  CHECK(header_has(reply, "References: <m1@x.test>\r\n <m2@x.test>\r\n <m3@x.test>"));
  CHECK(header_has(reply, "Auto-Submitted: auto-replied"));
  CHECK(header_has(reply, "X-Auto-Response-Suppress: All"));
  CHECK(header_has(reply, "Date: Wed, 18 Nov 2026 11:06:40 +0000"));
  CHECK(header_has(
      reply, "Subject: =?utf-8?B?" + storage::base64_encode("Automatic reply: Grüße") + "?="));
  CHECK(reply.find(storage::base64_encode("Gone fishing.\r\nBye")) != std::string::npos);
  CHECK(judge(MessageHeader(reply), {"carl@elsewhere.test"}).recipient.empty());  // no loop
}

TEST_CASE(
    "autoreply: HTML goes out with a plain text beside it; long and hostile headers are cut") {
  const std::string text = "Message-ID: <" + std::string(600, 'm') +
                           ">\r\nSubject: " + std::string(5000, 's') + "\r\n\tfolded\r\n" + kPlain +
                           "\r\n\r\n";
  const MessageHeader original(text);
  eas::autoreply::ReplyParts parts;
  parts.from_address = "ann@example.test";
  parts.from_name = "Ann\r\nBcc: all@x.test";
  parts.recipient = "carl@elsewhere.test";
  parts.message_id = "id@example.test";
  const std::string reply = make_reply(original, {true, true, "<p>Back <b>soon</b></p>"}, parts);
  CHECK(reply.find("\r\nBcc:") == std::string::npos);
  CHECK(reply.find("In-Reply-To") == std::string::npos);
  CHECK(reply.find("multipart/alternative") != std::string::npos);
  CHECK(reply.find(storage::base64_encode("<p>Back <b>soon</b></p>")) != std::string::npos);
  CHECK(reply.find(storage::base64_encode("Back soon")) != std::string::npos);
  std::size_t start = 0;
  for (std::size_t end = reply.find("\r\n"); end != std::string::npos;
       end = reply.find("\r\n", start)) {
    CHECK(end - start <= 998);
    start = end + 2;
  }
  CHECK(eas::email::Mime::parse(reply).has_value());
}
