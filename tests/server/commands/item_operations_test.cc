#include <doctest/doctest.h>

#include "server/sync/server_id.h"
#include "storage/base/text.h"
#include "tests/support/service_fixture.h"
#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"

namespace {

using storage::FolderRole;
using test::Call;
using test::ServiceFixture;
using test::text_at;
using wbxml::Element;
namespace tag = wbxml::item_operations;
namespace airsync = wbxml::airsync;
namespace base = wbxml::airsync_base;

constexpr const char* kVersions[] = {"12.0", "12.1", "14.0", "14.1", "16.0", "16.1"};

// A text and an attachment of the 256 byte values.
std::string mail_with_attachment() {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  return "From: carl@elsewhere.test\r\nTo: ann@example.test\r\nSubject: with attachment\r\n"
         "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
         "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nThe text.\r\n"
         "--b\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename=dot.png\r\n"
         "Content-Transfer-Encoding: base64\r\n\r\n" +
         storage::base64_encode(bytes) + "\r\n--b--\r\n";
}

Element mailbox_fetch(std::vector<Element> children) {
  Element fetch(tag::kFetch, {Element(tag::kStore, "Mailbox")});
  for (Element& child : children) fetch.children.push_back(std::move(child));
  return fetch;
}

Element item_fetch(const std::string& collection, const std::string& item,
                   std::vector<Element> options = {}) {
  std::vector<Element> children = {Element(airsync::kCollectionId, collection),
                                   Element(airsync::kServerId, item)};
  if (!options.empty()) children.push_back(Element(tag::kOptions, std::move(options)));
  return mailbox_fetch(std::move(children));
}

Element preference(const char* type) {
  return Element(base::kBodyPreference, {Element(base::kType, type)});
}

Call item_operations(std::vector<Element> operations, const char* version = "14.1") {
  Call call;
  call.command = "ItemOperations";
  call.version = version;
  call.body = Element(tag::kItemOperations, std::move(operations));
  return call;
}

const Element& first_fetch(const Element& root) {
  const Element* response = root.child(tag::kResponse);
  REQUIRE(response != nullptr);
  REQUIRE_FALSE(response->children.empty());
  return response->children.front();
}

std::string fetch_status(ServiceFixture& server, Element fetch) {
  return text_at(first_fetch(server.element(item_operations({std::move(fetch)}))), {tag::kStatus});
}

struct Stored {
  explicit Stored(ServiceFixture& server)
      : id(server.deliver(mail_with_attachment())),
        collection(eas::to_collection_id(server.folder(FolderRole::inbox))),
        item(eas::to_item_id(server.folder(FolderRole::inbox), id)) {}
  storage::ItemId id;
  std::string collection, item;
};

std::string attachment_reference(ServiceFixture& server, const Stored& stored) {
  const Element root = server.element(
      item_operations({item_fetch(stored.collection, stored.item, {preference("1")})}));
  const std::string reference =
      text_at(first_fetch(root),
              {tag::kProperties, base::kAttachments, base::kAttachment, base::kFileReference});
  REQUIRE_FALSE(reference.empty());
  return reference;
}

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i > 0; --i) {
    value = (value << 8) | static_cast<std::uint8_t>(bytes[at + i - 1]);
  }
  return value;
}

std::string part(std::string_view bytes, std::size_t index) {
  return std::string(
      bytes.substr(number_at(bytes, 4 + 8 * index), number_at(bytes, 8 + 8 * index)));
}

}  // namespace

TEST_CASE("ItemOperations: a message with the body that was asked for, in every version") {
  for (const char* version : kVersions) {
    CAPTURE(version);
    ServiceFixture server;
    const Stored stored(server);
    const Element root = server.element(
        item_operations({item_fetch(stored.collection, stored.item, {preference("1")})}, version));
    CHECK(text_at(root, {tag::kStatus}) == "1");
    const Element& fetch = first_fetch(root);
    CHECK(text_at(fetch, {tag::kStatus}) == "1");
    CHECK(text_at(fetch, {airsync::kCollectionId}) == stored.collection);
    CHECK(text_at(fetch, {airsync::kServerId}) == stored.item);
    CHECK(text_at(fetch, {airsync::kClass}) == "Email");
    CHECK(text_at(fetch, {tag::kProperties, wbxml::email::kSubject}) == "with attachment");
    CHECK(text_at(fetch, {tag::kProperties, base::kBody, base::kData}).find("The text.") == 0);
  }
}

