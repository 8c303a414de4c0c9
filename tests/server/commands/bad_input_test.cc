// What phones and others send that is not right: each is answered as the documents say, stores
// nothing, and the next request is served.
#include <doctest/doctest.h>

#include <chrono>

#include "storage/base/text.h"
#include "tests/support/service_fixture.h"
#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"

namespace {

using test::Call;
using test::ServiceFixture;
using wbxml::Element;
namespace hierarchy = wbxml::folder_hierarchy;
namespace airsync = wbxml::airsync;

Call folder_sync(const char* version = "14.1", const std::string& key = "0") {
  Call call;
  call.command = "FolderSync";
  call.version = version;
  call.body = Element(hierarchy::kFolderSync, {Element(hierarchy::kSyncKey, key)});
  return call;
}

// The status in the answer's root, "http N" when there is no body.
std::string outcome(const http::HttpReply& reply) {
  if (reply.body.empty()) return "http " + std::to_string(reply.status);
  const auto root = wbxml::decode(reply.body);
  REQUIRE(root.has_value());
  for (const Element& child : root->children) {
    const auto* info = wbxml::find_tag(child.tag);
    if (info != nullptr && info->name == "Status") return child.text;
  }
  return "no status";
}

std::string outcome(ServiceFixture& server, const Call& call) {
  return outcome(server.reply(call));
}

std::string deep(std::size_t depth, bool closed) {
  std::string bytes("\x03\x01\x6A\x00", 4);
  bytes.append(depth, '\x45');  // Sync with content
  if (closed) bytes.append(depth, '\x01');
  return bytes;
}

}  // namespace

TEST_CASE("bad input: bytes that are no WBXML, cut off or hostile; the server goes on") {
  ServiceFixture server;
  const std::string good = wbxml::encode(folder_sync().body);
  struct Case {
    const char* name;
    std::string bytes;
    const char* now;  // from 14.0 on
    const char* old;
  };
  const std::vector<Case> cases = {
      {"random", "\x8f\x01\xaa\x00\x17\x99 random", "102", "http 400"},
      {"xml", "<?xml version=\"1.0\"?><FolderSync/>", "102", "http 400"},
      {"cut off", good.substr(0, good.size() - 2), "102", "http 400"},
      {"opaque of 2^31", std::string("\x03\x01\x6A\x00\x45\xC3\x88\x80\x80\x80\x00", 11), "102",
       "http 400"},
      {"opaque of 2^35", std::string("\x03\x01\x6A\x00\x45\xC3\x81\x80\x80\x80\x80\x00", 12), "102",
       "http 400"},
      {"endless length", std::string("\x03\x01\x6A\x00\x45\xC3", 6) + std::string(100, '\xFF'),
       "102", "http 400"},
      {"unterminated string", std::string("\x03\x01\x6A\x00\x45\x03text", 10), "102", "http 400"},
      {"attribute bit", std::string("\x03\x01\x6A\x00\x85\x01", 6), "102", "http 400"},
      {"nested 200,000 deep", deep(200'000, false), "http 413", "http 413"},
      {"nested and closed", deep(200'000, true), "http 413", "http 413"},
      {"page 200", std::string("\x03\x01\x6A\x00\x00\xC8\x45\x01", 8), "103", "http 400"},
      {"another root", wbxml::encode(Element(airsync::kSync, {Element(airsync::kCollections)})),
       "103", "http 400"},
  };
  for (const Case& row : cases) {
    CAPTURE(row.name);
    Call call = folder_sync();
    call.raw = row.bytes;
    CHECK(outcome(server, call) == row.now);
    call.version = "12.1";
    CHECK(outcome(server, call) == row.old);
    CHECK(server.device().error().kind == storage::ErrorKind::not_found);  // nothing is stored
  }
  CHECK(outcome(server, folder_sync()) == "1");
}

TEST_CASE("bad input: 50,000 collections in one Sync are refused quickly") {
  ServiceFixture server;
  server.folder_id(2);
  Element collections(airsync::kCollections);
  for (int i = 0; i < 50'000; ++i) {
    collections.children.push_back(
        Element(airsync::kCollection,
                {Element(airsync::kSyncKey, "0"), Element(airsync::kCollectionId, "m1")}));
  }
  Call call;
  call.command = "Sync";
  call.body = Element(airsync::kSync, {collections});
  const auto start = std::chrono::steady_clock::now();
  CHECK(server.reply(call).status == 413);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(2));
}

TEST_CASE("bad input: text that is no UTF-8 is repaired before a command sees it") {
  ServiceFixture server;
  namespace settings = wbxml::settings;
  Call call;
  call.command = "Settings";
  call.body = Element(
      settings::kSettings,
      {Element(settings::kDeviceInformation,
               {Element(settings::kSet, {Element(settings::kModel, "bad \xFF\xFE\x01 model")})})});
  CHECK(outcome(server, call) == "1");
  CHECK(storage::is_valid_utf8(server.device()->info));
}

TEST_CASE("bad input: a SyncKey of a megabyte and one of half a megabyte") {
  ServiceFixture server;
  server.folder_id(2);
  Call call;
  call.command = "Sync";
  call.body = Element(airsync::kSync,
                      {Element(airsync::kCollections,
                               {Element(airsync::kCollection,
                                        {Element(airsync::kSyncKey, std::string(1 << 20, '1')),
                                         Element(airsync::kCollectionId, "m1")})})});
  const std::string answer = outcome(server, call);
  CHECK(answer != "1");
  CHECK(server.dispatcher->parked() == 0);
}
