#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "server/sync/server_id.h"
#include "storage/sql/database.h"
#include "tests/support/service_fixture.h"
#include "wbxml/code_pages.h"
#include "wbxml/encoder.h"

namespace {

using storage::FolderRole;
using test::Call;
using test::ServiceFixture;
using test::simple_mail;
using test::text_at;
using wbxml::Element;
namespace tag = wbxml::search;
namespace airsync = wbxml::airsync;
namespace mail = wbxml::email;
namespace base = wbxml::airsync_base;

constexpr const char* kFrom12_0[] = {"12.0", "12.1", "14.0", "14.1", "16.0", "16.1"};

Call search(std::vector<Element> store, const char* version = "14.1") {
  Call call;
  call.command = "Search";
  call.version = version;
  call.body = Element(tag::kSearch, {Element(tag::kStore, std::move(store))});
  return call;
}

Call query_mail(std::vector<Element> conditions, std::vector<Element> options = {},
                const char* version = "14.1") {
  std::vector<Element> store = {Element(tag::kName, "Mailbox"),
                                Element(tag::kQuery, {Element(tag::kAnd, std::move(conditions))})};
  if (!options.empty()) store.emplace_back(tag::kOptions, std::move(options));
  return search(std::move(store), version);
}

Element text(const std::string& words) { return Element(tag::kFreeText, words); }
Element range(const std::string& value) { return Element(tag::kRange, value); }
Element email_class() { return Element(airsync::kClass, "Email"); }

const Element& store_of(const Element& answer) {
  REQUIRE(answer.tag == tag::kSearch);
  CHECK(answer.text_of(tag::kStatus) == "1");
  const Element* response = answer.child(tag::kResponse);
  REQUIRE(response != nullptr);
  const Element* store = response->child(tag::kStore);
  REQUIRE(store != nullptr);
  return *store;
}

std::string status_of(const Element& answer) { return text_at(store_of(answer), {tag::kStatus}); }

// The subjects of the results, in order.
std::vector<std::string> subjects(const Element& answer) {
  std::vector<std::string> all;
  for (const Element& child : store_of(answer).children) {
    if (child.tag != tag::kResult || child.is_empty()) continue;
    all.push_back(text_at(child, {tag::kProperties, mail::kSubject}));
  }
  return all;
}

std::string range_of(const Element& answer) { return text_at(store_of(answer), {tag::kRange}); }
std::string total_of(const Element& answer) { return text_at(store_of(answer), {tag::kTotal}); }

using Subjects = std::vector<std::string>;

// Delivers mails "m0" (oldest) … with that body, a second apart.
void deliver(ServiceFixture& server, int count, const std::string& body) {
  for (int i = 0; i < count; ++i) {
    server.deliver(simple_mail("m" + std::to_string(i), body));
    server.clock.advance(1000);
  }
}

}  // namespace

TEST_CASE(
    "Search: mail is found by its words, newest first, with Class, LongId and properties (field.md "
    "1.2)") {
  // covers: MS-ASCMD R6087 R6088 R6089 R6090 R6090100601 R6091 R7513 R7514 R7515 R7516 R3880 R2545
  // covers: MS-ASCMD R4315 R4327 R4531 R3844 R3846 R3849 R3862 R5849 R3687 R1836 R1392 R2501 R3733
  // covers: MS-ASCMD R922 R4638 R4636 R3704 R4633 R5751
  for (const char* version : kFrom12_0) {
    CAPTURE(version);
    ServiceFixture server;
    deliver(server, 3, "a word about apples");
    server.deliver(simple_mail("other", "pears"));
    const Element answer = server.element(query_mail({text("APPLE")}, {}, version));
    CHECK(status_of(answer) == "1");
    CHECK(subjects(answer) == Subjects{"m2", "m1", "m0"});
    CHECK(range_of(answer) == "0-2");
    CHECK(total_of(answer) == "3");
    const Element* result = store_of(answer).child(tag::kResult);
    REQUIRE(result != nullptr);
    CHECK(text_at(*result, {airsync::kClass}) == "Email");
    const std::string inbox = eas::to_collection_id(server.folder(FolderRole::inbox));
    CHECK(text_at(*result, {airsync::kCollectionId}) == inbox);
    CHECK(text_at(*result, {tag::kLongId}) == inbox + ":3");
    const Element* properties = result->child(tag::kProperties);
    REQUIRE(properties != nullptr);
    CHECK(properties->has(mail::kFrom));
    CHECK(properties->has(base::kBody));
    CHECK(properties->has(wbxml::email2::kConversationId) == (std::string(version) >= "14.0"));
  }
}

