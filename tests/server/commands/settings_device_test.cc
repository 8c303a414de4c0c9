// DeviceInformation and DevicePassword.
#include <doctest/doctest.h>

#include "server/commands/recovery_password.h"
#include "storage/base/crypto.h"
#include "tests/support/provision_calls.h"
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

Element information(std::vector<Element> values) {
  return Element(tag::kDeviceInformation, {Element(tag::kSet, std::move(values))});
}

Element password(const std::string& text) {
  return Element(tag::kDevicePassword, {Element(tag::kSet, {Element(tag::kPassword, text)})});
}

std::string status(ServiceFixture& server, const char* version, const Element& property,
                   const std::string& policy_key = "") {
  Call call = settings(version, {property});
  if (!policy_key.empty()) call.headers = {{"X-MS-PolicyKey", policy_key}};
  const Element answer = server.element(call);
  CHECK(text_at(answer, {tag::kStatus}) == "1");
  return text_at(answer, {property.tag, tag::kStatus});
}

void set_secret(ServiceFixture& server) {
  server.services.secret = storage::random_bytes(32);
  server.dispatcher = std::make_unique<eas::Dispatcher>(server.services);
}

// Lets the device take a policy that has password recovery, or not; returns its key.
std::string set_recovery(ServiceFixture& server, const char* version, bool allowed) {
  test::impose(server,
               allowed ? R"({"PasswordRecoveryEnabled":"1"})" : R"({"DevicePasswordEnabled":"1"})");
  return test::take_policy(server, version);
}

storage::Result<std::string> kept(ServiceFixture& server) {
  return eas::recovery_password(*server.services.settings, server.services.secret, server.user().id,
                                "dev1");
}

constexpr const char* kVersions[] = {"12.0", "12.1", "14.0", "14.1", "16.0", "16.1"};

}  // namespace

TEST_CASE("Settings: device information is kept") {
  // covers: MS-ASCMD R2168 R2170 R1507 R3944 R3109 R3180 R3445 R3607 R3613 R3666 R4700
  for (const char* version : kVersions) {
    ServiceFixture server;
    CHECK(status(server, version,
                 information({Element(tag::kModel, "iPhone"),
                              Element(tag::kFriendlyName, "Ann's \"phone\"")})) == "1");
    CHECK(server.device()->info == R"({"Model":"iPhone","FriendlyName":"Ann's \"phone\""})");
  }
}

TEST_CASE(
    "Settings: every value of the device information is kept that the version has (quirks.md: "
    "Android, field.md 1.2)") {
  // covers: MS-ASCMD R6514 R6515 R6516 R6517 R6826 R6827 R6828 R6829 R7416
  for (const char* version : kVersions) {
    ServiceFixture server;
    CHECK(status(server, version,
                 information({Element(tag::kModel, "m"), Element(tag::kIMEI, "i"),
                              Element(tag::kFriendlyName, "f"), Element(tag::kOS, "o"),
                              Element(tag::kOSLanguage, "l"), Element(tag::kPhoneNumber, "p"),
                              Element(tag::kUserAgent, "u"), Element(tag::kEnableOutboundSMS, "1"),
                              Element(tag::kMobileOperator, "c")})) == "1");
    const std::string common = R"({"Model":"m","IMEI":"i","FriendlyName":"f","OS":"o",)"
                               R"("OSLanguage":"l","PhoneNumber":"p","UserAgent":"u")";
    const bool later = std::string_view(version) >= "14.0";
    CHECK(server.device()->info ==
          common + (later ? R"(,"EnableOutboundSMS":"1","MobileOperator":"c"})" : "}"));
  }
}

TEST_CASE("Settings: an empty value deletes one, a missing one stays, an empty Set deletes all") {
  // covers: MS-ASCMD R3942 R3944
  ServiceFixture server;
  CHECK(status(server, "14.0", information({Element(tag::kModel, "m"), Element(tag::kOS, "o")})) ==
        "1");
  CHECK(status(server, "14.0", information({Element(tag::kModel), Element(tag::kIMEI, "i")})) ==
        "1");
  CHECK(server.device()->info == R"({"OS":"o","IMEI":"i"})");
  CHECK(status(server, "14.0", information({})) == "1");
  CHECK(server.device()->info.empty());
}

TEST_CASE("Settings: bad device information is status 5 and stores nothing") {
  // covers: MS-ASCMD R5582
  ServiceFixture server;
  CHECK(status(server, "14.0", information({Element(tag::kModel, std::string(1024, 'x'))})) == "1");
  const std::string before = server.device()->info;
  for (const Element& bad :
       {Element(tag::kDeviceInformation),
        information({Element(tag::kModel, std::string(1025, 'y'))}),
        information({Element(tag::kOS, "o"), Element(tag::kEnableOutboundSMS, "2")})}) {
    CHECK(status(server, "14.0", bad) == "5");
    CHECK(server.device()->info == before);
  }
}

TEST_CASE("Settings: a recovery password is refused with 7 unless the policy has recovery") {
  // covers: MS-ASCMD R4401 R4402 R2181 R1515 R5581
  for (const char* version : kVersions) {
    ServiceFixture server;
    CHECK(status(server, version, password("1234")) == "7");  // no secret to seal it with
    set_secret(server);
    CHECK(status(server, version, password("1234")) == "7");  // no policy
    const std::string key = set_recovery(server, version, false);
    CHECK(status(server, version, password("1234"), key) == "7");
    CHECK(kept(server).error().kind == storage::ErrorKind::not_found);
  }
}

TEST_CASE("Settings: a recovery password is kept, replaced and cleared, and not in clear text") {
  // covers: MS-ASCMD R2179 R2184 R5737 R4396
  for (const char* version : kVersions) {
    ServiceFixture server;
    set_secret(server);
    const std::string key = set_recovery(server, version, true);
    CHECK(status(server, version, password("1234-Geheim"), key) == "1");
    CHECK(kept(server) == "1234-Geheim");
    const auto raw = server.services.settings->get(server.user().id, "device-password:dev1");
    REQUIRE(raw.has_value());
    CHECK(raw->find("1234-Geheim") == std::string::npos);
    CHECK(status(server, version, password("5678"), key) == "1");
    CHECK(kept(server) == "5678");
    CHECK(status(server, version, password(""), key) == "1");
    CHECK(kept(server).error().kind == storage::ErrorKind::not_found);
  }
}

TEST_CASE("Settings: a recovery password over 255 characters is status 5, a missing one 2") {
  // covers: MS-ASCMD R4397 R4398 R4399 R4400
  ServiceFixture server;
  set_secret(server);
  const std::string key = set_recovery(server, "14.1", true);
  std::string longest;
  for (int i = 0; i < 255; ++i) longest += "\xc3\xa4";
  CHECK(status(server, "14.1", password(longest), key) == "1");
  CHECK(status(server, "14.1", password(longest + "x"), key) == "5");
  CHECK(kept(server) == longest);
  CHECK(status(server, "14.1", Element(tag::kDevicePassword), key) == "2");
  CHECK(status(server, "14.1", Element(tag::kDevicePassword, {Element(tag::kSet)}), key) == "2");
  CHECK(kept(server) == longest);
}

TEST_CASE("Settings: a recovery password cannot be read with another server's secret") {
  ServiceFixture server;
  set_secret(server);
  const std::string key = set_recovery(server, "14.1", true);
  CHECK(status(server, "14.1", password("1234"), key) == "1");
  set_secret(server);
  CHECK(kept(server).error().kind == storage::ErrorKind::corrupt);
}
