// Policies: who must provision, what phones get, what becomes of what they answer.
#include <doctest/doctest.h>

#include "storage/base/text.h"
#include "tests/support/provision_calls.h"

namespace {

using namespace test;
using wbxml::Element;
namespace tag = wbxml::provision;

constexpr const char* kPin = R"({"DevicePasswordEnabled":"1"})";
constexpr const char* kGoWithout =
    R"({"DevicePasswordEnabled":"1","AllowNonProvisionableDevices":"1"})";

const Element* document_of(const Element& root) {
  const Element* policy = root.child(tag::kPolicies)->child(tag::kPolicy);
  const Element* data = policy->child(tag::kData);
  return data == nullptr ? nullptr : data->child(tag::kEASProvisionDoc);
}

}  // namespace

TEST_CASE(
    "policy: nobody has to provision until an administrator sets a policy (field.md pain 22)") {
  ServiceFixture server;
  for (const std::string version : kEveryVersion) {
    CAPTURE(version);
    CHECK(outcome_of(server, folder_sync_call(version)) == "1");
    CHECK(outcome_of(server, folder_sync_call(version, "12345")) == "1");
  }
  REQUIRE(server.services.devices->store.set_policy("strict", kPin).has_value());
  CHECK(outcome_of(server, folder_sync_call("14.1")) == "1");  // it holds for nobody yet
}

TEST_CASE(
    "policy: a device without it must provision: 449 up to 12.1, status 142 from 14.0 (quirks.md: "
    "Android, field.md 1.2)") {
  // covers: MS-ASPROV R483 R509 R487 R537
  // covers: MS-ASCMD R4905 R4906 R7564 R4987
  for (const std::string version : kEveryVersion) {
    CAPTURE(version);
    ServiceFixture server;
    impose(server, kPin);
    CHECK(outcome_of(server, folder_sync_call(version)) == refusal(version, 142, 449));
    CHECK(outcome_of(server, folder_sync_call(version, "0")) == refusal(version, 142, 449));
    CHECK(outcome_of(server, ping_call(version, "1")) == refusal(version, 142, 449));
    const std::string key = take_policy(server, version);
    CHECK(outcome_of(server, folder_sync_call(version, key)) == "1");
    CHECK(outcome_of(server, folder_sync_call(version)) == refusal(version, 142, 449));
  }
}

TEST_CASE("policy: a Ping needs no key, as phones send none with it (quirks.md: Android AOSP)") {
  ServiceFixture server;
  impose(server, kPin);
  const std::string key = take_policy(server, "14.1");
  CHECK(outcome_of(server, ping_call("14.1", "1")) == "7");  // it has not synced its folders yet
}

TEST_CASE("policy: a wrong key and a changed policy are 144, or 449 up to 12.1") {
  // covers: MS-ASPROV R487 R693 R537
  // covers: MS-ASCMD R4911 R4912 R4914 R4915 R7566
  for (const std::string version : kEveryVersion) {
    CAPTURE(version);
    ServiceFixture server;
    impose(server, kPin);
    const std::string key = take_policy(server, version);
    const std::string wrong = std::to_string(std::stoul(key) ^ 1);
    CHECK(outcome_of(server, folder_sync_call(version, wrong)) == refusal(version, 144, 449));
    CHECK(outcome_of(server, folder_sync_call(version, key)) == "1");
    impose(server, R"({"DevicePasswordEnabled":"1","AllowCamera":"0"})");
    CHECK(outcome_of(server, folder_sync_call(version, key)) == refusal(version, 144, 449));
    const std::string fresh = take_policy(server, version);
    CHECK(fresh != key);
    CHECK(outcome_of(server, folder_sync_call(version, fresh)) == "1");
    CHECK(outcome_of(server, folder_sync_call(version, key)) == refusal(version, 144, 449));
  }
}

TEST_CASE("policy: one that is to be fetched every few hours is 143, or 449 up to 12.1") {
  // covers: MS-ASCMD R4908 R4909 R4910 R7565
  for (const std::string version : kEveryVersion) {
    CAPTURE(version);
    ServiceFixture server;
    impose(server, R"({"DevicePasswordEnabled":"1","RefreshHours":"8"})");
    std::string key = take_policy(server, version);
    server.clock.advance(8LL * 3600 * 1000 - 1);
    CHECK(outcome_of(server, folder_sync_call(version, key)) == "1");
    server.clock.advance(1);
    CHECK(outcome_of(server, folder_sync_call(version, key)) == refusal(version, 143, 449));
    key = take_policy(server, version);
    CHECK(outcome_of(server, folder_sync_call(version, key)) == "1");
  }
}

