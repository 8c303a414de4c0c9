// Drafts of 16.x through Sync: what becomes of the folder, the phone and the mail. The bytes are
// tested in items/compose_draft_test.cc.
#include <doctest/doctest.h>

#include "server/items/email/email.h"
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
namespace mail = wbxml::email;
namespace mail2 = wbxml::email2;

Element opaque(wbxml::Tag tag, std::string bytes) {
  Element element(tag, std::move(bytes));
  element.opaque = true;
  return element;
}

Element body(const char* type, const std::string& text) {
  return Element(base::kBody, {Element(base::kType, type), Element(base::kData, text)});
}

Element file(const char* id, const std::string& bytes) {
  return Element(base::kAdd, {Element(base::kClientId, id), Element(base::kMethod, "1"),
                              opaque(base::kContent, bytes), Element(base::kDisplayName, "f.bin")});
}

Element files(std::vector<Element> list) { return Element(base::kAttachments, std::move(list)); }

Element letter(const char* to, const std::string& subject, std::vector<Element> more = {}) {
  Element data(airsync::kApplicationData,
               {Element(mail::kTo, to), Element(mail::kSubject, subject), body("1", "text")});
  for (Element& element : more) data.children.push_back(std::move(element));
  return data;
}

Element add(const char* client_id, Element data, bool send = false) {
  Element command(airsync::kAdd, {Element(airsync::kClientId, client_id), std::move(data)});
  if (send) command.children.emplace_back(mail2::kSend);
  return command;
}

Element change(const std::string& id, Element data, bool send = false) {
  Element command(airsync::kChange, {Element(airsync::kServerId, id), std::move(data)});
  if (send) command.children.emplace_back(mail2::kSend);
  return command;
}

Element fields(std::vector<Element> list) {
  return Element(airsync::kApplicationData, std::move(list));
}

struct Answer {
  std::string status, key;
  std::vector<Element> responses, commands;
};

// A phone that syncs one folder.
struct Phone {
  Phone(ServiceFixture& server_of, std::string version_of = "16.1", std::string device_of = "dev1",
        FolderRole role = FolderRole::drafts)
      : server(server_of), version(std::move(version_of)), device(std::move(device_of)) {
    folder = eas::to_collection_id(server.folder(role));
    key = server.prime(folder, device);
  }

  // As sent with the key that the phone has; `keep` is whether the answer arrives.
  Answer sync(std::vector<Element> list = {}, bool keep = true, const char* conflict = nullptr) {
    Element collection(airsync::kCollection,
                       {Element(airsync::kSyncKey, key), Element(airsync::kCollectionId, folder)});
    Element options(airsync::kOptions,
                    {Element(base::kBodyPreference, {Element(base::kType, "1")})});
    if (conflict != nullptr) options.children.emplace_back(airsync::kConflict, conflict);
    collection.children.push_back(options);
    if (!list.empty()) collection.children.emplace_back(airsync::kCommands, std::move(list));
    Call call;
    call.command = "Sync";
    call.version = version;
    call.device = device;
    call.body = Element(airsync::kSync, {Element(airsync::kCollections, {collection})});
    const http::HttpReply reply = server.reply(call);
    REQUIRE(reply.status == 200);
    Answer answer;
    if (reply.body.empty()) return answer;
    const auto root = wbxml::decode(reply.body);
    REQUIRE(root.has_value());
    const Element* collections = root->child(airsync::kCollections);
    if (collections == nullptr) {
      answer.status = text_at(*root, {airsync::kStatus});
      return answer;
    }
    const Element& told = collections->children.at(0);
    answer.status = text_at(told, {airsync::kStatus});
    answer.key = text_at(told, {airsync::kSyncKey});
    if (keep) key = answer.key;
    if (const Element* part = told.child(airsync::kResponses)) answer.responses = part->children;
    if (const Element* part = told.child(airsync::kCommands)) answer.commands = part->children;
    return answer;
  }

  ServiceFixture& server;
  std::string version, device, folder, key;
};

std::string id_of(const Element& response) { return text_at(response, {airsync::kServerId}); }
std::string status_of(const Element& response) { return text_at(response, {airsync::kStatus}); }

