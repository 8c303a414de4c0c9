#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "server/sync/server_id.h"
#include "tests/support/service_fixture.h"
#include "wbxml/code_pages.h"

namespace {

using storage::FolderRole;
using test::Call;
using test::ServiceFixture;
using test::simple_mail;
using test::text_at;
using wbxml::Element;
namespace tag = wbxml::find;
namespace airsync = wbxml::airsync;
namespace mail = wbxml::email;
namespace gal = wbxml::gal;

Call find(Element criterion, const std::string& id = "search-1") {
  Call call;
  call.command = "Find";
  call.version = "16.1";
  call.body = Element(tag::kFind, {Element(tag::kSearchId, id),
                                   Element(tag::kExecuteSearch, {std::move(criterion)})});
  return call;
}

struct Wish {
  std::string text;
  std::string range;
  std::string folder;
  bool deep = false;
  std::string id = "search-1";
};

Call find_mail(const Wish& wish) {
  std::vector<Element> query = {Element(airsync::kClass, "Email")};
  if (!wish.folder.empty()) query.emplace_back(airsync::kCollectionId, wish.folder);
  if (!wish.text.empty()) query.emplace_back(tag::kFreeText, wish.text);
  std::vector<Element> criterion = {Element(tag::kQuery, std::move(query))};
  std::vector<Element> options;
  if (!wish.range.empty()) options.emplace_back(tag::kRange, wish.range);
  if (wish.deep) options.emplace_back(tag::kDeepTraversal);
  if (!options.empty()) criterion.emplace_back(tag::kOptions, std::move(options));
  return find(Element(tag::kMailBoxSearchCriterion, std::move(criterion)), wish.id);
}

Call find_people(const std::string& text, std::vector<Element> options = {}) {
  std::vector<Element> criterion = {Element(tag::kQuery, text)};
  if (!options.empty()) criterion.emplace_back(tag::kOptions, std::move(options));
  return find(Element(tag::kGalSearchCriterion, std::move(criterion)));
}

std::string status_of(const Element& answer) {
  return text_at(answer, {tag::kStatus}) + "/" + text_at(answer, {tag::kResponse, tag::kStatus});
}

std::vector<std::string> subjects(const Element& answer) {
  std::vector<std::string> all;
  const Element* response = answer.child(tag::kResponse);
  if (response == nullptr) return all;
  for (const Element& child : response->children) {
    if (child.tag != tag::kResult) continue;
    all.push_back(text_at(child, {tag::kProperties, mail::kSubject}));
  }
  return all;
}

std::string range_of(const Element& answer) {
  return text_at(answer, {tag::kResponse, tag::kRange}) + " of " +
         text_at(answer, {tag::kResponse, tag::kTotal});
}

using Subjects = std::vector<std::string>;

void deliver(ServiceFixture& server, int count, const std::string& body) {
  for (int i = 0; i < count; ++i) {
    server.deliver(simple_mail("m" + std::to_string(i), body));
    server.clock.advance(1000);
  }
}

}  // namespace

TEST_CASE("Find: only 16.1 has it") {
  // covers: MS-ASCMD R10032015 R10032016 R10032017 R10032018 R10032019 R4630101816 R4630101817
  // covers: MS-ASCMD R6829101613 R6829101614 R6829101615 R6829101616 R6865101728 R6865101729
  // covers: MS-ASCMD R6865101730 R6865101731 R6958101712 R6958101713 R6958101714 R6958101715
  // covers: MS-ASCMD R7048101808 R7048101809 R7048101810 R7048101811 R3897101807 R3897101808
  // covers: MS-ASCMD R3897101809 R38971018010 R4525101808 R4525101809 R4525101810 R4525101811
  // covers: MS-ASCMD R7329101811 R7329101812 R7329101813 R7329101814 R4630101814 R4630101815
  ServiceFixture server;
  for (const char* version : {"2.5", "12.1", "14.0", "14.1", "16.0"}) {
    CAPTURE(version);
    Call call = find_mail({.text = "x"});
    call.version = version;
    if (std::string_view(version) == "2.5" || std::string_view(version) == "12.1") {
      CHECK(server.reply(call).status == 400);
    } else {
      CHECK(text_at(server.element(call), {tag::kStatus}) == "138");
    }
  }
  CHECK(status_of(server.element(find_mail({.text = "x"}))) == "1/1");
}