TEST_CASE(
    "Search: a mailbox without hits answers an empty Result, Range and Total "
    "(quirks.md: Android 4)") {
  // covers: MS-ASCMD R3850
  ServiceFixture server;
  for (const char* version : kFrom12_0) {
    CAPTURE(version);
    const Element answer = server.element(query_mail({text("nothing")}, {}, version));
    CHECK(status_of(answer) == "1");
    const Element* result = store_of(answer).child(tag::kResult);
    REQUIRE(result != nullptr);
    CHECK(result->is_empty());
    CHECK(range_of(answer) == "0-0");
    CHECK(total_of(answer) == "0");
  }
}

TEST_CASE("Search: 2.5 has no search in mailboxes") {
  ServiceFixture server;
  CHECK(status_of(server.element(query_mail({text("x")}, {}, "2.5"))) == "2");
}

TEST_CASE(
    "Search: without CollectionId, or with 0, all mail folders are searched "
    "(quirks.md: Android 6, Outlook mobile)") {
  // covers: MS-ASCMD R2031 R5856 R2146
  ServiceFixture server;
  const auto top = server.mailbox()->create_folder(0, "Top");
  REQUIRE(top);
  const auto below = server.mailbox()->create_folder(top->id, "Below");
  REQUIRE(below);
  const storage::CollectionId upper = top->id;
  server.deliver(simple_mail("trash", "apple"), FolderRole::trash);
  REQUIRE(server.mailbox()->append(upper, simple_mail("top", "apple"), {}, 2));
  REQUIRE(server.mailbox()->append(below->id, simple_mail("below", "apple"), {}, 1));
  const auto in = [&](std::vector<std::string> folders, bool deep) {
    std::vector<Element> conditions = {text("apple")};
    for (const std::string& id : folders) conditions.emplace_back(airsync::kCollectionId, id);
    std::vector<Element> options;
    if (deep) options.emplace_back(tag::kDeepTraversal);
    return subjects(server.element(query_mail(std::move(conditions), std::move(options))));
  };
  const std::string upper_id = eas::to_collection_id(upper);
  const std::string trash_id = eas::to_collection_id(server.folder(FolderRole::trash));
  CHECK(in({}, false) == Subjects{"trash", "top", "below"});
  CHECK(in({"0"}, false) == Subjects{"trash", "top", "below"});
  CHECK(in({upper_id}, false) == Subjects{"top"});
  CHECK(in({upper_id}, true) == Subjects{"top", "below"});
  CHECK(in({upper_id, trash_id}, false) == Subjects{"trash", "top"});
  CHECK(in({eas::to_collection_id(below->id)}, false) == Subjects{"below"});
}

TEST_CASE("Search: a folder that does not exist wants a FolderSync") {
  // covers: MS-ASCMD R4358
  ServiceFixture server;
  for (const char* id : {"m999", "garbage", "5"}) {
    CAPTURE(id);
    CHECK(status_of(server.element(query_mail({text("x"), Element(airsync::kCollectionId, id)}))) ==
          "11");
  }
}

TEST_CASE("Search: dates of reception, alone and together") {
  // covers: MS-ASCMD R3140
  ServiceFixture server;
  deliver(server, 3, "apple");  // 2026-11-18T11:06:40Z and one and two seconds later
  const auto when = [&](wbxml::Tag comparison, const char* value) {
    return Element(comparison, {Element(mail::kDateReceived), Element(tag::kValue, value)});
  };
  const auto with = [&](std::vector<Element> conditions) {
    return subjects(server.element(query_mail(std::move(conditions))));
  };
  CHECK(with({text("apple"), when(tag::kGreaterThan, "2026-11-18T11:06:40.000Z")}) ==
        Subjects{"m2", "m1"});
  CHECK(with({text("apple"), when(tag::kLessThan, "2026-11-18T11:06:42.000Z")}) ==
        Subjects{"m1", "m0"});
  CHECK(with({when(tag::kGreaterThan, "2026-11-18T11:06:40.000Z"),
              when(tag::kLessThan, "20261118T110642Z")}) == Subjects{"m1"});
  CHECK(with({text("apple"), when(tag::kGreaterThan, "2026-11-19")}).empty());
}

