#include "server/policy/policy_document.h"

#include <doctest/doctest.h>

#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"

using eas::Version;
using eas::policy::PolicyDocument;
using eas::policy::PolicySetting;
namespace tag = wbxml::provision;

namespace {

std::string kind_of(const storage::Result<void>& result) {
  return result ? "ok" : storage::to_string(result.error().kind);
}

wbxml::Element written(const PolicyDocument& document, Version version, bool withdraw = true) {
  wbxml::Encoder out;
  eas::policy::write_policy(out, document, version, withdraw);
  auto root = wbxml::decode(out.take());
  REQUIRE(root.has_value());
  return *std::move(root);
}

std::uint16_t bit_of(Version version) {
  return static_cast<std::uint16_t>(1u << static_cast<unsigned>(version));
}

// The strictest or oddest value that the setting takes, other than its default.
std::vector<std::string> other_value(const PolicySetting& setting) {
  if (setting.kind == PolicySetting::Kind::list) return {"first", "second"};
  if (setting.kind == PolicySetting::Kind::boolean) {
    return {setting.fallback == "1" ? "0" : "1"};
  }
  if (!setting.values.empty()) return {std::string(setting.values.substr(2, 1))};
  const std::string top = std::to_string(setting.max);
  return {top == setting.fallback ? std::to_string(setting.min) : top};
}

}  // namespace

TEST_CASE("policy: every setting comes out as it was set, in every version that has it, in order") {
  // covers: MS-ASPROV R70 R71 R800 R801 R802 R803 R7601 R80 R81 R804 R805 R806 R807 R8401 R85 R86
  // covers: MS-ASPROV R808 R809 R810 R811 R9001 R92 R93 R812 R813 R814 R815 R9601 R97 R98 R816
  // covers: MS-ASPROV R817 R818 R819 R10201 R104 R105 R820 R821 R822 R823 R10801 R109 R110 R824
  // covers: MS-ASPROV R825 R826 R827 R11401 R116 R117 R828 R829 R830 R831 R12101 R123 R124 R832
  // covers: MS-ASPROV R833 R834 R835 R12701 R128 R129 R836 R837 R838 R839 R13301 R135 R137 R840
  // covers: MS-ASPROV R841 R842 R843 R14201 R143 R144 R844 R845 R846 R847 R14801 R149 R150 R848
  // covers: MS-ASPROV R849 R850 R851 R15301 R154 R155 R852 R853 R854 R855 R15901 R160 R161 R856
  // covers: MS-ASPROV R857 R858 R859 R16501 R166 R167 R860 R861 R862 R863 R17001 R171 R172 R864
  // covers: MS-ASPROV R865 R866 R867 R17501 R176 R177 R868 R869 R870 R871 R18101 R182 R183 R872
  // covers: MS-ASPROV R873 R874 R875 R18801 R189 R876 R877 R878 R879 R19301 R880 R881 R882 R883
  // covers: MS-ASPROV R20201 R203 R204 R884 R885 R886 R887 R20701 R211 R212 R893 R894 R895 R896
  // covers: MS-ASPROV R21501 R216 R218 R897 R898 R899 R900 R22301 R224 R225 R901 R902 R903 R904
  // covers: MS-ASPROV R23101 R236 R909 R910 R911 R912 R23901 R240 R242 R913 R914 R915 R916 R24201
  // covers: MS-ASPROV R243 R244 R917 R918 R919 R920 R25001 R251 R252 R921 R922 R923 R924 R25401
  // covers: MS-ASPROV R255 R256 R925 R926 R927 R928 R26301 R265 R929 R930 R931 R932 R26901 R271
  // covers: MS-ASPROV R933 R934 R935 R936 R27501 R276 R277 R937 R938 R939 R940 R27901 R280 R281
  // covers: MS-ASPROV R941 R942 R943 R944 R28501 R286 R287 R945 R946 R947 R948 R29001 R291 R292
  // covers: MS-ASPROV R949 R950 R951 R952 R30201 R326 R327 R980 R981 R982 R983 R33001 R331 R332
  // covers: MS-ASPROV R984 R985 R986 R987 R33501 R336 R337 R988 R989 R990 R991 R34301 R344 R345
  // covers: MS-ASPROV R992 R993 R994 R995 R34801 R349 R350 R996 R997 R998 R999 R35301 R354 R355
  // covers: MS-ASPROV R1000 R1001 R1002 R1003 R35801 R359 R360 R1004 R1005 R1006 R1007 R36401
  // covers: MS-ASPROV R1025 R1026 R1027 R1028 R40901 R235 R194 R195 R199 R202 R404 R405 R408 R409
  // covers: MS-ASPROV R193 R239 R905 R906 R907 R908 R23501
  PolicyDocument document;
  for (const PolicySetting& setting : eas::policy::policy_settings()) {
    REQUIRE(document.set(setting.name, other_value(setting)));
  }
  for (const Version version : {Version::v12_0, Version::v12_1, Version::v14_0, Version::v14_1,
                                Version::v16_0, Version::v16_1}) {
    CAPTURE(to_string(version));
    const wbxml::Element root = written(document, version);
    CHECK(root.tag == tag::kEASProvisionDoc);
    std::size_t at = 0;
    for (const PolicySetting& setting : eas::policy::policy_settings()) {
      if (setting.tag == wbxml::Tag{}) continue;
      CAPTURE(setting.name);
      CHECK(wbxml::find_tag(setting.tag)->name == setting.name);
      const bool known = (wbxml::find_tag(setting.tag)->versions & bit_of(version)) != 0;
      CHECK(root.has(setting.tag) == known);
      if (!known) continue;
      REQUIRE(at < root.children.size());
      const wbxml::Element& child = root.children[at++];
      CHECK(child.tag == setting.tag);
      if (setting.kind == PolicySetting::Kind::list) {
        REQUIRE(child.children.size() == 2);
        CHECK(child.children[0].tag == setting.item);
        CHECK(child.children[1].text == "second");
      } else {
        CHECK(child.children.empty());
        CHECK(child.text == other_value(setting).front());
      }
    }
    CHECK(at == root.children.size());
  }
}

