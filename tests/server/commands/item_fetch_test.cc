// Fetch beyond the plain message: LongId, Schema, options, stores, and each status.
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
namespace search = wbxml::search;

constexpr const char* kVersions[] = {"12.0", "12.1", "14.0", "14.1", "16.0", "16.1"};

std::string mail_with(const std::string& attachment) {
  return "From: carl@elsewhere.test\r\nTo: ann@example.test\r\nSubject: the subject\r\n"
         "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
         "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nThe text.\r\n"
         "--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; "
         "filename=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
         storage::base64_encode(attachment) + "\r\n--b--\r\n";
}

Element fetch(std::vector<Element> children, const char* store = "Mailbox") {
  children.insert(children.begin(), Element(tag::kStore, store));
  return Element(tag::kFetch, std::move(children));
}

Element options(std::vector<Element> children) {
  return Element(tag::kOptions, std::move(children));
}

Element preference(const char* type) {
  return Element(base::kBodyPreference, {Element(base::kType, type)});
}

Element answer(ServiceFixture& server, Element operation, const std::string& version = "14.1") {
  Call call;
  call.command = "ItemOperations";
  call.version = version;
  call.body = Element(tag::kItemOperations, {std::move(operation)});
  const Element root = server.element(call);
  CHECK(text_at(root, {tag::kStatus}) == "1");
  const Element* response = root.child(tag::kResponse);
  REQUIRE(response != nullptr);
  REQUIRE(response->children.size() == 1);
  return response->children.front();
}

std::string status(ServiceFixture& server, Element operation) {
  return text_at(answer(server, std::move(operation)), {tag::kStatus});
}

struct Stored {
  explicit Stored(ServiceFixture& server, const std::string& attachment = "PDF")
      : collection(server.folder(FolderRole::inbox)),
        item(eas::to_item_id(collection, server.deliver(mail_with(attachment)))) {}
  storage::CollectionId collection;
  std::string item;
  Element by_id(std::vector<Element> option_list = {}) const {
    std::vector<Element> children = {
        Element(airsync::kCollectionId, eas::to_collection_id(collection)),
        Element(airsync::kServerId, item)};
    if (!option_list.empty()) children.push_back(options(std::move(option_list)));
    return fetch(std::move(children));
  }
  Element attachment(std::vector<Element> option_list = {}) const {
    std::vector<Element> children = {Element(base::kFileReference, item + ":2")};
    if (!option_list.empty()) children.push_back(options(std::move(option_list)));
    return fetch(std::move(children));
  }
};

std::vector<wbxml::Tag> tags_of(const Element& fetched) {
  std::vector<wbxml::Tag> tags;
  const Element* properties = fetched.child(tag::kProperties);
  REQUIRE(properties != nullptr);
  for (const Element& child : properties->children) tags.push_back(child.tag);
  return tags;
}

}  // namespace

TEST_CASE("Fetch: a LongId alone names the message (quirks.md: iOS)") {
  // covers: MS-ASCMD R1652 R1651 R1653 R1654 R6275
  for (const char* version : kVersions) {
    CAPTURE(version);
    ServiceFixture server;
    const Stored stored(server);
    const Element fetched =
        answer(server, fetch({Element(search::kLongId, stored.item), options({preference("1")})}),
               version);
    CHECK(text_at(fetched, {tag::kStatus}) == "1");
    CHECK(text_at(fetched, {search::kLongId}) == stored.item);
    CHECK(text_at(fetched, {airsync::kClass}) == "Email");
    CHECK(text_at(fetched, {tag::kProperties, wbxml::email::kSubject}) == "the subject");
    CHECK(text_at(fetched, {tag::kProperties, base::kBody, base::kData}).find("The text.") == 0);
  }
}

TEST_CASE("Fetch: a LongId that names nothing is status 6, and comes back") {
  // covers: MS-ASCMD R4158 R7239
  ServiceFixture server;
  const Stored stored(server);
  for (const std::string& id : {std::string("x"), stored.item + "9", std::string("m999:1"),
                                std::string("c1:1"), std::string(256, 'm')}) {
    const Element fetched = answer(server, fetch({Element(search::kLongId, id)}));
    CHECK(text_at(fetched, {tag::kStatus}) == "6");
    CHECK(text_at(fetched, {search::kLongId}) == id);
    CHECK_FALSE(fetched.has(tag::kProperties));
  }
}

