#include <doctest/doctest.h>

#include "tests/support/service_fixture.h"
#include "wbxml/code_pages.h"

namespace {

using test::Call;
using test::ServiceFixture;
using test::text_at;
using wbxml::Element;
namespace tag = wbxml::settings;

Call settings(const char* version, std::vector<Element> children) {
  Call call;
  call.command = "Settings";
  call.version = version;
  call.body = Element(tag::kSettings, std::move(children));
  return call;
}

Element get(wbxml::Tag property) { return Element(property, {Element(tag::kGet)}); }

}  // namespace

TEST_CASE("Settings: device information is kept") {
  ServiceFixture server;
  const Element answer = server.element(settings(
      "12.1", {Element(tag::kDeviceInformation,
                       {Element(tag::kSet, {Element(tag::kModel, "iPhone"),
                                            Element(tag::kFriendlyName, "Ann's \"phone\"")})})}));
  CHECK(text_at(answer, {tag::kStatus}) == "1");
  CHECK(text_at(answer, {tag::kDeviceInformation, tag::kStatus}) == "1");
  CHECK(server.device()->info == R"({"Model":"iPhone","FriendlyName":"Ann's \"phone\""})");
}

TEST_CASE("Settings: device information without Set, or endless, is status 5 and stores nothing") {
  ServiceFixture server;
  for (Element bad :
       {Element(tag::kDeviceInformation),
        Element(tag::kDeviceInformation,
                {Element(tag::kSet, {Element(tag::kModel, std::string(2000, 'x'))})})}) {
    const Element answer = server.element(settings("14.0", {bad}));
    CHECK(text_at(answer, {tag::kStatus}) == "1");
    CHECK(text_at(answer, {tag::kDeviceInformation, tag::kStatus}) == "5");
    CHECK(server.device()->info.empty());
  }
}

TEST_CASE("Settings: user information has one form up to 14.0 and another from 14.1 on") {
  ServiceFixture server;
  for (const char* version : {"12.0", "12.1", "14.0"}) {
    const Element answer = server.element(settings(version, {get(tag::kUserInformation)}));
    CHECK(text_at(answer, {tag::kUserInformation, tag::kStatus}) == "1");
    CHECK(text_at(answer, {tag::kUserInformation, tag::kGet, tag::kEmailAddresses,
                           tag::kSMTPAddress}) == "ann@example.test");
    CHECK_FALSE(answer.child(tag::kUserInformation)->child(tag::kGet)->has(tag::kAccounts));
  }
  for (const char* version : {"14.1", "16.0", "16.1"}) {
    const Element answer = server.element(settings(version, {get(tag::kUserInformation)}));
    CHECK(text_at(answer, {tag::kUserInformation, tag::kGet, tag::kAccounts, tag::kAccount,
                           tag::kEmailAddresses, tag::kSMTPAddress}) == "ann@example.test");
    CHECK(text_at(answer, {tag::kUserInformation, tag::kGet, tag::kAccounts, tag::kAccount,
                           tag::kEmailAddresses, tag::kPrimarySmtpAddress}) == "ann@example.test");
  }
}

TEST_CASE("Settings: answers come in the order of the request") {
  ServiceFixture server;
  const Element answer = server.element(
      settings("14.1", {get(tag::kUserInformation), get(tag::kOof), get(tag::kDevicePassword)}));
  REQUIRE(answer.children.size() == 4);
  CHECK(answer.children[0].tag == tag::kStatus);
  CHECK(answer.children[1].tag == tag::kUserInformation);
  CHECK(answer.children[2].tag == tag::kOof);
  CHECK(answer.children[3].tag == tag::kDevicePassword);
}

TEST_CASE("Settings: what is not there is refused, not answered as if it worked") {
  ServiceFixture server;
  const Element answer = server.element(settings(
      "14.1",
      {Element(tag::kOof, {Element(tag::kSet, {Element(tag::kOofState, "1")})}),
       Element(tag::kDevicePassword, {Element(tag::kSet, {Element(tag::kPassword, "1234")})}),
       get(tag::kRightsManagementInformation)}));
  CHECK(text_at(answer, {tag::kStatus}) == "1");
  CHECK(text_at(answer, {tag::kOof, tag::kStatus}) == "7");
  CHECK(text_at(answer, {tag::kDevicePassword, tag::kStatus}) == "7");
  CHECK(text_at(answer, {tag::kRightsManagementInformation, tag::kStatus}) == "168");
  CHECK_FALSE(answer.child(tag::kOof)->has(tag::kGet));
}

TEST_CASE("Settings: malformed requests are status 2 and start nothing") {
  ServiceFixture server;
  const Element information(tag::kDeviceInformation,
                            {Element(tag::kSet, {Element(tag::kModel, "m")})});
  for (Call call : {settings("14.1", {information, Element(tag::kModel, "x")}),
                    settings("14.1", {information, information}),
                    settings("14.0", {information, get(tag::kRightsManagementInformation)})}) {
    const Element answer = server.element(call);
    CHECK(text_at(answer, {tag::kStatus}) == "2");
    CHECK(answer.children.size() == 1);
    CHECK(server.device()->info.empty());
  }
}

TEST_CASE("Settings: 2.5 does not have the command") {
  ServiceFixture server;
  CHECK(server.reply(settings("2.5", {get(tag::kUserInformation)})).status == 400);
}
