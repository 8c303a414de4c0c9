// SmartReply and SmartForward as commands; the bytes they make are tested in
// items/compose_answer_test.cc.
#include <doctest/doctest.h>

#include <algorithm>

#include "server/items/email/follow_up.h"
#include "server/sync/server_id.h"
#include "storage/base/text.h"
#include "tests/support/folder_calls.h"
#include "tests/support/service_fixture.h"
#include "wbxml/code_pages.h"

namespace {

using storage::FolderRole;
using test::Call;
using test::ServiceFixture;
using test::text_at;
using wbxml::Element;
namespace tag = wbxml::compose_mail;
namespace base = wbxml::airsync_base;

const std::string kMime =
    "From: ann@example.test\r\nTo: bob@example.test\r\nSubject: Re: plan\r\n"
    "Date: Wed, 18 Nov 2026 10:00:00 +0000\r\n\r\nMy words.\r\n";

const std::string kOriginal =
    "From: Bob <bob@example.test>\r\nTo: ann@example.test\r\nSubject: plan\r\n"
    "Message-ID: <o1@example.test>\r\nMIME-Version: 1.0\r\n"
    "Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: text/plain\r\n\r\n"
    "His words.\r\n--m\r\nContent-Type: application/pdf; name=\"a.pdf\"\r\n"
    "Content-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0=\r\n"
    "--m--\r\n";

constexpr const char* kBoth[] = {"SmartReply", "SmartForward"};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Element opaque(wbxml::Tag name, std::string bytes) {
  Element element(name, std::move(bytes));
  element.opaque = true;
  return element;
}

wbxml::Tag root_of(const std::string& command) {
  return command == "SmartReply" ? tag::kSmartReply : tag::kSmartForward;
}

struct Wanted {
  std::string client_id = "c1";
  std::vector<Element> source;
  std::string mime = kMime;
  bool save = false;
  bool replace = false;
  std::string version = "14.1";
};

Call smart(const std::string& command, const Wanted& wanted) {
  Call call;
  call.command = command;
  call.version = wanted.version;
  call.body = Element(root_of(command), {Element(tag::kClientId, wanted.client_id),
                                         Element(tag::kSource, wanted.source)});
  if (wanted.save) call.body.children.emplace_back(tag::kSaveInSentItems);
  if (wanted.replace) call.body.children.emplace_back(tag::kReplaceMime);
  call.body.children.push_back(opaque(tag::kMime, wanted.mime));
  return call;
}

Call raw(const std::string& command, const std::string& query, const char* version = "12.1",
         const std::string& mime = kMime) {
  Call call;
  call.command = command;
  call.version = version;
  call.raw = mime;
  call.content_type = "message/rfc822";
  call.more_query = query;
  return call;
}

void check_sent(const http::HttpReply& reply) {
  CHECK(reply.status == 200);
  CHECK(reply.body.empty());
}

// A server with the original in the Inbox.
struct Inbox : ServiceFixture {
  explicit Inbox(const std::string& original = kOriginal) {
    item = deliver(original);
    folder_id = folder(FolderRole::inbox);
    collection = eas::to_collection_id(folder_id);
    id = eas::to_item_id(folder_id, item);
  }
  std::vector<Element> source() const {
    return {Element(tag::kFolderId, collection), Element(tag::kItemId, id)};
  }
  storage::MessageFlags flags() { return mailbox()->message(folder_id, item)->flags; }
  std::string failure(const Call& call) { return text_at(element(call), {tag::kStatus}); }
  const std::string& sent_bytes() const { return sender.sent.back().bytes; }

  storage::ItemId item = 0;
  storage::CollectionId folder_id = 0;
  std::string collection, id;
};

}  // namespace

TEST_CASE("SmartReply: the original is quoted, marked as answered, and success is empty") {
  // covers: MS-ASCMD R580 R605 R5776 R569
  for (const char* version : {"14.0", "14.1", "16.0", "16.1"}) {
    CAPTURE(version);
    Inbox server;
    check_sent(server.reply(
        smart("SmartReply", {.source = server.source(), .save = true, .version = version})));
    REQUIRE(server.sender.sent.size() == 1);
    CHECK(server.sender.sent[0].recipients == std::vector<std::string>{"bob@example.test"});
    CHECK(has(server.sent_bytes(), "\r\n\r\nMy words.\r\n\r\n-----Original Message-----\r\n"));
    CHECK(has(server.sent_bytes(), "> His words.\r\n"));
    CHECK(has(server.sent_bytes(), "In-Reply-To: <o1@example.test>\r\n"));
    CHECK_FALSE(has(server.sent_bytes(), "a.pdf"));
    CHECK(server.count(FolderRole::sent) == 1);
    CHECK(server.flags().answered);
    CHECK_FALSE(server.flags().forwarded);
    CHECK((eas::email::last_verb_of(server.flags()).verb == eas::email::Verb::reply));
    CHECK(eas::email::last_verb_of(server.flags()).time == server.clock.now_ms());
  }
}