TEST_CASE("Search: a page of the results, and pages that belong together") {
  // covers: MS-ASCMD R3725 R3729 R3748 R3749 R3750 R3755 R3757 R5426 R5427
  ServiceFixture server;
  deliver(server, 7, "apple");
  const auto page = [&](const char* wanted, bool rebuild = false) {
    std::vector<Element> options = {range(wanted)};
    if (rebuild) options.emplace_back(tag::kRebuildResults);
    return server.element(query_mail({text("apple")}, std::move(options)));
  };
  const Element first = page("0-2");
  CHECK(subjects(first) == Subjects{"m6", "m5", "m4"});
  CHECK(range_of(first) == "0-2");
  CHECK(total_of(first) == "7");
  CHECK(subjects(page("0-0")) == Subjects{"m6"});
  server.deliver(simple_mail("new", "apple"));
  const auto inbox = server.folder(FolderRole::inbox);
  REQUIRE(server.mailbox()->remove(inbox, 3));  // m2
  const Element second = page("3-5");
  CHECK(subjects(second) == Subjects{"m3", "m1"});
  CHECK(range_of(second) == "3-5");  // the gap counts, or the next page would repeat
  const Element again = page("3-5", true);
  CHECK(subjects(again) == Subjects{"m4", "m3", "m1"});
  CHECK(total_of(again) == "7");
  CHECK(subjects(page("0-1")) == Subjects{"new", "m6"});
}

TEST_CASE("Search: a range beyond what can be had is status 12, with the part that can be had") {
  // covers: MS-ASCMD R3736 R4361
  ServiceFixture server;
  deliver(server, 3, "apple");
  const Element answer = server.element(query_mail({text("apple")}, {range("0-100")}));
  CHECK(status_of(answer) == "12");
  CHECK(subjects(answer).size() == 3);
  CHECK(total_of(answer) == "3");
  const Element beyond = server.element(query_mail({text("apple")}, {range("100-199")}));
  CHECK(status_of(beyond) == "12");
  CHECK(subjects(beyond).empty());
  const Element past = server.element(query_mail({text("apple")}, {range("5-9")}));
  CHECK(status_of(past) == "12");
}

TEST_CASE("Search: what is malformed is status 2") {
  // covers: MS-ASCMD R4329 R4325 R4321 R2088 R6288 R6289 R4534 R3722 R3136 R3212
  ServiceFixture server;
  const auto comparison = [](std::vector<Element> children) {
    return Element(tag::kGreaterThan, std::move(children));
  };
  const Element date(mail::kDateReceived);
  const Element value(tag::kValue, "2026-11-18T11:06:40.000Z");
  const Element id(tag::kConversationId, std::string(16, 'x'));
  const std::vector<Call> calls = {
      query_mail({text("x")}, {range("1")}),
      query_mail({text("x")}, {range("5-2")}),
      query_mail({text("x")}, {range("0-1000")}),
      query_mail({text("x")}, {range("a-b")}),
      query_mail({text("x")}, {range("0-1"), range("0-2")}),
      query_mail({}),
      query_mail({text("  ")}),
      query_mail({Element(airsync::kClass, "Dogs"), text("x")}),
      query_mail({Element(airsync::kClass, "SMS"), text("x")}, {}, "12.1"),
      query_mail({Element(airsync::kClass, "Notes"), text("x")}, {}, "12.0"),
      query_mail({comparison({value, date})}),
      query_mail({comparison({date})}),
      query_mail({comparison({date, Element(tag::kValue, "soon")})}),
      query_mail({comparison({date, value}), comparison({date, value})}),
      query_mail({id, id}),
      query_mail({Element(tag::kConversationId, "short")}),
      query_mail({text("x")}, {Element(airsync::kMIMESupport, "7")}),
      query_mail({text("x")}, {Element(tag::kUserName, std::string(500, 'u'))}),
      query_mail({text("x")}, {Element(base::kBodyPartPreference, {Element(base::kType, "2")})}),
      query_mail({Element(tag::kEqualTo), text("x")}),
      search({Element(tag::kName, "Mailbox")}),
      search({Element(tag::kName, "Mailbox"), Element(tag::kQuery)}),
      search({Element(tag::kName, "Elsewhere"), Element(tag::kQuery, "x")}),
      search({Element(tag::kQuery, "x")}),
  };
  for (std::size_t i = 0; i < calls.size(); ++i) {
    CAPTURE(i);
    CHECK(status_of(server.element(calls[i])) == "2");
  }
  Call twice = query_mail({text("x")});
  twice.body.children.push_back(twice.body.children.front());
  CHECK(status_of(server.element(twice)) == "2");
  Call none = query_mail({});
  none.body = Element(tag::kSearch);
  CHECK(text_at(server.element(none), {tag::kStatus}) == "103");
  none.version = "12.1";
  CHECK(server.reply(none).status == 400);
}

