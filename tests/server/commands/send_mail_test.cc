#include <doctest/doctest.h>

#include <thread>

#include "server/commands/account_id.h"
#include "tests/support/service_fixture.h"
#include "wbxml/code_pages.h"

namespace {

using storage::FolderRole;
using test::Call;
using test::ServiceFixture;
using test::text_at;
using wbxml::Element;
namespace tag = wbxml::compose_mail;

const std::string kMime =
    "From: ann@example.test\r\nTo: bob@example.test\r\nBcc: carl@elsewhere.test\r\n"
    "Subject: hello\r\nDate: Wed, 18 Nov 2026 10:00:00 +0000\r\nMessage-ID: "
    "<1@phone>\r\n\r\nHi.\r\n";

Element opaque(wbxml::Tag name, std::string bytes) {
  Element element(name, std::move(bytes));
  element.opaque = true;
  return element;
}

Call send_mail(const std::string& client_id, const std::string& mime = kMime, bool save = false,
               const char* version = "14.1") {
  Call call;
  call.command = "SendMail";
  call.version = version;
  call.body = Element(tag::kSendMail, {Element(tag::kClientId, client_id)});
  if (save) call.body.children.emplace_back(tag::kSaveInSentItems);
  call.body.children.push_back(opaque(tag::kMime, mime));
  return call;
}

Call raw_mail(const std::string& mime = kMime, const char* version = "12.1",
              const char* more = "") {
  Call call;
  call.command = "SendMail";
  call.version = version;
  call.raw = mime;
  call.content_type = "message/rfc822";
  call.more_query = more;
  return call;
}

void check_sent(const http::HttpReply& reply) {
  CHECK(reply.status == 200);
  CHECK(reply.body.empty());
  CHECK(reply.content_type.empty());
}

std::string failure(ServiceFixture& server, const Call& call) {
  return text_at(server.element(call), {tag::kStatus});
}

}  // namespace

TEST_CASE("SendMail: goes out once to everybody, Bcc not on the wire; success is an empty answer") {
  // covers: MS-ASCMD R4379
  for (const char* version : {"14.0", "14.1", "16.0", "16.1"}) {
    CAPTURE(version);
    ServiceFixture server;
    check_sent(server.reply(send_mail("c1", kMime, false, version)));
    REQUIRE(server.sender.sent.size() == 1);
    const auto& sent = server.sender.sent[0];
    CHECK(sent.sender == "ann@example.test");
    CHECK(sent.recipients == std::vector<std::string>{"bob@example.test", "carl@elsewhere.test"});
    CHECK(sent.bytes.find("carl") == std::string::npos);
    CHECK(sent.bytes.ends_with("\r\n\r\nHi.\r\n"));
    CHECK(server.count(FolderRole::sent) == 0);
  }
}

TEST_CASE("SendMail: raw MIME up to 12.1, with SaveInSent in the query") {
  // covers: MS-ASHTTP R531 R121 R122 R175
  for (const char* version : {"2.5", "12.0", "12.1"}) {
    CAPTURE(version);
    ServiceFixture server;
    check_sent(server.reply(raw_mail(kMime, version)));
    CHECK(server.count(FolderRole::sent) == 0);
    check_sent(server.reply(raw_mail(kMime + "more\r\n", version, "&SaveInSent=T")));
    CHECK(server.sender.sent.size() == 2);
    CHECK(server.count(FolderRole::sent) == 1);
  }
}

TEST_CASE("SendMail: the copy in Sent is read and has the Bcc") {
  ServiceFixture server;
  check_sent(server.reply(send_mail("c1", kMime, true)));
  REQUIRE(server.count(FolderRole::sent) == 1);
  const auto page = server.mailbox()->changes(server.folder(FolderRole::sent), 0, 10);
  REQUIRE(page);
  const auto id = page->changes.at(0).id;
  CHECK(server.mailbox()->message(server.folder(FolderRole::sent), id)->flags.seen);
  CHECK(server.mailbox()->bytes(server.folder(FolderRole::sent), id)->view() == kMime);
}

TEST_CASE(
    "SendMail: the same ClientId and content again is answered as sent and sent once (quirks.md: "
    "BlackBerry, field.md pain 4)") {
  ServiceFixture server;
  for (int i = 0; i < 3; ++i) check_sent(server.reply(send_mail("c1", kMime, true)));
  server.restart();
  check_sent(server.reply(send_mail("c1", kMime, true)));
  CHECK(server.sender.sent.size() == 1);
  CHECK(server.count(FolderRole::sent) == 1);
  check_sent(server.reply(send_mail("c2", kMime, true)));  // another ClientId is another message
  CHECK(server.sender.sent.size() == 2);
  CHECK(server.count(FolderRole::sent) == 2);
}

