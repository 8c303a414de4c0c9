// Conversations that are moved, once or always. [MS-ASCON] 2.2.2.5, 3.2.5.3
#include <doctest/doctest.h>

#include <chrono>
#include <thread>

#include "server/conversations/always_move_watcher.h"
#include "tests/support/conversation_calls.h"

using namespace test::conversation;
using test::Call;
using test::ServiceFixture;
using test::text_at;

TEST_CASE(
    "ItemOperations: Move takes a conversation out of all folders but Sent Items (field.md 1.2)") {
  // covers: MS-ASCON R68 R69 R70 R118 R126 R130 R139 R142 R143 R172 R214 R215 R216
  // covers: MS-ASCMD R3465 R2080 R1437 R1438 R1440 R1959 R1960 R1961 R1962 R2719 R2720 R2721
  // covers: MS-ASCMD R2722 R4153
  for (const char* version : {"14.0", "14.1", "16.0", "16.1"}) {
    CAPTURE(version);
    ServiceFixture server;
    const Folder inbox(server, FolderRole::inbox);
    const auto item = put(server, FolderRole::inbox, mail_of("root", "root"));
    put(server, FolderRole::inbox, mail_of("other", "other"));
    put(server, FolderRole::drafts, mail_of("root", "b"));
    put(server, FolderRole::trash, mail_of("root", "c"));
    put(server, FolderRole::sent, mail_of("root", "d"));
    const std::string id = conversation_of(server, inbox, item);
    const auto work = server.mailbox()->create_folder(0, "Work");
    REQUIRE(work);
    const Element root =
        server.element(operations({always(id, eas::to_collection_id(work->id))}, version));
    CHECK(text_at(root, {ops::kStatus}) == "1");
    CHECK(move_statuses(root) == Statuses{"1"});
    CHECK(text_at(root, {ops::kResponse, ops::kMove, ops::kConversationId}) == id);
    CHECK(server.count(FolderRole::inbox) == 1);
    CHECK(server.count(FolderRole::drafts) == 0);
    CHECK(server.count(FolderRole::trash) == 0);
    CHECK(server.count(FolderRole::sent) == 1);
    // Sent again because its answer was lost: the same.
    CHECK(move_statuses(server.element(operations({always(id, eas::to_collection_id(work->id))},
                                                  version))) == Statuses{"1"});
  }
}

TEST_CASE("ItemOperations: each failure of a Move has its status, and the others go on in order") {
  // covers: MS-ASCON R144 R146 R317 R327
  // covers: MS-ASCMD R3475 R4171 R4154 R4170
  ServiceFixture server;
  const Folder inbox(server, FolderRole::inbox), trash(server, FolderRole::trash);
  const auto item = put(server, FolderRole::inbox, mail_of("root", "root"));
  const std::string id = conversation_of(server, inbox, item);
  Element not_always = always(id, trash.name);
  not_always.children.pop_back();
  const Element empty_options(
      ops::kMove, {opaque(ops::kConversationId, id), Element(ops::kDstFldId, trash.name),
                   Element(ops::kOptions)});
  Element two = always(id, trash.name);
  two.children.push_back(Element(ops::kDstFldId, inbox.name));
  const Element no_id(ops::kMove, {Element(ops::kDstFldId, trash.name),
                                   Element(ops::kOptions, {Element(ops::kMoveAlways)})});
  const Element no_folder(ops::kMove, {opaque(ops::kConversationId, id),
                                       Element(ops::kOptions, {Element(ops::kMoveAlways)})});
  const Element root = server.element(operations(
      {not_always, empty_options, two, no_id, no_folder, always(std::string(16, 'x'), trash.name),
       always("short", trash.name), always(id, "m999999"), always(id, "nonsense"),
       always(id, trash.name), always(id, inbox.name)}));
  CHECK(text_at(root, {ops::kStatus}) == "1");
  CHECK(move_statuses(root) == Statuses{"155", "155", "2", "2", "2", "6", "6", "6", "6", "1", "1"});
  CHECK(server.count(FolderRole::inbox) == 1);  // the last one had its way
  CHECK(server.count(FolderRole::trash) == 0);
}

TEST_CASE("ItemOperations: a Move into a folder that is not for mail is refused with 156") {
  // covers: MS-ASCON R338 R262
  // covers: MS-ASCMD R4173 R4942
  for (const char* version : {"14.0", "14.1", "16.0", "16.1"}) {
    ServiceFixture server;
    const Folder inbox(server, FolderRole::inbox);
    const auto item = put(server, FolderRole::inbox, mail_of("root", "root"));
    const std::string id = conversation_of(server, inbox, item);
    for (const int type : {7, 8, 9}) {  // Tasks, Calendar, Contacts
      CAPTURE(type);
      const Element move = always(id, server.folder_id(type));
      CHECK(move_statuses(server.element(operations({move}, version))) == Statuses{"156"});
    }
    const Element to_cache = always(id, server.folder_id(19));
    CHECK(move_statuses(server.element(operations({to_cache}, version))) == Statuses{"105"});
    CHECK(server.count(FolderRole::inbox) == 1);
  }
}