TEST_CASE("Fetch: what is named twice or not at all is status 2") {
  // covers: MS-ASCMD R765 R4154
  ServiceFixture server;
  const Stored stored(server);
  const Element server_id(airsync::kServerId, stored.item), long_id(search::kLongId, stored.item),
      reference(base::kFileReference, stored.item + ":2"),
      link(wbxml::document_library::kLinkId, "file://server/share");
  CHECK(status(server, fetch({})) == "2");
  CHECK(status(server, fetch({server_id, long_id})) == "2");
  CHECK(status(server, fetch({server_id, reference})) == "2");
  CHECK(status(server, fetch({long_id, reference})) == "2");
  CHECK(status(server, fetch({reference, reference})) == "2");
  CHECK(status(server, fetch({link})) == "2");
  CHECK(status(server, fetch({server_id, link})) == "2");
  CHECK(status(server, Element(tag::kFetch, {server_id})) == "2");
  CHECK(status(server, fetch({server_id})) == "1");
}

TEST_CASE("Fetch: a document library does not exist, status 9 with the link") {
  // covers: MS-ASCMD R4161 R1551 R1552 R1554
  ServiceFixture server;
  const Element link(wbxml::document_library::kLinkId, "\\\\server\\share\\a.doc");
  for (const char* store : {"Document Library", "DocumentLibrary", "GAL", "", "mail box"}) {
    CAPTURE(store);
    const Element fetched = answer(
        server, fetch({link, options({Element(tag::kRange, "0-10"), Element(tag::kUserName, "a"),
                                      Element(tag::kPassword, "b")})},
                      store));
    CHECK(text_at(fetched, {tag::kStatus}) == "9");
    CHECK(text_at(fetched, {wbxml::document_library::kLinkId}) == link.text);
    CHECK_FALSE(fetched.has(tag::kProperties));
  }
}

TEST_CASE("Fetch: Schema leaves only the properties that it names, without it all come") {
  // covers: MS-ASCMD R3879
  for (const char* version : kVersions) {
    CAPTURE(version);
    ServiceFixture server;
    const Stored stored(server);
    const auto all = tags_of(answer(server, stored.by_id({preference("1")}), version));
    CHECK(all.size() > 6);
    CHECK(tags_of(answer(server, stored.by_id({Element(tag::kSchema), preference("1")}),
                         version)) == all);
    const Element schema(tag::kSchema, {Element(base::kBody), Element(wbxml::email::kFrom),
                                        Element(wbxml::calendar::kSubject)});
    const auto some = tags_of(answer(server, stored.by_id({schema, preference("1")}), version));
    CHECK(some == std::vector<wbxml::Tag>{wbxml::email::kFrom, base::kBody});
    const Element no_such(tag::kSchema, {Element(wbxml::tasks::kSubject)});
    CHECK(tags_of(answer(server, stored.by_id({no_such}), version)).empty());
    // The same by LongId.
    const Element by_long_id = answer(
        server, fetch({Element(search::kLongId, stored.item), options({schema, preference("1")})}),
        version);
    CHECK(tags_of(by_long_id) == some);
  }
}

TEST_CASE("Fetch: an option that is not for the operation is status 2") {
  // covers: MS-ASCMD R3547 R767 R3573 R3653 R5886
  ServiceFixture server;
  const Stored stored(server);
  CHECK(status(server, stored.attachment({Element(tag::kRange, "0-1")})) == "1");
  CHECK(status(server, stored.attachment({Element(tag::kSchema, {Element(base::kBody)})})) == "2");
  CHECK(status(server, stored.attachment({Element(tag::kRange, "0-1"), preference("1")})) == "2");
  CHECK(status(server, stored.by_id({Element(tag::kDeleteSubFolders)})) == "2");
  CHECK(status(server, stored.by_id({Element(tag::kMoveAlways)})) == "2");
  CHECK(status(server, stored.by_id({Element(airsync::kFilterType, "1")})) == "2");
  CHECK(status(server, stored.by_id({Element(airsync::kMIMESupport, "7")})) == "2");
  CHECK(status(server, stored.by_id({Element(tag::kUserName, "ann"),
                                     Element(tag::kPassword, std::string(256, 'p'))})) == "1");
  CHECK(status(server, stored.by_id({Element(tag::kPassword, std::string(257, 'p'))})) == "2");
}