// The draft with that id as it lies in the folder.
std::string stored(ServiceFixture& server, const std::string& id) {
  const auto parsed = eas::parse_item_id(id);
  REQUIRE(parsed);
  const auto bytes = server.mailbox()->bytes(parsed->first, parsed->second);
  return bytes ? std::string(bytes->view()) : "<none>";
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::vector<std::string> references(const Element& response) {
  std::vector<std::string> list;
  const Element* data = response.child(airsync::kApplicationData);
  if (data == nullptr) return list;
  const Element* attachments = data->child(base::kAttachments);
  if (attachments == nullptr) return list;
  for (const Element& one : attachments->children) {
    list.push_back(text_at(one, {base::kClientId}) + "=" + text_at(one, {base::kFileReference}));
  }
  return list;
}

}  // namespace

TEST_CASE("drafts: an Add is stored, answered with its ids, and shown to other phones") {
  // covers: MS-ASCMD R748 R1044
  // covers: MS-ASEMAIL R1184 R11850 R1190 R11910 R1283 R12840 R1494
  // covers: MS-ASAIRS R1336 R1368 R1001000
  for (const char* version : {"16.0", "16.1"}) {
    CAPTURE(version);
    ServiceFixture server;
    Phone phone(server, version);
    Phone other(server, version, "dev2");
    const Answer answer =
        phone.sync({add("c1", letter("bob@example.test", "hello",
                                     {files({file("a1", "ONE"), file("a2", "TWO")})}))});
    REQUIRE(answer.responses.size() == 1);
    const Element& response = answer.responses[0];
    CHECK(status_of(response) == "1");
    CHECK(text_at(response, {airsync::kClientId}) == "c1");
    const std::string id = id_of(response);
    CHECK(references(response) == std::vector<std::string>{"a1=" + id + ":2", "a2=" + id + ":3"});
    const Element* data = response.child(airsync::kApplicationData);
    REQUIRE(data != nullptr);
    CHECK(text_at(*data, {mail2::kConversationId}).size() == 16);
    CHECK_FALSE(text_at(*data, {mail2::kConversationIndex}).empty());
    CHECK(answer.commands.empty());
    CHECK(server.count(FolderRole::drafts) == 1);
    CHECK(server.sender.sent.empty());
    CHECK(phone.sync().commands.empty());  // its own work is not told

    const Answer seen = other.sync();
    REQUIRE(seen.commands.size() == 1);
    const Element* shown = seen.commands[0].child(airsync::kApplicationData);
    CHECK(id_of(seen.commands[0]) == id);
    CHECK(text_at(*shown, {mail::kSubject}) == "hello");
    CHECK(text_at(*shown, {mail2::kIsDraft}) == "1");
    CHECK(text_at(*shown, {mail::kRead}) == "1");
  }
}

TEST_CASE(
    "drafts: an Add that comes again makes one draft, also after a restart (field.md pain 5)") {
  ServiceFixture server;
  Phone phone(server);
  const Element command =
      add("c1", letter("bob@example.test", "one", {files({file("a1", "ONE")})}));
  const Answer first = phone.sync({command}, false);
  server.clock.advance(5000);
  const Answer again = phone.sync({command}, false);
  server.restart();
  const Answer third = phone.sync({command});
  REQUIRE(third.responses.size() == 1);
  CHECK(again.responses == first.responses);
  CHECK(third.responses == first.responses);
  CHECK(references(third.responses[0]).size() == 1);
  CHECK(server.count(FolderRole::drafts) == 1);
  CHECK(phone.sync().commands.empty());
  // The next Add with that ClientId is another draft: its key is another one.
  CHECK(phone.sync({add("c1", letter("bob@example.test", "two"))}).responses.size() == 1);
  CHECK(server.count(FolderRole::drafts) == 2);
}

TEST_CASE("drafts: what was written on while no answer came is kept, in one draft") {
  ServiceFixture server;
  Phone phone(server);
  const Answer first = phone.sync({add("c1", letter("bob@example.test", "one"))}, false);
  const Answer second = phone.sync({add("c1", letter("bob@example.test", "one and more"))}, false);
  CHECK(id_of(second.responses.at(0)) == id_of(first.responses.at(0)));
  CHECK(has(stored(server, id_of(first.responses[0])), "Subject: one and more\r\n"));
  phone.sync({add("c1", letter("bob@example.test", "one and more"))});
  CHECK(server.count(FolderRole::drafts) == 1);
  CHECK(phone.sync().commands.empty());
}