TEST_CASE("ItemOperations: MIME whole, as it is stored") {
  ServiceFixture server;
  const Stored stored(server);
  const Element root = server.element(item_operations({item_fetch(
      stored.collection, stored.item, {Element(airsync::kMIMESupport, "2"), preference("4")})}));
  CHECK(text_at(first_fetch(root), {tag::kProperties, base::kBody, base::kData}) ==
        mail_with_attachment());
}

TEST_CASE("ItemOperations: Schema names what is wanted") {
  ServiceFixture server;
  const Stored stored(server);
  const Element root = server.element(item_operations(
      {item_fetch(stored.collection, stored.item,
                  {Element(tag::kSchema, {Element(wbxml::email::kSubject), Element(base::kBody)}),
                   preference("1")})}));
  const Element* properties = first_fetch(root).child(tag::kProperties);
  REQUIRE(properties != nullptr);
  CHECK(properties->children.size() == 2);
  CHECK(properties->has(wbxml::email::kSubject));
  CHECK(properties->has(base::kBody));
}

TEST_CASE("ItemOperations: an attachment, whole and by range, in every version") {
  for (const char* version : kVersions) {
    CAPTURE(version);
    ServiceFixture server;
    const Stored stored(server);
    const std::string reference = attachment_reference(server, stored);
    const Element root = server.element(
        item_operations({mailbox_fetch({Element(base::kFileReference, reference)})}, version));
    const Element& whole = first_fetch(root);
    CHECK(text_at(whole, {tag::kStatus}) == "1");
    CHECK(text_at(whole, {base::kFileReference}) == reference);
    CHECK(text_at(whole, {tag::kProperties, base::kContentType}) == "image/png");
    const auto bytes = storage::base64_decode(text_at(whole, {tag::kProperties, tag::kData}));
    REQUIRE(bytes);
    CHECK(bytes->size() == 256);
    CHECK(bytes->front() == '\0');
    CHECK(bytes->back() == '\xFF');
    CHECK_FALSE(whole.child(tag::kProperties)->has(tag::kRange));

    const Element ranged_root = server.element(
        item_operations({mailbox_fetch({Element(base::kFileReference, reference),
                                        Element(tag::kOptions, {Element(tag::kRange, "10-19")})})},
                        version));
    const Element& ranged = first_fetch(ranged_root);
    CHECK(text_at(ranged, {tag::kProperties, tag::kRange}) == "10-19");
    CHECK(text_at(ranged, {tag::kProperties, tag::kTotal}) == "256");
    CHECK(storage::base64_decode(text_at(ranged, {tag::kProperties, tag::kData})) ==
          bytes->substr(10, 10));
  }
}

TEST_CASE("ItemOperations: a range past the end is cut, one that begins there is status 8") {
  ServiceFixture server;
  const Stored stored(server);
  const std::string reference = attachment_reference(server, stored);
  const auto ranged = [&](const char* range) {
    return mailbox_fetch({Element(base::kFileReference, reference),
                          Element(tag::kOptions, {Element(tag::kRange, range)})});
  };
  const Element root = server.element(item_operations({ranged("250-9999")}));
  CHECK(text_at(first_fetch(root), {tag::kProperties, tag::kRange}) == "250-255");
  for (const char* bad : {"256-300", "9-5", "abc", "1", "-", "", "18446744073709551616-9"}) {
    CAPTURE(bad);
    CHECK(fetch_status(server, ranged(bad)) == "8");
  }
}