TEST_CASE("Search: conditions outside And, and operators in operators, are too complex") {
  // covers: MS-ASCMD R772 R923 R2032 R2086 R3105 R3143 R3220 R4350
  ServiceFixture server;
  const auto status = [&](std::vector<Element> query) {
    return status_of(server.element(
        search({Element(tag::kName, "Mailbox"), Element(tag::kQuery, std::move(query))})));
  };
  const Element all(tag::kAnd, {text("x")});
  const Element comparison_children = Element(mail::kDateReceived);
  const Element value(tag::kValue, "2026-11-18T11:06:40.000Z");
  CHECK(status({all, all}) == "8");
  CHECK(status({email_class()}) == "8");
  CHECK(status({Element(airsync::kCollectionId, "m1")}) == "8");
  CHECK(status({Element(tag::kConversationId, std::string(16, 'x'))}) == "8");
  CHECK(status({text("x")}) == "8");
  CHECK(status({Element(tag::kGreaterThan, {comparison_children, value})}) == "8");
  CHECK(status({Element(tag::kLessThan, {comparison_children, value})}) == "8");
  CHECK(status({Element(tag::kOr, {text("x"), text("y")})}) == "8");
  CHECK(status({Element(tag::kAnd, {Element(tag::kAnd, {text("x")})})}) == "8");
  CHECK(status({Element(tag::kAnd, {Element(tag::kOr, {text("x")})})}) == "8");
  std::string words;
  for (int i = 0; i < 400; ++i) words += "word ";
  CHECK(status({Element(tag::kAnd, {text(words)})}) == "8");
}

TEST_CASE("Search: an index that fails is status 3; what does not need it goes on") {
  // covers: MS-ASCMD R4332
  ServiceFixture server;
  deliver(server, 1, "apple");
  {
    const auto database = storage::Database::open("sqlite:" + server.dir.file("search.db"));
    REQUIRE(database);
    const auto dropped =
        (*database)->write([](storage::Connection& connection) -> storage::Result<void> {
          GODWIT_TRY(connection.execute("DROP TABLE search_item"));
          return {};
        });
    REQUIRE(dropped);
  }
  CHECK(status_of(server.element(query_mail({text("apple")}))) == "3");
  const Element people =
      server.element(search({Element(tag::kName, "GAL"), Element(tag::kQuery, "ann")}));
  CHECK(status_of(people) == "1");
  CHECK(total_of(people) == "1");
}

TEST_CASE("Search: only mail is found; other classes have nothing") {
  // covers: MS-ASCMD R920
  ServiceFixture server;
  deliver(server, 1, "apple");
  const auto with = [&](std::vector<std::string> classes) {
    std::vector<Element> conditions = {text("apple")};
    for (const std::string& name : classes) conditions.emplace_back(airsync::kClass, name);
    const Element answer = server.element(query_mail(std::move(conditions)));
    CHECK(status_of(answer) == "1");
    return subjects(answer);
  };
  CHECK(with({"Email"}) == Subjects{"m0"});
  CHECK(with({"Calendar", "Email"}) == Subjects{"m0"});
  for (const char* name : {"Calendar", "Contacts", "Tasks", "Notes", "SMS"}) {
    CAPTURE(name);
    CHECK(with({name}).empty());
  }
}

