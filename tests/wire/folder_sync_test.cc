// FolderSync, Provision and Settings on the wire, in every version.
#include <doctest/doctest.h>

#include <filesystem>
#include <set>

#include "tests/support/phone.h"
#include "wbxml/code_pages.h"

using eas::Version;
using test::find_all;
using test::find_text;
using test::Phone;
using wbxml::Element;
namespace fh = wbxml::folder_hierarchy;
namespace fs = std::filesystem;

namespace {

Element folder_sync(const std::string& key) {
  return Element(fh::kFolderSync, {Element(fh::kSyncKey, key)});
}

}  // namespace

TEST_CASE("foldersync: key 0 gives every folder once with its type, the next key gives nothing") {
  for (const Version version : test::kAllVersions) {
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    const Element all = phone.call(folder_sync("0"));
    CHECK(find_text(all, fh::kStatus) == "1");
    std::set<std::string> ids, types;
    for (const Element* add : find_all(all, fh::kAdd)) {
      CHECK(ids.insert(find_text(*add, fh::kServerId)).second);
      CHECK(find_text(*add, fh::kServerId).size() <= 64);
      CHECK_FALSE(find_text(*add, fh::kDisplayName).empty());
      types.insert(find_text(*add, fh::kType));
    }
    for (const char* type : {"2", "3", "4", "5", "6"}) CHECK(types.contains(type));
    CHECK(find_text(all, fh::kCount) == std::to_string(ids.size()));
    const Element next = phone.call(folder_sync(find_text(all, fh::kSyncKey)));
    CHECK(find_text(next, fh::kStatus) == "1");
    CHECK(find_text(next, fh::kCount) == "0");
    CHECK(find_all(next, fh::kAdd).empty());
  }
}

TEST_CASE("foldersync: a folder that another program makes appears, and goes when it goes") {
  for (const Version version : {Version::v2_5, Version::v14_1, Version::v16_1}) {
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    const Element all = phone.call(folder_sync("0"));
    const fs::path folder = fs::path(test::shared_server().maildir(phone.user())) / ".Birds";
    for (const char* part : {"cur", "new", "tmp"}) fs::create_directories(folder / part);
    const Element added = phone.call(folder_sync(find_text(all, fh::kSyncKey)));
    REQUIRE(find_all(added, fh::kAdd).size() == 1);
    CHECK(find_text(*find_all(added, fh::kAdd)[0], fh::kDisplayName) == "Birds");
    CHECK(find_text(*find_all(added, fh::kAdd)[0], fh::kType) == "12");
    const std::string id = find_text(*find_all(added, fh::kAdd)[0], fh::kServerId);
    fs::remove_all(folder);
    const Element removed = phone.call(folder_sync(find_text(added, fh::kSyncKey)));
    REQUIRE(find_all(removed, fh::kDelete).size() == 1);
    CHECK(find_text(*find_all(removed, fh::kDelete)[0], fh::kServerId) == id);
  }
}

TEST_CASE("foldersync: a lost answer is computed again, an unknown key is status 9") {
  for (const Version version : {Version::v2_5, Version::v12_1, Version::v16_1}) {
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    const Element all = phone.call(folder_sync("0"));
    const std::string key = find_text(all, fh::kSyncKey);
    const fs::path folder = fs::path(test::shared_server().maildir(phone.user())) / ".Once";
    for (const char* part : {"cur", "new", "tmp"}) fs::create_directories(folder / part);
    const Element first = phone.call(folder_sync(key));
    const Element again = phone.call(folder_sync(key));
    CHECK(find_all(first, fh::kAdd).size() == 1);
    CHECK(find_all(again, fh::kAdd).size() == 1);
    const Element unknown = phone.call(folder_sync("123456789"));
    CHECK(find_text(unknown, fh::kStatus) == "9");
    CHECK(find_all(unknown, fh::kAdd).empty());
    CHECK(find_text(phone.call(folder_sync("0")), fh::kStatus) == "1");
  }
}

TEST_CASE("foldersync: folder ids and collection keys survive a FolderSync with key 0") {
  Phone phone(Version::v14_1);
  phone.connect();
  eas::client::MailFolder inbox(phone.inbox());
  phone.sync_all(inbox);
  const std::string before = phone.inbox();
  phone.connect();
  CHECK(phone.inbox() == before);
  const auto round = phone.sync(inbox);
  CHECK((round.empty || round.status == 1));
  CHECK(round.added.empty());
}

TEST_CASE("foldersync: the answer to key 0 names versions and commands") {
  // covers: MS-ASHTTP R1104 R1202
  Phone phone(Version::v16_1);
  phone.connect();
  const auto answer = phone.post(folder_sync("0"));
  CHECK(answer.header("X-MS-RP").find("16.1") != std::string_view::npos);
  CHECK(answer.header("MS-ASProtocolVersions").find("2.5") != std::string_view::npos);
  CHECK(answer.header("MS-ASProtocolCommands").find("FolderSync") != std::string_view::npos);
}

TEST_CASE("provision: the two phases end well in every version, without restrictions") {
  for (const Version version : test::kAllVersions) {
    CAPTURE(to_string(version));
    Phone phone(version);
    const auto key = phone.client().provision();
    REQUIRE_MESSAGE(key.has_value(), key.error().message);
    phone.connect();
    CHECK_FALSE(phone.inbox().empty());
  }
}

TEST_CASE(
    "provision: the answer to phase one is valid and carries a policy that restricts nothing") {
  namespace pv = wbxml::provision;
  for (const Version version : test::kAllVersions) {
    if (version == Version::v2_5) continue;  // its policy is another document
    CAPTURE(to_string(version));
    Phone phone(version);
    Element request(pv::kProvision);
    if (version >= Version::v14_1) {
      namespace st = wbxml::settings;
      request.children.push_back(Element(st::kDeviceInformation,
                                         {Element(st::kSet, {Element(st::kModel, "Wire Phone")})}));
    }
    request.children.push_back(
        Element(pv::kPolicies,
                {Element(pv::kPolicy, {Element(pv::kPolicyType, "MS-EAS-Provisioning-WBXML")})}));
    const Element answer = phone.call(request);
    CHECK(answer.text_of(pv::kStatus) == "1");
    const std::string password = find_text(answer, pv::kDevicePasswordEnabled);
    CHECK((password.empty() || password == "0"));
  }
}

TEST_CASE("settings: device information is taken and the user's address is told") {
  namespace st = wbxml::settings;
  for (const Version version : test::kAllVersions) {
    if (version == Version::v2_5) continue;  // has no Settings
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    const Element set = phone.call(Element(
        st::kSettings, {Element(st::kDeviceInformation,
                                {Element(st::kSet, {Element(st::kModel, "Wire Phone")})})}));
    CHECK(set.text_of(st::kStatus) == "1");
    CHECK(set.child(st::kDeviceInformation) != nullptr);
    const Element get =
        phone.call(Element(st::kSettings, {Element(st::kUserInformation, {Element(st::kGet)})}));
    CHECK(get.text_of(st::kStatus) == "1");
    const bool accounts = !find_all(get, st::kAccounts).empty();
    CHECK(accounts == (version >= Version::v14_1));
    bool named = false;
    for (const wbxml::Tag tag : {st::kSMTPAddress, st::kPrimarySmtpAddress}) {
      for (const Element* each : find_all(get, tag)) named = named || each->text == phone.user();
    }
    CHECK(named);
  }
}
