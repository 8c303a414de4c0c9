#include "server/commands/outgoing_message.h"

#include <doctest/doctest.h>

#include <string>

#include "server/commands/mail_lines.h"

namespace {

using eas::OutgoingMessage;

constexpr eas::MailSubmitter kAnn{"ann@example.test", "Ann Example"};

storage::Result<OutgoingMessage> prepare(std::string mime, const char* identity = "id1") {
  return OutgoingMessage::prepare(std::move(mime), kAnn, identity, 1'795'000'000'000);
}

int occurrences(std::string_view text, std::string_view what) {
  int count = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos;
       at = text.find(what, at + 1)) {
    ++count;
  }
  return count;
}

std::size_t longest_line(std::string_view text) {
  std::size_t longest = 0;
  std::size_t start = 0;
  while (start < text.size()) {
    std::size_t end = text.find("\r\n", start);
    if (end == std::string_view::npos) end = text.size();
    longest = std::max(longest, end - start);
    start = end + 2;
  }
  return longest;
}

const std::string kComplete =
    "From: Ann <ANN@example.test>\r\nTo: bob@example.test\r\nDate: Wed, 18 Nov 2026 10:00:00 "
    "+0000\r\n"
    "Message-ID: <1@x>\r\nSubject: s\r\n\r\nbody\r\n";

}  // namespace

TEST_CASE("outgoing message: a complete one goes out byte for byte") {
  auto message = prepare(kComplete);
  REQUIRE(message);
  CHECK(message->transmitted() == kComplete);
  CHECK(message->kept() == kComplete);
  CHECK(message->recipients() == std::vector<std::string>{"bob@example.test"});
}

TEST_CASE(
    "outgoing message: From is the user when it is missing, foreign or several (quirks.md: "
    "Android)") {
  for (const char* from : {"", "From: Boss <boss@elsewhere.test>\r\n",
                           "From: ann@example.test, boss@elsewhere.test\r\n",
                           "From: a@x\r\nFrom: b@x\r\n", "From: \r\n"}) {
    CAPTURE(from);
    auto message = prepare(std::string(from) + "To: bob@example.test\r\n\r\nx\r\n");
    REQUIRE(message);
    const std::string_view sent = message->transmitted();
    CHECK(occurrences(sent, "From:") == 1);
    CHECK(occurrences(sent, "From: Ann Example <ann@example.test>\r\n") == 1);
    CHECK(occurrences(sent, "boss@") == 0);
  }
}

TEST_CASE("outgoing message: a foreign Sender is dropped, an own one stays") {
  auto foreign = prepare("From: ann@example.test\r\nSender: boss@x.test\r\nTo: b@x.test\r\n\r\n");
  CHECK(occurrences(foreign->transmitted(), "Sender:") == 0);
  auto own = prepare("From: ann@example.test\r\nSender: ann@example.test\r\nTo: b@x.test\r\n\r\n");
  CHECK(occurrences(own->transmitted(), "Sender: ann@example.test\r\n") == 1);
}

TEST_CASE(
    "outgoing message: Date and Message-ID are added when missing, the same for one identity "
    "(quirks.md: HTC)") {
  auto one = prepare("To: bob@example.test\r\n\r\nx\r\n", "id1");
  auto same = prepare("To: bob@example.test\r\n\r\nx\r\n", "id1");
  auto other = prepare("To: bob@example.test\r\n\r\nx\r\n", "id2");
  CHECK(occurrences(one->transmitted(), "Date: Wed, 18 Nov 2026") == 1);
  CHECK(occurrences(one->transmitted(), "@example.test>\r\n") == 2);  // From and Message-ID
  CHECK(std::string(one->transmitted()) == same->transmitted());
  CHECK(std::string(one->transmitted()) != other->transmitted());
}

TEST_CASE("outgoing message: Bcc gets the mail, is not on the wire and is kept in the copy") {
  auto message = prepare(
      "From: ann@example.test\r\nTo: bob@example.test\r\nBcc: Carl\r\n <carl@x.test>\r\n"
      "Subject: s\r\nDate: x\r\nMessage-ID: <1@x>\r\n\r\nbody with Bcc: text\r\n");
  REQUIRE(message);
  CHECK(message->recipients() == std::vector<std::string>{"bob@example.test", "carl@x.test"});
  CHECK(occurrences(message->transmitted(), "carl") == 0);
  CHECK(occurrences(message->kept(), "Bcc: Carl\r\n <carl@x.test>\r\n") == 1);
  CHECK(occurrences(message->transmitted(), "carl") == 0);  // back and forth
  CHECK(message->transmitted().ends_with("\r\n\r\nbody with Bcc: text\r\n"));
}

TEST_CASE(
    "outgoing message: each person once, groups opened, bare names completed (quirks.md: "
    "recipients)") {
  auto message = prepare(
      "To: \"Last, First\" <Bob@example.test>, friends: a@x.test, b@x.test;\r\n"
      "Cc: bob@EXAMPLE.test, carl, =?utf-8?q?J=C3=B6rg?= <j@x.test>\r\nBcc: a@x.test\r\n\r\n");
  REQUIRE(message);
  CHECK(message->recipients() == std::vector<std::string>{"Bob@example.test", "a@x.test",
                                                          "b@x.test", "carl@example.test",
                                                          "j@x.test"});
}