TEST_CASE("Find: a message with all that the list of results shows") {
  // covers: MS-ASCMD R65591902 R65591908 R9010602 R9820602 R9820608 R36841701 R38971801 R99911
  // covers: MS-ASCMD R38391804 R45251801 R45251807 R72171802 R72172509 R72172520 R72172506
  // covers: MS-ASCMD R7048101812 R38971018011 R4525101812 R4630101818
  ServiceFixture server;
  server.deliver(
      "From: Carl <carl@elsewhere.test>\r\nTo: Ann <ann@example.test>\r\nCc: Dora <d@x.test>\r\n"
      "Bcc: Fay <f@x.test>\r\nSubject: The plan\r\nImportance: high\r\nMIME-Version: 1.0\r\n"
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n"
      "Here is it.\r\n--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; "
      "filename=plan.pdf\r\n\r\nx\r\n--b--\r\n");
  const Element answer = server.element(find_mail({.text = "plan"}));
  CHECK(status_of(answer) == "1/1");
  CHECK(text_at(answer, {tag::kResponse, wbxml::item_operations::kStore}) == "Mailbox");
  CHECK(range_of(answer) == "0-0 of 1");
  const Element* response = answer.child(tag::kResponse);
  REQUIRE(response != nullptr);
  const Element* result = response->child(tag::kResult);
  REQUIRE(result != nullptr);
  const std::string inbox = eas::to_collection_id(server.folder(FolderRole::inbox));
  CHECK(text_at(*result, {airsync::kClass}) == "Email");
  CHECK(text_at(*result, {airsync::kServerId}) == inbox + ":1");
  CHECK(text_at(*result, {airsync::kCollectionId}) == inbox);
  const Element* properties = result->child(tag::kProperties);
  REQUIRE(properties != nullptr);
  CHECK(text_at(*properties, {mail::kSubject}) == "The plan");
  CHECK(text_at(*properties, {mail::kDateReceived}) == "2026-11-18T11:06:40.000Z");
  CHECK(text_at(*properties, {mail::kDisplayTo}) == "Ann");
  CHECK(text_at(*properties, {tag::kDisplayCc}) == "Dora");
  CHECK(text_at(*properties, {tag::kDisplayBcc}) == "Fay");
  CHECK(text_at(*properties, {mail::kImportance}) == "2");
  CHECK(text_at(*properties, {mail::kRead}) == "0");
  CHECK(text_at(*properties, {wbxml::email2::kIsDraft}) == "0");
  CHECK(text_at(*properties, {tag::kPreview}) == "Here is it.");
  CHECK(text_at(*properties, {tag::kHasAttachments}) == "1");
  CHECK(text_at(*properties, {mail::kFrom}) == "\"Carl\" <carl@elsewhere.test>");
}

TEST_CASE("Find: KQL over the mailbox") {
  // covers: MS-ASCMD R10032010
  ServiceFixture server;
  server.deliver(simple_mail("budget", "the numbers for 2026"));
  server.clock.advance(1000);
  server.deliver(simple_mail("lunch", "no budget needed"));
  const auto with = [&](const std::string& text) {
    return subjects(server.element(find_mail({.text = text})));
  };
  CHECK(with("budget") == Subjects{"lunch", "budget"});
  CHECK(with("subject:budget") == Subjects{"budget"});
  CHECK(with("from:carl NOT subject:lunch") == Subjects{"budget"});
  CHECK(with("\"budget needed\"") == Subjects{"lunch"});
  CHECK(with("(numbers OR needed) to:ann@example.test") == Subjects{"lunch", "budget"});
  CHECK(with("received:today") == Subjects{"lunch", "budget"});
  CHECK(with("received<2026-11-18").empty());
  CHECK(with("hasattachment:true").empty());
  CHECK(with("") == Subjects{"lunch", "budget"});
}

