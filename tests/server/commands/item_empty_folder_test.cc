#include <doctest/doctest.h>

#include <filesystem>

#include "server/sync/server_id.h"
#include "tests/support/folder_calls.h"
#include "wbxml/code_pages.h"

namespace {

using storage::FolderRole;
using test::Call;
using test::Phone;
using test::ServiceFixture;
using test::text_at;
using wbxml::Element;
namespace tag = wbxml::item_operations;
namespace airsync = wbxml::airsync;

constexpr const char* kVersions[] = {"12.0", "12.1", "14.0", "14.1", "16.0", "16.1"};

Element empty_folder(const std::string& folder, std::vector<Element> options = {}) {
  Element element(tag::kEmptyFolderContents, {Element(airsync::kCollectionId, folder)});
  if (!options.empty()) element.children.push_back(Element(tag::kOptions, std::move(options)));
  return element;
}

Element with_subfolders(const std::string& folder) {
  return empty_folder(folder, {Element(tag::kDeleteSubFolders)});
}

Element run(ServiceFixture& server, std::vector<Element> operations,
            const std::string& version = "14.1") {
  Call call;
  call.command = "ItemOperations";
  call.version = version;
  call.body = Element(tag::kItemOperations, std::move(operations));
  const Element root = server.element(call);
  CHECK(text_at(root, {tag::kStatus}) == "1");
  const Element* response = root.child(tag::kResponse);
  REQUIRE(response != nullptr);
  return *response;
}

std::string status(ServiceFixture& server, Element operation, const std::string& version = "14.1") {
  return text_at(run(server, {std::move(operation)}, version),
                 {tag::kEmptyFolderContents, tag::kStatus});
}

std::string id_of(ServiceFixture& server, FolderRole role) {
  return eas::to_collection_id(server.folder(role));
}

}  // namespace

TEST_CASE("EmptyFolderContents: the items are gone, subfolders stay unless asked for") {
  // covers: MS-ASCMD R199 R200 R2243 R2244 R2167 R1604 R1379 R1380 R1381 R5414 R2723 R2724 R2725
  // covers: MS-ASCMD R2726 R4148 R4151 R4153
  for (const char* version : kVersions) {
    CAPTURE(version);
    ServiceFixture server;
    auto mailbox = server.mailbox();
    const storage::CollectionId trash = server.folder(FolderRole::trash);
    const auto child = mailbox->create_folder(trash, "Old");
    REQUIRE(child);
    REQUIRE(mailbox->create_folder(child->id, "Older"));
    REQUIRE(mailbox->append(child->id, test::simple_mail("deep"), {}, server.clock.now_ms()));
    for (int i = 0; i < 3; ++i) server.deliver(test::simple_mail("x"), FolderRole::trash);
    server.deliver(test::simple_mail("stays"));
    const std::string id = eas::to_collection_id(trash);

    const Element response = run(server, {empty_folder(id)}, version);
    CHECK(text_at(response, {tag::kEmptyFolderContents, tag::kStatus}) == "1");
    CHECK(text_at(response, {tag::kEmptyFolderContents, airsync::kCollectionId}) == id);
    CHECK(server.count(FolderRole::trash) == 0);
    CHECK(mailbox->folder(child->id));
    CHECK(status(server, empty_folder(id, {Element(tag::kDeleteSubFolders, "0")}), version) == "1");
    CHECK(mailbox->folder(child->id));
    CHECK(status(server, with_subfolders(id), version) == "1");
    CHECK_FALSE(mailbox->folder(child->id));
    CHECK(mailbox->folders()->folders.size() == 5);
    CHECK(server.count(FolderRole::inbox) == 1);
    CHECK(status(server, with_subfolders(id), version) == "1");  // it is empty already
  }
}

TEST_CASE("EmptyFolderContents: Sync and FolderSync tell every phone what went") {
  ServiceFixture server;
  const storage::CollectionId trash = server.folder(FolderRole::trash);
  REQUIRE(server.mailbox()->create_folder(trash, "Old"));
  for (int i = 0; i < 3; ++i) server.deliver(test::simple_mail("x"), FolderRole::trash);
  Phone phone{server};
  const std::string old = phone.folder_sync().added.at("Old");
  const std::string id = eas::to_collection_id(trash);
  const std::string key = server.prime(id);
  CHECK(status(server, with_subfolders(id)) == "1");
  const Element answer = test::sync_one(server, id, key);
  const Element* commands = answer.child(airsync::kCommands);
  REQUIRE(commands != nullptr);
  CHECK(commands->children.size() == 3);
  for (const Element& command : commands->children) CHECK(command.tag == airsync::kDelete);
  CHECK(phone.folder_sync().deleted == std::vector<std::string>{old});
}