TEST_CASE("drafts: a draft that is deleted elsewhere before the answer arrives stays deleted") {
  ServiceFixture server;
  Phone phone(server);
  const Element command = add("c1", letter("bob@example.test", "one"));
  const std::string id = id_of(phone.sync({command}, false).responses.at(0));
  const auto parsed = *eas::parse_item_id(id);
  REQUIRE(server.mailbox()->remove(parsed.first, parsed.second));
  const Answer again = phone.sync({command});
  CHECK(id_of(again.responses.at(0)) == id);
  REQUIRE(again.commands.size() == 1);
  CHECK((again.commands[0].tag == airsync::kDelete));
  CHECK(server.count(FolderRole::drafts) == 0);
}

TEST_CASE(
    "drafts: a Change gives a new content under the same id; others are told, the phone not") {
  ServiceFixture server;
  Phone phone(server);
  const std::string id =
      id_of(phone.sync({add("c1", letter("bob@example.test", "one"))}).responses.at(0));
  Phone other(server, "16.0", "dev2");
  const Answer answer =
      phone.sync({change(id, fields({Element(mail::kSubject, "two"), Element(mail::kCc, "c@x.test"),
                                     Element(mail2::kBcc, "d@x.test"), body("2", "<b>new</b>"),
                                     Element(mail::kRead, "0")}))});
  CHECK(answer.status == "1");
  CHECK(answer.responses.empty());
  CHECK(answer.commands.empty());
  CHECK(phone.sync().commands.empty());
  const Answer seen = other.sync();
  REQUIRE(seen.commands.size() == 1);
  CHECK((seen.commands[0].tag == airsync::kChange));
  CHECK(id_of(seen.commands[0]) == id);
  const Element* shown = seen.commands[0].child(airsync::kApplicationData);
  CHECK(text_at(*shown, {mail::kSubject}) == "two");
  CHECK(text_at(*shown, {mail2::kBcc}) == "\"d@x.test\" <d@x.test>");
  CHECK(text_at(*shown, {mail::kTo}) == "\"bob@example.test\" <bob@example.test>");
  CHECK(text_at(*shown, {base::kNativeBodyType}) == "2");
  CHECK(text_at(*shown, {mail::kRead}) == "0");
  CHECK(server.count(FolderRole::drafts) == 1);
}

TEST_CASE("drafts: attachments of a Change get their references; a repeat adds none twice") {
  // covers: MS-ASAIRS R1336
  ServiceFixture server;
  Phone phone(server);
  const std::string id =
      id_of(phone.sync({add("c1", letter("b@x.test", "s", {files({file("a1", "ONE")})}))})
                .responses.at(0));
  const Element more = change(id, fields({files({file("a2", "TWO"), file("a3", "THREE")})}));
  const Answer first = phone.sync({more}, false);
  REQUIRE(first.responses.size() == 1);
  CHECK(status_of(first.responses[0]) == "1");
  const std::vector<std::string> expected = {"a2=" + id + ":3", "a3=" + id + ":4"};
  CHECK(references(first.responses[0]) == expected);
  const Answer again = phone.sync({more});
  REQUIRE(again.responses.size() == 1);
  CHECK(references(again.responses[0]) == expected);
  CHECK(eas::email::attachment(stored(server, id), "4")->bytes == "THREE");
  CHECK_FALSE(eas::email::attachment(stored(server, id), "5"));
}

TEST_CASE("drafts: a repeated deletion of an attachment does not delete the next one") {
  ServiceFixture server;
  Phone phone(server);
  const std::string id = id_of(
      phone
          .sync(
              {add("c1", letter("b@x.test", "s", {files({file("a1", "ONE"), file("a2", "TWO")})}))})
          .responses.at(0));
  const Element removal = change(
      id, fields({files({Element(base::kDelete, {Element(base::kFileReference, id + ":2")})})}));
  const Answer first = phone.sync({removal}, false);
  CHECK(first.responses.empty());
  const Answer again = phone.sync({removal});
  CHECK(again.responses.empty());
  CHECK(eas::email::attachment(stored(server, id), "2")->bytes == "TWO");
  // The other attachment's reference is another one now, so the phone gets the item again.
  REQUIRE(again.commands.size() == 1);
  CHECK(id_of(again.commands[0]) == id);
  CHECK(text_at(again.commands[0], {airsync::kApplicationData, base::kAttachments,
                                    base::kAttachment, base::kFileReference}) == id + ":2");
}

