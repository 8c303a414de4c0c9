// Oof: what a phone sets and every phone sees. That it is answered is in tests/server/autoreply.
#include <doctest/doctest.h>

#include "server/autoreply/oof.h"
#include "tests/support/service_fixture.h"
#include "wbxml/code_pages.h"

namespace {

using eas::autoreply::Audience;
using test::Call;
using test::ServiceFixture;
using test::text_at;
using wbxml::Element;
namespace tag = wbxml::settings;

constexpr const char* kVersions[] = {"12.0", "12.1", "14.0", "14.1", "16.0", "16.1"};

Element answer(ServiceFixture& server, const char* version, Element child,
               const char* device = "dev1") {
  Call call;
  call.command = "Settings";
  call.version = version;
  call.device = device;
  call.body = Element(tag::kSettings, {Element(tag::kOof, {std::move(child)})});
  const Element root = server.element(call);
  CHECK(text_at(root, {tag::kStatus}) == "1");
  REQUIRE(root.has(tag::kOof));
  return *root.child(tag::kOof);
}

std::string set(ServiceFixture& server, std::vector<Element> children,
                const char* version = "14.1") {
  const Element oof = answer(server, version, Element(tag::kSet, std::move(children)));
  CHECK_FALSE(oof.has(tag::kGet));
  return std::string(*oof.text_of(tag::kStatus));
}

Element get(ServiceFixture& server, const char* body_type = "Text", const char* version = "14.1",
            const char* device = "dev1") {
  const Element oof =
      answer(server, version, Element(tag::kGet, {Element(tag::kBodyType, body_type)}), device);
  CHECK(oof.text_of(tag::kStatus) == "1");
  REQUIRE(oof.has(tag::kGet));
  return *oof.child(tag::kGet);
}

Element message(wbxml::Tag audience, const char* enabled, const char* text,
                const char* body_type = "Text") {
  return Element(tag::kOofMessage,
                 {Element(audience), Element(tag::kEnabled, enabled),
                  Element(tag::kReplyMessage, text), Element(tag::kBodyType, body_type)});
}

Element state(const char* number) { return Element(tag::kOofState, number); }
Element start(const char* time) { return Element(tag::kStartTime, time); }
Element end(const char* time) { return Element(tag::kEndTime, time); }

// The message of that audience in a Get; REQUIREs exactly one.
Element message_of(const Element& got, wbxml::Tag audience) {
  const Element* found = nullptr;
  int count = 0;
  for (const Element& child : got.children) {
    if (child.tag != tag::kOofMessage || !child.has(audience)) continue;
    found = &child;
    ++count;
  }
  REQUIRE(count == 1);
  return *found;
}

eas::autoreply::Oof stored(ServiceFixture& server) {
  auto oof = eas::autoreply::load_oof(*server.services.settings, server.user().id);
  REQUIRE(oof.has_value());
  return *oof;
}

}  // namespace

TEST_CASE("Settings Oof: before anything is set it is off, with one message per audience") {
  // covers: MS-ASCMD R3504 R3505 R3521 R1992 R1748 R3531
  for (const char* version : kVersions) {
    ServiceFixture server;
    const Element got = get(server, "Text", version);
    CHECK(got.text_of(tag::kOofState) == "0");
    CHECK(got.children.size() == 4);
    for (const wbxml::Tag audience :
         {tag::kAppliesToInternal, tag::kAppliesToExternalKnown, tag::kAppliesToExternalUnknown}) {
      const Element found = message_of(got, audience);
      CHECK(found.text_of(tag::kEnabled) == "0");
      CHECK_FALSE(found.has(tag::kReplyMessage));
      CHECK_FALSE(found.has(tag::kBodyType));
    }
  }
}

TEST_CASE(
    "Settings Oof: what one device sets another one of the user gets, per audience (quirks.md: "
    "OOF, field.md 1.2)") {
  // covers: MS-ASCMD R778 R783 R788 R5867 R793 R797 R5866 R802 R2247 R2249 R2251 R2252 R3510
  // covers: MS-ASCMD R3511 R3513 R2000 R3527 R3532 R3782 R3784 R826 R4392
  for (const char* version : kVersions) {
    ServiceFixture server;
    CHECK(set(server,
              {state("1"), message(tag::kAppliesToInternal, "1", "Back on Monday."),
               message(tag::kAppliesToExternalKnown, "1", "Away."),
               message(tag::kAppliesToExternalUnknown, "0", "Never sent.")},
              version) == "1");
    const Element got = get(server, "Text", version, "dev2");
    CHECK(got.text_of(tag::kOofState) == "1");
    CHECK_FALSE(got.has(tag::kStartTime));
    const Element internal = message_of(got, tag::kAppliesToInternal);
    CHECK(internal.text_of(tag::kEnabled) == "1");
    CHECK(internal.text_of(tag::kReplyMessage) == "Back on Monday.");
    CHECK(internal.text_of(tag::kBodyType) == "Text");
    const Element known = message_of(got, tag::kAppliesToExternalKnown);
    CHECK(known.text_of(tag::kReplyMessage) == "Away.");
    const Element unknown = message_of(got, tag::kAppliesToExternalUnknown);
    CHECK(unknown.text_of(tag::kEnabled) == "0");
    CHECK(unknown.text_of(tag::kReplyMessage) == "Never sent.");
  }
}

