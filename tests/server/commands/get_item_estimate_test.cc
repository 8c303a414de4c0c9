#include <doctest/doctest.h>

#include "server/sync/server_id.h"
#include "tests/support/service_fixture.h"
#include "wbxml/code_pages.h"

namespace {

using test::Call;
using test::ServiceFixture;
using test::text_at;
using wbxml::Element;
namespace tag = wbxml::get_item_estimate;
namespace airsync = wbxml::airsync;

Element collection(const std::string& id, const std::string& key, const char* filter = nullptr,
                   bool in_options = true) {
  Element element(tag::kCollection,
                  {Element(airsync::kSyncKey, key), Element(tag::kCollectionId, id)});
  if (filter == nullptr) return element;
  Element text(airsync::kFilterType, filter);
  element.children.push_back(in_options ? Element(airsync::kOptions, {text}) : text);
  return element;
}

Call estimate(std::vector<Element> collections, const char* version = "14.1") {
  Call call;
  call.command = "GetItemEstimate";
  call.version = version;
  call.body = Element(tag::kGetItemEstimate, {Element(tag::kCollections, std::move(collections))});
  return call;
}

std::string status_at(const Element& root, std::size_t at = 0) {
  return text_at(root.children.at(at), {tag::kStatus});
}

std::string count_at(const Element& root, std::size_t at = 0) {
  return text_at(root.children.at(at), {tag::kCollection, tag::kEstimate});
}

std::string first_key(ServiceFixture& server, const std::string& folder) {
  Call call;
  call.command = "Sync";
  call.body = Element(
      airsync::kSync,
      {Element(airsync::kCollections,
               {Element(airsync::kCollection, {Element(airsync::kSyncKey, "0"),
                                               Element(airsync::kCollectionId, folder)})})});
  return text_at(server.element(call),
                 {airsync::kCollections, airsync::kCollection, airsync::kSyncKey});
}

}  // namespace

TEST_CASE("GetItemEstimate: counts what a Sync would bring, in every version") {
  // covers: MS-ASHTTP R500
  // covers: MS-ASCMD R3859 R4134 R5056 R4127 R4591
  for (const char* version : {"2.5", "12.0", "12.1", "14.0", "14.1", "16.0", "16.1"}) {
    CAPTURE(version);
    ServiceFixture server;
    for (int i = 0; i < 3; ++i) server.deliver(test::simple_mail("m" + std::to_string(i)));
    const std::string inbox = server.folder_id(2);
    const bool in_options = std::string_view(version) >= "14.0";
    const std::string start = first_key(server, inbox);
    const Element all =
        server.element(estimate({collection(inbox, start, "0", in_options)}, version));
    CHECK(status_at(all) == "1");
    CHECK(count_at(all) == "3");
    CHECK(text_at(all.children[0], {tag::kCollection, tag::kCollectionId}) == inbox);
    const std::string key = server.prime(inbox);
    CHECK(count_at(server.element(estimate({collection(inbox, key)}, version))) == "0");
    server.deliver(test::simple_mail("more"));
    CHECK(count_at(server.element(estimate({collection(inbox, key)}, version))) == "1");
  }
}

TEST_CASE("GetItemEstimate: a filter leaves out what is older") {
  // covers: MS-ASCMD R6884
  ServiceFixture server;
  server.deliver(test::simple_mail("old"));
  server.clock.advance(10LL * 24 * 3600 * 1000);
  server.deliver(test::simple_mail("new"));
  const std::string inbox = server.folder_id(2);
  const std::string key = first_key(server, inbox);
  CHECK(count_at(server.element(estimate({collection(inbox, key, "3")}))) == "1");
  CHECK(count_at(server.element(estimate({collection(inbox, key, "5")}))) == "2");
}