TEST_CASE("ItemOperations: multipart carries bodies and attachments as bytes (field.md 1.1)") {
  // covers: MS-ASHTTP R154
  ServiceFixture server;
  const Stored stored(server);
  const std::string reference = attachment_reference(server, stored);
  Call call = item_operations({item_fetch(stored.collection, stored.item, {preference("1")}),
                               mailbox_fetch({Element(base::kFileReference, reference)})});
  call.headers = {{"MS-ASAcceptMultiPart", "T"}};
  const http::HttpReply reply = server.reply(call);
  CHECK(reply.content_type == "application/vnd.ms-sync.multipart");
  REQUIRE(number_at(reply.body, 0) == 3);
  const auto root = wbxml::decode(part(reply.body, 0));
  REQUIRE(root.has_value());
  const auto& fetches = root->child(tag::kResponse)->children;
  REQUIRE(fetches.size() == 2);
  CHECK(text_at(fetches[0], {tag::kProperties, base::kBody, tag::kPart}) == "1");
  CHECK_FALSE(fetches[0].child(tag::kProperties)->child(base::kBody)->has(base::kData));
  CHECK(part(reply.body, 1).find("The text.") == 0);
  CHECK(text_at(fetches[1], {tag::kProperties, tag::kPart}) == "2");
  CHECK(part(reply.body, 2).size() == 256);
  CHECK(part(reply.body, 2).back() == '\xFF');
}

TEST_CASE("ItemOperations: multipart is asked for by a header of T, or by a bit of Options") {
  // covers: MS-ASHTTP R534 R94 R95 R154 R155 R440
  ServiceFixture server;
  const Stored stored(server);
  const auto type_of = [&](std::vector<http::Header> headers, char options) {
    Call call = item_operations({item_fetch(stored.collection, stored.item, {preference("1")})});
    call.headers = std::move(headers);
    call.query =
        storage::base64_encode(std::string("\x8D\x13\x09\x04\x04") + "dev1" +
                               std::string("\x00\x05", 2) + "Phone" + "\x07\x01" + options);
    const http::HttpReply reply = server.reply(call);
    CHECK(reply.status == 200);
    return reply.content_type;
  };
  const std::string inline_type = "application/vnd.ms-sync.wbxml";
  const std::string multipart_type = "application/vnd.ms-sync.multipart";
  CHECK(type_of({}, '\x00') == inline_type);
  CHECK(type_of({{"MS-ASAcceptMultiPart", "F"}}, '\x00') == inline_type);
  CHECK(type_of({{"MS-ASAcceptMultiPart", "T"}}, '\x00') == multipart_type);
  CHECK(type_of({}, '\x01') == inline_type);
  CHECK(type_of({}, '\x02') == multipart_type);
}

TEST_CASE("ItemOperations: a multipart answer without parts is the document alone") {
  ServiceFixture server;
  Call call = item_operations({item_fetch("m1", "m1:999")});
  call.headers = {{"MS-ASAcceptMultiPart", "T"}};
  const http::HttpReply reply = server.reply(call);
  REQUIRE(number_at(reply.body, 0) == 1);
  const auto root = wbxml::decode(part(reply.body, 0));
  REQUIRE(root.has_value());
  CHECK(text_at(first_fetch(*root), {tag::kStatus}) == "6");
}