TEST_CASE("Search: a folder of another class is known and holds no mail") {
  ServiceFixture server;
  deliver(server, 1, "apple");
  const std::string calendar =
      eas::to_collection_id(eas::default_collection(eas::ItemClass::calendar));
  const Element folder(airsync::kCollectionId, calendar);
  const Element alone = server.element(query_mail({text("apple"), folder}));
  CHECK(status_of(alone) == "1");
  CHECK(total_of(alone) == "0");
  const Element inbox(airsync::kCollectionId,
                      eas::to_collection_id(server.folder(FolderRole::inbox)));
  CHECK(subjects(server.element(query_mail({text("apple"), folder, inbox}))) == Subjects{"m0"});
}

TEST_CASE("Search: a part of the body of a conversation's messages, in HTML only") {
  // covers: MS-ASCON R40 R235 R339
  ServiceFixture server;
  deliver(server, 1, "apple");
  const Element found = server.element(query_mail({text("apple")}));
  const Element* result = store_of(found).child(tag::kResult);
  REQUIRE(result != nullptr);
  CHECK_FALSE(result->child(tag::kProperties)->has(base::kBodyPart));
  Element id(tag::kConversationId,
             text_at(*result, {tag::kProperties, wbxml::email2::kConversationId}));
  id.opaque = true;
  const auto part = [](const char* type) {
    return Element(base::kBodyPartPreference,
                   {Element(base::kType, type), Element(base::kTruncationSize, "1000")});
  };
  const Element answer = server.element(query_mail({id}, {part("2")}));
  CHECK(status_of(answer) == "1");
  const Element* with_part = store_of(answer).child(tag::kResult);
  REQUIRE(with_part != nullptr);
  CHECK(with_part->child(tag::kProperties)->has(base::kBodyPart));
  CHECK(status_of(server.element(query_mail({id}, {part("1")}))) == "164");
}

TEST_CASE("Search: a conversation in all folders, by its bytes or as a GUID") {
  // covers: MS-ASCMD R2083
  // covers: MS-ASCON R176 R220 R221
  ServiceFixture server;
  server.deliver("Subject: start\r\nMessage-ID: <root@x>\r\n\r\nx\r\n");
  server.clock.advance(1000);
  server.deliver("Subject: Re: start\r\nMessage-ID: <2@x>\r\nReferences: <root@x>\r\n\r\nx\r\n",
                 FolderRole::sent);
  server.deliver(simple_mail("other"));
  const Element found = server.element(query_mail({text("start")}));
  const Element* result = store_of(found).child(tag::kResult);
  REQUIRE(result != nullptr);
  const std::string id = text_at(*result, {tag::kProperties, wbxml::email2::kConversationId});
  REQUIRE(id.size() == 16);
  Element bytes(tag::kConversationId, id);
  bytes.opaque = true;
  for (const char* version : {"14.0", "14.1", "16.0", "16.1"}) {
    CAPTURE(version);
    CHECK(subjects(server.element(query_mail({bytes}, {}, version))) ==
          Subjects{"Re: start", "start"});
  }
  std::string guid;
  for (const char c : id) {
    constexpr const char* kHex = "0123456789ABCDEF";
    guid += kHex[static_cast<unsigned char>(c) >> 4];
    guid += kHex[static_cast<unsigned char>(c) & 15];
  }
  guid.insert(20, "-").insert(16, "-").insert(12, "-").insert(8, "-");
  CHECK(subjects(server.element(query_mail({Element(tag::kConversationId, guid)}))) ==
        Subjects{"Re: start", "start"});
  CHECK(status_of(server.element(query_mail({bytes}, {}, "12.1"))) == "2");
}

TEST_CASE("Search: bodies as they were asked for, whole MIME too") {
  // covers: MS-ASCMD R3383 R3384 R3387 R3388 R3851
  ServiceFixture server;
  server.deliver("Subject: html\r\nContent-Type: text/html\r\n\r\n<p>apple <b>pie</b></p>\r\n");
  const auto body = [&](std::vector<Element> options) {
    const Element answer = server.element(query_mail({text("apple")}, std::move(options)));
    const Element* result = store_of(answer).child(tag::kResult);
    REQUIRE(result != nullptr);
    const Element* properties = result->child(tag::kProperties);
    REQUIRE(properties != nullptr);
    const Element* found = properties->child(base::kBody);
    REQUIRE(found != nullptr);
    return *found;
  };
  const auto preference = [](const char* type, const char* size) {
    return Element(base::kBodyPreference,
                   {Element(base::kType, type), Element(base::kTruncationSize, size)});
  };
  CHECK(text_at(body({preference("2", "1000")}), {base::kType}) == "2");
  const Element cut = body({preference("1", "5")});
  CHECK(text_at(cut, {base::kType}) == "1");
  CHECK(text_at(cut, {base::kTruncated}) == "1");
  const Element mime = body({Element(airsync::kMIMESupport, "2"), preference("4", "20")});
  CHECK(text_at(mime, {base::kType}) == "4");
  CHECK(text_at(mime, {base::kTruncated}) == "1");
  CHECK(mime.has(base::kEstimatedDataSize));
  CHECK(text_at(mime, {base::kData}).starts_with("Subject: html"));
}

