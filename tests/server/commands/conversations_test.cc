// Conversations through the commands: [MS-ASCON].
#include <doctest/doctest.h>

#include <chrono>
#include <set>
#include <thread>

#include "server/conversations/always_move_watcher.h"
#include "server/sync/server_id.h"
#include "tests/support/service_fixture.h"
#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"

namespace {

using storage::FolderRole;
using test::Call;
using test::ServiceFixture;
using test::text_at;
using wbxml::Element;
namespace airsync = wbxml::airsync;
namespace base = wbxml::airsync_base;
namespace ops = wbxml::item_operations;

constexpr storage::UnixMillis kDay = 24LL * 3'600'000;

// A message of the thread that `root` began.
std::string mail_of(const std::string& root, const std::string& id) {
  return "From: Carl <carl@elsewhere.test>\r\nTo: ann@example.test\r\nSubject: about " + root +
         "\r\nMessage-ID: <" + id + "@e>\r\n" +
         (id == root ? "" : "References: <" + root + "@e>\r\n") +
         "Content-Type: text/html; charset=utf-8\r\n\r\n<html><body><p>Text of " + id +
         ".</p></body></html>\r\n";
}

struct Folder {
  Folder(ServiceFixture& server, FolderRole role)
      : id(server.folder(role)), name(eas::to_collection_id(id)) {}
  storage::CollectionId id;
  std::string name;
};

storage::ItemId put(ServiceFixture& server, FolderRole role, const std::string& bytes,
                    storage::UnixMillis age = 0) {
  const auto stored =
      server.mailbox()->append(server.folder(role), bytes, {}, server.clock.now_ms() - age);
  REQUIRE(stored);
  return stored->id;
}

Call sync_call(std::vector<Element> children, const char* version) {
  Call call;
  call.command = "Sync";
  call.version = version;
  call.body = Element(
      airsync::kSync,
      {Element(airsync::kCollections, {Element(airsync::kCollection, std::move(children))})});
  return call;
}

// A phone of one folder that keeps its key.
struct Phone {
  ServiceFixture& server;
  std::string folder;
  const char* version = "14.1";
  std::string key = "0";

  // The Collection of the answer; an element without children when there is nothing new.
  Element sync(const std::vector<Element>& more = {}) {
    std::vector<Element> children = {Element(airsync::kSyncKey, key),
                                     Element(airsync::kCollectionId, folder)};
    children.insert(children.end(), more.begin(), more.end());
    const auto reply = server.reply(sync_call(std::move(children), version));
    REQUIRE(reply.status == 200);
    if (reply.body.empty()) return Element(airsync::kCollection);
    const auto root = wbxml::decode(reply.body);
    REQUIRE(root);
    REQUIRE(root->child(airsync::kCollections) != nullptr);
    const Element answer = root->child(airsync::kCollections)->children.at(0);
    if (text_at(answer, {airsync::kStatus}) == "1") key = text_at(answer, {airsync::kSyncKey});
    return answer;
  }
  Element command(Element one) { return sync({Element(airsync::kCommands, {std::move(one)})}); }
};

// The items that the answer adds, removes or softly removes.
std::set<std::string> told(const Element& answer, wbxml::Tag kind) {
  std::set<std::string> ids;
  const Element* commands = answer.child(airsync::kCommands);
  if (commands == nullptr) return ids;
  for (const Element& one : commands->children) {
    if (one.tag == kind) ids.insert(text_at(one, {airsync::kServerId}));
  }
  return ids;
}

const Element& data_of(const Element& answer, const std::string& id) {
  const Element* commands = answer.child(airsync::kCommands);
  REQUIRE(commands != nullptr);
  for (const Element& one : commands->children) {
    if (text_at(one, {airsync::kServerId}) == id) return *one.child(airsync::kApplicationData);
  }
  FAIL("not told: ", id);
  return *commands;
}

std::string conversation_of(ServiceFixture& server, const Folder& folder, storage::ItemId item) {
  const std::string id = eas::to_item_id(folder.id, item);
  Phone phone{server, folder.name};
  phone.sync();
  const Element answer = phone.sync();
  return text_at(data_of(answer, id), {wbxml::email2::kConversationId});
}

Element filter(const char* type) {
  return Element(airsync::kOptions, {Element(airsync::kFilterType, type)});
}

Element opaque(wbxml::Tag tag, const std::string& bytes) {
  Element element(tag, bytes);
  element.opaque = true;
  return element;
}

Element always(const std::string& conversation, const std::string& destination) {
  return Element(ops::kMove,
                 {opaque(ops::kConversationId, conversation), Element(ops::kDstFldId, destination),
                  Element(ops::kOptions, {Element(ops::kMoveAlways)})});
}

Call operations(std::vector<Element> children, const char* version = "14.1") {
  Call call;
  call.command = "ItemOperations";
  call.version = version;
  call.body = Element(ops::kItemOperations, std::move(children));
  return call;
}

std::vector<std::string> move_statuses(const Element& root) {
  std::vector<std::string> found;
  const Element* response = root.child(ops::kResponse);
  if (response == nullptr) return found;
  for (const Element& one : response->children) {
    CHECK(one.tag == ops::kMove);
    CHECK(one.child(ops::kConversationId) != nullptr);
    CHECK(one.child(ops::kConversationId)->opaque);
    found.push_back(text_at(one, {ops::kStatus}));
  }
  return found;
}

using Statuses = std::vector<std::string>;

}  // namespace

