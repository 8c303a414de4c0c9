// GetItemEstimate, MoveItems, ItemOperations and SendMail on the wire, in every version.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/phone.h"
#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"
#include "wbxml/encoder.h"

using eas::Version;
using eas::client::MailFolder;
using eas::client::SyncOptions;
using test::find_all;
using test::find_text;
using test::Phone;
using wbxml::Element;
namespace as = wbxml::airsync;
namespace base = wbxml::airsync_base;
namespace cm = wbxml::compose_mail;
namespace em = wbxml::email;
namespace ge = wbxml::get_item_estimate;
namespace io = wbxml::item_operations;
namespace mv = wbxml::move;

namespace {

constexpr int kMessages = test::kSharedMessages;

Element estimate(Version version, const std::string& key, const std::string& collection) {
  Element entry(ge::kCollection);
  if (version <= Version::v12_1) entry.children.emplace_back(ge::kClass, "Email");
  if (version <= Version::v12_0) {
    entry.children.emplace_back(ge::kCollectionId, collection);
    entry.children.emplace_back(as::kFilterType, "0");
    entry.children.emplace_back(as::kSyncKey, key);
  } else {
    entry.children.emplace_back(as::kSyncKey, key);
    entry.children.emplace_back(ge::kCollectionId, collection);
    entry.children.push_back(Element(as::kOptions, {Element(as::kFilterType, "0")}));
  }
  return Element(ge::kGetItemEstimate, {Element(ge::kCollections, {std::move(entry)})});
}

Element move_request(const std::string& item, const std::string& from, const std::string& to) {
  return Element(mv::kMoveItems,
                 {Element(mv::kMove, {Element(mv::kSrcMsgId, item), Element(mv::kSrcFldId, from),
                                      Element(mv::kDstFldId, to)})});
}

std::string outgoing(const std::string& from, const std::string& to, const std::string& subject) {
  return "From: " + from + "\r\nTo: " + to + "\r\nSubject: " + subject +
         "\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nSent by a "
         "phone.\r\n";
}

// The first item that has an attachment, and its file reference.
std::string attachment_reference(const MailFolder& folder) {
  for (const auto& [id, item] : folder.items()) {
    for (const auto& attachment : item.attachments) {
      if (!attachment.file_reference.empty()) return attachment.file_reference;
    }
  }
  return {};
}

std::uint32_t little_endian(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  }
  return value;
}

}  // namespace

TEST_CASE("getitemestimate: counts what the next Sync brings; a bad key is 4, a bad folder 2") {
  for (const Version version : test::kAllVersions) {
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    MailFolder inbox(phone.inbox());
    phone.sync(inbox);
    CHECK(find_text(phone.call(estimate(version, inbox.sync_key(), phone.inbox())),
                    ge::kEstimate) == std::to_string(kMessages));
    phone.sync_all(inbox);
    CHECK(find_text(phone.call(estimate(version, inbox.sync_key(), phone.inbox())),
                    ge::kEstimate) == "0");
    CHECK(find_text(phone.call(estimate(version, "31415", phone.inbox())), ge::kStatus) == "4");
    CHECK(find_text(phone.call(estimate(version, inbox.sync_key(), "99999")), ge::kStatus) == "2");
  }
}