TEST_CASE("EmptyFolderContents: more items than one page") {
  ServiceFixture server;
  for (int i = 0; i < 300; ++i) server.deliver("Subject: x\r\n\r\ny", FolderRole::trash);
  CHECK(status(server, empty_folder(id_of(server, FolderRole::trash))) == "1");
  CHECK(server.count(FolderRole::trash) == 0);
}

TEST_CASE("EmptyFolderContents: folders that are not there are status 6, malformed requests 2") {
  // covers: MS-ASCMD R4154 R7238 R3547
  ServiceFixture server;
  server.deliver(test::simple_mail("stays"));
  const std::string inbox = id_of(server, FolderRole::inbox);
  for (const char* id : {"m999", "c2", "x", "0", "m1:1"}) {
    CHECK(status(server, empty_folder(id)) == "6");
  }
  CHECK(status(server, empty_folder("")) == "2");
  CHECK(status(server, Element(tag::kEmptyFolderContents)) == "2");
  CHECK(status(server, empty_folder(inbox, {Element(tag::kRange, "0-1")})) == "2");
  CHECK(status(server, empty_folder(inbox, {Element(tag::kDeleteSubFolders),
                                            Element(tag::kMoveAlways)})) == "2");
  CHECK(status(server, empty_folder(inbox, {Element(tag::kDeleteSubFolders, "yes")})) == "2");
  CHECK(server.count(FolderRole::inbox) == 1);
}

TEST_CASE(
    "EmptyFolderContents: the recipient information cache is out of reach, others are empty") {
  // covers: MS-ASCMD R196 R4167
  ServiceFixture server;
  CHECK(status(server, empty_folder("r1")) == "16");
  CHECK(status(server, empty_folder("r1"), "12.1") == "6");
  CHECK(status(server, with_subfolders("c1")) == "1");
}

TEST_CASE("EmptyFolderContents: what cannot be removed makes it a partial success, or none") {
  // covers: MS-ASCMD R4155 R4168
  namespace fs = std::filesystem;
  fs::path messages;
  int spare = 0;  // messages that go well before the others cannot be removed
  ServiceFixture server({}, {}, [&](std::string_view step) {
    if (step != "unlink" || messages.empty() || spare-- > 0) return;
    // Directories in place of files: unlink() refuses these.
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(messages)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
    for (const fs::path& file : files) {
      fs::remove(file);
      fs::create_directory(file);
    }
  });
  const auto box = server.dir.path() / "mail/ann@example.test";
  const std::string trash = id_of(server, FolderRole::trash);
  for (int i = 0; i < 3; ++i) server.deliver(test::simple_mail("x"), FolderRole::trash);
  spare = 1;
  for (const char* sub : {"new", "cur"}) {
    if (!fs::is_empty(box / ".Trash" / sub)) messages = box / ".Trash" / sub;
  }
  REQUIRE_FALSE(messages.empty());
  CHECK(status(server, empty_folder(trash)) == "17");

  messages.clear();
  for (int i = 0; i < 3; ++i) server.deliver(test::simple_mail("y"));
  for (const char* sub : {"new", "cur"}) {
    if (!fs::is_empty(box / sub)) messages = box / sub;
  }
  REQUIRE_FALSE(messages.empty());
  spare = 0;
  CHECK(status(server, empty_folder(id_of(server, FolderRole::inbox))) == "3");
}

TEST_CASE("EmptyFolderContents: one that is cut off goes on when it is asked again") {
  struct Killed {};
  int left = -1;
  ServiceFixture server({}, {}, [&left](std::string_view step) {
    if (step != "unlink") return;
    if (left == 0) throw Killed();
    if (left > 0) --left;
  });
  for (int i = 0; i < 5; ++i) server.deliver(test::simple_mail("x"), FolderRole::trash);
  const std::string trash = id_of(server, FolderRole::trash);
  const std::string key = server.prime(trash);
  Call call;
  call.command = "ItemOperations";
  call.body = Element(tag::kItemOperations, {empty_folder(trash)});
  left = 2;
  CHECK(server.reply(call).status == 500);
  left = -1;
  server.restart();
  CHECK(server.count(FolderRole::trash) == 3);
  CHECK(status(server, empty_folder(trash)) == "1");
  CHECK(server.count(FolderRole::trash) == 0);
  const Element answer = test::sync_one(server, trash, key);
  CHECK(answer.child(airsync::kCommands)->children.size() == 5);
}