TEST_CASE("MoveItems: all messages of a conversation go to the folder that is named") {
  // covers: MS-ASCON R170 R217 R218
  namespace move = wbxml::move;
  for (const char* version : {"14.0", "14.1", "16.0", "16.1"}) {
    CAPTURE(version);
    ServiceFixture server;
    const Folder inbox(server, FolderRole::inbox), trash(server, FolderRole::trash);
    Call call;
    call.command = "MoveItems";
    call.version = version;
    call.body = Element(move::kMoveItems);
    for (const char* id : {"root", "b", "c"}) {
      const auto item = put(server, FolderRole::inbox, mail_of("root", id));
      call.body.children.push_back(
          Element(move::kMove,
                  {Element(move::kSrcMsgId, eas::to_item_id(inbox.id, item)),
                   Element(move::kSrcFldId, inbox.name), Element(move::kDstFldId, trash.name)}));
    }
    put(server, FolderRole::inbox, mail_of("other", "other"));
    const Element answer = server.element(call);
    REQUIRE(answer.children.size() == 3);
    for (const Element& one : answer.children) CHECK(text_at(one, {move::kStatus}) == "3");
    CHECK(server.count(FolderRole::inbox) == 1);
    CHECK(server.count(FolderRole::trash) == 3);
  }
}

TEST_CASE("ItemOperations: versions before 14.0 have no Move") {
  for (const char* version : {"12.0", "12.1"}) {
    ServiceFixture server;
    const Folder trash(server, FolderRole::trash);
    const Element root =
        server.element(operations({always(std::string(16, 'x'), trash.name)}, version));
    CHECK(text_at(root, {ops::kStatus}) == "2");
    CHECK_FALSE(root.has(ops::kResponse));
  }
}