TEST_CASE("moveitems: the message gets a new id there, and doing it again gives the same one") {
  for (const Version version : test::kAllVersions) {
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    MailFolder inbox(phone.inbox());
    phone.sync_all(inbox);
    const std::string trash_id = phone.folder_id(4);
    MailFolder trash(trash_id);
    phone.sync_all(trash);
    const std::string id = inbox.items().begin()->first;
    const std::string subject = inbox.items().begin()->second.subject;
    const Element moved = phone.call(move_request(id, phone.inbox(), trash_id));
    CHECK(find_text(moved, mv::kStatus) == "3");
    const std::string new_id = find_text(moved, mv::kDstMsgId);
    CHECK_FALSE(new_id.empty());
    const Element again = phone.call(move_request(id, phone.inbox(), trash_id));
    CHECK(find_text(again, mv::kStatus) == "3");
    CHECK(find_text(again, mv::kDstMsgId) == new_id);
    phone.sync_all(trash);
    REQUIRE(trash.items().contains(new_id));
    CHECK(trash.items().size() == 1);
    CHECK(trash.items().at(new_id).subject == subject);
    phone.sync_all(inbox);
    CHECK_FALSE(inbox.items().contains(id));
    CHECK(inbox.items().size() == kMessages - 1);
    CHECK(find_text(phone.call(move_request("1:999999", phone.inbox(), trash_id)), mv::kStatus) ==
          "1");
    CHECK(find_text(phone.call(move_request(new_id, trash_id, "99999")), mv::kStatus) == "2");
    CHECK(find_text(phone.call(move_request(new_id, trash_id, trash_id)), mv::kStatus) == "4");
  }
}

TEST_CASE("itemoperations: fetches an item in each body type and the stored bytes as type 4") {
  for (const Version version : test::kAllVersions) {
    if (version < Version::v12_0) continue;
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    const std::string text = test::mail_text(phone.user(), "To fetch", "Line one\nLine two\n");
    test::shared_server().deliver(phone.user(), text);
    MailFolder inbox(phone.inbox());
    phone.sync_all(inbox);
    const auto* item = inbox.find_subject("To fetch");
    REQUIRE(item != nullptr);
    for (const int type : {1, 2, 4}) {
      CAPTURE(type);
      Element options(io::kOptions);
      if (type == 4) options.children.emplace_back(as::kMIMESupport, "2");
      options.children.push_back(
          Element(base::kBodyPreference, {Element(base::kType, std::to_string(type))}));
      const Element answer = phone.call(Element(
          io::kItemOperations,
          {Element(io::kFetch,
                   {Element(io::kStore, "Mailbox"), Element(as::kCollectionId, phone.inbox()),
                    Element(as::kServerId, item->server_id), std::move(options)})}));
      CHECK(answer.text_of(io::kStatus) == "1");
      const std::string data = find_text(answer, base::kData);
      CHECK(data.find("Line two") != std::string::npos);
      if (type == 4) CHECK(data == text);
    }
  }
}

TEST_CASE("itemoperations: attachments, whole and in ranges, inline and multipart") {
  for (const Version version : test::kAllVersions) {
    if (version < Version::v12_0) continue;
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    MailFolder inbox(phone.inbox());
    phone.sync_all(inbox);
    const std::string reference = attachment_reference(inbox);
    REQUIRE_FALSE(reference.empty());
    const auto whole = phone.client().fetch_attachment(reference);
    REQUIRE_MESSAGE(whole.has_value(), whole.error().message);
    CHECK(whole->bytes.size() > 100);

    Element request(io::kItemOperations,
                    {Element(io::kFetch, {Element(io::kStore, "Mailbox"),
                                          Element(base::kFileReference, reference)})});
    phone.call(request);  // for its schema
    eas::client::PostRequest multipart;
    multipart.command = "ItemOperations";
    multipart.body = wbxml::encode(request);
    multipart.headers = {{"MS-ASAcceptMultiPart", "T"}};
    const auto parts = phone.post(multipart);
    REQUIRE(parts.status == 200);
    CHECK(parts.header("Content-Type") == "application/vnd.ms-sync.multipart");
    REQUIRE(parts.body.size() > 20);
    REQUIRE(little_endian(parts.body, 0) == 2);
    CHECK(parts.body.substr(little_endian(parts.body, 12), little_endian(parts.body, 16)) ==
          whole->bytes);
    const auto head = wbxml::decode(
        parts.body.substr(little_endian(parts.body, 4), little_endian(parts.body, 8)));
    REQUIRE(head.has_value());
    CHECK(find_text(*head, io::kPart) == "1");

    request.children[0].children.push_back(Element(io::kOptions, {Element(io::kRange, "10-49")}));
    multipart.body = wbxml::encode(request);
    const auto range = phone.post(multipart);
    REQUIRE(range.status == 200);
    CHECK(range.body.substr(little_endian(range.body, 12), little_endian(range.body, 16)) ==
          whole->bytes.substr(10, 40));
  }
}