TEST_CASE("outgoing message: semicolons separate too, and no recipient is lost in silence") {
  auto message =
      prepare("To: a@x.test; \"B; C, D\" <b@x.test>;c@x.test (one, two); <d@x.test>,\r\n\r\n");
  REQUIRE(message);
  CHECK(message->recipients() ==
        std::vector<std::string>{"a@x.test", "b@x.test", "c@x.test", "d@x.test"});
  CHECK(prepare("To: a@x.test, <b c@x.test>\r\n\r\n").error().kind == storage::ErrorKind::denied);
  CHECK(prepare("To: a@x.test\r\nCc: Carl Smith\r\n\r\n").error().kind ==
        storage::ErrorKind::denied);
}

TEST_CASE("outgoing message: nobody to send to, and nothing to send") {
  CHECK(prepare("Subject: x\r\n\r\nbody").error().kind == storage::ErrorKind::not_found);
  CHECK(prepare("To: undisclosed-recipients:;\r\n\r\nx").error().kind ==
        storage::ErrorKind::not_found);
  CHECK(prepare("").error().kind == storage::ErrorKind::invalid);
  CHECK(prepare("\r\nTo: a@x\r\n").error().kind == storage::ErrorKind::invalid);
  CHECK(prepare(std::string("\x01\x02\xFF\x00garbage", 11)).error().kind ==
        storage::ErrorKind::invalid);
}

TEST_CASE("outgoing message: a header without an empty line, without a line end") {
  auto message = prepare("From: ann@example.test\nTo: bob@example.test\nSubject: x");
  REQUIRE(message);
  CHECK(message->transmitted().ends_with("Subject: x\r\n\r\n"));
}

TEST_CASE("outgoing message: a signed body is not touched") {
  std::string body = "--b\r\nContent-Type: text/plain\r\n\r\nsigned  text \r\n--b\r\n";
  for (int i = 1; i < 256; ++i) {
    if (i != '\r' && i != '\n') body += static_cast<char>(i);
  }
  body += "\r\n--b--\r\n";
  const std::string header =
      "Content-Type: multipart/signed; boundary=b\r\nTo: bob@example.test\r\n\r\n";
  auto message = prepare(header + body);
  REQUIRE(message);
  CHECK(message->transmitted().ends_with("\r\n\r\n" + body));
  CHECK(message->kept().ends_with("\r\n\r\n" + body));
}

TEST_CASE("outgoing message: equal messages are told apart by what bears an identity") {
  CHECK(eas::bears_identity("To: a@x\r\nMessage-Id: <1@x>\r\n\r\n"));
  CHECK(eas::bears_identity("date: now\n\n"));
  CHECK_FALSE(eas::bears_identity("To: a@x\r\n\r\nDate: in the body\r\n"));
}

TEST_CASE("mail lines: a legal message stays as it is") {
  std::string message = kComplete + std::string(998, 'x') + "\r\n";
  const std::string before = message;
  eas::make_lines_legal(message);
  CHECK(message == before);
}

TEST_CASE("mail lines: bare line feeds and carriage returns become line ends") {
  std::string message = "To: a@x\n\none\rtwo\r\nthree\r\n\rfour";
  eas::make_lines_legal(message);
  CHECK(message == "To: a@x\r\n\r\none\r\ntwo\r\nthree\r\n\r\nfour");
}

TEST_CASE("mail lines: a long text line is encoded, and reads the same") {
  std::string text;
  for (int i = 0; i < 500; ++i) text += "word" + std::to_string(i) + " ";
  std::string message =
      "Subject: s\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + text + "\r\n";
  eas::make_lines_legal(message);
  CHECK(longest_line(message) <= 998);
  CHECK(occurrences(message, "quoted-printable") == 1);
  std::string decoded = message.substr(message.find("\r\n\r\n") + 4);
  for (std::size_t at = decoded.find("=\r\n"); at != std::string::npos;
       at = decoded.find("=\r\n")) {
    decoded.erase(at, 3);
  }
  // A blank before a soft break is encoded in some libraries.
  for (std::size_t at = decoded.find("=20"); at != std::string::npos; at = decoded.find("=20")) {
    decoded.replace(at, 3, " ");
  }
  CHECK(decoded.substr(0, text.size()) == text);
}

TEST_CASE("mail lines: only the part with the long line changes") {
  const std::string other = "--b\r\nContent-Type: text/plain\r\n\r\nshort  line\r\n";
  std::string message = "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + other +
                        "--b\r\nContent-Type: text/html\r\n\r\n<p>" + std::string(5000, 'y') +
                        "</p>\r\n--b--\r\n";
  eas::make_lines_legal(message);
  CHECK(longest_line(message) <= 998);
  CHECK(occurrences(message, other) == 1);
}

TEST_CASE("mail lines: base64 on one endless line is broken up and decodes the same") {
  std::string message =
      "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n";
  for (int i = 0; i < 1000; ++i) message += "QUJD";
  message += "\r\n";
  eas::make_lines_legal(message);
  CHECK(longest_line(message) <= 998);
  std::string data;
  for (const char c : message.substr(message.find("\r\n\r\n") + 4)) {
    if (c != '\r' && c != '\n') data += c;
  }
  CHECK(occurrences(data, "QUJD") == 1000);
  CHECK(data.size() == 4000);
}

TEST_CASE("mail lines: long header lines are folded and keep their words") {
  std::string message = "To: bob@example.test\r\nX-Long:";
  for (int i = 0; i < 400; ++i) message += " word" + std::to_string(i);
  message += "\r\nX-Unbroken: " + std::string(3000, 'z') + "\r\n\r\nbody\r\n";
  eas::make_lines_legal(message);
  CHECK(longest_line(message) <= 998);
  CHECK(occurrences(message, "word399\r\n") == 1);
  CHECK(message.ends_with("\r\n\r\nbody\r\n"));
}