TEST_CASE("Settings Oof: another user sees nothing of it") {
  ServiceFixture server;
  CHECK(set(server, {state("1"), message(tag::kAppliesToInternal, "1", "Mine.")}) == "1");
  Call call;
  call.command = "Settings";
  call.login = "bob@example.test";
  call.body =
      Element(tag::kSettings,
              {Element(tag::kOof, {Element(tag::kGet, {Element(tag::kBodyType, "Text")})})});
  const Element root = server.element(call);
  CHECK(text_at(root, {tag::kOof, tag::kGet, tag::kOofState}) == "0");
}

TEST_CASE("Settings Oof: Get gives the text in the form that is asked for") {
  // covers: MS-ASCMD R3117 R3503 R817 R821
  ServiceFixture server;
  CHECK(set(server,
            {message(tag::kAppliesToInternal, "1", "Fish & chips\r\nback soon"),
             message(tag::kAppliesToExternalKnown, "1", "<p>Gone <b>far</b></p>", "HTML")}) == "1");
  const Element as_html = get(server, "HTML");
  const Element internal = message_of(as_html, tag::kAppliesToInternal);
  CHECK(internal.text_of(tag::kBodyType) == "HTML");
  CHECK(internal.text_of(tag::kReplyMessage)->find("Fish &amp; chips") != std::string::npos);
  CHECK(message_of(as_html, tag::kAppliesToExternalKnown).text_of(tag::kReplyMessage) ==
        "<p>Gone <b>far</b></p>");
  const Element as_text = get(server, "text");
  CHECK(message_of(as_text, tag::kAppliesToInternal).text_of(tag::kReplyMessage) ==
        "Fish & chips\r\nback soon");
  CHECK(message_of(as_text, tag::kAppliesToExternalKnown).text_of(tag::kReplyMessage) ==
        "Gone far");
}

TEST_CASE("Settings Oof: a window is kept and given back with state 2 only") {
  // covers: MS-ASCMD R2267 R2268 R3987 R3533 R3535 R7544
  for (const char* version : kVersions) {
    ServiceFixture server;
    CHECK(set(server,
              {state("2"), start("2026-12-20T08:00:00.000Z"), end("2027-01-07T18:00:00.000Z")},
              version) == "1");
    Element got = get(server, "Text", version);
    CHECK(got.text_of(tag::kOofState) == "2");
    CHECK(got.text_of(tag::kStartTime) == "2026-12-20T08:00:00.000Z");
    CHECK(got.text_of(tag::kEndTime) == "2027-01-07T18:00:00.000Z");
    CHECK(set(server, {state("2"), message(tag::kAppliesToInternal, "1", "x")}, version) == "1");
    CHECK(stored(server).end > 0);  // the window stays when only the text changes
    CHECK(set(server,
              {state("1"), start("2026-12-20T08:00:00.000Z"), end("2027-01-07T18:00:00.000Z")},
              version) == "1");
    got = get(server, "Text", version);
    CHECK(got.text_of(tag::kOofState) == "1");
    CHECK_FALSE(got.has(tag::kStartTime));
    CHECK_FALSE(got.has(tag::kEndTime));
    CHECK(stored(server).start == 0);
  }
}

TEST_CASE("Settings Oof: one of StartTime and EndTime is status 2") {
  // covers: MS-ASCMD R2272 R5681 R3992 R5827 R4393
  ServiceFixture server;
  for (const char* number : {"0", "1", "2"}) {
    CHECK(set(server, {state(number), start("2026-12-20T08:00:00.000Z")}) == "2");
    CHECK(set(server, {state(number), end("2026-12-20T08:00:00.000Z")}) == "2");
  }
  CHECK(stored(server) == eas::autoreply::Oof{});
}

