// FolderCreate, FolderUpdate, FolderDelete, GetHierarchy, GetAttachment and EmptyFolderContents on
// the wire, in every version.
#include <doctest/doctest.h>

#include <future>

#include "tests/support/phone.h"
#include "wbxml/code_pages.h"
#include "wbxml/encoder.h"

using eas::Version;
using eas::client::MailFolder;
using test::find_all;
using test::find_text;
using test::Phone;
using wbxml::Element;
namespace as = wbxml::airsync;
namespace fh = wbxml::folder_hierarchy;
namespace io = wbxml::item_operations;

namespace {

Element create(const std::string& key, const std::string& parent, const std::string& name,
               const std::string& type = "12") {
  return Element(fh::kFolderCreate, {Element(fh::kSyncKey, key), Element(fh::kParentId, parent),
                                     Element(fh::kDisplayName, name), Element(fh::kType, type)});
}

Element update(const std::string& key, const std::string& id, const std::string& name) {
  return Element(fh::kFolderUpdate, {Element(fh::kSyncKey, key), Element(fh::kServerId, id),
                                     Element(fh::kParentId, "0"), Element(fh::kDisplayName, name)});
}

Element remove(const std::string& key, const std::string& id) {
  return Element(fh::kFolderDelete, {Element(fh::kSyncKey, key), Element(fh::kServerId, id)});
}

Element folder_sync(const std::string& key) {
  return Element(fh::kFolderSync, {Element(fh::kSyncKey, key)});
}

Element ping(const std::string& folder) {
  namespace pg = wbxml::ping;
  return Element(
      pg::kPing,
      {Element(pg::kHeartbeatInterval, "60"),
       Element(pg::kFolders,
               {Element(pg::kFolder, {Element(pg::kId, folder), Element(pg::kClass, "Email")})})});
}

// Calls, expects success and returns the answer; `key` moves on.
Element good(Phone& phone, const Element& request, std::string& key) {
  Element answer = phone.call(request);
  CHECK(find_text(answer, fh::kStatus) == "1");
  key = find_text(answer, fh::kSyncKey);
  CHECK_FALSE(key.empty());
  return answer;
}

std::string status(Phone& phone, const Element& request) {
  const Element answer = phone.call(request);
  CHECK(find_text(answer, fh::kSyncKey).empty());
  return find_text(answer, fh::kStatus);
}

eas::client::Answer get(Phone& phone, const std::string& command,
                        std::vector<eas::client::Param> params = {}) {
  eas::client::PostRequest request;
  request.command = command;
  request.params = std::move(params);
  request.content_type = "";
  return phone.post(request);
}

}  // namespace

TEST_CASE("folder commands: make, rename, remove; the other phone is told, its Ping wakes") {
  for (const Version version : test::kAllVersions) {
    CAPTURE(to_string(version));
    const std::string user = test::fresh_user();
    Phone phone(test::shared_server(), user, version);
    Phone other(test::shared_server(), user, version, "WirePhone2");
    phone.connect();
    other.connect();
    std::string key, other_key;
    good(phone, folder_sync("0"), key);
    good(other, folder_sync("0"), other_key);
    auto waiting = std::async(std::launch::async, [&] { return other.call(ping(other.inbox())); });
    const Element lost_key_request = create(key, "0", "Wandervögel");
    const Element made = good(phone, lost_key_request, key);
    const std::string id = find_text(made, fh::kServerId);
    CHECK(phone.call(lost_key_request) == made);  // its answer was lost
    CHECK(find_text(waiting.get(), wbxml::ping::kStatus) == "7");
    const Element told = good(other, folder_sync(other_key), other_key);
    CHECK(find_text(told, fh::kServerId) == id);
    CHECK(find_text(told, fh::kDisplayName) == "Wandervögel");
    good(phone, update(key, id, "Zugvögel"), key);
    CHECK(find_text(good(phone, folder_sync(key), key), fh::kCount) == "0");
    CHECK(find_text(good(other, folder_sync(other_key), other_key), fh::kDisplayName) ==
          "Zugvögel");
    MailFolder folder(id);
    phone.sync_all(folder);
    CHECK(folder.items().empty());
    good(phone, remove(key, id), key);
    CHECK(find_all(good(other, folder_sync(other_key), other_key), fh::kDelete).size() == 1);
  }
}

