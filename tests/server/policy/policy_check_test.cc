#include "server/policy/policy_check.h"

#include <doctest/doctest.h>

namespace {

using namespace eas::policy;
using eas::Version;

constexpr storage::UnixMillis kHour = 3'600'000;

// A device that took revision 5 as it is to be, asked about a policy of that revision.
struct Asked {
  explicit Asked(const char* json) {
    holds.revision = 5;
    const auto document = PolicyDocument::from_json(json);
    REQUIRE(document.has_value());
    holds.document = *document;
    device.policy_key = device.pending_policy_key = 77;
    device.policy_revision = device.pending_policy_revision = 5;
    device.policy_status = 1;
    device.policy_at = 100 * kHour;
  }
  PolicyVerdict verdict(storage::UnixMillis now = 101 * kHour, bool sends_key = true) const {
    return judge_policy({device, holds, version, "TestPhone", "TestPhone/1.0", sends_key, now});
  }
  storage::Device device;
  EffectivePolicy holds;
  Version version = Version::v14_1;
};

}  // namespace

TEST_CASE("policy: what a device has taken is judged the same for the gate and for reports") {
  Asked asked(R"({"DevicePasswordEnabled":"1"})");
  CHECK(asked.verdict() == PolicyVerdict::taken);
  SUBCASE("another policy") {
    asked.holds.revision = 6;
    CHECK(asked.verdict() == PolicyVerdict::changed);
  }
  SUBCASE("no policy any more: what was taken is to be given back") {
    asked.holds = {};
    CHECK(asked.verdict() == PolicyVerdict::changed);
    asked.device.policy_revision = 0;
    CHECK(asked.verdict() == PolicyVerdict::none);
  }
  SUBCASE("no key any more, since it reported what is not let in") {
    asked.device.policy_key = 0;
    asked.device.policy_status = 3;
    CHECK(asked.verdict() == PolicyVerdict::not_taken);
    CHECK(asked.verdict(101 * kHour, false) == PolicyVerdict::not_taken);
  }
  SUBCASE("time to fetch it again") {
    Asked hourly(R"({"RefreshHours":"8"})");
    CHECK(hourly.verdict(108 * kHour - 1) == PolicyVerdict::taken);
    CHECK(hourly.verdict(108 * kHour) == PolicyVerdict::outdated);
  }
}

TEST_CASE("policy: a device that never asked goes without, or is to provision") {
  for (const bool allowed : {false, true}) {
    Asked asked(allowed ? R"({"AllowNonProvisionableDevices":"1"})" : R"({"AllowCamera":"0"})");
    asked.device = {};
    CHECK(asked.verdict(0, false) ==
          (allowed ? PolicyVerdict::goes_without : PolicyVerdict::not_taken));
    CHECK(asked.verdict(0, true) == PolicyVerdict::not_taken);
    CHECK(judge_policy(
              {asked.device, asked.holds, Version::v14_1, "WindowsOutlook15", "", true, 0}) ==
          (allowed ? PolicyVerdict::goes_without : PolicyVerdict::cannot_provision));
  }
}

TEST_CASE("policy: a version that cannot carry all of it is let in only where a part will do") {
  for (const bool partial : {false, true}) {
    Asked asked(partial ? R"({"AllowCamera":"0"})"
                        : R"({"AllowCamera":"0","AllowPartialCompliance":"0"})");
    CHECK(asked.verdict() == PolicyVerdict::taken);
    asked.version = Version::v12_0;
    CHECK(asked.verdict() == (partial ? PolicyVerdict::taken : PolicyVerdict::cannot_carry));
  }
}