TEST_CASE("policy: a policy without settings restricts nothing; what was set is taken back") {
  // covers: MS-ASPROV R652 R1044 R1045
  const PolicyDocument open;
  const wbxml::Element fresh = written(open, Version::v16_1, false);
  const wbxml::Element back = written(open, Version::v16_1, true);
  CHECK(fresh.text_of(tag::kDevicePasswordEnabled) == "0");
  CHECK(fresh.text_of(tag::kAllowBluetooth) == "2");
  CHECK_FALSE(fresh.has(tag::kMinDevicePasswordLength));
  for (const wbxml::Tag limit : {tag::kMinDevicePasswordLength, tag::kMaxInactivityTimeDeviceLock,
                                 tag::kMaxDevicePasswordFailedAttempts, tag::kMaxAttachmentSize}) {
    REQUIRE(back.has(limit));
    CHECK(back.child(limit)->is_empty());
  }
  CHECK(back.has(tag::kUnapprovedInROMApplicationList));
  CHECK_FALSE(back.has(tag::kApprovedApplicationList));  // would mean: none is approved
}

TEST_CASE("policy: values out of range, unknown settings and unreadable texts are refused") {
  PolicyDocument document;
  CHECK(kind_of(document.set("NoSuchSetting", {"1"})) == "invalid");
  CHECK(kind_of(document.set("AllowCamera", {"2"})) == "invalid");
  CHECK(kind_of(document.set("AllowCamera", {""})) == "invalid");
  CHECK(kind_of(document.set("AllowCamera", {"yes"})) == "invalid");
  CHECK(kind_of(document.set("AllowCamera", {"0", "1"})) == "invalid");
  CHECK(kind_of(document.set("AllowCamera", {"01"})) == "invalid");
  CHECK(kind_of(document.set("MinDevicePasswordLength", {"17"})) == "invalid");
  CHECK(kind_of(document.set("MinDevicePasswordLength", {"0"})) == "invalid");
  CHECK(kind_of(document.set("MinDevicePasswordLength", {""})) == "ok");
  CHECK(kind_of(document.set("MaxDevicePasswordFailedAttempts", {"3"})) == "invalid");
  CHECK(kind_of(document.set("MaxCalendarAgeFilter", {"1"})) == "invalid");
  CHECK(kind_of(document.set("MaxCalendarAgeFilter", {"4"})) == "ok");
  CHECK(kind_of(document.set("MaxEmailAgeFilter", {"6"})) == "invalid");
  CHECK(kind_of(document.set("AllowBluetooth", {"3"})) == "invalid");
  CHECK(kind_of(document.set("MinDevicePasswordComplexCharacters", {"5"})) == "invalid");
  CHECK(kind_of(document.set("RequireEncryptionSMIMEAlgorithm", {"5"})) == "invalid");
  CHECK(kind_of(document.set("MaxEmailBodyTruncationSize", {"-2"})) == "invalid");
  CHECK(kind_of(document.set("ApprovedApplicationList", {""})) == "invalid");
  CHECK(document.set("allowcamera", {"0"}));
  CHECK(document.value("AllowCamera") == "0");
  CHECK(document.unset("ALLOWCAMERA"));
  CHECK(document.value("AllowCamera") == "1");
}

