// Fetch in a Sync: the complete item, in answers of a bounded size.
#include <doctest/doctest.h>

#include "server/sync/server_id.h"
#include "tests/support/folder_calls.h"
#include "tests/support/sync_calls.h"
#include "wbxml/code_pages.h"

namespace {

using storage::FolderRole;
using test::ServiceFixture;
using test::SyncAnswer;
using wbxml::Element;
namespace airsync = wbxml::airsync;
namespace base = wbxml::airsync_base;

constexpr const char* kVersions[] = {"12.0", "12.1", "14.0", "14.1", "16.0", "16.1"};

std::string mail_of(std::size_t size) {
  std::string text;
  while (text.size() < size) text += "A line of the text of this message.\r\n";
  return "From: bob@example.test\r\nTo: ann@example.test\r\nSubject: long\r\n"
         "Date: Wed, 18 Nov 2026 10:00:00 +0000\r\n\r\n" +
         text;
}

Element cut_at(const std::string& bytes) {
  return Element(airsync::kOptions,
                 {Element(base::kBodyPreference,
                          {Element(base::kType, "1"), Element(base::kTruncationSize, bytes)})});
}

Element fetch(const std::string& item) {
  return Element(airsync::kFetch, {Element(airsync::kServerId, item)});
}

std::size_t fetched_bytes(const SyncAnswer& answer, const std::string& inbox) {
  const Element& responses = *answer.collections.at(inbox).child(airsync::kResponses);
  return test::text_at(responses,
                       {airsync::kFetch, airsync::kApplicationData, base::kBody, base::kData})
      .size();
}

}  // namespace

TEST_CASE("Sync: a Fetch brings the whole item that was told of in part, unless it says a size") {
  // covers: MS-ASCMD R2955 R2956
  for (const std::string version : kVersions) {
    CAPTURE(version);
    ServiceFixture server;
    const auto id = server.deliver(mail_of(20'000));
    const std::string inbox = server.folder_id(2);
    const std::string item = eas::to_item_id(server.folder(FolderRole::inbox), id);
    SyncAnswer answer = test::sync(server, {test::collection(inbox, "0")}, {}, version);
    answer = test::sync(server, {test::collection(inbox, answer.key_of(inbox), {cut_at("500")})},
                        {}, version);
    const SyncAnswer whole = test::sync(
        server, {test::collection(inbox, answer.key_of(inbox), {test::commands({fetch(item)})})},
        {}, version);
    CHECK(fetched_bytes(whole, inbox) >= 20'000);
    const SyncAnswer part =
        test::sync(server,
                   {test::collection(inbox, whole.key_of(inbox),
                                     {cut_at("700"), test::commands({fetch(item)})})},
                   {}, version);
    CHECK(fetched_bytes(part, inbox) <= 700);
  }
}

TEST_CASE("Sync: Fetches that an answer has no room for are to be sent again, status 16") {
  eas::Limits limits;
  limits.max_answer = 50'000;
  ServiceFixture server(limits);
  std::vector<Element> fetches;
  std::vector<std::string> items;
  for (int i = 0; i < 5; ++i) {
    const auto id = server.deliver(mail_of(30'000));
    items.push_back(eas::to_item_id(server.folder(FolderRole::inbox), id));
    fetches.push_back(fetch(items.back()));
  }
  const std::string inbox = server.folder_id(2);
  const std::string key = server.prime(inbox);
  const SyncAnswer answer =
      test::sync(server, {test::collection(inbox, key, {test::commands(fetches)})});
  CHECK(answer.response(inbox, airsync::kFetch, items[0]) == "1");
  CHECK(answer.response(inbox, airsync::kFetch, items[1]) == "1");
  for (int i = 2; i < 5; ++i) {
    CHECK(answer.response(inbox, airsync::kFetch, items[static_cast<std::size_t>(i)]) == "16");
  }
}
