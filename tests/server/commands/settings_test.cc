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

TEST_CASE("Settings: user information has one form up to 14.0 and another from 14.1 on") {
  // covers: MS-ASCMD R4705 R2904 R6672 R4392 R7279 R7281
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

TEST_CASE("Settings: answers come in the order of the request, each with its Status first") {
  // covers: MS-ASCMD R469 R5713 R478 R480 R481 R482 R485 R486
  ServiceFixture server;
  const Element answer = server.element(
      settings("14.1", {get(tag::kUserInformation), get(tag::kOof), get(tag::kDevicePassword)}));
  REQUIRE(answer.children.size() == 4);
  CHECK(answer.children[0].tag == tag::kStatus);
  CHECK(answer.children[1].tag == tag::kUserInformation);
  CHECK(answer.children[2].tag == tag::kOof);
  CHECK(answer.children[3].tag == tag::kDevicePassword);
  for (std::size_t i = 1; i < 4; ++i) {
    REQUIRE_FALSE(answer.children[i].children.empty());
    CHECK(answer.children[i].children.front().tag == tag::kStatus);
  }
}

TEST_CASE("Settings: there is no rights management, and status 168 says so") {
  // covers: MS-ASRM R196
  // covers: MS-ASCMD R3863 R3865 R2521 R7282 R7283 R7283101801 R4387
  ServiceFixture server;
  for (const char* version : {"14.1", "16.0", "16.1"}) {
    const Element answer =
        server.element(settings(version, {get(tag::kRightsManagementInformation)}));
    CHECK(text_at(answer, {tag::kStatus}) == "1");
    CHECK(text_at(answer, {tag::kRightsManagementInformation, tag::kStatus}) == "168");
  }
  const Element without_get =
      server.element(settings("14.1", {Element(tag::kRightsManagementInformation)}));
  CHECK(text_at(without_get, {tag::kRightsManagementInformation, tag::kStatus}) == "2");
}

TEST_CASE("Settings: user information without Get is status 2") {
  // covers: MS-ASCMD R4393 R5845
  ServiceFixture server;
  const Element answer = server.element(settings("16.1", {Element(tag::kUserInformation)}));
  CHECK(text_at(answer, {tag::kStatus}) == "1");
  CHECK(text_at(answer, {tag::kUserInformation, tag::kStatus}) == "2");
  CHECK_FALSE(answer.child(tag::kUserInformation)->has(tag::kGet));
}

TEST_CASE("Settings: the primary account is named, can send and bears no AccountId") {
  // covers: MS-ASCMD R729 R730 R5899 R732 R733 R1024 R999 R5375 R5903 R5436 R5913 R4702 R5904 R5914
  ServiceFixture server;
  for (const char* version : {"14.1", "16.0", "16.1"}) {
    const Element answer = server.element(settings(version, {get(tag::kUserInformation)}));
    const Element* accounts =
        answer.child(tag::kUserInformation)->child(tag::kGet)->child(tag::kAccounts);
    REQUIRE(accounts != nullptr);
    REQUIRE(accounts->children.size() == 1);
    const Element& account = accounts->children.front();
    CHECK_FALSE(account.has(tag::kAccountId));
    CHECK(account.text_of(tag::kAccountName) == "ann@example.test");
    CHECK(account.text_of(tag::kSendDisabled) == "0");
    CHECK(account.has(tag::kUserDisplayName) == !server.user().display_name.empty());
  }
}

TEST_CASE("Settings: user information lists every address that means the user") {
  // covers: MS-ASCMD R2235 R3962 R3679 R3681 R4708 R6672
  ServiceFixture server;
  REQUIRE(server.services.addresses != nullptr);
  storage::Profile profile;
  profile.other_addresses = {"ann.other@example.test"};
  REQUIRE(server.services.addresses->set_profile(server.user().id, profile).has_value());
  for (const char* version : {"12.1", "14.0", "14.1", "16.1"}) {
    const Element answer = server.element(settings(version, {get(tag::kUserInformation)}));
    const Element* holder = answer.child(tag::kUserInformation)->child(tag::kGet);
    if (std::string_view(version) >= "14.1") {
      holder = holder->child(tag::kAccounts)->child(tag::kAccount);
    }
    const Element* addresses = holder->child(tag::kEmailAddresses);
    REQUIRE(addresses != nullptr);
    REQUIRE(addresses->children.size() >= 2);
    CHECK(addresses->children[0] == Element(tag::kSMTPAddress, "ann@example.test"));
    CHECK(addresses->children[1] == Element(tag::kSMTPAddress, "ann.other@example.test"));
  }
}

TEST_CASE("Settings: malformed requests are status 2 and start nothing") {
  // covers: MS-ASCMD R483 R4388 R7280 R7278
  ServiceFixture server;
  const Element information(tag::kDeviceInformation,
                            {Element(tag::kSet, {Element(tag::kModel, "m")})});
  for (Call call : {settings("14.1", {information, Element(tag::kModel, "x")}),
                    settings("14.1", {information, information}),
                    settings("12.1", {information, get(tag::kRightsManagementInformation)}),
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
