#include "server/client/mail_folder.h"

#include <doctest/doctest.h>

#include "tests/server/client/fake_server.h"
#include "wbxml/code_pages.h"

namespace {

using eas::Version;
using eas::client::MailFolder;
using eas::client::SyncRound;
using test::FakeAnswer;
using test::FakeRequest;
using wbxml::Element;
namespace as = wbxml::airsync;
namespace base = wbxml::airsync_base;
namespace em = wbxml::email;

Element add(const std::string& id, const std::string& subject, const char* read = "0") {
  return Element(as::kAdd, {Element(as::kServerId, id),
                            Element(as::kApplicationData,
                                    {Element(em::kSubject, subject), Element(em::kRead, read)})});
}

Element answer(const std::string& key, std::vector<Element> commands, bool more = false,
               const char* status = "1") {
  Element collection(as::kCollection, {Element(as::kSyncKey, key), Element(as::kCollectionId, "1"),
                                       Element(as::kStatus, status)});
  if (more) collection.children.emplace_back(as::kMoreAvailable);
  if (!commands.empty()) collection.children.emplace_back(as::kCommands, std::move(commands));
  return Element(as::kSync, {Element(as::kCollections, {std::move(collection)})});
}

const Element& collection_of(const Element& request) {
  return request.child(as::kCollections)->children.front();
}

}  // namespace

TEST_CASE("mail folder: adds, changes and deletes move the items and the key") {
  MailFolder folder("1");
  CHECK(folder.apply(answer("a", {})).status == 1);
  SyncRound round = folder.apply(answer("b", {add("1:1", "one"), add("1:2", "two", "1")}, true));
  CHECK(round.more);
  CHECK(round.added == std::vector<std::string>{"1:1", "1:2"});
  CHECK(folder.sync_key() == "b");
  CHECK_FALSE(folder.items().at("1:1").read);
  CHECK(folder.items().at("1:2").read);
  CHECK(folder.find_subject("two")->server_id == "1:2");
  CHECK(folder.find_subject("three") == nullptr);
  round = folder.apply(answer(
      "c", {Element(as::kChange, {Element(as::kServerId, "1:1"),
                                  Element(as::kApplicationData,
                                          {Element(em::kRead, "1"),
                                           Element(em::kFlag, {Element(em::kStatus, "2")})})}),
            Element(as::kDelete, {Element(as::kServerId, "1:2")})}));
  CHECK(folder.items().size() == 1);
  CHECK(folder.items().at("1:1").read);
  CHECK(folder.items().at("1:1").flag == 2);
  CHECK(folder.items().at("1:1").subject == "one");
  CHECK(round.deleted == std::vector<std::string>{"1:2"});
  round = folder.apply(answer("d", {Element(as::kSoftDelete, {Element(as::kServerId, "1:1")})}));
  CHECK(round.soft_deleted.size() == 1);
  CHECK(folder.items().empty());
}

TEST_CASE("mail folder: an empty answer and a silent one change nothing") {
  MailFolder folder("1");
  folder.apply(answer("b", {add("1:1", "one")}));
  CHECK(folder.apply(Element()).empty);
  CHECK(folder.apply(Element(as::kSync)).empty);
  CHECK(folder.sync_key() == "b");
  CHECK(folder.items().size() == 1);
  const SyncRound failed = folder.apply(Element(as::kSync, {Element(as::kStatus, "4")}));
  CHECK(failed.status == 4);
  CHECK_FALSE(failed.empty);
}

TEST_CASE("mail folder: status 3 starts the folder again, another status keeps it") {
  MailFolder folder("1");
  folder.apply(answer("b", {add("1:1", "one")}));
  CHECK(folder.apply(answer("x", {}, false, "5")).status == 5);
  CHECK(folder.sync_key() == "b");
  CHECK(folder.apply(answer("0", {}, false, "3")).status == 3);
  CHECK(folder.sync_key() == "0");
  CHECK(folder.items().empty());
}

TEST_CASE("mail folder: the request is what each version knows") {
  for (const auto version : {Version::v2_5, Version::v12_0, Version::v12_1, Version::v16_1}) {
    CAPTURE(eas::to_string(version));
    MailFolder folder("1");
    const Element first = folder.request(version, {});
    CHECK(collection_of(first).text_of(as::kSyncKey) == "0");
    CHECK_FALSE(collection_of(first).has(as::kGetChanges));
    CHECK(collection_of(first).has(as::kClass) == (version <= Version::v12_0));
    folder.apply(answer("b", {}));
    const Element next = folder.request(version, {eas::client::change_read("1:1", true)});
    const Element& collection = collection_of(next);
    CHECK(collection.text_of(as::kGetChanges) == (version < Version::v12_1 ? "" : "1"));
    const Element* options = collection.child(as::kOptions);
    REQUIRE(options != nullptr);
    CHECK(options->has(base::kBodyPreference) == (version > Version::v2_5));
    CHECK(options->has(as::kTruncation) == (version == Version::v2_5));
    CHECK(collection.children.back().tag == as::kCommands);
  }
}

TEST_CASE("mail folder: bodies and attachments of new and old versions are read") {
  eas::client::MailItem item;
  read_mail_data(
      Element(as::kApplicationData,
              {Element(base::kBody, {Element(base::kType, "1"), Element(base::kData, "text")}),
               Element(base::kAttachments,
                       {Element(base::kAttachment, {Element(base::kDisplayName, "a.png"),
                                                    Element(base::kFileReference, "r1")})})}),
      item);
  CHECK(item.body == "text");
  REQUIRE(item.attachments.size() == 1);
  CHECK(item.attachments[0].file_reference == "r1");
  read_mail_data(Element(as::kApplicationData,
                         {Element(em::kBody, "old"),
                          Element(em::kAttachments,
                                  {Element(em::kAttachment, {Element(em::kDisplayName, "b"),
                                                             Element(em::kAttName, "r2")})})}),
                 item);
  CHECK(item.body == "old");
  CHECK(item.attachments[0].name == "b");
  CHECK(item.attachments[0].file_reference == "r2");
}

TEST_CASE("mail folder: sync_all goes on until nothing more is available") {
  test::FakeServer server;
  server.on("Sync", [](const FakeRequest& request) {
    const std::string key(collection_of(request.tree).text_of(as::kSyncKey).value());
    if (key == "0") return FakeAnswer(answer("1", {}));
    if (key == "1") return FakeAnswer(answer("2", {add("1:1", "a"), add("1:2", "b")}, true));
    if (key == "2") return FakeAnswer(answer("3", {add("1:3", "c")}));
    return FakeAnswer();  // nothing new
  });
  eas::client::ClientOptions options;
  options.url = server.url();
  eas::client::EasClient client(options);
  MailFolder folder("1");
  CHECK(folder.sync_all(client).value() == 3);
  CHECK(folder.items().size() == 3);
  CHECK(server.seen().size() == 3);
  CHECK(folder.sync_all(client).value() == 0);
  CHECK(server.seen().size() == 4);
  CHECK(folder.sync_key() == "3");
}