TEST_CASE("ItemOperations: each Fetch fails alone, with its ids in the answer") {
  // covers: MS-ASCMD R4166
  ServiceFixture server;
  const Stored stored(server);
  const Element root = server.element(item_operations(
      {item_fetch(stored.collection, stored.collection + ":999"), item_fetch("m999", stored.item),
       item_fetch(stored.collection, "garbage"),
       mailbox_fetch({Element(base::kFileReference, stored.item + ":99")}),
       mailbox_fetch({Element(base::kFileReference, stored.collection + ":999:2")}),
       mailbox_fetch({Element(base::kFileReference, "../../etc/passwd")}),
       mailbox_fetch({Element(wbxml::search::kLongId, "x")}), mailbox_fetch({}),
       Element(tag::kFetch, {Element(airsync::kServerId, stored.item)}),
       Element(tag::kFetch, {Element(tag::kStore, "Document Library")}),
       mailbox_fetch({Element(base::kFileReference, "a"), Element(base::kFileReference, "b")}),
       item_fetch(stored.collection, stored.item, {preference("9")}),
       item_fetch(stored.collection, stored.item)}));
  const char* expected[] = {"6", "6", "6", "15", "15", "15", "6", "2", "2", "9", "2", "2", "1"};
  const auto& fetches = root.child(tag::kResponse)->children;
  REQUIRE(fetches.size() == 13);
  for (std::size_t i = 0; i < 13; ++i) {
    CAPTURE(i);
    CHECK(text_at(fetches[i], {tag::kStatus}) == expected[i]);
    CHECK(fetches[i].has(tag::kProperties) == (i == 12));
  }
  CHECK(text_at(fetches[0], {airsync::kServerId}) == stored.collection + ":999");
  CHECK(text_at(fetches[3], {base::kFileReference}) == stored.item + ":99");
}

TEST_CASE("ItemOperations: carried out in the order of the request, answered by kind") {
  // covers: MS-ASCMD R193 R194 R2488 R2952 R1821 R3206
  ServiceFixture server;
  const Stored stored(server);
  const Element fetch = item_fetch(stored.collection, stored.item);
  const Element root = server.element(item_operations(
      {fetch,
       Element(tag::kEmptyFolderContents, {Element(airsync::kCollectionId, stored.collection)}),
       fetch}));
  const auto& answers = root.child(tag::kResponse)->children;
  REQUIRE(answers.size() == 3);
  CHECK(answers[0].tag == tag::kEmptyFolderContents);
  CHECK(text_at(answers[0], {tag::kStatus}) == "1");
  CHECK(text_at(answers[1], {tag::kStatus}) == "1");  // before it was emptied
  CHECK(text_at(answers[2], {tag::kStatus}) == "6");
  CHECK(server.count(FolderRole::inbox) == 0);
}

TEST_CASE("ItemOperations: a Move is refused and not done, the others go on") {
  ServiceFixture server;
  const Stored stored(server);
  const Element root = server.element(
      item_operations({item_fetch(stored.collection, stored.item),
                       Element(tag::kMove, {Element(tag::kConversationId, "abc")})}));
  const auto& answers = root.child(tag::kResponse)->children;
  REQUIRE(answers.size() == 2);
  CHECK(answers[0].tag == tag::kMove);
  CHECK(text_at(answers[0], {tag::kStatus}) == "2");
  CHECK(text_at(answers[1], {tag::kStatus}) == "1");
  CHECK(server.count(FolderRole::inbox) == 1);
}

TEST_CASE("ItemOperations: too many operations are status 11, malformed requests status 2") {
  // covers: MS-ASCMD R7244
  ServiceFixture server;
  const Element fetch = item_fetch("m1", "m1:1");
  CHECK(text_at(server.element(item_operations(std::vector<Element>(101, fetch))),
                {tag::kStatus}) == "11");
  CHECK(text_at(server.element(item_operations({})), {tag::kStatus}) == "2");
  CHECK(text_at(server.element(item_operations({Element(tag::kOptions)})), {tag::kStatus}) == "2");
  CHECK(text_at(server.element(item_operations({Element(tag::kMove)}, "12.1")), {tag::kStatus}) ==
        "2");
  CHECK(server.reply(item_operations({fetch}, "2.5")).status == 400);
}

TEST_CASE("ItemOperations: answers do not grow without bound") {
  // covers: MS-ASCMD R4163
  eas::Limits limits;
  limits.max_mail = 100;
  ServiceFixture server(limits);
  const Stored stored(server);
  const Element root = server.element(item_operations(
      {item_fetch(stored.collection, stored.item), item_fetch(stored.collection, stored.item)}));
  const auto& fetches = root.child(tag::kResponse)->children;
  CHECK(text_at(fetches[0], {tag::kStatus}) == "1");
  CHECK(text_at(fetches[1], {tag::kStatus}) == "11");
}