TEST_CASE("SendMail: the same message from old versions is sent once; without an id for an hour") {
  ServiceFixture server;
  check_sent(server.reply(raw_mail()));
  server.clock.advance(3LL * 3600 * 1000);
  check_sent(server.reply(raw_mail()));
  CHECK(server.sender.sent.size() == 1);

  const std::string anonymous = "To: bob@example.test\r\n\r\nyes\r\n";
  check_sent(server.reply(raw_mail(anonymous, "12.1", "&SaveInSent=T")));
  check_sent(server.reply(raw_mail(anonymous, "12.1", "&SaveInSent=T")));
  CHECK(server.sender.sent.size() == 2);
  server.clock.advance(2LL * 3600 * 1000);
  check_sent(server.reply(raw_mail(anonymous, "12.1", "&SaveInSent=T")));
  REQUIRE(server.sender.sent.size() == 3);
  CHECK(server.sender.sent[1].identity != server.sender.sent[2].identity);
  CHECK(server.count(FolderRole::sent) == 2);
}

TEST_CASE("SendMail: a message of a killed process goes out again under the same identity") {
  ServiceFixture server;
  server.sender.on_send = [] { throw std::runtime_error("killed"); };
  CHECK(server.reply(send_mail("c1", kMime, true)).status == 500);
  CHECK(server.count(FolderRole::sent) == 0);
  std::string identity;
  server.sender.on_send = nullptr;
  server.restart();
  check_sent(server.reply(send_mail("c1", kMime, true)));
  REQUIRE(server.sender.sent.size() == 1);
  CHECK_FALSE(server.sender.sent[0].identity.empty());
  CHECK(server.sender.sent[0].identity.size() <= 64);
  CHECK(server.count(FolderRole::sent) == 1);
}

TEST_CASE("SendMail: two at once of the same are one") {
  ServiceFixture server;
  server.sender.on_send = [] { std::this_thread::sleep_for(std::chrono::milliseconds(50)); };
  server.folder_id(2);
  // The fixture serves one thread; the dispatcher itself is asked from two.
  const std::string body = wbxml::encode(send_mail("c1").body);
  const auto submit = [&] {
    http::HttpRequest request;
    request.method = "POST";
    request.query = "Cmd=SendMail&User=ann&DeviceId=dev1&DeviceType=TestPhone";
    request.headers = {{"Authorization", "Basic YW5uQGV4YW1wbGUudGVzdDpzZWNyZXQ="},
                       {"MS-ASProtocolVersion", "14.1"},
                       {"Content-Type", "application/vnd.ms-sync.wbxml"}};
    request.body = http::Body(body);
    return std::get<http::HttpReply>(server.dispatcher->handle(request)).status;
  };
  int other = 0;
  std::thread thread([&] { other = submit(); });
  const int mine = submit();
  thread.join();
  CHECK(mine == 200);
  CHECK(other == 200);
  CHECK(server.sender.sent.size() == 1);
}

TEST_CASE("SendMail: failures have their status, and the phone may try again") {
  // covers: MS-ASCMD R4380
  struct Case {
    storage::ErrorKind kind;
    const char* status;
    int http;
  };
  for (const Case& row : {Case{storage::ErrorKind::denied, "120", 500},
                          Case{storage::ErrorKind::unavailable, "111", 503},
                          Case{storage::ErrorKind::internal, "120", 500}}) {
    ServiceFixture server;
    server.sender.fail_with = row.kind;
    CHECK(failure(server, send_mail("c1", kMime, true)) == row.status);
    CHECK(server.reply(raw_mail()).status == row.http);
    CHECK(server.count(FolderRole::sent) == 0);
    server.sender.fail_with.reset();
    check_sent(server.reply(send_mail("c1", kMime, true)));
    check_sent(server.reply(raw_mail()));
    CHECK(server.sender.sent.size() == 2);
  }
}