TEST_CASE("SmartForward: text and attachments of the original go along; it is marked") {
  // covers: MS-ASCMD R545 R568 R4407 R532
  for (const char* version : {"14.0", "14.1", "16.0", "16.1"}) {
    CAPTURE(version);
    Inbox server;
    check_sent(
        server.reply(smart("SmartForward", {.source = server.source(), .version = version})));
    REQUIRE(server.sender.sent.size() == 1);
    CHECK(has(server.sent_bytes(), "\r\n\r\nHis words.\r\n"));
    CHECK(has(server.sent_bytes(), "\r\n\r\nJVBERi0=\r\n"));
    CHECK(has(server.sent_bytes(), "a.pdf"));
    CHECK(server.count(FolderRole::sent) == 0);
    CHECK(server.flags().forwarded);
    CHECK_FALSE(server.flags().answered);
    CHECK((eas::email::last_verb_of(server.flags()).verb == eas::email::Verb::forward));
  }
}

TEST_CASE("SmartReply, SmartForward: raw MIME and the query up to 12.1") {
  // covers: MS-ASHTTP R116 R117 R118 R119 R120 R530 R121 R122 R527 R511 R436 R528
  for (const char* command : kBoth) {
    for (const char* version : {"2.5", "12.0", "12.1"}) {
      CAPTURE(version);
      Inbox server;
      check_sent(server.reply(raw(
          command, "&ItemId=" + server.id + "&CollectionId=" + server.collection + "&SaveInSent=T",
          version)));
      REQUIRE(server.sender.sent.size() == 1);
      CHECK(has(server.sent_bytes(), "His words."));
      CHECK(server.count(FolderRole::sent) == 1);
      check_sent(server.reply(raw(command, "&LongId=" + server.id, version, kMime + "2\r\n")));
      check_sent(server.reply(raw(command,
                                  "&ItemId=" + server.id + "&CollectionId=" + server.collection +
                                      "&Occurrence=2026-11-18T10:00:00.000Z",
                                  version, kMime + "3\r\n")));
      CHECK(server.sender.sent.size() == 3);
      CHECK(server.count(FolderRole::sent) == 1);
    }
  }
}

TEST_CASE("SendMail, SmartReply, SmartForward: SaveInSent is T in the query, or a bit of Options") {
  // covers: MS-ASHTTP R88 R532 R533 R92 R93 R524 R525 R437
  const std::pair<std::string, char> commands[] = {
      {"SendMail", '\x01'}, {"SmartForward", '\x02'}, {"SmartReply", '\x03'}};
  for (const auto& command : commands) {
    CAPTURE(command.first);
    for (const char options : {'\x00', '\x01'}) {
      Inbox server;
      Call call = raw(command.first, "");
      call.query = storage::base64_encode(std::string("\x79") + command.second + "\x09\x04\x04" +
                                          "dev1" + std::string("\x00\x05", 2) + "Phone" + "\x03" +
                                          static_cast<char>(server.id.size()) + server.id +
                                          "\x07\x01" + options);
      check_sent(server.reply(call));
      CHECK(server.sender.sent.size() == 1);
      CHECK(server.count(FolderRole::sent) == options);
    }
    Inbox server;
    check_sent(server.reply(raw(command.first, "&ItemId=" + server.id + "&SaveInSent=F")));
    CHECK(server.count(FolderRole::sent) == 0);
  }
}

TEST_CASE("SmartReply, SmartForward: what goes out has a level more in its ConversationIndex") {
  // covers: MS-ASCON R87 R88 R305 R306 R92 R307
  for (const char* command : kBoth) {
    CAPTURE(command);
    Inbox server;
    check_sent(server.reply(smart(command, {.source = server.source()})));
    server.deliver(server.sent_bytes());
    const std::string key =
        text_at(test::sync_one(server, server.collection, "0"), {wbxml::airsync::kSyncKey});
    const Element answer = test::sync_one(server, server.collection, key);
    std::vector<std::size_t> sizes;
    for (const Element& add : answer.child(wbxml::airsync::kCommands)->children) {
      sizes.push_back(
          text_at(add, {wbxml::airsync::kApplicationData, wbxml::email2::kConversationIndex})
              .size());
    }
    std::sort(sizes.begin(), sizes.end());
    CHECK(sizes == std::vector<std::size_t>{5, 10});
  }
}