TEST_CASE("itemoperations: an item that is not there is its own status, the command succeeds") {
  Phone phone(Version::v14_1);
  phone.connect();
  const Element answer = phone.call(
      Element(io::kItemOperations,
              {Element(io::kFetch,
                       {Element(io::kStore, "Mailbox"), Element(as::kCollectionId, phone.inbox()),
                        Element(as::kServerId, phone.inbox() + ":999999")})}));
  CHECK(answer.text_of(io::kStatus) == "1");
  CHECK(find_all(answer, io::kFetch)[0]->text_of(io::kStatus) == "6");
}

TEST_CASE(
    "sendmail: reaches a local user once, is kept in Sent, and the same ClientId sends nothing") {
  // covers: MS-ASHTTP R484
  for (const Version version : test::kAllVersions) {
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    const std::string receiver = test::fresh_user();
    const std::string mime = outgoing(phone.user(), receiver, "Sent on the wire");
    for (int attempt = 0; attempt < 2; ++attempt) {
      const auto sent = phone.client().send_mail(mime, "client-id-1", true);
      if (attempt == 0) REQUIRE_MESSAGE(sent.has_value(), sent.error().message);
    }
    CHECK(test::shared_server().count_messages(receiver) == kMessages + 1);
    Phone other(test::shared_server(), receiver, version);
    other.connect();
    MailFolder inbox(other.inbox());
    other.sync_all(inbox);
    const auto* item = inbox.find_subject("Sent on the wire");
    REQUIRE(item != nullptr);
    CHECK(item->from.find(phone.user()) != std::string::npos);
    MailFolder sent_folder(phone.folder_id(5));
    phone.sync_all(sent_folder);
    CHECK(sent_folder.items().size() == 1);
  }
}

TEST_CASE("sendmail: mail to elsewhere is refused clearly when there is no relay") {
  for (const Version version : {Version::v12_1, Version::v14_1, Version::v16_1}) {
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    const std::string mime = outgoing(phone.user(), "someone@elsewhere.example", "Nowhere");
    eas::client::PostRequest request;
    request.command = "SendMail";
    if (version < Version::v14_0) {
      request.content_type = "message/rfc822";
      request.body = mime;
    } else {
      Element body(cm::kSendMail,
                   {Element(cm::kClientId, "elsewhere-1"), Element(cm::kMime, mime)});
      body.children[1].opaque = true;
      request.body = wbxml::encode(body);
    }
    const auto answer = phone.post(request);
    if (version < Version::v14_0) {
      CHECK(answer.status != 200);
      CHECK(answer.status != 503);  // not "try again": that would be for ever
    } else {
      REQUIRE(answer.tree.has_value());
      CHECK_FALSE(find_text(*answer.tree, cm::kStatus).empty());
    }
    CHECK(phone.client().options().has_value());
  }
}

TEST_CASE("sendmail: a message of some megabytes arrives as it was") {
  Phone phone(Version::v14_1);
  phone.connect();
  const std::string receiver = test::fresh_user();
  std::string mime = outgoing(phone.user(), receiver, "Large");
  const std::string line(76, 'x');
  while (mime.size() < 6'000'000) mime += line + "\r\n";
  const auto sent = phone.client().send_mail(mime, "large-1", false);
  REQUIRE_MESSAGE(sent.has_value(), sent.error().message);
  bool found = false;
  for (const char* part : {"/new", "/cur"}) {
    for (const auto& entry :
         std::filesystem::directory_iterator(test::shared_server().maildir(receiver) + part)) {
      found = found || entry.file_size() > 5'900'000;
    }
  }
  CHECK(found);
}