TEST_CASE("conversations: what arrives for an ignored conversation goes to Deleted Items") {
  // covers: MS-ASCON R166 R213 R130 R215
  ServiceFixture server;
  const Folder inbox(server, FolderRole::inbox), trash(server, FolderRole::trash);
  const auto item = put(server, FolderRole::inbox, mail_of("root", "root"));
  const std::string id = conversation_of(server, inbox, item);
  CHECK(move_statuses(server.element(operations({always(id, trash.name)}))) == Statuses{"1"});
  Phone phone{server, inbox.name};
  phone.sync();
  phone.sync();

  server.clock.advance(60'000);
  put(server, FolderRole::inbox, mail_of("root", "later"));
  put(server, FolderRole::sent, mail_of("root", "mine"));
  const auto kept = put(server, FolderRole::inbox, mail_of("fresh", "fresh"));
  CHECK(told(phone.sync(), airsync::kAdd) ==
        std::set<std::string>{eas::to_item_id(inbox.id, kept)});
  CHECK(server.count(FolderRole::trash) == 2);
  CHECK(server.count(FolderRole::sent) == 1);

  server.restart();
  server.clock.advance(60'000);
  put(server, FolderRole::inbox, mail_of("root", "after the restart"));
  CHECK(phone.sync().children.empty());
  CHECK(server.count(FolderRole::trash) == 3);
}

TEST_CASE("conversations: a parked Ping does not wake for an ignored conversation") {
  ServiceFixture server;
  const Folder inbox(server, FolderRole::inbox), trash(server, FolderRole::trash);
  const auto item = put(server, FolderRole::inbox, mail_of("root", "root"));
  const std::string id = conversation_of(server, inbox, item);
  REQUIRE(move_statuses(server.element(operations({always(id, trash.name)}))) == Statuses{"1"});
  server.folder_id(2);
  server.prime(inbox.name);
  namespace tag = wbxml::ping;
  Call call;
  call.command = "Ping";
  call.body =
      Element(tag::kPing,
              {Element(tag::kHeartbeatInterval, "600"),
               Element(tag::kFolders, {Element(tag::kFolder, {Element(tag::kId, inbox.name),
                                                              Element(tag::kClass, "Email")})})});
  http::Parked parked = server.park(call);
  server.clock.advance(60'000);
  put(server, FolderRole::inbox, mail_of("root", "later"));
  CHECK(server.waker().woken > 0);
  const http::Outcome again = parked.resume(http::WakeReason::woken);
  CHECK(std::holds_alternative<http::Parked>(again));
  CHECK(server.count(FolderRole::trash) == 2);
}

TEST_CASE("conversations: taking a message back ends the rule; old mail is not moved twice") {
  ServiceFixture server;
  const Folder inbox(server, FolderRole::inbox), trash(server, FolderRole::trash);
  const auto item = put(server, FolderRole::inbox, mail_of("root", "root"), kDay);
  const std::string id = conversation_of(server, inbox, item);
  REQUIRE(move_statuses(server.element(operations({always(id, trash.name)}))) == Statuses{"1"});
  REQUIRE(server.count(FolderRole::trash) == 1);

  // Another program takes it back: it was there before, so it stays.
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  auto listed = server.mailbox()->newest_first(trash.id, {kMax, kMax}, {}, kMax, 10);
  REQUIRE(listed);
  const auto back = server.mailbox()->move(trash.id, listed->items.at(0).id, inbox.id);
  REQUIRE(back);
  Phone phone{server, inbox.name};
  phone.sync();
  CHECK(told(phone.sync(), airsync::kAdd).size() == 1);
  CHECK(server.count(FolderRole::inbox) == 1);

  // The phone takes one back: the rule is over.
  server.clock.advance(60'000);
  put(server, FolderRole::inbox, mail_of("root", "later"));
  phone.sync();
  listed = server.mailbox()->newest_first(trash.id, {kMax, kMax}, {}, kMax, 10);
  REQUIRE(listed);
  REQUIRE(listed->items.size() == 1);
  namespace move = wbxml::move;
  Call call;
  call.command = "MoveItems";
  call.body = Element(
      move::kMoveItems,
      {Element(move::kMove,
               {Element(move::kSrcMsgId, eas::to_item_id(trash.id, listed->items[0].id)),
                Element(move::kSrcFldId, trash.name), Element(move::kDstFldId, inbox.name)})});
  CHECK(text_at(server.element(call), {move::kResponse, move::kStatus}) == "3");
  server.clock.advance(60'000);
  put(server, FolderRole::inbox, mail_of("root", "welcome"));
  CHECK(told(phone.sync(), airsync::kAdd).size() == 2);
  CHECK(server.count(FolderRole::trash) == 0);
  const auto rules = server.services.settings->list(0, "conversation:");
  REQUIRE(rules);
  CHECK(rules->empty());
}

TEST_CASE("conversations: a rule whose folder is gone ends, and the mail stays where it is") {
  ServiceFixture server;
  const Folder inbox(server, FolderRole::inbox);
  const auto item = put(server, FolderRole::inbox, mail_of("root", "root"));
  const std::string id = conversation_of(server, inbox, item);
  const auto work = server.mailbox()->create_folder(0, "Work");
  REQUIRE(work);
  REQUIRE(move_statuses(server.element(
              operations({always(id, eas::to_collection_id(work->id))}))) == Statuses{"1"});
  REQUIRE(server.mailbox()->remove_folder(work->id));
  server.clock.advance(60'000);
  put(server, FolderRole::inbox, mail_of("root", "later"));
  Phone phone{server, inbox.name};
  phone.sync();
  CHECK(told(phone.sync(), airsync::kAdd).size() == 1);
  CHECK_FALSE(server.services.conversations->has_rules(server.user().id));
}

TEST_CASE("conversations: the watcher moves what arrives while no phone asks") {
  ServiceFixture server;
  const Folder inbox(server, FolderRole::inbox), trash(server, FolderRole::trash);
  const auto item = put(server, FolderRole::inbox, mail_of("root", "root"));
  const std::string id = conversation_of(server, inbox, item);
  const auto arrives = [&](int count) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (server.count(FolderRole::trash) < count && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return server.count(FolderRole::trash);
  };
  {
    // The rule comes while it runs.
    const eas::AlwaysMoveWatcher watcher(*server.services.conversations, *server.services.mail,
                                         *server.services.hub);
    REQUIRE(move_statuses(server.element(operations({always(id, trash.name)}))) == Statuses{"1"});
    server.clock.advance(60'000);
    put(server, FolderRole::inbox, mail_of("root", "later"));
    CHECK(arrives(2) == 2);
    // In a folder that was made meanwhile, too.
    const auto work = server.mailbox()->create_folder(0, "Work");
    REQUIRE(work);
    REQUIRE(
        server.mailbox()->append(work->id, mail_of("root", "filed"), {}, server.clock.now_ms()));
    CHECK(arrives(3) == 3);
  }
  // What came while nobody watched is moved at the start.
  put(server, FolderRole::inbox, mail_of("root", "meanwhile"));
  const eas::AlwaysMoveWatcher watcher(*server.services.conversations, *server.services.mail,
                                       *server.services.hub);
  CHECK(arrives(4) == 4);
  CHECK(server.count(FolderRole::inbox) == 0);
}
