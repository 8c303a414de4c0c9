#include <doctest/doctest.h>

#include "server/sync/server_id.h"
#include "tests/support/service_fixture.h"
#include "wbxml/code_pages.h"

namespace {

using storage::FolderRole;
using test::Call;
using test::ServiceFixture;
using test::text_at;
using wbxml::Element;
namespace tag = wbxml::move;

Element one_move(const std::string& item, const std::string& from, const std::string& to) {
  return Element(tag::kMove, {Element(tag::kSrcMsgId, item), Element(tag::kSrcFldId, from),
                              Element(tag::kDstFldId, to)});
}

Call move_items(std::vector<Element> moves, const char* version = "14.1") {
  Call call;
  call.command = "MoveItems";
  call.version = version;
  call.body = Element(tag::kMoveItems, std::move(moves));
  return call;
}

struct Folders {
  explicit Folders(ServiceFixture& server)
      : inbox_id(server.folder(FolderRole::inbox)),
        inbox(eas::to_collection_id(inbox_id)),
        trash(eas::to_collection_id(server.folder(FolderRole::trash))) {}
  storage::CollectionId inbox_id;
  std::string inbox, trash;
};

std::string status_of(const Element& root, std::size_t at = 0) {
  return text_at(root.children.at(at), {tag::kStatus});
}

}  // namespace

TEST_CASE(
    "MoveItems: a moved message is found in the destination under its new id; 3 is success "
    "(field.md 1.2)") {
  // covers: MS-ASHTTP R499
  // covers: MS-ASCMD R3822 R3977 R4217 R4200
  for (const char* version : {"2.5", "12.0", "12.1", "14.0", "14.1", "16.0", "16.1"}) {
    CAPTURE(version);
    ServiceFixture server;
    const Folders folders(server);
    const std::string item = eas::to_item_id(folders.inbox_id, server.deliver("A: b\r\n\r\nx"));
    const Element answer =
        server.element(move_items({one_move(item, folders.inbox, folders.trash)}, version));
    REQUIRE(answer.children.size() == 1);
    CHECK(text_at(answer.children[0], {tag::kSrcMsgId}) == item);
    CHECK(status_of(answer) == "3");
    const std::string moved = text_at(answer.children[0], {tag::kDstMsgId});
    CHECK(moved.starts_with(folders.trash + ":"));
    CHECK(server.count(FolderRole::inbox) == 0);
    CHECK(server.count(FolderRole::trash) == 1);
    const auto id = eas::parse_item_id(moved);
    REQUIRE(id);
    CHECK(server.mailbox()->message(id->first, id->second));
  }
}

TEST_CASE("MoveItems: a move that is sent again gets the same answer") {
  ServiceFixture server;
  const Folders folders(server);
  const std::string item = eas::to_item_id(folders.inbox_id, server.deliver("A: b\r\n\r\nx"));
  const Call call = move_items({one_move(item, folders.inbox, folders.trash)});
  const Element once = server.element(call);
  const Element again = server.element(call);
  CHECK(once == again);
  server.restart();
  CHECK(server.element(call) == once);
  CHECK(server.count(FolderRole::trash) == 1);
}

TEST_CASE("MoveItems: each failure has its status and the others go on") {
  // covers: MS-ASCMD R4201 R4207 R4208 R4219 R4222 R5879
  ServiceFixture server;
  const Folders folders(server);
  const std::string item = eas::to_item_id(folders.inbox_id, server.deliver("A: b\r\n\r\nx"));
  const std::string other = eas::to_item_id(folders.inbox_id, server.deliver("A: c\r\n\r\nx"));
  Element two_destinations = one_move(item, folders.inbox, folders.trash);
  two_destinations.children.emplace_back(tag::kDstFldId, folders.trash);
  const Element answer = server.element(move_items({
      one_move(folders.inbox + ":999", folders.inbox, folders.trash),
      one_move("garbage", folders.inbox, folders.trash),
      one_move(item, "m999", folders.trash),
      one_move(item, folders.trash, folders.inbox),
      one_move(item, folders.inbox, "m999"),
      one_move(item, folders.inbox, "garbage"),
      one_move(item, folders.inbox, folders.inbox),
      two_destinations,
      one_move(other, folders.inbox, folders.trash),
      one_move(other, folders.inbox, folders.trash),
  }));
  const char* expected[] = {"1", "1", "1", "1", "2", "2", "4", "5", "3", "3"};
  REQUIRE(answer.children.size() == 10);
  for (std::size_t i = 0; i < 10; ++i) {
    CAPTURE(i);
    CHECK(status_of(answer, i) == expected[i]);
    CHECK(answer.children[i].has(tag::kDstMsgId) == (std::string_view(expected[i]) == "3"));
  }
  // The same message named twice is moved once, both get its new id.
  CHECK(text_at(answer.children[8], {tag::kDstMsgId}) ==
        text_at(answer.children[9], {tag::kDstMsgId}));
  CHECK(server.count(FolderRole::inbox) == 1);
  CHECK(server.count(FolderRole::trash) == 1);
}

TEST_CASE("MoveItems: malformed or too many moves are refused before anything moves") {
  // covers: MS-ASCMD R5653 R7250-R7253
  ServiceFixture server;
  const Folders folders(server);
  const std::string item = eas::to_item_id(folders.inbox_id, server.deliver("A: b\r\n\r\nx"));
  const Element good = one_move(item, folders.inbox, folders.trash);
  const Element bad(tag::kMove, {Element(tag::kSrcMsgId, item), Element(tag::kSrcFldId, "m1")});
  for (Call call :
       {move_items({good, bad}), move_items({}), move_items(std::vector<Element>(1001, good))}) {
    CHECK(text_at(server.element(call), {tag::kStatus}) == "103");
    call.version = "12.1";
    CHECK(server.reply(call).status == 400);
  }
  CHECK(server.count(FolderRole::inbox) == 1);
}

TEST_CASE("MoveItems: the next Syncs of both folders tell of it") {
  ServiceFixture server;
  const Folders folders(server);
  const std::string item =
      eas::to_item_id(folders.inbox_id, server.deliver(test::simple_mail("m")));
  const std::string inbox_key = server.prime(folders.inbox);
  const std::string trash_key = server.prime(folders.trash);
  const Element moved = server.element(move_items({one_move(item, folders.inbox, folders.trash)}));
  namespace airsync = wbxml::airsync;
  const auto sync = [&](const std::string& folder, const std::string& key) {
    Call call;
    call.command = "Sync";
    call.body = Element(
        airsync::kSync,
        {Element(airsync::kCollections,
                 {Element(airsync::kCollection, {Element(airsync::kSyncKey, key),
                                                 Element(airsync::kCollectionId, folder)})})});
    return server.element(call);
  };
  CHECK(text_at(sync(folders.inbox, inbox_key),
                {airsync::kCollections, airsync::kCollection, airsync::kCommands, airsync::kDelete,
                 airsync::kServerId}) == item);
  CHECK(text_at(sync(folders.trash, trash_key),
                {airsync::kCollections, airsync::kCollection, airsync::kCommands, airsync::kAdd,
                 airsync::kServerId}) == text_at(moved.children[0], {tag::kDstMsgId}));
}