TEST_CASE(
    "drafts: two changes of one draft in one request, and the same again (quirks.md: Exchange "
    "16.x)") {
  ServiceFixture server;
  Phone phone(server);
  const std::string id = id_of(phone.sync({add("c1", letter("b@x.test", "s"))}).responses.at(0));
  const std::vector<Element> both = {change(id, fields({files({file("a1", "ONE")})})),
                                     change(id, fields({files({file("a2", "TWO")})}))};
  phone.sync(both, false);
  const Answer again = phone.sync(both);
  REQUIRE(again.responses.size() == 2);
  CHECK(references(again.responses[0]) == std::vector<std::string>{"a1=" + id + ":2"});
  CHECK(references(again.responses[1]) == std::vector<std::string>{"a2=" + id + ":3"});
  CHECK_FALSE(eas::email::attachment(stored(server, id), "4"));
}

TEST_CASE("drafts: Send in a Change sends once, keeps a copy and empties Drafts") {
  // covers: MS-ASEMAIL R1389 R1393 R13930
  for (const char* version : {"16.0", "16.1"}) {
    CAPTURE(version);
    ServiceFixture server;
    Phone phone(server, version);
    const std::string id = id_of(phone
                                     .sync({add("c1", letter("bob@example.test", "one",
                                                             {Element(mail2::kBcc, "c@x.test")}))})
                                     .responses.at(0));
    server.clock.advance(86'400'000LL * 3);
    const Element send = change(id, fields({Element(mail::kSubject, "final")}), true);
    const Answer first = phone.sync({send}, false);
    CHECK(first.responses.empty());
    REQUIRE(first.commands.size() == 1);
    CHECK((first.commands[0].tag == airsync::kDelete));
    server.restart();
    const Answer again = phone.sync({send});
    CHECK(again.responses.empty());
    REQUIRE(server.sender.sent.size() == 1);
    const auto& sent = server.sender.sent[0];
    CHECK(sent.recipients == std::vector<std::string>{"bob@example.test", "c@x.test"});
    CHECK(has(sent.bytes, "Subject: final\r\n"));
    CHECK(has(sent.bytes, "Date: Sat, 21 Nov 2026"));  // when it was sent, not when it was begun
    CHECK_FALSE(has(sent.bytes, "X-Godwit-Draft"));
    CHECK_FALSE(has(sent.bytes, "c@x.test"));
    CHECK(server.count(FolderRole::drafts) == 0);
    CHECK(server.count(FolderRole::sent) == 1);
  }
}

TEST_CASE("drafts: Send in an Add sends once and leaves no draft") {
  ServiceFixture server;
  Phone phone(server);
  Phone other(server, "16.1", "dev2");
  const Element send = add("c1", letter("bob@example.test", "one"), true);
  phone.sync({send}, false);
  server.restart();
  const Answer again = phone.sync({send});
  REQUIRE(again.responses.size() == 1);
  CHECK(status_of(again.responses[0]) == "1");
  REQUIRE(again.commands.size() == 1);
  CHECK((again.commands[0].tag == airsync::kDelete));
  CHECK(id_of(again.commands[0]) == id_of(again.responses[0]));
  CHECK(server.sender.sent.size() == 1);
  CHECK(server.count(FolderRole::drafts) == 0);
  CHECK(server.count(FolderRole::sent) == 1);
  CHECK(other.sync().commands.empty());
}

TEST_CASE("drafts: a process killed while a draft is sent sends it again under the same identity") {
  ServiceFixture server;
  Phone phone(server);
  const Element send = add("c1", letter("bob@example.test", "one"), true);
  server.sender.on_send = [] { throw std::runtime_error("killed"); };
  Call call;  // by hand: the answer is a 500
  call.command = "Sync";
  call.version = "16.1";
  call.body = Element(
      airsync::kSync,
      {Element(airsync::kCollections,
               {Element(airsync::kCollection, {Element(airsync::kSyncKey, phone.key),
                                               Element(airsync::kCollectionId, phone.folder),
                                               Element(airsync::kCommands, {send})})})});
  CHECK(server.reply(call).status == 500);
  CHECK(server.count(FolderRole::drafts) == 1);  // nothing is lost meanwhile
  server.sender.on_send = nullptr;
  server.restart();
  CHECK(status_of(phone.sync({send}).responses.at(0)) == "1");
  CHECK(server.sender.sent.size() == 1);
  CHECK(server.count(FolderRole::drafts) == 0);
}