TEST_CASE("folder commands: each refusal has its status, in every version") {
  for (const Version version : test::kAllVersions) {
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    std::string key;
    good(phone, folder_sync("0"), key);
    const std::string id = find_text(good(phone, create(key, "0", "A"), key), fh::kServerId);
    CHECK(status(phone, create(key, "0", "A")) == "2");
    CHECK(status(phone, create(key, phone.folder_id(8), "B")) == "3");
    CHECK(status(phone, create(key, "m99999", "B")) == "5");
    CHECK(status(phone, create("31415", "0", "B")) == "9");
    CHECK(status(phone, create(key, "0", "B", "2")) == "10");
    CHECK(status(phone, create(key, "0", "B", "13")) == "12");
    CHECK(status(phone, update(key, phone.inbox(), "B")) == "2");
    CHECK(status(phone, update(key, phone.folder_id(9), "B")) == "2");
    CHECK(status(phone, update(key, "m99999", "B")) == "4");
    CHECK(status(phone, update("31415", id, "B")) == "9");
    CHECK(status(phone, update(key, id, "")) == "10");
    CHECK(status(phone, remove(key, phone.folder_id(3))) == "3");
    CHECK(status(phone, remove(key, phone.folder_id(7))) == "3");
    CHECK(status(phone, remove(key, "m99999")) == "4");
    CHECK(status(phone, remove("31415", id)) == "9");
    CHECK(status(phone, remove(key, "")) == "10");
    CHECK(find_text(good(phone, folder_sync(key), key), fh::kCount) == "0");
    if (version >= Version::v14_0) {
      CHECK(status(phone, update(key, phone.folder_id(19), "B")) == "3");
      CHECK(status(phone, remove(key, phone.folder_id(19))) == "3");
    }
  }
}

TEST_CASE("gethierarchy: the mail folders up to 12.1, none from 14.0 on") {
  for (const Version version : test::kAllVersions) {
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    const auto answer = get(phone, "GetHierarchy");
    if (version >= Version::v14_0) {
      CHECK(answer.status == 400);
      continue;
    }
    CHECK(answer.status == 200);
    REQUIRE(answer.tree.has_value());
    CHECK(answer.tree->tag == fh::kFolders);
    bool found = false;
    for (const Element* folder : find_all(*answer.tree, fh::kFolder)) {
      found = found || (folder->text_of(fh::kServerId) == phone.inbox() &&
                        folder->text_of(fh::kType) == "2");
    }
    CHECK(found);
  }
}

TEST_CASE(
    "getattachment: bytes and type up to 12.1, 500 for what is not there, none from 14.0 on") {
  // covers: MS-ASHTTP R218 R220 R522
  for (const Version version : test::kAllVersions) {
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    MailFolder inbox(phone.inbox());
    phone.sync_all(inbox);
    std::string reference;
    for (const auto& [id, item] : inbox.items()) {
      for (const auto& attachment : item.attachments) reference = attachment.file_reference;
    }
    if (version >= Version::v14_0) {
      CHECK(get(phone, "GetAttachment", {{"AttachmentName", reference}}).status == 400);
      continue;
    }
    REQUIRE_FALSE(reference.empty());
    const auto good_answer = get(phone, "GetAttachment", {{"AttachmentName", reference}});
    CHECK(good_answer.status == 200);
    CHECK(good_answer.body.size() > 100);
    CHECK(good_answer.header("Content-Type").find('/') != std::string_view::npos);
    if (version >= Version::v12_0) {
      const auto fetched = phone.client().fetch_attachment(reference);
      REQUIRE(fetched.has_value());
      CHECK(good_answer.body == fetched->bytes);
    }
    CHECK(get(phone, "GetAttachment", {{"AttachmentName", reference + "9"}}).status == 500);
    CHECK(get(phone, "GetAttachment").status == 500);
  }
}

TEST_CASE("emptyfoldercontents: the items go, Sync tells of them; 6 and 2 for what is no folder") {
  for (const Version version : test::kAllVersions) {
    if (version < Version::v12_0) continue;
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    MailFolder inbox(phone.inbox());
    phone.sync_all(inbox);
    CHECK(inbox.items().size() == test::kSharedMessages);
    const auto empty = [&](const std::string& folder) {
      const Element answer =
          phone.call(Element(io::kItemOperations,
                             {Element(io::kEmptyFolderContents,
                                      {Element(as::kCollectionId, folder),
                                       Element(io::kOptions, {Element(io::kDeleteSubFolders)})})}));
      CHECK(answer.text_of(io::kStatus) == "1");
      return std::string(*find_all(answer, io::kEmptyFolderContents)[0]->text_of(io::kStatus));
    };
    CHECK(empty("m99999") == "6");
    CHECK(empty("") == "2");
    CHECK(empty(phone.inbox()) == "1");
    phone.sync_all(inbox);
    CHECK(inbox.items().empty());
    CHECK(test::shared_server().count_messages(phone.user()) == 0);
  }
}