TEST_CASE("Find: nothing found is no Result, Range and Total") {
  // covers: MS-ASCMD R38391805
  ServiceFixture server;
  const Element answer = server.element(find_mail({.text = "nothing"}));
  CHECK(status_of(answer) == "1/1");
  CHECK(subjects(answer).empty());
  CHECK_FALSE(answer.child(tag::kResponse)->has(tag::kResult));
  CHECK(range_of(answer) == "0-0 of 0");
}

TEST_CASE("Find: one folder, with those below it, or all") {
  // covers: MS-ASCMD R982100612 R6399100713 R6399100714
  ServiceFixture server;
  const auto top = server.mailbox()->create_folder(0, "Top");
  REQUIRE(top);
  const auto below = server.mailbox()->create_folder(top->id, "Below");
  REQUIRE(below);
  const storage::CollectionId upper = top->id;
  server.deliver(simple_mail("trash", "apple"), FolderRole::trash);
  REQUIRE(server.mailbox()->append(upper, simple_mail("top", "apple"), {}, 2));
  REQUIRE(server.mailbox()->append(below->id, simple_mail("below", "apple"), {}, 1));
  const auto in = [&](const std::string& folder, bool deep) {
    return subjects(server.element(find_mail({.text = "apple", .folder = folder, .deep = deep})));
  };
  CHECK(in("", false) == Subjects{"trash", "top", "below"});
  CHECK(in(eas::to_collection_id(upper), false) == Subjects{"top"});
  CHECK(in(eas::to_collection_id(upper), true) == Subjects{"top", "below"});
}

TEST_CASE("Find: pages of one SearchId; a search that is not known begins at 0 (field.md 1.2)") {
  // covers: MS-ASCMD R37071811 R37071812 R37071816 R70981808 R72172518
  ServiceFixture server;
  deliver(server, 7, "apple");
  const auto page = [&](const char* range, const char* id = "s1") {
    return server.element(find_mail({.text = "apple", .range = range, .id = id}));
  };
  CHECK(status_of(page("2-3")) == "1/4");
  const Element first = page("0-2");
  CHECK(subjects(first) == Subjects{"m6", "m5", "m4"});
  CHECK(range_of(first) == "0-2 of 7");
  server.deliver(simple_mail("new", "apple"));
  const Element second = page("3-5");
  CHECK(subjects(second) == Subjects{"m3", "m2", "m1"});
  CHECK(range_of(second) == "3-5 of 7");
  CHECK(range_of(page("6-999")) == "6-6 of 7");
  CHECK(status_of(page("3-5", "s2")) == "1/4");
  CHECK(subjects(page("0-0", "s2")) == Subjects{"new"});
  server.restart();
  CHECK(status_of(page("3-5")) == "1/4");
}

TEST_CASE("Find: a result that is gone leaves a gap in the Range, so that no page repeats one") {
  ServiceFixture server;
  deliver(server, 6, "apple");
  const auto page = [&](const char* range) {
    return server.element(find_mail({.text = "apple", .range = range, .id = "s1"}));
  };
  CHECK(subjects(page("0-0")) == Subjects{"m5"});
  const auto inbox = server.folder(FolderRole::inbox);
  const auto listed = server.mailbox()->newest_first(inbox, {1LL << 60, 0}, {}, 1LL << 60, 10);
  REQUIRE(listed.has_value());
  REQUIRE(server.mailbox()->remove(inbox, listed->items.at(2).id).has_value());
  const Element second = page("1-3");
  CHECK(subjects(second) == Subjects{"m4", "m2"});
  CHECK(range_of(second) == "1-3 of 6");
  CHECK(subjects(page("4-5")) == Subjects{"m1", "m0"});
}