TEST_CASE("drafts: without valid recipients nothing is sent and the draft stays: 183") {
  // covers: MS-ASCMD R7472
  ServiceFixture server;
  Phone phone(server);
  for (const char* to : {"", "carl", "a b@x.test", "bob@example.test; nobody"}) {
    CAPTURE(to);
    const Answer added = phone.sync({add("c1", letter(to, "one"), true)});
    REQUIRE(added.responses.size() == 1);
    CHECK(status_of(added.responses[0]) == "183");
    CHECK(id_of(added.responses[0]).empty());
    CHECK(server.count(FolderRole::drafts) == 0);  // the phone has it and says so again

    const std::string id =
        id_of(phone.sync({add("c2", letter("bob@example.test", "two"))}).responses.at(0));
    const Answer changed = phone.sync({change(id, fields({Element(mail::kTo, to)}), true)});
    REQUIRE(changed.responses.size() == 1);
    CHECK(status_of(changed.responses[0]) == "183");
    CHECK(server.count(FolderRole::drafts) == 1);
    const auto parsed = *eas::parse_item_id(id);
    REQUIRE(server.mailbox()->remove(parsed.first, parsed.second));
    phone.sync();
  }
  CHECK(server.sender.sent.empty());
  CHECK(server.count(FolderRole::sent) == 0);
}

TEST_CASE(
    "drafts: a draft that the mail system refuses is told and kept; a temporary refusal is 16") {
  struct Case {
    storage::ErrorKind kind;
    const char* status;
  };
  for (const Case& row :
       {Case{storage::ErrorKind::denied, "120"}, Case{storage::ErrorKind::unavailable, "16"}}) {
    ServiceFixture server;
    Phone phone(server);
    server.sender.fail_with = row.kind;
    const std::string id =
        id_of(phone.sync({add("c1", letter("bob@example.test", "one"))}).responses.at(0));
    const Answer refused = phone.sync({change(id, fields({}), true)});
    REQUIRE(refused.responses.size() == 1);
    CHECK(status_of(refused.responses[0]) == row.status);
    CHECK(server.count(FolderRole::drafts) == 1);
    const Element send = add("c2", letter("bob@example.test", "two"), true);
    CHECK(status_of(phone.sync({send}, false).responses.at(0)) == row.status);
    CHECK(server.count(FolderRole::drafts) == 1);
    server.sender.fail_with.reset();
    const Answer again = phone.sync({send});  // the answer was lost, and now it works
    CHECK(status_of(again.responses.at(0)) == "1");
    CHECK(phone.sync({change(id, fields({}), true)}).responses.empty());
    CHECK(server.sender.sent.size() == 2);
    CHECK(server.count(FolderRole::drafts) == 0);
    CHECK(server.count(FolderRole::sent) == 2);
  }
}

TEST_CASE("drafts: full MIME as a draft, changed and sent as it is (quirks.md: iOS, Nine)") {
  ServiceFixture server;
  Phone phone(server);
  const std::string mime =
      "From: ann@example.test\r\nTo: bob@example.test\r\nSubject: whole\r\nMessage-ID: "
      "<m1@phone>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nOdd   text \r\n";
  const std::string id = id_of(phone.sync({add("c1", fields({body("4", mime)}))}).responses.at(0));
  CHECK(stored(server, id).ends_with("\r\n\r\nOdd   text \r\n"));
  phone.sync({change(id, fields({body("4", mime + "More.\r\n")}), true)});
  REQUIRE(server.sender.sent.size() == 1);
  CHECK(server.sender.sent[0].bytes.ends_with("\r\n\r\nOdd   text \r\nMore.\r\n"));
  CHECK(has(server.sender.sent[0].bytes, "Message-ID: <m1@phone>\r\n"));
}

TEST_CASE("drafts: full MIME that is saved again and again is the phone's own, never a conflict") {
  ServiceFixture server;
  Phone phone(server);
  const auto draft = [](const std::string& text) {
    return fields({body("4",
                        "From: ann@example.test\r\nTo: bob@example.test\r\nSubject: whole\r\n"
                        "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n" +
                            text)});
  };
  const std::string id = id_of(phone.sync({add("c1", draft("one\r\n"))}).responses.at(0));
  const Answer both =
      phone.sync({change(id, draft("two\r\n")), change(id, draft("three\r\n"))}, true, "1");
  CHECK(both.responses.empty());
  CHECK(both.commands.empty());
  CHECK(stored(server, id).ends_with("three\r\n"));
}