TEST_CASE("conversations: the ids are the same in every folder, version and after a restart") {
  // covers: MS-ASCON R74 R76 R79 R81 R93 R195 R196 R192 R194 R503 R502 R501 R5033
  // covers: MS-ASDTYPE R97 R98
  // covers: MS-ASCON R5 R7 R188 MS-ASDTYPE_R97 MS-ASDTYPE_R98
  ServiceFixture server;
  const Folder inbox(server, FolderRole::inbox), sent(server, FolderRole::sent);
  std::set<std::string> ids;
  std::set<std::string> indexes;
  for (const char* version : {"14.0", "14.1", "16.0", "16.1"}) {
    for (const FolderRole role : {FolderRole::inbox, FolderRole::sent}) {
      CAPTURE(version);
      const Folder folder(server, role);
      const auto item = put(server, role, mail_of("root", role == FolderRole::sent ? "a" : "root"));
      Phone phone{server, folder.name, version};
      phone.sync();
      const Element answer = phone.sync();
      const Element& data = data_of(answer, eas::to_item_id(folder.id, item));
      const Element* id = data.child(wbxml::email2::kConversationId);
      const Element* index = data.child(wbxml::email2::kConversationIndex);
      REQUIRE(id != nullptr);
      REQUIRE(index != nullptr);
      CHECK(id->opaque);
      CHECK(index->opaque);
      ids.insert(id->text);
      CHECK(index->text.size() == (role == FolderRole::sent ? 10 : 5));
    }
    server.restart();
  }
  CHECK(ids.size() == 1);
  CHECK(ids.begin()->size() == 16);
}

TEST_CASE("conversations: versions before 14.0 are not told of them") {
  // covers: MS-ASHTTP R283
  for (const char* version : {"2.5", "12.0", "12.1"}) {
    CAPTURE(version);
    ServiceFixture server;
    const Folder inbox(server, FolderRole::inbox);
    const auto item = put(server, FolderRole::inbox, mail_of("root", "root"));
    Phone phone{server, inbox.name, version};
    phone.sync();
    // An element that the version does not have changes nothing.
    const Element answer = phone.sync({Element(airsync::kConversationMode, "1"), filter("1")});
    const Element& data = data_of(answer, eas::to_item_id(inbox.id, item));
    CHECK_FALSE(data.has(wbxml::email2::kConversationId));
    CHECK_FALSE(data.has(wbxml::email2::kConversationIndex));
  }
}

