// What a phone is told of conversations: their ids, ConversationMode. [MS-ASCON]
#include <doctest/doctest.h>

#include "tests/support/conversation_calls.h"

using namespace test::conversation;
using test::Call;
using test::ServiceFixture;
using test::text_at;

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