TEST_CASE("drafts: a change by another phone meanwhile wins or loses as the phone asks") {
  ServiceFixture server;
  Phone phone(server);
  const std::string id =
      id_of(phone.sync({add("c1", letter("bob@example.test", "one"))}).responses.at(0));
  phone.sync();
  Phone other(server, "16.1", "dev2");
  other.sync({change(id, fields({Element(mail::kSubject, "theirs")}))});
  const Answer lost =
      phone.sync({change(id, fields({Element(mail::kSubject, "mine")}))}, true, "1");
  REQUIRE(lost.responses.size() == 1);
  CHECK(status_of(lost.responses[0]) == "7");
  CHECK(has(stored(server, id), "Subject: theirs\r\n"));
  REQUIRE(lost.commands.size() == 1);  // and is told what it says now
  other.sync({change(id, fields({Element(mail::kSubject, "theirs again")}))});
  CHECK(phone.sync({change(id, fields({Element(mail::kSubject, "mine")}))}, true, "0")
            .responses.empty());
  CHECK(has(stored(server, id), "Subject: mine\r\n"));
}

TEST_CASE("drafts: what cannot be a draft has its status and changes nothing") {
  // covers: MS-ASEMAIL R817 R835
  // covers: MS-ASCMD R755 R4440
  ServiceFixture server;
  Phone phone(server);
  const std::string id =
      id_of(phone.sync({add("c1", letter("bob@example.test", "one"))}).responses.at(0));
  const std::string before = stored(server, id);
  for (const Element& bad :
       {Element(mail2::kUmCallerID, "1"), Element(mail2::kUmUserNotes, "1"), body("3", "rtf"),
        body("4", "garbage"), Element(mail::kImportance, "9"),
        files({Element(base::kDelete, {Element(base::kFileReference, "m9:9:9")})})}) {
    CHECK(status_of(phone.sync({add("bad", fields({bad}))}).responses.at(0)) == "6");
    CHECK(status_of(phone.sync({change(id, fields({bad}))}).responses.at(0)) == "6");
  }
  const Answer missing =
      phone.sync({change(phone.folder + ":9999", fields({Element(mail::kSubject, "x")})),
                  change(phone.folder + ":9998", fields({Element(mail::kSubject, "x")}), true)});
  CHECK(status_of(missing.responses.at(0)) == "8");
  CHECK(status_of(missing.responses.at(1)) == "8");
  CHECK(stored(server, id) == before);
  CHECK(server.count(FolderRole::drafts) == 1);
}

TEST_CASE("drafts: other folders, older versions and SMS are as they were (field.md 1.3)") {
  // covers: MS-ASCMD R755
  // covers: MS-ASEMAIL R1390 R1391 R1392
  ServiceFixture server;
  const auto item = server.deliver(test::simple_mail("mail"));
  Phone inbox(server, "16.1", "dev1", FolderRole::inbox);
  CHECK(status_of(inbox.sync({add("c1", letter("bob@example.test", "x"))}).responses.at(0)) == "6");
  CHECK(status_of(inbox.sync({add("c2", letter("bob@example.test", "x"), true)}).responses.at(0)) ==
        "6");
  const std::string mail_id = eas::to_item_id(server.folder(FolderRole::inbox), item);
  CHECK(status_of(inbox.sync({change(mail_id, fields({Element(mail::kSubject, "forged")}))})
                      .responses.at(0)) == "6");
  CHECK(status_of(inbox.sync({change(mail_id, fields({Element(mail::kRead, "1")}), true)})
                      .responses.at(0)) == "6");
  for (const char* version : {"12.1", "14.0", "14.1"}) {
    Phone old(server, version, std::string("dev") + version);
    CHECK(status_of(old.sync({add("c1", letter("bob@example.test", "x"))}).responses.at(0)) == "6");
  }
  Element sms = add("c3", letter("bob@example.test", "x"));
  sms.children.insert(sms.children.begin(), Element(airsync::kClass, "SMS"));
  CHECK(status_of(Phone(server).sync({sms}).responses.at(0)) == "1");
  CHECK(server.count(FolderRole::drafts) == 0);
  CHECK(server.sender.sent.empty());
}

TEST_CASE("drafts: Delete of a draft goes to Deleted Items or away, as the phone says") {
  ServiceFixture server;
  Phone phone(server);
  const std::string id =
      id_of(phone.sync({add("c1", letter("bob@example.test", "one"))}).responses.at(0));
  const Answer answer = phone.sync({Element(airsync::kDelete, {Element(airsync::kServerId, id)})});
  CHECK(answer.responses.empty());
  CHECK(answer.commands.empty());
  CHECK(server.count(FolderRole::drafts) == 0);
  CHECK(server.count(FolderRole::trash) == 1);
}