TEST_CASE("Sync: ConversationMode brings the older messages of a conversation, as previews only") {
  // covers: MS-ASCMD R2107 R2108 R2110 R2111 R2112
  // covers: MS-ASCON R180 R330 R242
  for (const char* version : {"14.1", "16.0", "16.1"}) {
    CAPTURE(version);
    ServiceFixture server;
    const Folder inbox(server, FolderRole::inbox);
    const auto item = [&](storage::ItemId id) { return eas::to_item_id(inbox.id, id); };
    const auto old = put(server, FolderRole::inbox, mail_of("root", "root"), 20 * kDay);
    const auto lone = put(server, FolderRole::inbox, mail_of("lone", "lone"), 20 * kDay);
    const auto news = put(server, FolderRole::inbox, mail_of("root", "answer"));
    put(server, FolderRole::sent, mail_of("root", "mine"), 20 * kDay);
    const Element options(airsync::kOptions,
                          {Element(airsync::kFilterType, "3"),
                           Element(base::kBodyPreference,
                                   {Element(base::kType, "2"), Element(base::kPreview, "100")}),
                           Element(base::kBodyPartPreference, {Element(base::kType, "2")})});
    Phone phone{server, inbox.name, version};
    phone.sync();
    const Element answer = phone.sync({Element(airsync::kConversationMode, "1"), options});
    CHECK(told(answer, airsync::kAdd) == std::set<std::string>{item(old), item(news)});
    const Element& outside = data_of(answer, item(old));
    CHECK(text_at(outside, {base::kBody, base::kPreview}) == "Text of root.");
    CHECK_FALSE(outside.child(base::kBody)->has(base::kData));
    CHECK(text_at(outside, {base::kBodyPart, base::kData}).find("Text of root.") !=
          std::string::npos);
    CHECK(text_at(data_of(answer, item(news)), {base::kBody, base::kData}).find("Text of answer") !=
          std::string::npos);

    // An answer wakes the other conversation; the mode need not be asked for again.
    const auto wakes = put(server, FolderRole::inbox, mail_of("lone", "second"));
    CHECK(told(phone.sync(), airsync::kAdd) == std::set<std::string>{item(lone), item(wakes)});
    // 7 days later both have left the window, with all that they brought.
    server.clock.advance(8 * kDay);
    CHECK(told(phone.sync(), airsync::kSoftDelete) ==
          std::set<std::string>{item(old), item(lone), item(news), item(wakes)});
    CHECK(phone.sync().children.empty());
  }
}

TEST_CASE("Sync: ConversationMode without a value is on, 0 is off, anything else is status 4") {
  // covers: MS-ASCON R116
  // covers: MS-ASCMD R2109
  ServiceFixture server;
  const Folder inbox(server, FolderRole::inbox);
  put(server, FolderRole::inbox, mail_of("root", "root"), 20 * kDay);
  put(server, FolderRole::inbox, mail_of("root", "answer"));
  Phone phone{server, inbox.name};
  phone.sync();
  CHECK(told(phone.sync({Element(airsync::kConversationMode, "0"), filter("3")}), airsync::kAdd)
            .size() == 1);
  CHECK(
      told(phone.sync({Element(airsync::kConversationMode), filter("3")}), airsync::kAdd).size() ==
      1);
  CHECK(text_at(phone.sync({Element(airsync::kConversationMode, "2"), filter("3")}),
                {airsync::kStatus}) == "4");
  CHECK(told(phone.sync({Element(airsync::kConversationMode, "0"), filter("3")}),
             airsync::kSoftDelete)
            .size() == 1);
}

TEST_CASE("GetItemEstimate: ConversationMode counts the conversations' older messages too") {
  // covers: MS-ASCMD R2096 R2097 R2098
  // covers: MS-ASCON R261 R343 R332 R211
  namespace tag = wbxml::get_item_estimate;
  for (const char* version : {"14.0", "14.1", "16.0", "16.1"}) {
    CAPTURE(version);
    ServiceFixture server;
    const Folder inbox(server, FolderRole::inbox);
    put(server, FolderRole::inbox, mail_of("root", "root"), 20 * kDay);
    put(server, FolderRole::inbox, mail_of("lone", "lone"), 20 * kDay);
    put(server, FolderRole::inbox, mail_of("root", "answer"));
    put(server, FolderRole::sent, mail_of("root", "mine"), 20 * kDay);
    Phone phone{server, inbox.name, version};
    phone.sync();
    const auto estimate = [&](const char* mode) {
      Call call;
      call.command = "GetItemEstimate";
      call.version = version;
      call.body =
          Element(tag::kGetItemEstimate,
                  {Element(tag::kCollections,
                           {Element(tag::kCollection,
                                    {Element(airsync::kSyncKey, phone.key),
                                     Element(tag::kCollectionId, inbox.name),
                                     Element(airsync::kConversationMode, mode), filter("3")})})});
      return server.element(call);
    };
    const auto count = [](const Element& root) {
      return text_at(root, {tag::kResponse, tag::kCollection, tag::kEstimate});
    };
    CHECK(count(estimate("0")) == "1");
    CHECK(count(estimate("1")) == "2");
    CHECK(text_at(estimate("maybe"), {tag::kStatus}) == "103");
    phone.sync({Element(airsync::kConversationMode, "1"), filter("3")});
    CHECK(count(estimate("1")) == "0");
  }
}

