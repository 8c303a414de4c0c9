#include <doctest/doctest.h>

#include "tests/support/service_fixture.h"
#include "wbxml/code_pages.h"

namespace {

using test::Call;
using test::ServiceFixture;
using test::text_at;
using wbxml::Element;
namespace tag = wbxml::provision;
namespace settings = wbxml::settings;

constexpr const char* kWbxml = "MS-EAS-Provisioning-WBXML";

Element information(const char* model = "Pixel") {
  return Element(settings::kDeviceInformation,
                 {Element(settings::kSet, {Element(settings::kModel, model),
                                           Element(settings::kOS, "Android 16")})});
}

Call provision(const char* version, std::vector<Element> children) {
  Call call;
  call.command = "Provision";
  call.version = version;
  call.body = Element(tag::kProvision, std::move(children));
  return call;
}

Element policies(std::vector<Element> policy) {
  return Element(tag::kPolicies, {Element(tag::kPolicy, std::move(policy))});
}

Call initial(const char* version, const char* type = kWbxml) {
  std::vector<Element> children;
  if (std::string_view(version) >= "14.1") children.push_back(information());
  children.push_back(policies({Element(tag::kPolicyType, type)}));
  return provision(version, std::move(children));
}

Call acknowledge(const char* version, const std::string& key, const char* type = kWbxml,
                 const char* status = "1") {
  return provision(version,
                   {policies({Element(tag::kPolicyType, type), Element(tag::kPolicyKey, key),
                              Element(tag::kStatus, status)})});
}

std::string policy_text(const Element& root, wbxml::Tag field) {
  return text_at(root, {tag::kPolicies, tag::kPolicy, field});
}

}  // namespace

TEST_CASE("Provision: two phases give a temporary and then a permanent key (quirks.md: Kerio)") {
  // covers: MS-ASCMD R4990 R4996 R5026 R5028
  for (const char* version : {"12.0", "12.1", "14.0", "14.1", "16.0", "16.1"}) {
    CAPTURE(version);
    ServiceFixture server;
    const Element first = server.element(initial(version));
    CHECK(text_at(first, {tag::kStatus}) == "1");
    CHECK(policy_text(first, tag::kPolicyType) == kWbxml);
    CHECK(policy_text(first, tag::kStatus) == "1");
    const std::string temporary = policy_text(first, tag::kPolicyKey);
    REQUIRE_FALSE(temporary.empty());
    CHECK(std::stoul(temporary) == server.device()->pending_policy_key);
    CHECK(first.child(tag::kPolicies)->child(tag::kPolicy)->has(tag::kData));

    const Element second = server.element(acknowledge(version, temporary));
    CHECK(text_at(second, {tag::kStatus}) == "1");
    CHECK(policy_text(second, tag::kStatus) == "1");
    const std::string permanent = policy_text(second, tag::kPolicyKey);
    CHECK(permanent != temporary);
    CHECK(std::stoul(permanent) == server.device()->policy_key);
    CHECK_FALSE(second.child(tag::kPolicies)->child(tag::kPolicy)->has(tag::kData));
  }
}

TEST_CASE("Provision: an acknowledgement sent again gets the same permanent key") {
  ServiceFixture server;
  const std::string temporary = policy_text(server.element(initial("14.0")), tag::kPolicyKey);
  const Element once = server.element(acknowledge("14.0", temporary));
  const Element again = server.element(acknowledge("14.0", temporary));
  CHECK(policy_text(again, tag::kStatus) == "1");
  CHECK(policy_text(again, tag::kPolicyKey) == policy_text(once, tag::kPolicyKey));
}

TEST_CASE("Provision: a wrong key is status 5 and gives none") {
  ServiceFixture server;
  const std::string temporary = policy_text(server.element(initial("14.0")), tag::kPolicyKey);
  for (const std::string& key :
       {std::to_string(std::stoul(temporary) ^ 1), std::string("x"), std::string()}) {
    const Element answer = server.element(acknowledge("14.0", key));
    CHECK(text_at(answer, {tag::kStatus}) == "1");
    CHECK(policy_text(answer, tag::kStatus) == "5");
    CHECK(policy_text(answer, tag::kPolicyKey).empty());
  }
  CHECK(server.device()->policy_key == 0);
}

