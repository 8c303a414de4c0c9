// Which messages get a read receipt that nobody was asked about, and what it looks like. RFC 8098
#include "server/receipts/receipt_rules.h"

#include <doctest/doctest.h>

#include "server/items/email/message_class.h"
#include "server/items/email/mime.h"
#include "server/items/email/structure.h"
#include "server/receipts/receipt_message.h"
#include "storage/base/text.h"

namespace {

using eas::autoreply::MessageHeader;
using eas::receipts::judge_request;
using eas::receipts::make_receipt;

const std::vector<std::string> kOwn = {"ann@example.test", "ann.other@example.test"};

std::string recipient_of(const std::string& header) {
  return judge_request(MessageHeader(header + "\r\n\r\nBody\r\n"), kOwn).recipient;
}

const std::string kAsks =
    "Return-Path: <carl@elsewhere.test>\r\nFrom: Carl <carl@elsewhere.test>\r\n"
    "To: ann@example.test\r\nDisposition-Notification-To: carl@elsewhere.test";

std::string with(const std::string& more) { return more + "\r\n" + kAsks; }

eas::autoreply::ReplyParts parts() {
  eas::autoreply::ReplyParts parts;
  parts.from_address = "ann@example.test";
  parts.from_name = "Ann Example";
  parts.recipient = "carl@elsewhere.test";
  parts.message_id = "id@example.test";
  parts.now = 1'795'000'000'000;
  return parts;
}

// Parsed by GMime; keeps the bytes.
struct Parsed {
  explicit Parsed(std::string text)
      : bytes(std::move(text)), mime(*eas::email::Mime::parse(bytes)) {}
  std::string part(int index) const {
    REQUIRE(GMIME_IS_MULTIPART(mime.root()));
    GMimeObject* child = g_mime_multipart_get_part(GMIME_MULTIPART(mime.root()), index);
    REQUIRE(GMIME_IS_PART(child));
    return eas::email::decode_transfer(mime.raw_content(GMIME_PART(child)),
                                       g_mime_part_get_content_encoding(GMIME_PART(child)), 100'000)
        .bytes;
  }
  std::string_view header(const char* name) const { return storage::trim(mime.header(name)); }
  std::string type_of(int index) const {
    return eas::email::content_type_of(
        g_mime_multipart_get_part(GMIME_MULTIPART(mime.root()), index));
  }
  std::string bytes;
  eas::email::Mime mime;
};

}  // namespace

TEST_CASE("receipts: who asks and is the sender of the mail gets one") {
  struct Row {
    const char* what;
    std::string header;
    const char* recipient;  // "": no receipt
  };
  const std::string sent = "Return-Path: <c@x.test>\r\nFrom: c@x.test\r\nTo: ann@example.test\r\n";
  const std::string asks = "Disposition-Notification-To: ";
  const std::vector<Row> rows = {
      {"the sender asks", kAsks, "carl@elsewhere.test"},
      {"with a name, folded, in other letters", sent + asks + "\"C, C\"\r\n <C@X.test>",
       "c@x.test"},
      {"asked twice for the same", sent + asks + "c@x.test, <c@x.test>", "c@x.test"},
      {"when only in Bcc", "Return-Path: <c@x.test>\r\nTo: bob@x.test\r\n" + asks + "c@x.test",
       "c@x.test"},
      {"the assistant writes and asks",
       "Return-Path: <c@x.test>\r\nFrom: boss@x.test\r\nSender: c@x.test\r\n" + asks + "c@x.test",
       "c@x.test"},
      {"an option that may be ignored",
       with("Disposition-Notification-Options: signed-receipt-protocol=optional,pkcs7-signature"),
       "carl@elsewhere.test"},
      {"only other answers are unwanted", with("X-Auto-Response-Suppress: DR, OOF, AutoReply"),
       "carl@elsewhere.test"},
      {"nobody asks", "Return-Path: <c@x.test>\r\nFrom: c@x.test\r\nTo: ann@example.test", ""},
      {"asked for nobody", sent + asks, ""},
      {"asked for no address", sent + asks + "yes please", ""},
      {"somebody else is to get it", sent + asks + "spy@x.test", ""},
      {"somebody else too", sent + asks + "c@x.test, spy@x.test", ""},
      {"somebody else too, in a second field", sent + asks + "c@x.test\r\n" + asks + "spy@x.test",
       ""},
      {"it is From but not the envelope's sender",
       "Return-Path: <real@x.test>\r\nFrom: c@x.test\r\n" + asks + "c@x.test", ""},
      {"nobody noted the envelope's sender", "From: c@x.test\r\n" + asks + "c@x.test", ""},
      {"a report", "Return-Path: <>\r\nFrom: c@x.test\r\n" + asks + "c@x.test", ""},
      {"a Return-Path of the sender's own below the real one",
       "Return-Path: <real@x.test>\r\n" + sent + asks + "c@x.test", ""},
      {"oneself",
       "Return-Path: <ann@example.test>\r\nFrom: ann@example.test\r\n" + asks + "ann@example.test",
       ""},
      {"one's other address",
       "Return-Path: <ann.other@example.test>\r\n" + asks + "Ann.Other@example.test", ""},
      {"a machine's address",
       "Return-Path: <noreply@x.test>\r\nFrom: noreply@x.test\r\n" + asks + "noreply@x.test", ""},
      {"a list", with("List-Id: <friends.example.test>"), ""},
      {"bulk", with("Precedence: bulk"), ""},
      {"a machine", with("Auto-Submitted: auto-generated"), ""},
      {"a receipt", with("Content-Type: multipart/report; report-type=disposition-notification"),
       ""},
      {"spam", with("X-Spam-Flag: YES"), ""},
      {"receipts are unwanted", with("X-Auto-Response-Suppress: DR, RN"), ""},
      {"every answer is unwanted", with("X-Auto-Response-Suppress: All"), ""},
      {"an option that must be understood",
       with("Disposition-Notification-Options: a=optional,b; signed-receipt-micalg=Required, sha1"),
       ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    CHECK(recipient_of(row.header) == row.recipient);
  }
}

TEST_CASE("receipts: a receipt is a report that GMime reads, about the message, for its sender") {
  // covers: MS-ASEMAIL R601
  const std::string text =
      "Message-ID: <m1@x.test>\r\nDate: Wed, 18 Nov 2026 10:00:00 +0000\r\n"
      "Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n"
      "Original-Recipient: rfc822;all@example.test\r\n" +
      kAsks + "\r\n\r\nThe secret text\r\n";
  const Parsed receipt(make_receipt(MessageHeader(text), parts()));
  const eas::email::Mime& mime = receipt.mime;
  CHECK(receipt.header("To") == "<carl@elsewhere.test>");
  CHECK(receipt.header("From") == "\"Ann Example\" <ann@example.test>");
  CHECK(receipt.header("Message-ID") == "<id@example.test>");
  CHECK(receipt.header("In-Reply-To") == "<m1@x.test>");
  CHECK(receipt.header("Auto-Submitted") == "auto-replied");
  CHECK(g_mime_message_get_subject(mime.message()) == std::string("Read: Grüße"));
  CHECK(eas::email::content_type_of(mime.root()) == "multipart/report");
  CHECK(eas::email::content_type_parameter(mime.root(), "report-type") ==
        "disposition-notification");
  REQUIRE(g_mime_multipart_get_count(GMIME_MULTIPART(mime.root())) == 2);
  CHECK(receipt.type_of(0) == "text/plain");
  CHECK(receipt.part(0) ==
        "Your message to ann@example.test\r\n\r\n  Subject: Grüße\r\n"
        "  Sent: Wed, 18 Nov 2026 10:00:00 +0000\r\n\r\n"
        "was marked as read on Wed, 18 Nov 2026 11:06:40 +0000.\r\n\r\n"
        "That does not say that it was read to the end, or understood.\r\n");
  CHECK(receipt.type_of(1) == "message/disposition-notification");
  CHECK(receipt.part(1) ==
        "Reporting-UA: example.test; Godwit\r\n"
        "Original-Recipient: rfc822;all@example.test\r\n"
        "Final-Recipient: rfc822; ann@example.test\r\n"
        "Original-Message-ID: <m1@x.test>\r\n"
        "Disposition: manual-action/MDN-sent-automatically; displayed\r\n");
  CHECK(receipt.bytes.find("secret text") == std::string::npos);
  CHECK(eas::email::classify(mime, eas::email::read_structure(mime)).name ==
        "REPORT.IPM.Note.IPNRN");
}

TEST_CASE("receipts: a receipt asks for none and is never answered, so that none goes round") {
  const std::string receipt = make_receipt(MessageHeader(kAsks + "\r\n\r\n"), parts());
  CHECK_FALSE(eas::receipts::asks_for_receipt(MessageHeader(receipt)));
  const std::string asking =
      "Return-Path: <ann@example.test>\r\nDisposition-Notification-To: "
      "ann@example.test\r\n" +
      receipt;
  CHECK_FALSE(judge_request(MessageHeader(asking), {"carl@elsewhere.test"}).answer());
  CHECK_FALSE(eas::autoreply::judge(MessageHeader(receipt), {"carl@elsewhere.test"}).answer());
}

TEST_CASE("receipts: what a hostile header says breaks no receipt") {
  const std::string text = "Message-ID: not an id\r\nSubject: " + std::string(5000, 's') +
                           "\r\n\tfolded\r\nDate: " + std::string(5000, 'd') +
                           "\r\nOriginal-Recipient: rfc822;x\x01" + std::string(2000, 'o') +
                           "\r\n" + kAsks + "\r\n\r\n";
  const Parsed receipt(make_receipt(MessageHeader(text), parts()));
  const std::string report = receipt.part(1);
  CHECK(report.find("Original") == std::string::npos);
  CHECK(receipt.part(0).size() < 1000);
  std::size_t start = 0;
  for (std::size_t end = receipt.bytes.find("\r\n"); end != std::string::npos;
       end = receipt.bytes.find("\r\n", start)) {
    CHECK(end - start <= 998);
    start = end + 2;
  }
  CHECK(receipt.bytes.size() == start);
}