TEST_CASE("Sync: a BodyPartPreference gives a BodyPart, with or without a Body, from 14.1 on") {
  // covers: MS-ASCON R38 R46 R47 R234 R237 R239 R240 R243 R245 R246 R247 R248 R504 R505
  // covers: MS-ASAIRS R120 R121 R124 R126 R127 R128 R129 R135 R183 R185 R186 R188 R205 R206 R207
  // covers: MS-ASAIRS R208 R253 R254 R255 R256 R257 R258 R269 R282 R283 R286 R291 R294 R314 R317
  // covers: MS-ASAIRS R318 R59 R60 R63 R400 R403 R2599
  const Element body(base::kBodyPreference, {Element(base::kType, "1")});
  const auto part = [](std::vector<Element> more) {
    more.insert(more.begin(), Element(base::kType, "2"));
    return Element(base::kBodyPartPreference, std::move(more));
  };
  struct Case {
    std::vector<Element> options;
    bool body, part;
    std::string data;  // of the part; "": none
    bool truncated = false;
    std::string preview = "";
  };
  const std::string whole = "<html><body><p>Text of root.</p></body></html>\r\n";
  const Case cases[] = {
      {{}, true, false, ""},
      {{body}, true, false, ""},
      {{part({})}, false, true, whole},
      {{body, part({})}, true, true, whole},
      {{part({Element(base::kTruncationSize, "12")})}, false, true, whole.substr(0, 12), true},
      {{part({Element(base::kTruncationSize, "12"), Element(base::kAllOrNone, "1")})},
       false,
       true,
       "",
       true},
      {{part({Element(base::kAllOrNone, "1")})}, false, true, whole},
      {{part({Element(base::kTruncationSize, "0"), Element(base::kPreview, "4")})},
       false,
       true,
       "",
       true,
       "Text"},
  };
  for (const char* version : {"14.0", "14.1", "16.0", "16.1"}) {
    for (const Case& one : cases) {
      CAPTURE(version);
      CAPTURE(&one - cases);
      ServiceFixture server;
      const Folder inbox(server, FolderRole::inbox);
      const auto item = put(server, FolderRole::inbox, mail_of("root", "root"));
      Phone phone{server, inbox.name, version};
      phone.sync();
      const Element answer = phone.sync({Element(airsync::kOptions, one.options)});
      const Element& data = data_of(answer, eas::to_item_id(inbox.id, item));
      const bool knows = std::string(version) != "14.0";
      CHECK(data.has(base::kBody) == (one.body || !knows));
      CHECK(data.has(base::kBodyPart) == (one.part && knows));
      CHECK_FALSE(data.has(base::kBodyPartPreference));
      const Element* found = data.child(base::kBodyPart);
      if (found == nullptr) continue;
      std::vector<wbxml::Tag> order = {base::kStatus, base::kType, base::kEstimatedDataSize};
      if (one.truncated) order.push_back(base::kTruncated);
      if (!one.data.empty()) order.push_back(base::kData);
      if (!one.preview.empty()) order.push_back(base::kPreview);
      REQUIRE(found->children.size() == order.size());
      for (std::size_t i = 0; i < order.size(); ++i) {
        CHECK(found->children[i].tag == order[i]);
        CHECK(found->children[i].children.empty());
      }
      CHECK(text_at(*found, {base::kStatus}) == "1");
      CHECK(text_at(*found, {base::kType}) == "2");
      CHECK(text_at(*found, {base::kData}) == one.data);
      CHECK(text_at(*found, {base::kPreview}) == one.preview);
      CHECK(text_at(*found, {base::kEstimatedDataSize}) == std::to_string(whole.size()));
    }
  }
}