TEST_CASE("Provision: the policy restricts nothing, and 12.0 gets only what 12.0 has") {
  ServiceFixture server;
  const Element doc = *server.element(initial("16.1"))
                           .child(tag::kPolicies)
                           ->child(tag::kPolicy)
                           ->child(tag::kData)
                           ->child(tag::kEASProvisionDoc);
  CHECK(doc.text_of(tag::kDevicePasswordEnabled) == "0");
  CHECK(doc.text_of(tag::kAllowCamera) == "1");
  CHECK(doc.text_of(tag::kRequireDeviceEncryption) == "0");
  const Element old = *server.element(initial("12.0"))
                           .child(tag::kPolicies)
                           ->child(tag::kPolicy)
                           ->child(tag::kData)
                           ->child(tag::kEASProvisionDoc);
  CHECK(old.text_of(tag::kDevicePasswordEnabled) == "0");
  for (const Element& setting : old.children) {
    CHECK((wbxml::find_tag(setting.tag)->versions & wbxml::kV120) != 0);
  }
  CHECK(old.children.size() < doc.children.size());
}

TEST_CASE("Provision: 2.5 gets the XML form and no other") {
  ServiceFixture server;
  const Element first = server.element(initial("2.5", "MS-WAP-Provisioning-XML"));
  CHECK(policy_text(first, tag::kStatus) == "1");
  CHECK(policy_text(first, tag::kData).find("<wap-provisioningdoc>") == 0);
  const Element second = server.element(
      acknowledge("2.5", policy_text(first, tag::kPolicyKey), "MS-WAP-Provisioning-XML"));
  CHECK(policy_text(second, tag::kStatus) == "1");
  CHECK(policy_text(server.element(initial("2.5")), tag::kStatus) == "3");
}

TEST_CASE("Provision: an unknown policy type is status 3") {
  // covers: MS-ASPROV R380 R471 R502 R690 R705 R370 R377 R393
  ServiceFixture server;
  const Element answer = server.element(initial("14.1", "MS-WAP-Provisioning-XML"));
  CHECK(text_at(answer, {tag::kStatus}) == "1");
  CHECK(policy_text(answer, tag::kStatus) == "3");
  CHECK(policy_text(answer, tag::kPolicyKey).empty());
}

TEST_CASE("Provision: device information is kept from 14.1 on, and demanded") {
  // covers: MS-ASPROV R366 R1011 R1012 R1009 R488 R60010
  // covers: MS-ASCMD R4953 R4954
  for (const char* version : {"14.1", "16.0", "16.1"}) {
    CAPTURE(version);
    ServiceFixture server;
    const Element answer = server.element(initial(version));
    CHECK(text_at(answer, {settings::kDeviceInformation, settings::kStatus}) == "1");
    CHECK(answer.children.front().tag == settings::kDeviceInformation);  // before Status
    CHECK(server.device()->info == R"({"Model":"Pixel","OS":"Android 16"})");
    const Element without =
        server.element(provision(version, {policies({Element(tag::kPolicyType, kWbxml)})}));
    CHECK(text_at(without, {tag::kStatus}) == "165");
  }
  ServiceFixture server;
  CHECK_FALSE(server.element(initial("14.0")).has(settings::kDeviceInformation));
}

TEST_CASE("Provision: an empty request and a wipe that nobody asked for are fine") {
  ServiceFixture server;
  for (Call call :
       {provision("14.1", {}),
        provision("14.1", {Element(tag::kRemoteWipe, {Element(tag::kStatus, "1")})}),
        provision("12.1",
                  {Element(tag::kPolicies, {Element(tag::kPolicy, {Element(tag::kStatus, "1")})}),
                   Element(tag::kRemoteWipe, {Element(tag::kStatus, "1")})})}) {
    const Element answer = server.element(call);
    CHECK(text_at(answer, {tag::kStatus}) == "1");
    CHECK(answer.children.size() == 1);
  }
}

TEST_CASE("Provision: malformed requests are status 2") {
  // covers: MS-ASCMD R4989
  ServiceFixture server;
  for (Call call : {provision("14.0", {Element(tag::kPolicies)}), provision("14.0", {policies({})}),
                    provision("14.1", {Element(settings::kDeviceInformation)})}) {
    CHECK(text_at(server.element(call), {tag::kStatus}) == "2");
  }
}

TEST_CASE("Provision: keys belong to one device and one user (quirks.md: Policy key)") {
  ServiceFixture server;
  Call mine = initial("14.0");
  const std::string temporary = policy_text(server.element(mine), tag::kPolicyKey);
  Call other_device = acknowledge("14.0", temporary);
  other_device.device = "dev2";
  CHECK(policy_text(server.element(other_device), tag::kStatus) == "5");
  Call other_user = acknowledge("14.0", temporary);
  other_user.login = "bob@example.test";
  CHECK(policy_text(server.element(other_user), tag::kStatus) == "5");
}