TEST_CASE("Settings Oof: malformed XML, invalid and conflicting arguments store nothing") {
  // covers: MS-ASCMD R4393 R5845 R5582 R5583 R3526 R5702 R5385
  const Element internal = message(tag::kAppliesToInternal, "1", "x");
  struct Row {
    const char* status;
    std::vector<Element> children;
  };
  const Row rows[] = {
      {"5", {state("3"), internal}},
      {"5", {state(""), internal}},
      {"5", {state("2"), start("yesterday"), end("tomorrow"), internal}},
      {"6", {state("2"), internal}},  // time-based without times
      {"6",
       {state("2"), start("2026-12-20T08:00:00.000Z"), end("2026-12-20T08:00:00.000Z"), internal}},
      {"5", {state("1"), message(tag::kAppliesToInternal, "yes", "x")}},
      {"5", {state("1"), message(tag::kAppliesToInternal, "1", "x", "RTF")}},
      {"5", {state("1"), message(tag::kAppliesToInternal, "1", std::string(200'000, 'x').c_str())}},
      {"2",
       {state("1"), Element(tag::kOofMessage, {Element(tag::kAppliesToInternal),
                                               Element(tag::kReplyMessage, "no type")})}},
      {"2", {state("1"), Element(tag::kOofMessage, {Element(tag::kEnabled, "1")})}},
      {"6", {state("1"), internal, internal}},
      {"6",
       {state("1"), Element(tag::kOofMessage,
                            {Element(tag::kAppliesToInternal),
                             Element(tag::kAppliesToExternalKnown), Element(tag::kEnabled, "1")})}},
  };
  for (const char* version : kVersions) {
    ServiceFixture server;
    for (const Row& row : rows) {
      CHECK(set(server, row.children, version) == row.status);
      CHECK(stored(server) == eas::autoreply::Oof{});
    }
  }
}

TEST_CASE("Settings Oof: Get needs a BodyType; Get and Set are one or the other") {
  // covers: MS-ASCMD R4393 R5582
  ServiceFixture server;
  CHECK(answer(server, "14.1", Element(tag::kGet)).text_of(tag::kStatus) == "2");
  CHECK(answer(server, "14.1", Element(tag::kGet, {Element(tag::kBodyType, "MIME")}))
            .text_of(tag::kStatus) == "5");
  Call call;
  call.command = "Settings";
  call.body = Element(tag::kSettings, {Element(tag::kOof)});
  CHECK(text_at(server.element(call), {tag::kOof, tag::kStatus}) == "2");
  call.body = Element(tag::kSettings,
                      {Element(tag::kOof, {Element(tag::kGet, {Element(tag::kBodyType, "Text")}),
                                           Element(tag::kSet, {state("0")})})});
  CHECK(text_at(server.element(call), {tag::kOof, tag::kStatus}) == "2");
}

TEST_CASE("Settings Oof: a message without text keeps the text that there is") {
  ServiceFixture server;
  CHECK(set(server, {message(tag::kAppliesToInternal, "1", "Kept.")}) == "1");
  CHECK(set(server, {Element(tag::kOofMessage, {Element(tag::kAppliesToInternal),
                                                Element(tag::kEnabled, "0")})}) == "1");
  CHECK(stored(server).message(Audience::internal).text == "Kept.");
  CHECK_FALSE(stored(server).message(Audience::internal).enabled);
  CHECK(set(server, {message(tag::kAppliesToInternal, "0", "")}) == "1");
  CHECK(stored(server).message(Audience::internal).text.empty());
}

TEST_CASE("Settings Oof: turning on, and another window, begin a new period; a new text does not") {
  ServiceFixture server;
  CHECK(set(server, {state("1")}) == "1");
  const std::string first = stored(server).period;
  CHECK_FALSE(first.empty());
  CHECK(set(server, {state("1"), message(tag::kAppliesToInternal, "1", "new text")}) == "1");
  CHECK(stored(server).period == first);
  CHECK(set(server, {state("0")}) == "1");
  CHECK(stored(server).period.empty());
  CHECK(set(server, {state("1")}) == "1");
  const std::string second = stored(server).period;
  CHECK(second != first);
  CHECK(set(server, {state("2"), start("2026-12-20T08:00:00.000Z"),
                     end("2027-01-07T18:00:00.000Z")}) == "1");
  const std::string third = stored(server).period;
  CHECK(third != second);
  CHECK(set(server, {state("2"), start("2026-12-20T08:00:00.000Z"),
                     end("2027-01-08T18:00:00.000Z")}) == "1");
  CHECK(stored(server).period != third);
}

TEST_CASE("Settings Oof: survives a restart of the server") {
  ServiceFixture server;
  CHECK(set(server, {state("1"), message(tag::kAppliesToInternal, "1", "Still away.")}) == "1");
  const auto before = stored(server);
  server.restart();
  CHECK(stored(server) == before);
  CHECK(message_of(get(server), tag::kAppliesToInternal).text_of(tag::kReplyMessage) ==
        "Still away.");
}