TEST_CASE("Find: what is malformed is status 2, an unknown folder status 3") {
  // covers: MS-ASCMD R72172512 R72172521 R72172515
  ServiceFixture server;
  for (const char* text : {"\"open", "(a", "a OR", "received:soon", "size:big"}) {
    CAPTURE(text);
    CHECK(status_of(server.element(find_mail({.text = text}))) == "1/2");
  }
  for (const char* range : {"5-2", "0", "a-b", "0-1000"}) {
    CAPTURE(range);
    CHECK(status_of(server.element(find_mail({.text = "x", .range = range}))) == "1/2");
  }
  CHECK(status_of(server.element(find_mail({.text = "x", .folder = "m999"}))) == "3/");
  const auto whole = [&](Element body) {
    Call call = find_mail({.text = "x"});
    call.body = std::move(body);
    return status_of(server.element(call));
  };
  const Element id(tag::kSearchId, "s");
  const Element criterion = find_mail({.text = "x"}).body.children[1].children[0];
  CHECK(whole(Element(tag::kFind, {id})) == "2/");
  CHECK(whole(Element(tag::kFind, {Element(tag::kExecuteSearch, {criterion})})) == "2/");
  CHECK(whole(Element(tag::kFind, {id, Element(tag::kExecuteSearch, {criterion, criterion})})) ==
        "2/");
  CHECK(whole(Element(
            tag::kFind,
            {id, Element(tag::kExecuteSearch,
                         {Element(tag::kMailBoxSearchCriterion,
                                  {Element(tag::kQuery, {Element(tag::kFreeText, "x")})})})})) ==
        "2/");
  Call notes = find_mail({.text = "x"});
  notes.body.children[1].children[0].children[0].children[0].text = "Notes";
  CHECK(status_of(server.element(notes)) == "2/");
}

TEST_CASE("Find: people of the address list, with pictures") {
  // covers: MS-ASCMD R10031995 R10031996 R10031997 R1002501 R131999 R132000 R132004 R61641061
  // covers: MS-ASCMD R61641062 R63510605 R65590806 R69581706 R6865101723 R32831607 R32831608
  // covers: MS-ASCMD R32831610 R33001609 R33001610 R6865101732 R6958101716
  ServiceFixture server;
  REQUIRE(server.services.directory->add("jf@example.test", "secret", "John Frum"));
  REQUIRE(server.services.directory->add("bj@example.test", "secret", "Barry Johnson"));
  storage::Profile profile;
  profile.first_name = "John";
  profile.company = "Example";
  profile.office = "B 12";
  profile.phone = "+1 1";
  profile.picture = "\xFF\xD8\xFF\xE0" + std::string(100, 'x') + "\xFF\xD9";
  REQUIRE(server.services.addresses->set_profile(server.user("jf@example.test").id, profile));
  const Element answer =
      server.element(find_people("john", {Element(tag::kRange, "0-9"), Element(tag::kPicture)}));
  CHECK(status_of(answer) == "1/1");
  CHECK(range_of(answer) == "0-1 of 2");
  const Element* response = answer.child(tag::kResponse);
  REQUIRE(response != nullptr);
  std::vector<const Element*> found;
  for (const Element& child : response->children) {
    if (child.tag == tag::kResult) found.push_back(child.child(tag::kProperties));
  }
  REQUIRE(found.size() == 2);
  CHECK(text_at(*found[0], {gal::kDisplayName}) == "Barry Johnson");
  CHECK(text_at(*found[0], {gal::kAlias}) == "bj");
  CHECK(text_at(*found[0], {gal::kPicture, gal::kStatus}) == "173");
  CHECK(text_at(*found[1], {gal::kFirstName}) == "John");
  CHECK(text_at(*found[1], {gal::kCompany}) == "Example");
  CHECK(text_at(*found[1], {gal::kOffice}) == "B 12");
  CHECK(text_at(*found[1], {gal::kPhone}) == "+1 1");
  CHECK(text_at(*found[1], {gal::kPicture, gal::kStatus}) == "1");
  const Element limited = server.element(
      find_people("jf", {Element(tag::kPicture, {Element(tag::kMaxPictures, "0")})}));
  CHECK(text_at(limited, {tag::kResponse, tag::kResult, tag::kProperties, gal::kPicture,
                          gal::kStatus}) == "175");
  CHECK(status_of(server.element(find_people(" "))) == "2/");
  CHECK(status_of(server.element(find_people("x", {Element(tag::kRange, "x")}))) == "1/2");
}