TEST_CASE("Search: a LongId is all that ItemOperations needs (quirks.md: iOS)") {
  ServiceFixture server;
  deliver(server, 1, "apple");
  const Element answer = server.element(query_mail({text("apple")}));
  const Element* result = store_of(answer).child(tag::kResult);
  REQUIRE(result != nullptr);
  const auto id = eas::parse_item_id(text_at(*result, {tag::kLongId}));
  REQUIRE(id);
  CHECK(server.mailbox()->message(id->first, id->second));

  // covers: MS-ASHTTP R512
  Call reply;
  reply.command = "SmartReply";
  reply.version = "12.1";
  reply.raw = "To: carl@elsewhere.test\r\n\r\nMine.\r\n";
  reply.content_type = "message/rfc822";
  reply.more_query = "&LongId=" + text_at(*result, {tag::kLongId});
  CHECK(server.reply(reply).status == 200);
  REQUIRE(server.sender.sent.size() == 1);
  CHECK(server.sender.sent[0].bytes.find("apple") != std::string::npos);
}

TEST_CASE("Search: any script, in subject, addresses, HTML and names of attachments") {
  ServiceFixture server;
  server.deliver(
      "From: =?utf-8?q?J=C3=BCrgen_Gro=C3=9F?= <jg@elsewhere.test>\r\nSubject: "
      "=?utf-8?b?5p2x5Lqs44Gu5Lya6K2w?=\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; "
      "boundary=b\r\n\r\n--b\r\nContent-Type: text/html; charset=windows-1251\r\n\r\n<p>"
      "\xCF\xF0\xE8\xE2\xE5\xF2</p>\r\n--b\r\nContent-Type: application/pdf\r\n"
      "Content-Disposition: attachment; filename=Jahresabschluss.pdf\r\n\r\nx\r\n--b--\r\n");
  for (const char* words : {"会議", "jurgen gross", "JÜRGEN", "jg@elsewhere.test", "привет",
                            "jahresab", "会議 привет gross"}) {
    CAPTURE(words);
    CHECK(subjects(server.element(query_mail({text(words)}))).size() == 1);
  }
  CHECK(subjects(server.element(query_mail({text("会議 nothing")}))).empty());
}

TEST_CASE("Search: nobody finds what is another user's") {
  ServiceFixture server;
  deliver(server, 1, "secret");
  server.element(query_mail({text("secret")}));
  Call bob = query_mail({text("secret")});
  bob.login = "bob@example.test";
  CHECK(subjects(server.element(bob)).empty());
}

TEST_CASE("Search: a document library is not there: bad link, access denied, never a result") {
  // covers: MS-ASCMD R4336 R4339
  ServiceFixture server;
  const auto documents = [&](std::vector<Element> equal, const char* version) {
    return status_of(
        server.element(search({Element(tag::kName, "DocumentLibrary"),
                               Element(tag::kQuery, {Element(tag::kEqualTo, std::move(equal))}),
                               Element(tag::kOptions, {range("0-999")})},
                              version)));
  };
  const Element link(wbxml::document_library::kLinkId);
  for (const char* version : kFrom12_0) {
    CAPTURE(version);
    CHECK(documents({link, Element(tag::kValue, "http://server/library")}, version) == "5");
    CHECK(documents({link, Element(tag::kValue, "\\\\server\\share")}, version) == "5");
    CHECK(documents({link, Element(tag::kValue, "nonsense")}, version) == "4");
    CHECK(documents({link}, version) == "2");
    CHECK(documents({Element(tag::kValue, "http://server/library")}, version) == "2");
  }
}