TEST_CASE("Fetch: a range of an empty file is status 10; whole it is empty") {
  // covers: MS-ASCMD R4162
  ServiceFixture server;
  const Stored stored(server, "");
  CHECK(status(server, stored.attachment({Element(tag::kRange, "0-9")})) == "10");
  const Element whole = answer(server, stored.attachment());
  CHECK(text_at(whole, {tag::kStatus}) == "1");
  CHECK(text_at(whole, {tag::kProperties, tag::kData}).empty());
}

TEST_CASE("Fetch: Range comes back only when it was asked for (quirks.md: iOS 10)") {
  // covers: MS-ASCMD R3711 R5422 R5423 R3716 R4160 R2130 R234 R5503 R3633
  ServiceFixture server;
  const Stored stored(server, "0123456789");
  const Element whole = answer(server, stored.attachment());
  CHECK_FALSE(whole.child(tag::kProperties)->has(tag::kRange));
  CHECK_FALSE(whole.child(tag::kProperties)->has(tag::kTotal));
  CHECK_FALSE(whole.child(tag::kProperties)->has(tag::kPart));
  CHECK(storage::base64_decode(text_at(whole, {tag::kProperties, tag::kData})) == "0123456789");
  const Element first = answer(server, stored.attachment({Element(tag::kRange, "0-0")}));
  CHECK(storage::base64_decode(text_at(first, {tag::kProperties, tag::kData})) == "0");
  CHECK(text_at(first, {tag::kProperties, tag::kRange}) == "0-0");
  CHECK(text_at(first, {tag::kProperties, tag::kTotal}) == "10");
  CHECK(status(server, stored.attachment({Element(tag::kRange, "10-12")})) == "8");
  CHECK(status(server, stored.attachment({Element(tag::kRange, "3-1")})) == "8");
}

TEST_CASE("Fetch: many in one request, each with its own status and parts, in order") {
  // covers: MS-ASCMD R193 R2952 R236 R5505 R5506 R5509 R5510 R5511 R5512 R5513 R5517 R5518 R6937
  // covers: MS-ASCMD R6938 R2344 R2346
  ServiceFixture server;
  const Stored stored(server, "0123456789");
  Call call;
  call.command = "ItemOperations";
  call.headers = {{"MS-ASAcceptMultiPart", "T"}};
  call.body = Element(
      tag::kItemOperations,
      {stored.attachment({Element(tag::kRange, "0-4")}), fetch({Element(search::kLongId, "x")}),
       fetch({Element(search::kLongId, stored.item),
              options({Element(tag::kSchema, {Element(base::kBody)}), preference("1")})}),
       stored.attachment({Element(tag::kRange, "5-9")})});
  const http::HttpReply reply = server.reply(call);
  CHECK(reply.content_type == "application/vnd.ms-sync.multipart");
  const auto number = [&](std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 4; i > 0; --i) {
      value = (value << 8) | static_cast<std::uint8_t>(reply.body.at(at + i - 1));
    }
    return value;
  };
  const auto part = [&](std::size_t index) {
    return reply.body.substr(number(4 + 8 * index), number(8 + 8 * index));
  };
  REQUIRE(number(0) == 4);
  CHECK(part(1) == "01234");
  CHECK(part(2).find("The text.") == 0);
  CHECK(part(3) == "56789");
  CHECK(number(4 + 8 * 3) + number(8 + 8 * 3) == reply.body.size());
  const auto root = wbxml::decode(part(0));
  REQUIRE(root.has_value());
  const auto& fetches = root->child(tag::kResponse)->children;
  REQUIRE(fetches.size() == 4);
  CHECK(text_at(fetches[0], {tag::kProperties, tag::kPart}) == "1");
  CHECK(text_at(fetches[1], {tag::kStatus}) == "6");
  CHECK(text_at(fetches[2], {tag::kProperties, base::kBody, tag::kPart}) == "2");
  CHECK(text_at(fetches[3], {tag::kProperties, tag::kPart}) == "3");
}