TEST_CASE("policy: the key counts in the base64 form of the query too") {
  // covers: MS-ASPROV R485
  ServiceFixture server;
  impose(server, kPin);
  const auto key = static_cast<std::uint32_t>(std::stoul(take_policy(server, "14.1")));
  const auto query = [](std::uint32_t number) {
    std::string bytes = {'\x8d', '\x09', '\x09', '\x04', '\x04'};
    bytes += "dev1";
    bytes += '\x04';
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(number >> shift);
    bytes += '\x09';
    return storage::base64_encode(bytes + "TestPhone");
  };
  Call call = folder_sync_call("");
  call.query = query(key);
  CHECK(outcome_of(server, call) == "1");
  call.query = query(key ^ 1);
  CHECK(outcome_of(server, call) == "144");
}

TEST_CASE("policy: phones get the settings of the policy, in the form of their version") {
  // covers: MS-ASPROV R486 R650 R662 R208 R209 R601 R888 R210 R232 R233 R234 R303 R304 R306 R307
  // covers: MS-ASPROV R308 R310 R605 R313 R606 R711 R317 R318 R965 R966 R971 R661 R534 R535 R417
  // covers: MS-ASPROV R419 R319 R320 R374 R375 R378 R390 R391 R394 R441 R466 R495 R678 R688 R703
  // covers: MS-ASPROV R889 R890 R891 R892 R21001 R953 R954 R955 R956 R30601 R957 R958 R959 R960
  // covers: MS-ASPROV R31101 R961 R962 R963 R964 R31601 R967 R968 R969 R970 R31801 R972 R973 R974
  // covers: MS-ASPROV R975 R32001 R1013 R1014 R1015 R1016 R38901 R1017 R1018 R1019 R1020 R39302
  // covers: MS-ASCMD R4992
  for (const std::string version : kEveryVersion) {
    CAPTURE(version);
    ServiceFixture server;
    impose(server,
           R"({"DevicePasswordEnabled":"1","MinDevicePasswordLength":"6","AllowCamera":"0"})");
    const Element first = server.element(ask_policy(version));
    CHECK(policy_field(first, tag::kStatus) == "1");
    CHECK(std::stoul(policy_field(first, tag::kPolicyKey)) == server.device()->pending_policy_key);
    if (version == "2.5") {
      const std::string xml = policy_field(first, tag::kData);
      CHECK(xml.find("name=\"4131\" value=\"0\"") != std::string::npos);
      CHECK(xml.find("MinimumPasswordLength\" value=\"6\"") != std::string::npos);
    } else {
      const Element* document = document_of(first);
      REQUIRE(document != nullptr);
      CHECK(document->text_of(tag::kDevicePasswordEnabled) == "1");
      CHECK(document->text_of(tag::kMinDevicePasswordLength) == "6");
      CHECK(document->text_of(tag::kAllowCamera).value_or("none") ==
            (version == "12.0" ? "none" : "0"));
    }
    const Element second =
        server.element(acknowledge_policy(version, policy_field(first, tag::kPolicyKey)));
    CHECK(policy_field(second, tag::kStatus) == "1");
    CHECK_FALSE(second.child(tag::kPolicies)->child(tag::kPolicy)->has(tag::kData));
    CHECK(std::stoul(policy_field(second, tag::kPolicyKey)) == server.device()->policy_key);
    CHECK(server.device()->policy_status == 1);
    CHECK(server.device()->policy_revision > 0);
  }
}

TEST_CASE("policy: a policy key is never 0 (quirks.md: iPhone OS 4)") {
  ServiceFixture server;
  for (int i = 0; i < 20; ++i) {
    const Element first = server.element(ask_policy("14.0"));
    CHECK(policy_field(first, tag::kPolicyKey) != "0");
    const Element second =
        server.element(acknowledge_policy("14.0", policy_field(first, tag::kPolicyKey)));
    CHECK(policy_field(second, tag::kPolicyKey) != "0");
  }
}

