#include <doctest/doctest.h>

#include "server/sync/server_id.h"
#include "storage/base/text.h"
#include "tests/support/folder_calls.h"
#include "wbxml/code_pages.h"

namespace {

using storage::FolderRole;
using test::Call;
using test::ServiceFixture;
using test::text_at;
using wbxml::Element;
namespace airsync = wbxml::airsync;

std::string all_bytes() {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  return bytes;
}

std::string mail_with_attachments() {
  return "From: carl@elsewhere.test\r\nTo: ann@example.test\r\nSubject: with attachment\r\n"
         "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
         "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nThe text.\r\n"
         "--b\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename=dot.png\r\n"
         "Content-Transfer-Encoding: base64\r\n\r\n" +
         storage::base64_encode(all_bytes()) +
         "\r\n--b\r\nContent-Type: message/rfc822\r\nContent-Disposition: attachment\r\n\r\n"
         "Subject: inner\r\n\r\nInner text.\r\n--b--\r\n";
}

Call get_attachment(const std::string& name, const char* version = "12.1") {
  Call call;
  call.command = "GetAttachment";
  call.version = version;
  call.more_query = "&AttachmentName=" + name;
  return call;
}

// The names that Sync gives for the attachments of the one message in the Inbox.
std::vector<std::string> names_by_sync(ServiceFixture& server, const std::string& version) {
  const std::string inbox = eas::to_collection_id(server.folder(FolderRole::inbox));
  const std::string key =
      text_at(test::sync_one(server, inbox, "0", {}, version), {airsync::kSyncKey});
  const Element answer = test::sync_one(server, inbox, key, {}, version);
  const Element* data =
      answer.child(airsync::kCommands)->child(airsync::kAdd)->child(airsync::kApplicationData);
  const bool old = version == "2.5";
  const Element* list =
      data->child(old ? wbxml::email::kAttachments : wbxml::airsync_base::kAttachments);
  REQUIRE(list != nullptr);
  std::vector<std::string> names;
  for (const Element& each : list->children) {
    names.push_back(
        text_at(each, {old ? wbxml::email::kAttName : wbxml::airsync_base::kFileReference}));
  }
  return names;
}

}  // namespace

TEST_CASE("GetAttachment: the bytes with their type, by the name that Sync gave, up to 12.1") {
  // covers: MS-ASCMD R157 R158 R5501 R160 R161 R162 R6020
  // covers: MS-ASHTTP R490 R115 R487 R230
  for (const char* version : {"2.5", "12.0", "12.1"}) {
    CAPTURE(version);
    ServiceFixture server;
    server.deliver(mail_with_attachments());
    const auto names = names_by_sync(server, version);
    REQUIRE(names.size() == 2);
    const http::HttpReply picture = server.reply(get_attachment(names[0], version));
    CHECK(picture.status == 200);
    CHECK(picture.content_type == "image/png");
    CHECK(picture.body == all_bytes());
    const http::HttpReply message = server.reply(get_attachment(names[1], version));
    CHECK(message.status == 200);
    CHECK(message.content_type == "message/rfc822");
    CHECK(message.body.find("Inner text.") != std::string::npos);
  }
}

TEST_CASE(
    "GetAttachment: a name that is encoded once, twice or in part (quirks.md: Android AOSP)") {
  ServiceFixture server;
  server.deliver(mail_with_attachments());
  const std::string name = names_by_sync(server, "2.5").at(0);
  std::string once, twice, part = name;
  for (const char c : name) {
    once += c == ':' ? std::string("%3A") : std::string(1, c);
    twice += c == ':' ? std::string("%253a") : std::string(1, c);
  }
  part.replace(part.find(':'), 1, "%3a");
  for (const std::string& text : {name, once, twice, part, "%20" + name}) {
    CAPTURE(text);
    CHECK(server.reply(get_attachment(text, "2.5")).body == all_bytes());
  }
}

TEST_CASE("GetAttachment: what is deleted, unknown or no attachment is HTTP 500") {
  // covers: MS-ASCMD R166
  ServiceFixture server;
  const storage::ItemId id = server.deliver(mail_with_attachments());
  const std::string name = names_by_sync(server, "12.1").at(0);
  for (const std::string& bad :
       {std::string(""), std::string("x"), std::string("m1"), name + "9", name + ":1",
        std::string("m999:1:2"), std::string("c1:1:2"), std::string("..%2F..%2Fetc%2Fpasswd"),
        std::string("%25%25%25"), std::string(900, '7')}) {
    CAPTURE(bad);
    const http::HttpReply reply = server.reply(get_attachment(bad));
    CHECK(reply.status == 500);
    CHECK(reply.body.empty());
  }
  REQUIRE(server.mailbox()->remove(server.folder(FolderRole::inbox), id));
  CHECK(server.reply(get_attachment(name)).status == 500);
}

TEST_CASE("GetAttachment: another user's attachment is not to be had") {
  ServiceFixture server;
  server.deliver(mail_with_attachments());
  Call call = get_attachment(names_by_sync(server, "12.1").at(0));
  call.login = "bob@example.test";
  CHECK(server.reply(call).status == 500);
}

TEST_CASE("GetAttachment: from 14.0 on there is none") {
  // covers: MS-ASCMD R6021 R6022 R6023 R6023100601 R5124
  ServiceFixture server;
  server.deliver(mail_with_attachments());
  const std::string name = names_by_sync(server, "12.1").at(0);
  for (const char* version : {"14.0", "14.1", "16.0", "16.1"}) {
    const http::HttpReply reply = server.reply(get_attachment(name, version));
    CHECK(reply.status == 400);
    CHECK(reply.body.empty());
  }
}