TEST_CASE("policy: the values that the specification lists are taken, and no others") {
  // covers: MS-ASPROV R106 R205 R245 R257 R266 R272 R333 R338 R351 R356 R241 R672 R673 R674 R676
  // covers: MS-ASPROV R677
  struct Case {
    const char* name;
    const char* valid;  // of the numbers from -2 to 20
  };
  for (const Case& one :
       {Case{"AllowHTMLEmail", "0 1"}, Case{"AttachmentsEnabled", "0 1"},
        Case{"MaxCalendarAgeFilter", "0 4 5 6 7"}, Case{"MaxEmailAgeFilter", "0 1 2 3 4 5"},
        Case{"RequireEncryptedSMIMEMessages", "0 1"},
        Case{"RequireEncryptionSMIMEAlgorithm", "0 1 2 3 4"},
        Case{"RequireSignedSMIMEAlgorithm", "0 1"}, Case{"RequireSignedSMIMEMessages", "0 1"},
        Case{"AllowSMIMEEncryptionAlgorithmNegotiation", "0 1 2"}, Case{"AllowBluetooth", "0 1 2"},
        Case{"MinDevicePasswordComplexCharacters", "1 2 3 4"},
        Case{"MaxDevicePasswordFailedAttempts", "4 5 6 7 8 9 10 11 12 13 14 15 16"},
        Case{"MinDevicePasswordLength", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16"},
        Case{"MaxEmailBodyTruncationSize",
             "-1 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20"},
        Case{"MaxEmailHTMLBodyTruncationSize",
             "-1 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20"}}) {
    CAPTURE(one.name);
    std::string taken;
    for (int value = -2; value <= 20; ++value) {
      PolicyDocument document;
      if (!document.set(one.name, {std::to_string(value)})) continue;
      taken += (taken.empty() ? "" : " ") + std::to_string(value);
    }
    CHECK(taken == one.valid);
  }
  for (const char* limit : {"MinDevicePasswordLength", "MaxInactivityTimeDeviceLock",
                            "MaxDevicePasswordFailedAttempts", "MaxAttachmentSize"}) {
    PolicyDocument document;
    CHECK(document.set(limit, {""}));
    const wbxml::Element root = written(document, Version::v16_1);
    std::size_t found = 0;
    for (const wbxml::Element& child : root.children) {
      if (wbxml::find_tag(child.tag)->name == limit) found += child.is_empty() ? 1 : 100;
    }
    CHECK(found == 1);
  }
}

TEST_CASE("policy: kept as JSON and read again; anything else is corrupt") {
  PolicyDocument document;
  REQUIRE(document.set("UnapprovedInROMApplicationList", {"a\"b", "\xc3\xa4"}));
  REQUIRE(document.set("DevicePasswordEnabled", {"1"}));
  const std::string json = document.to_json();
  CHECK(json.find("DevicePasswordEnabled") < json.find("UnapprovedInROM"));
  const auto again = PolicyDocument::from_json(json);
  REQUIRE(again.has_value());
  CHECK(again->to_json() == json);
  CHECK(again->list("UnapprovedInROMApplicationList").size() == 2);
  for (const char* bad :
       {"", "[]", "{\"AllowCamera\":\"7\"}", "{\"X\":\"1\"}", "{\"AllowCamera\":1}"}) {
    const auto read = PolicyDocument::from_json(bad);
    REQUIRE_FALSE(read.has_value());
    CHECK(std::string(storage::to_string(read.error().kind)) == "corrupt");
  }
}

TEST_CASE("policy: 2.5 gets what it has, in its own words") {
  PolicyDocument document;
  CHECK(eas::policy::policy_xml(document, false) ==
        "<wap-provisioningdoc><characteristic type=\"SecurityPolicy\"><parm name=\"4131\" "
        "value=\"1\"/></characteristic></wap-provisioningdoc>");
  REQUIRE(document.set("MinDevicePasswordLength", {"6"}));
  CHECK(eas::policy::policy_xml(document, false).find("MinimumPasswordLength") ==
        std::string::npos);  // without a password there is nothing to measure
  REQUIRE(document.set("DevicePasswordEnabled", {"1"}));
  REQUIRE(document.set("AlphanumericDevicePasswordRequired", {"1"}));
  REQUIRE(document.set("MaxInactivityTimeDeviceLock", {"301"}));
  REQUIRE(document.set("MaxDevicePasswordFailedAttempts", {"8"}));
  const std::string xml = eas::policy::policy_xml(document, true);
  for (const char* part :
       {"<parm name=\"4131\" value=\"0\"/>", "<parm name=\"MinimumPasswordLength\" value=\"6\"/>",
        "<parm name=\"PasswordComplexity\" value=\"0\"/>",
        "<parm name=\"AEFrequencyType\" value=\"1\"/>",
        "<parm name=\"AEFrequencyValue\" value=\"6\"/>",
        "<parm name=\"DeviceWipeThreshold\" value=\"8\"/>",
        "HKLM\\Comm\\Security\\Policy\\LASSD\\AE\\{50C13377-C66D-400C-889E-C316FC4AB374}"}) {
    CAPTURE(part);
    CHECK(xml.find(part) != std::string::npos);
  }
  CHECK(eas::policy::policy_xml(PolicyDocument(), true).find("AEFrequencyType\" value=\"0\"") !=
        std::string::npos);
}

TEST_CASE("policy: whether a version has all that the document restricts") {
  using eas::policy::expresses_all;
  struct Case {
    const char* json;
    eas::Version first;  // that has it all
  };
  for (const Case& one : {
           Case{R"({})", Version::v2_5},
           Case{R"({"DevicePasswordEnabled":"1","MinDevicePasswordLength":"6"})", Version::v2_5},
           Case{R"({"AllowPartialCompliance":"0","RefreshHours":"8"})", Version::v2_5},
           Case{R"({"PasswordRecoveryEnabled":"1"})", Version::v2_5},
           Case{R"({"AllowCamera":"1","DevicePasswordExpiration":""})", Version::v2_5},
           Case{R"({"AllowSimpleDevicePassword":"0"})", Version::v12_0},
           Case{R"({"AttachmentsEnabled":"0"})", Version::v12_0},
           Case{R"({"DevicePasswordExpiration":"30"})", Version::v12_0},
           Case{R"({"RequireDeviceEncryption":"1"})", Version::v12_1},
           Case{R"({"UnapprovedInROMApplicationList":["a"]})", Version::v12_1},
       }) {
    CAPTURE(one.json);
    const auto document = PolicyDocument::from_json(one.json);
    REQUIRE(document.has_value());
    for (const Version version :
         {Version::v2_5, Version::v12_0, Version::v12_1, Version::v14_0, Version::v16_1}) {
      CHECK(expresses_all(*document, version) == (version >= one.first));
    }
  }
}