TEST_CASE("SendMail: what could not be sent to all is tried again under the same identity") {
  // Of a message without any id, too: those who have it from the first try know it by that.
  const std::string anonymous = "To: bob@example.test\r\n\r\nyes\r\n";
  ServiceFixture server;
  std::vector<std::string> identities;
  server.sender.on_send = [&] { identities.push_back(server.sender.tried); };
  server.sender.fail_with = storage::ErrorKind::unavailable;
  for (const char* more : {"", "&SaveInSent=T"}) {
    CHECK(server.reply(raw_mail(anonymous, "12.1", more)).status == 503);
    server.clock.advance(60'000);
  }
  server.sender.fail_with = storage::ErrorKind::internal;
  CHECK(server.reply(raw_mail(anonymous)).status == 500);
  server.clock.advance(2LL * 3600 * 1000);
  server.sender.fail_with.reset();
  check_sent(server.reply(raw_mail(anonymous)));
  REQUIRE(identities.size() == 4);
  for (const std::string& identity : identities) CHECK(identity == identities[0]);
}

TEST_CASE("SendMail: bad messages are refused, nothing is sent or kept") {
  ServiceFixture server;
  CHECK(failure(server, send_mail("c1", "Subject: x\r\n\r\nnobody", true)) == "119");
  CHECK(failure(server, send_mail("c1", "\x01\x02 garbage", true)) == "107");
  CHECK(failure(server, send_mail("c1", "", true)) == "107");
  CHECK(failure(server, send_mail("c1", "To: <a b@x.test>\r\n\r\n", true)) == "116");
  CHECK(server.reply(raw_mail("Subject: x\r\n\r\nnobody")).status == 400);
  CHECK(server.reply(raw_mail("\x01\x02 garbage")).status == 400);
  CHECK(server.sender.sent.empty());
  CHECK(server.count(FolderRole::sent) == 0);
}

TEST_CASE("SendMail: malformed requests") {
  ServiceFixture server;
  CHECK(failure(server, send_mail("")) == "103");
  CHECK(failure(server, send_mail(std::string(41, 'c'))) == "103");
  Call no_mime = send_mail("c1");
  no_mime.body.children.pop_back();
  CHECK(failure(server, no_mime) == "103");
  Call account = send_mail("c1");
  account.body.children.emplace_back(tag::kAccountId, "other");
  CHECK(failure(server, account) == "166");
  Call wbxml_for_old = send_mail("c1", kMime, false, "12.1");
  CHECK(server.reply(wbxml_for_old).status == 400);
  Call raw_for_new = raw_mail(kMime, "14.1");
  CHECK(failure(server, raw_for_new) == "101");
  Call missing = raw_mail("", "12.1");
  CHECK(server.reply(missing).status == 400);
  CHECK(server.sender.sent.empty());
}

TEST_CASE("SendMail: AccountId from 14.1 on; only the user's own account sends") {
  // covers: MS-ASCMD R721 R723 R724 R726 R4956
  ServiceFixture server;
  server.folder_id(2);
  const std::string own = eas::account_id(server.user());
  const auto with_account = [](const char* client_id, const std::string& account,
                               const char* version) {
    Call call = send_mail(client_id, kMime, false, version);
    call.body.children.emplace_back(tag::kAccountId, account);
    return call;
  };
  int sent = 0;
  for (const char* version : {"14.1", "16.0", "16.1"}) {
    CAPTURE(version);
    check_sent(server.reply(with_account(version, own, version)));
    CHECK(server.sender.sent.size() == static_cast<std::size_t>(++sent));
    CHECK(server.sender.sent.back().sender == "ann@example.test");
    CHECK(failure(server, with_account("other", "account-999", version)) == "166");
    CHECK(failure(server, with_account("other", "ann@example.test", version)) == "166");
  }
  CHECK(failure(server, with_account("old", own, "14.0")) == "103");
  CHECK(server.sender.sent.size() == static_cast<std::size_t>(sent));
}

TEST_CASE("SendMail: a rights policy template is refused, 'no restriction' is not") {
  ServiceFixture server;
  Call call = send_mail("c1");
  call.body.children.emplace_back(wbxml::rights_management::kTemplateID, "some-template");
  CHECK(failure(server, call) == "168");
  call.body.children.back().text = "00000000-0000-0000-0000-000000000000";
  check_sent(server.reply(call));
}

TEST_CASE("SendMail: a foreign From becomes the user's") {
  ServiceFixture server;
  check_sent(server.reply(send_mail(
      "c1", "From: boss@example.test\r\nTo: bob@example.test\r\n\r\nGive Ann a raise.\r\n")));
  REQUIRE(server.sender.sent.size() == 1);
  CHECK(server.sender.sent[0].bytes.find("From: Ann Example <ann@example.test>") !=
        std::string::npos);
  CHECK(server.sender.sent[0].bytes.find("boss@") == std::string::npos);
}