TEST_CASE("GetItemEstimate: each collection has its own status") {
  // covers: MS-ASCMD R4130 R4135 R4136 R4139 R4140 R4142 R4593 R4594
  ServiceFixture server;
  const std::string inbox = server.folder_id(2);
  const std::string sent = server.folder_id(5);
  const std::string key = first_key(server, inbox);
  const Element answer = server.element(
      estimate({collection("m999", key), collection("garbage", key), collection(inbox, "0"),
                collection(sent, key), collection(inbox, "wrong"), collection(inbox, key + "0"),
                collection(inbox, key)}));
  const char* expected[] = {"2", "2", "3", "3", "4", "4", "1"};
  REQUIRE(answer.children.size() == 7);
  for (std::size_t i = 0; i < 7; ++i) {
    CAPTURE(i);
    CHECK(status_at(answer, i) == expected[i]);
    CHECK(count_at(answer, i).empty() == (std::string_view(expected[i]) != "1"));
  }
}

TEST_CASE("GetItemEstimate: a state that cannot be read is status 4") {
  // covers: MS-ASCMD R4144
  ServiceFixture server;
  const std::string inbox = server.folder_id(2);
  const std::string key = first_key(server, inbox);
  const std::int64_t device = server.device()->id;
  const auto folder = server.folder(storage::FolderRole::inbox);
  const auto stored = server.services.state->state(device, folder);
  REQUIRE(stored);
  storage::StoredState broken = *stored;
  broken.current = "\xFF nonsense";
  REQUIRE(server.services.state->commit_state(device, folder, *stored, broken));
  CHECK(status_at(server.element(estimate({collection(inbox, key)}))) == "4");
}

TEST_CASE("GetItemEstimate: filters of other classes and nonsense refuse the request") {
  // covers: MS-ASCMD R4129
  ServiceFixture server;
  const std::string inbox = server.folder_id(2);
  const std::string key = first_key(server, inbox);
  CHECK(text_at(server.element(estimate({collection(inbox, key, "6")})), {tag::kStatus}) == "110");
  CHECK(text_at(server.element(estimate({collection(inbox, key, "9")})), {tag::kStatus}) == "103");
  CHECK(text_at(server.element(estimate({collection(inbox, key, "x")})), {tag::kStatus}) == "103");
  CHECK(server.reply(estimate({collection(inbox, key, "9", false)}, "12.1")).status == 400);
}

TEST_CASE("GetItemEstimate: ConversationMode is for mail only") {
  // covers: MS-ASCMD R2100
  ServiceFixture server;
  for (const int type : {2, 9}) {
    CAPTURE(type);
    const std::string folder = server.folder_id(type);
    Element one = collection(folder, first_key(server, folder));
    one.children.emplace_back(airsync::kConversationMode, "1");
    const Element answer = server.element(estimate({one}));
    if (type == 2) {
      CHECK(status_at(answer) == "1");
    } else {
      CHECK(text_at(answer, {tag::kStatus}) == "103");
    }
  }
}

TEST_CASE("GetItemEstimate: MaxItems is for the recipient information cache only") {
  // covers: MS-ASCMD R3265 R3269
  ServiceFixture server;
  for (const int type : {2, 19}) {
    CAPTURE(type);
    const std::string folder = server.folder_id(type);
    Element one = collection(folder, first_key(server, folder));
    one.children.push_back(Element(airsync::kOptions, {Element(airsync::kMaxItems, "20")}));
    CHECK(status_at(server.element(estimate({one}))) == (type == 19 ? "1" : "2"));
  }
}

TEST_CASE("GetItemEstimate: malformed requests and too many collections") {
  // covers: MS-ASCMD R5647
  ServiceFixture server;
  const std::string inbox = server.folder_id(2);
  for (Call call : {estimate({}), estimate({Element(tag::kCollection)}),
                    estimate(std::vector<Element>(1001, collection(inbox, "1")))}) {
    CHECK(text_at(server.element(call), {tag::kStatus}) == "103");
    call.version = "12.1";
    CHECK(server.reply(call).status == 400);
  }
}