TEST_CASE("policy: one that was taken back is taken back from the phones") {
  // covers: MS-ASPROV R652 R1044
  ServiceFixture server;
  impose(server, R"({"DevicePasswordEnabled":"1","MinDevicePasswordLength":"6"})");
  const std::string key = take_policy(server, "14.0");
  REQUIRE(server.services.devices->store.remove_policy("strict").has_value());
  CHECK(outcome_of(server, folder_sync_call("14.0", key)) == "144");
  const Element first = server.element(ask_policy("14.0"));
  const Element* document = document_of(first);
  REQUIRE(document != nullptr);
  CHECK(document->text_of(tag::kDevicePasswordEnabled) == "0");
  REQUIRE(document->has(tag::kMinDevicePasswordLength));
  CHECK(document->child(tag::kMinDevicePasswordLength)->is_empty());
  const Element second =
      server.element(acknowledge_policy("14.0", policy_field(first, tag::kPolicyKey)));
  CHECK(policy_field(second, tag::kStatus) == "1");
  CHECK(outcome_of(server, folder_sync_call("14.0")) == "1");
}

TEST_CASE("policy: an assignment to the user alone makes that user's devices provision") {
  ServiceFixture server;
  REQUIRE(server.services.devices->store.set_policy("own", kPin).has_value());
  REQUIRE(server.services.devices->store.assign_policy(false, server.user().id, "own").has_value());
  CHECK(outcome_of(server, folder_sync_call("14.1")) == "142");
  Call bob = folder_sync_call("14.1");
  bob.login = "bob@example.test";
  CHECK(outcome_of(server, bob) == "1");
}