TEST_CASE("SmartReply: to more than the sender is a reply to all (field.md 1.3)") {
  Inbox server;
  const auto verb_after = [&](const std::string& client_id, const std::string& to) {
    const std::string mime = "From: ann@example.test\r\nTo: " + to + "\r\n\r\nHi\r\n";
    check_sent(server.reply(
        smart("SmartReply", {.client_id = client_id, .source = server.source(), .mime = mime})));
    return eas::email::last_verb_of(server.flags()).verb;
  };
  CHECK((verb_after("c1", "Bob@Example.test") == eas::email::Verb::reply));
  CHECK((verb_after("c2", "bob@example.test, carl@x.test") == eas::email::Verb::reply_all));
  CHECK((verb_after("c3", "bob@example.test\r\nCc: ann@example.test") == eas::email::Verb::reply));
}

TEST_CASE("SmartReply, SmartForward: the original is found by LongId and by ItemId alone") {
  for (const char* command : kBoth) {
    Inbox server;
    check_sent(server.reply(smart(command, {.source = {Element(tag::kLongId, server.id)}})));
    check_sent(server.reply(
        smart(command, {.client_id = "c2", .source = {Element(tag::kItemId, server.id)}})));
    auto occurrence = server.source();
    occurrence.emplace_back(tag::kInstanceId, "2026-11-18T10:00:00.000Z");
    check_sent(server.reply(smart(command, {.client_id = "c3", .source = occurrence})));
    REQUIRE(server.sender.sent.size() == 3);
    for (const auto& sent : server.sender.sent) CHECK(has(sent.bytes, "His words."));
  }
}

TEST_CASE("SmartReply, SmartForward: with ReplaceMime nothing of the original goes along") {
  // covers: MS-ASCMD R3775
  for (const char* command : kBoth) {
    Inbox server;
    check_sent(server.reply(smart(command, {.source = server.source(), .replace = true})));
    REQUIRE(server.sender.sent.size() == 1);
    CHECK(server.sent_bytes().ends_with("\r\n\r\nMy words.\r\n"));
    CHECK(has(server.sent_bytes(), "References: <o1@example.test>"));
    CHECK((server.flags().answered || server.flags().forwarded));
  }
}

TEST_CASE("SmartReply, SmartForward: an original that is not there is 150; nothing is sent") {
  // covers: MS-ASCMD R4930
  // covers: MS-ASHTTP R526 R517 R435
  for (const char* command : kBoth) {
    Inbox server;
    const std::vector<std::vector<Element>> sources = {
        {Element(tag::kItemId, eas::to_item_id(server.folder_id, 9999))},
        {Element(tag::kItemId, "nonsense")},
        {Element(tag::kLongId, "nonsense")},
        {Element(tag::kItemId, eas::to_item_id(4711, 1))},
        {Element(tag::kFolderId, "m4711"), Element(tag::kItemId, server.id)},
        {Element(tag::kItemId, std::string(300, 'x'))}};
    for (const auto& source : sources) {
      CHECK(server.failure(smart(command, {.source = source, .save = true})) == "150");
    }
    CHECK(server.reply(raw(command, "&ItemId=m1:9999&CollectionId=m1")).status == 500);
    CHECK(server.reply(raw(command, "&ItemId=" + server.id + "&CollectionId=m4711")).status == 500);
    CHECK(server.sender.sent.empty());
    CHECK(server.count(FolderRole::sent) == 0);
    // Nothing was noted as sent: the same request works once its original is named right.
    check_sent(server.reply(smart(command, {.source = server.source(), .save = true})));
    CHECK(server.count(FolderRole::sent) == 1);
  }
}