TEST_CASE("ItemOperations: a message part with the message") {
  // covers: MS-ASCON R39 R236 R340
  ServiceFixture server;
  const Folder inbox(server, FolderRole::inbox);
  const auto item = eas::to_item_id(inbox.id, put(server, FolderRole::inbox, mail_of("a", "a")));
  const auto fetch = [&](std::vector<Element> options) {
    return server.element(operations({Element(
        ops::kFetch,
        {Element(ops::kStore, "Mailbox"), Element(airsync::kCollectionId, inbox.name),
         Element(airsync::kServerId, item), Element(ops::kOptions, std::move(options))})}));
  };
  const auto part = [](const char* type) {
    return Element(base::kBodyPartPreference, {Element(base::kType, type)});
  };
  const Element with = fetch({part("2")});
  CHECK(text_at(with, {ops::kResponse, ops::kFetch, ops::kProperties, base::kBodyPart, base::kData})
            .find("Text of a.") != std::string::npos);
  const Element without = fetch({Element(base::kBodyPreference, {Element(base::kType, "2")})});
  CHECK_FALSE(without.child(ops::kResponse)
                  ->child(ops::kFetch)
                  ->child(ops::kProperties)
                  ->has(base::kBodyPart));
  CHECK(text_at(fetch({part("1")}), {ops::kResponse, ops::kFetch, ops::kStatus}) == "164");
}

TEST_CASE("Sync: a BodyPartPreference of another type than HTML is status 164") {
  // covers: MS-ASCON R241
  ServiceFixture server;
  const Folder inbox(server, FolderRole::inbox);
  put(server, FolderRole::inbox, mail_of("a", "a"));
  for (const char* type : {"1", "3", "4"}) {
    Phone phone{server, inbox.name};
    phone.sync();
    const Element options(airsync::kOptions,
                          {Element(base::kBodyPartPreference, {Element(base::kType, type)})});
    CHECK(text_at(phone.sync({options}), {airsync::kStatus}) == "164");
    CHECK(told(phone.sync(), airsync::kAdd).size() == 1);  // nothing is lost
  }
}

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

TEST_CASE("conversations: deleting, marking and flagging one are Sync commands per message") {
  // covers: MS-ASCON R157 R158 R199 R200 R201 R326 R337 R203 R284 R204 R324 R325 R162 R206 R207
  // covers: MS-ASCON R208 R209
  ServiceFixture server;
  const Folder inbox(server, FolderRole::inbox);
  std::vector<std::string> items;
  for (const char* id : {"root", "b", "c"}) {
    items.push_back(eas::to_item_id(inbox.id, put(server, FolderRole::inbox, mail_of("root", id))));
  }
  Phone phone{server, inbox.name};
  phone.sync();
  phone.sync();
  const auto all = [&](const Element& data) {
    Element commands(airsync::kCommands);
    for (const std::string& item : items) {
      commands.children.push_back(
          Element(airsync::kChange,
                  {Element(airsync::kServerId, item), Element(airsync::kApplicationData, {data})}));
    }
    CHECK(text_at(phone.sync({commands}), {airsync::kStatus}) == "1");
  };
  const auto count_flags = [&](auto&& wanted) {
    int count = 0;
    for (const std::string& item : items) {
      const auto info = server.mailbox()->message(inbox.id, eas::parse_item_id(item)->second);
      REQUIRE(info);
      if (wanted(info->flags)) ++count;
    }
    return count;
  };
  const auto seen = [](const storage::MessageFlags& flags) { return flags.seen; };
  const auto flagged = [](const storage::MessageFlags& flags) { return flags.flagged; };
  all(Element(wbxml::email::kRead, "1"));
  CHECK(count_flags(seen) == 3);
  all(Element(wbxml::email::kRead, "0"));
  CHECK(count_flags(seen) == 0);
  phone.command(
      Element(airsync::kChange,
              {Element(airsync::kServerId, items[2]),
               Element(airsync::kApplicationData,
                       {Element(wbxml::email::kFlag,
                                {Element(wbxml::email::kStatus, "2"),
                                 Element(wbxml::email::kFlagType, "Flag for follow up")})})}));
  CHECK(count_flags(flagged) == 1);
  all(Element(wbxml::email::kFlag));
  CHECK(count_flags(flagged) == 0);

  Element deletes(airsync::kCommands);
  for (const std::string& item : items) {
    deletes.children.push_back(Element(airsync::kDelete, {Element(airsync::kServerId, item)}));
  }
  CHECK(text_at(phone.sync({deletes}), {airsync::kStatus}) == "1");
  CHECK(server.count(FolderRole::inbox) == 0);
  CHECK(server.count(FolderRole::trash) == 3);
  put(server, FolderRole::inbox, mail_of("root", "later"));
  CHECK(told(phone.sync(), airsync::kAdd).size() == 1);
}