TEST_CASE("policy: what the phone reports is let in or not as the policy says: 139 and 145") {
  // covers: MS-ASPROV R659 R660 R697 R681 R455 R684 R1046 R686 R461 R687 R1034
  // covers: MS-ASCMD R4898 R4916 R4917
  struct Case {
    const char* status;
    const char* setting;
    int refusal;
  };
  for (const std::string version : kEveryVersion) {
    for (const Case& one :
         {Case{"2", "AllowPartialCompliance", 139}, Case{"3", "AllowRefusedPolicy", 139},
          Case{"4", "AllowExternallyManaged", 145}}) {
      CAPTURE(version);
      CAPTURE(one.status);
      ServiceFixture server;
      impose(server, std::string(R"({"DevicePasswordEnabled":"1",")") + one.setting + R"(":"0"})");
      const std::string temporary =
          policy_field(server.element(ask_policy(version)), tag::kPolicyKey);
      CHECK(outcome_of(server, acknowledge_policy(version, temporary, one.status)) ==
            refusal(version, one.refusal, 403));
      CHECK(server.device()->policy_key == 0);
      CHECK(std::to_string(server.device()->policy_status) == one.status);
      CHECK(outcome_of(server, folder_sync_call(version, temporary)) == refusal(version, 142, 449));
      impose(server, std::string(R"({"DevicePasswordEnabled":"1",")") + one.setting + R"(":"1"})");
      const std::string key = take_policy(server, version, one.status);
      CHECK(outcome_of(server, folder_sync_call(version, key)) == "1");
    }
  }
}

TEST_CASE("policy: a phone that is not let in after a refresh loses the key that it had") {
  struct Case {
    const char* status;
    const char* setting;
    int refusal;
  };
  for (const std::string version : kEveryVersion) {
    for (const Case& one :
         {Case{"2", "AllowPartialCompliance", 139}, Case{"3", "AllowRefusedPolicy", 139},
          Case{"4", "AllowExternallyManaged", 145}}) {
      CAPTURE(version);
      CAPTURE(one.status);
      ServiceFixture server;
      impose(server, std::string(R"({"DevicePasswordEnabled":"1","RefreshHours":"8",")") +
                         one.setting + R"(":"0"})");
      const std::string key = take_policy(server, version);
      const auto taken = server.device()->policy_at;
      server.clock.advance(8LL * 3600 * 1000);
      CHECK(outcome_of(server, folder_sync_call(version, key)) == refusal(version, 143, 449));
      const std::string temporary =
          policy_field(server.element(ask_policy(version)), tag::kPolicyKey);
      CHECK(outcome_of(server, acknowledge_policy(version, temporary, one.status)) ==
            refusal(version, one.refusal, 403));
      CHECK(outcome_of(server, folder_sync_call(version, key)) == refusal(version, 142, 449));
      CHECK(server.device()->policy_at == taken);
      // It did have settings, which are to be taken back once no policy holds.
      REQUIRE(server.services.devices->store.remove_policy("strict").has_value());
      CHECK(outcome_of(server, folder_sync_call(version, key)) == refusal(version, 142, 449));
      const std::string fresh = take_policy(server, version);
      CHECK(outcome_of(server, folder_sync_call(version, fresh)) == "1");
      CHECK(outcome_of(server, folder_sync_call(version)) == "1");
    }
  }
}

TEST_CASE("policy: an acknowledgement without a Status, or with another, is a protocol error") {
  // covers: MS-ASPROV R395 R450 R497 R679 R704
  ServiceFixture server;
  impose(server, kPin);
  const std::string temporary = policy_field(server.element(ask_policy("14.1")), tag::kPolicyKey);
  for (const char* status : {"", "0", "5", "x", "257", "258", "-1", "4294967297"}) {
    CAPTURE(status);
    CHECK(outcome_of(server, acknowledge_policy("14.1", temporary, status)) == "2");
    CHECK(server.device()->policy_status == 0);
  }
  CHECK(server.device()->policy_key == 0);
}

TEST_CASE("policy: acknowledging one that has changed meanwhile is status 5") {
  // covers: MS-ASPROV R657 R658 R695 R382 R475 R507 R692 R708 R761 R381 R473 R691
  ServiceFixture server;
  impose(server, kPin);
  const std::string temporary = policy_field(server.element(ask_policy("14.1")), tag::kPolicyKey);
  impose(server, R"({"DevicePasswordEnabled":"1","AllowCamera":"0"})");
  const Element answer = server.element(acknowledge_policy("14.1", temporary));
  CHECK(policy_field(answer, tag::kStatus) == "5");
  CHECK(policy_field(answer, tag::kPolicyKey).empty());
  impose(server, "garbage");
  const Element corrupt = server.element(ask_policy("14.1"));
  CHECK(policy_field(corrupt, tag::kStatus) == "4");
  CHECK(policy_field(corrupt, tag::kPolicyKey).empty());
}

TEST_CASE("policy: lost answers in both phases do no harm") {
  ServiceFixture server;
  impose(server, kPin);
  server.element(ask_policy("14.1"));  // its answer is lost
  const std::string temporary = policy_field(server.element(ask_policy("14.1")), tag::kPolicyKey);
  const std::string key =
      policy_field(server.element(acknowledge_policy("14.1", temporary)), tag::kPolicyKey);
  CHECK(policy_field(server.element(acknowledge_policy("14.1", temporary)), tag::kPolicyKey) ==
        key);
  CHECK(outcome_of(server, folder_sync_call("14.1", key)) == "1");
  // One that asks anew goes on with its key until it acknowledges again.
  server.element(ask_policy("14.1"));
  CHECK(outcome_of(server, folder_sync_call("14.1", key)) == "1");
}

TEST_CASE("policy: programs that cannot provision are let in, or 141 (quirks.md: Provisioning)") {
  // covers: MS-ASPROV R682 R458 R685
  // covers: MS-ASCMD R4903 R4904 R7563
  for (const std::string version : kEveryVersion) {
    for (const char* type : {"WindowsOutlook15", "TestActiveSyncConnectivity"}) {
      CAPTURE(version);
      CAPTURE(type);
      ServiceFixture server;
      Call call = folder_sync_call(version);
      call.device_type = type;
      impose(server, kGoWithout);
      CHECK(outcome_of(server, call) == "1");
      call.headers = {{"X-MS-PolicyKey", "0"}};
      CHECK(outcome_of(server, call) == "1");
      impose(server, kPin);
      // The connectivity test takes 449 for a broken server.
      const int http = std::string_view(type) == "WindowsOutlook15" ? 449 : 403;
      CHECK(outcome_of(server, call) == refusal(version, 141, http));
    }
  }
}

TEST_CASE("policy: a device that sends no key and never asks goes without, where that is allowed") {
  // covers: MS-ASPROV R483 R458 R685
  for (const std::string version : kEveryVersion) {
    CAPTURE(version);
    ServiceFixture server;
    impose(server, kPin);
    CHECK(outcome_of(server, folder_sync_call(version)) == refusal(version, 142, 449));
    impose(server, kGoWithout);
    CHECK(outcome_of(server, folder_sync_call(version)) == "1");
    // One that sends "0" knows what policies are.
    CHECK(outcome_of(server, folder_sync_call(version, "0")) == refusal(version, 142, 449));
    CHECK(outcome_of(server, folder_sync_call(version)) == "1");
    server.element(ask_policy(version));
    CHECK(outcome_of(server, folder_sync_call(version)) == refusal(version, 142, 449));
    const std::string key = take_policy(server, version);
    CHECK(outcome_of(server, folder_sync_call(version, key)) == "1");
    CHECK(outcome_of(server, folder_sync_call(version)) == refusal(version, 142, 449));
  }
}

TEST_CASE("policy: a version that cannot carry all of it is 139, or 403, if all of it is wanted") {
  // covers: MS-ASCMD R4899
  for (const std::string version : kEveryVersion) {
    CAPTURE(version);
    ServiceFixture server;
    const std::string encrypt = R"({"DevicePasswordEnabled":"1","RequireDeviceEncryption":"1")";
    impose(server, encrypt + "}");  // a part will do
    const std::string key = take_policy(server, version);
    CHECK(outcome_of(server, folder_sync_call(version, key)) == "1");
    impose(server, encrypt + R"(,"AllowPartialCompliance":"0"})");
    const std::string whole = take_policy(server, "16.1");
    CHECK(outcome_of(server, folder_sync_call("16.1", whole)) == "1");
    const bool old = version == "2.5" || version == "12.0";
    CHECK(outcome_of(server, folder_sync_call(version, whole)) == (old ? "http 403" : "1"));
    CHECK(outcome_of(server, ask_policy(version)) == (old ? "http 403" : "1"));
    impose(server, R"({"DevicePasswordEnabled":"1","AllowPartialCompliance":"0"})");
    const std::string pin = take_policy(server, version);
    CHECK(outcome_of(server, folder_sync_call(version, pin)) == "1");
  }
}

TEST_CASE("policy: FolderSync before Provision is refused, then works (quirks.md: Windows 8.1)") {
  ServiceFixture server;
  impose(server, kPin);
  CHECK(outcome_of(server, folder_sync_call("14.0")) == "142");
  const std::string key = take_policy(server, "14.0");
  CHECK(outcome_of(server, folder_sync_call("14.0", key)) == "1");
  Call information;
  information.command = "Settings";
  information.version = "14.0";
  information.headers = {{"X-MS-PolicyKey", key}};
  namespace settings = wbxml::settings;
  information.body =
      Element(settings::kSettings,
              {Element(settings::kDeviceInformation,
                       {Element(settings::kSet, {Element(settings::kOS, "WINDOWS")})})});
  CHECK(outcome_of(server, information) == "1");
  CHECK(server.device()->info.find("WINDOWS") != std::string::npos);
}

TEST_CASE("policy: a change wakes a waiting Ping and refuses it, whatever the version") {
  for (const std::string version : kEveryVersion) {
    CAPTURE(version);
    ServiceFixture server;
    impose(server, kPin);
    const std::string key = take_policy(server, version);
    Call folders = folder_sync_call(version, key);
    const Element root = server.element(folders);
    std::string inbox;
    for (const Element& add : root.child(wbxml::folder_hierarchy::kChanges)->children) {
      if (add.text_of(wbxml::folder_hierarchy::kType) == "2") {
        inbox = *add.text_of(wbxml::folder_hierarchy::kServerId);
      }
    }
    auto parked = server.park(ping_call(version, inbox));
    server.services.hub->publish({server.user().id + 1, 0, 0, storage::hub_event::kDevice});
    CHECK(server.waker().woken == 0);  // another user's affair
    impose(server, R"({"DevicePasswordEnabled":"1","AllowCamera":"0"})");
    server.services.hub->publish({0, 0, 0, storage::hub_event::kDevice});
    CHECK(server.waker().woken == 1);
    auto answered = parked.resume(http::WakeReason::woken);
    REQUIRE(std::holds_alternative<http::HttpReply>(answered));
    CHECK(outcome_of(std::get<http::HttpReply>(answered)) == refusal(version, 144, 449));
  }
}

TEST_CASE("policy: a change that does not concern a waiting device leaves it waiting") {
  ServiceFixture server;
  const std::string inbox = server.folder_id(2);
  server.prime(inbox);
  auto parked = server.park(ping_call("14.1", inbox));
  server.services.hub->publish({server.user().id, 0, 0, storage::hub_event::kDevice});
  CHECK(server.waker().woken == 1);
  auto again = parked.resume(http::WakeReason::woken);
  CHECK(std::holds_alternative<http::Parked>(again));
}