TEST_CASE("SmartReply, SmartForward: sent once, also when the original is gone by the repeat") {
  // covers: MS-ASCMD R4848
  for (const char* command : kBoth) {
    CAPTURE(command);
    Inbox server;
    const Call call = smart(command, {.source = server.source(), .save = true});
    check_sent(server.reply(call));
    const auto verb_time = eas::email::last_verb_of(server.flags()).time;
    server.clock.advance(60'000);
    check_sent(server.reply(call));
    CHECK(eas::email::last_verb_of(server.flags()).time == verb_time);
    server.restart();
    REQUIRE(server.mailbox()->remove(server.folder_id, server.item));
    check_sent(server.reply(call));
    CHECK(server.sender.sent.size() == 1);
    CHECK(server.count(FolderRole::sent) == 1);
  }
}

TEST_CASE("SmartReply: the same words to another original are another message") {
  Inbox server;
  const auto second = server.deliver(kOriginal);
  const std::string query = "&CollectionId=" + server.collection + "&ItemId=";
  check_sent(server.reply(raw("SmartReply", query + server.id)));
  check_sent(server.reply(raw("SmartReply", query + server.id)));
  check_sent(server.reply(raw("SmartReply", query + eas::to_item_id(server.folder_id, second))));
  CHECK(server.sender.sent.size() == 2);
}

TEST_CASE("SmartReply, SmartForward: a process killed while sending sends again and marks") {
  Inbox server;
  const Call call = smart("SmartForward", {.source = server.source(), .save = true});
  server.sender.on_send = [] { throw std::runtime_error("killed"); };
  CHECK(server.reply(call).status == 500);
  CHECK_FALSE(server.flags().forwarded);
  server.sender.on_send = nullptr;
  server.restart();
  check_sent(server.reply(call));
  CHECK(server.sender.sent.size() == 1);
  CHECK(server.flags().forwarded);
}

TEST_CASE("SmartReply, SmartForward: failures of sending have their status; nothing is marked") {
  // covers: MS-ASCMD R4408 R5777
  for (const char* command : kBoth) {
    Inbox server;
    const Call call = smart(command, {.source = server.source(), .save = true});
    const Call old = raw(command, "&ItemId=" + server.id);
    server.sender.fail_with = storage::ErrorKind::denied;
    CHECK(server.failure(call) == "120");
    CHECK(server.reply(old).status == 500);
    server.sender.fail_with = storage::ErrorKind::unavailable;
    CHECK(server.failure(call) == "111");
    CHECK(server.reply(old).status == 503);
    CHECK_FALSE(server.flags().answered);
    CHECK_FALSE(server.flags().forwarded);
    CHECK(server.count(FolderRole::sent) == 0);
    server.sender.fail_with.reset();
    check_sent(server.reply(call));
  }
}

TEST_CASE("SmartReply, SmartForward: malformed requests") {
  // covers: MS-ASCMD R541 R578 R724 R723 R4817 R4821
  // covers: MS-ASHTTP R529
  // covers: MS-ASDTYPE R95 R100
  for (const char* command : kBoth) {
    CAPTURE(command);
    Inbox server;
    const Wanted good{.source = server.source()};
    Wanted bad = good;
    bad.client_id = "";
    CHECK(server.failure(smart(command, bad)) == "103");
    bad.client_id = std::string(41, 'c');
    CHECK(server.failure(smart(command, bad)) == "103");
    bad = good;
    bad.source.clear();
    CHECK(server.failure(smart(command, bad)) == "103");
    bad.source = {Element(tag::kFolderId, server.collection)};
    CHECK(server.failure(smart(command, bad)) == "103");
    bad = good;
    bad.source.emplace_back(tag::kLongId, server.id);
    CHECK(server.failure(smart(command, bad)) == "105");
    bad = good;
    bad.source.emplace_back(tag::kInstanceId, "yesterday");
    CHECK(server.failure(smart(command, bad)) == "104");
    bad = good;
    bad.mime = "";
    CHECK(server.failure(smart(command, bad)) == "107");
    bad.mime = "\x01\x02 garbage";
    CHECK(server.failure(smart(command, bad)) == "107");
    bad.mime = "Subject: nobody\r\n\r\nx";
    CHECK(server.failure(smart(command, bad)) == "119");
    bad.mime = "To: <a b@x.test>\r\n\r\nx";
    CHECK(server.failure(smart(command, bad)) == "116");
    Call no_source = smart(command, good);
    std::erase_if(no_source.body.children,
                  [](const Element& child) { return child.tag == tag::kSource; });
    CHECK(server.failure(no_source) == "103");
    Call no_mime = smart(command, good);
    no_mime.body.children.pop_back();
    CHECK(server.failure(no_mime) == "103");
    Call account = smart(command, good);
    account.body.children.emplace_back(tag::kAccountId, "account-0");
    CHECK(server.failure(account) == "166");
    Call restricted = smart(command, good);
    restricted.body.children.emplace_back(wbxml::rights_management::kTemplateID, "{1}");
    CHECK(server.failure(restricted) == "168");

    CHECK(server.reply(raw(command, "")).status == 400);
    CHECK(server.reply(raw(command, "&CollectionId=" + server.collection)).status == 400);
    CHECK(server.reply(raw(command, "&ItemId=" + server.id + "&Occurrence=x")).status == 400);
    CHECK(server.reply(raw(command, "&ItemId=" + server.id, "12.1", "\x01 x")).status == 400);
    CHECK(server.failure(raw(command, "&ItemId=" + server.id, "14.1")) == "101");
    CHECK(server.reply(smart(command, {.source = server.source(), .version = "12.1"})).status ==
          400);
    CHECK(server.sender.sent.empty());
    CHECK_FALSE(server.flags().answered);
    CHECK_FALSE(server.flags().forwarded);
  }
}

TEST_CASE("SmartReply: a report is answered like any mail") {
  Inbox server(
      "From: MAILER-DAEMON@example.test\r\nSubject: failed\r\nMIME-Version: 1.0\r\nContent-Type: "
      "multipart/report; report-type=disposition-notification; boundary=d\r\n\r\n--d\r\n\r\n"
      "Was read.\r\n--d\r\nContent-Type: message/disposition-notification\r\n\r\nDisposition: "
      "manual-action/MDN-sent-manually; displayed\r\n--d--\r\n");
  check_sent(server.reply(smart("SmartReply", {.source = server.source()})));
  CHECK(has(server.sent_bytes(), "> Was read.\r\n"));
}

// --- Forwardees
// -----------------------------------------------------------------------------------

namespace {

Call forwardees(const Inbox& server, std::vector<Element> list, const char* version = "16.1") {
  Call call;
  call.command = "SmartForward";
  call.version = version;
  call.body = Element(tag::kSmartForward,
                      {Element(tag::kClientId, "c1"), Element(tag::kSource, server.source()),
                       Element(tag::kForwardees, std::move(list))});
  return call;
}

Element forwardee(const char* email, const char* name = "") {
  Element element(tag::kForwardee);
  if (*email != '\0') element.children.emplace_back(tag::kEmail, email);
  if (*name != '\0') element.children.emplace_back(tag::kName, name);
  return element;
}

const std::string kMeeting =
    "From: bob@example.test\r\nTo: ann@example.test\r\nSubject: =?utf-8?q?Gespr=C3=A4ch?=\r\n"
    "MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=m\r\n\r\n--m\r\n"
    "Content-Type: text/plain\r\n\r\nCome.\r\n--m\r\nContent-Type: text/calendar; "
    "method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n--m--\r\n";

}  // namespace

TEST_CASE("SmartForward: Forwardees of 16.x get a forward that the server writes") {
  // covers: MS-ASCMD R7470 R7467 R7468
  for (const char* version : {"16.0", "16.1"}) {
    Inbox server(kMeeting);
    Call call = forwardees(
        server, {forwardee("carl@x.test", "Carl, d\xC3\xA4r"), forwardee("d@x.test")}, version);
    call.body.children.push_back(
        Element(base::kBody, {Element(base::kType, "1"), Element(base::kData, "Please come.")}));
    check_sent(server.reply(call));
    REQUIRE(server.sender.sent.size() == 1);
    CHECK(server.sender.sent[0].recipients == std::vector<std::string>{"carl@x.test", "d@x.test"});
    const std::string& bytes = server.sent_bytes();
    CHECK(has(bytes, "Subject: FW: =?"));
    CHECK(has(bytes, "Please come.\r\n\r\n-----Forwarded Message-----"));
    CHECK(has(bytes, "METHOD:REQUEST"));
    CHECK(has(bytes, "From: Ann Example <ann@example.test>"));
    CHECK(server.flags().forwarded);
  }
}

TEST_CASE("SmartForward: Forwardees that are malformed, mixed with Mime or of another version") {
  // covers: MS-ASCMD R7470 R7467
  Inbox server(kMeeting);
  CHECK(server.failure(forwardees(server, {})) == "179");
  CHECK(server.failure(forwardees(server, {forwardee("", "Carl")})) == "179");
  CHECK(server.failure(forwardees(server, {forwardee("carl")})) == "179");
  Call rtf = forwardees(server, {forwardee("carl@x.test")});
  rtf.body.children.push_back(
      Element(base::kBody, {Element(base::kType, "3"), Element(base::kData, "x")}));
  CHECK(server.failure(rtf) == "179");
  for (const wbxml::Tag other : {tag::kMime, tag::kSaveInSentItems, tag::kReplaceMime}) {
    Call mixed = forwardees(server, {forwardee("carl@x.test")});
    mixed.body.children.emplace_back(other, "x");
    CHECK(server.failure(mixed) == "178");
  }
  CHECK(server.failure(forwardees(server, {forwardee("carl@x.test")}, "14.1")) == "103");
  Call reply = forwardees(server, {forwardee("carl@x.test")});
  reply.command = "SmartReply";
  reply.body.tag = tag::kSmartReply;
  CHECK(server.failure(reply) == "103");
  CHECK(server.sender.sent.empty());
}
