// Sync of mail on the wire, in every version.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <set>
#include <thread>

#include "tests/support/phone.h"
#include "wbxml/code_pages.h"

using namespace std::chrono_literals;
using eas::Version;
using eas::client::MailFolder;
using eas::client::MailItem;
using eas::client::SyncOptions;
using test::find_all;
using test::find_text;
using test::Phone;
using wbxml::Element;
namespace as = wbxml::airsync;
namespace base = wbxml::airsync_base;
namespace em = wbxml::email;
namespace fs = std::filesystem;

namespace {

constexpr int kMessages = test::kSharedMessages;

// Renames a message so that it has these Maildir flags, as another mail program does.
void set_maildir_flags(const std::string& path, const std::string& flags) {
  const fs::path from(path);
  std::string name = from.filename().string();
  name = name.substr(0, name.find(':'));
  fs::rename(from, from.parent_path().parent_path() / "cur" / (name + ":2," + flags));
}

}  // namespace

TEST_CASE("sync: the first sync pages through the folder, newest first, each message once") {
  // covers: MS-ASCMD R5051 R5060 R5061 R4423
  for (const Version version : test::kAllVersions) {
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    SyncOptions options;
    options.window = 4;
    MailFolder inbox(phone.inbox(), options);
    const auto primed = phone.sync(inbox);
    CHECK(primed.status == 1);
    CHECK(primed.added.empty());
    std::string oldest = "9999";
    std::set<std::string> seen;
    bool more = true;
    while (more) {
      const auto round = phone.sync(inbox);
      REQUIRE(round.status == 1);
      CHECK(round.added.size() <= 4);
      for (const std::string& id : round.added) {
        CHECK(id.size() <= 64);
        CHECK(seen.insert(id).second);
        const MailItem& item = inbox.items().at(id);
        CHECK(item.date_received <= oldest);
        oldest = item.date_received;
      }
      more = round.more;
    }
    CHECK(seen.size() == kMessages);
  }
}

TEST_CASE("sync: every kind of body is given for every message") {
  for (const Version version : test::kAllVersions) {
    for (const int type : {1, 2, 4}) {
      CAPTURE(to_string(version));
      CAPTURE(type);
      Phone phone(version);
      phone.connect();
      SyncOptions options;
      options.body_type = type;
      options.truncation = -1;
      MailFolder inbox(phone.inbox(), options);
      phone.sync_all(inbox);
      REQUIRE(inbox.items().size() == kMessages);
      for (const auto& [id, item] : inbox.items()) {
        const std::string& shown = item.subject;  // clang 14 captures no structured binding
        CAPTURE(shown);
        CHECK_FALSE(item.subject.empty());
        CHECK_FALSE(item.from.empty());
        if (version >= Version::v12_0) {
          REQUIRE(find_all(item.data, base::kBody).size() == 1);
          CHECK(find_text(*find_all(item.data, base::kBody)[0], base::kType) ==
                std::to_string(type));
        }
        if (type != 4 || version >= Version::v12_0) CHECK(item.body.size() > 100);
      }
    }
  }
}

TEST_CASE("sync: TruncationSize is honoured, and the estimate tells the whole size") {
  for (const Version version : test::kAllVersions) {
    if (version < Version::v12_0) continue;
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    SyncOptions options;
    options.truncation = 100;
    MailFolder inbox(phone.inbox(), options);
    phone.sync_all(inbox);
    for (const auto& [id, item] : inbox.items()) {
      CHECK(item.body.size() <= 100);
      const Element* body = item.data.child(base::kBody);
      REQUIRE(body != nullptr);
      CHECK(body->text_of(base::kTruncated) == "1");
      CHECK(std::stoul(find_text(*body, base::kEstimatedDataSize)) > 100);
    }
  }
}

TEST_CASE(
    "sync: reading, flagging and deleting on the phone reach the Maildir and are not echoed") {
  for (const Version version : test::kAllVersions) {
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    MailFolder inbox(phone.inbox());
    phone.sync_all(inbox);
    const std::string path =
        test::shared_server().deliver(phone.user(), test::mail_text(phone.user(), "To be read"));
    phone.sync_all(inbox);
    const MailItem* item = inbox.find_subject("To be read");
    REQUIRE(item != nullptr);
    CHECK_FALSE(item->read);
    const std::string id = item->server_id;
    const std::string stem = fs::path(path).filename();

    const auto read = phone.sync(inbox, {eas::client::change_read(id, true)});
    CHECK((read.empty || read.status == 1));
    CHECK(read.changed.empty());
    const auto cur = fs::path(path).parent_path().parent_path() / "cur";
    std::string flags;
    const auto look = [&] {
      flags.clear();
      for (const auto& entry : fs::directory_iterator(cur)) {
        const std::string name = entry.path().filename();
        if (name.starts_with(stem + ":2,")) flags = name.substr(stem.size() + 3);
      }
    };
    look();
    CHECK(flags.find('S') != std::string::npos);
    if (version >= Version::v12_0) {
      const auto flagged = phone.sync(inbox, {eas::client::change_flag(id, 2)});
      CHECK((flagged.empty || flagged.status == 1));
      look();
      CHECK(flags.find('F') != std::string::npos);
    }
    const int before = test::shared_server().count_messages(phone.user());
    const auto removed = phone.sync(inbox, {eas::client::delete_item(id)});
    CHECK((removed.empty || removed.status == 1));
    CHECK(test::shared_server().count_messages(phone.user()) == before - 1);
    // DeletesAsMoves: it is in Deleted Items now.
    MailFolder trash(phone.folder_id(4));
    phone.sync_all(trash);
    CHECK(trash.find_subject("To be read") != nullptr);
    const auto quiet = phone.sync(inbox);
    CHECK((quiet.added.empty() && quiet.changed.empty() && quiet.deleted.empty()));
  }
}

TEST_CASE("sync: what another mail program does arrives: new mail, flags without body, removal") {
  for (const Version version : test::kAllVersions) {
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    MailFolder inbox(phone.inbox());
    phone.sync_all(inbox);
    const std::string path =
        test::shared_server().deliver(phone.user(), test::mail_text(phone.user(), "From outside"));
    auto round = phone.sync(inbox);
    CHECK(round.added.size() == 1);
    set_maildir_flags(path, "S");
    Element answer = phone.call(inbox.request(version, {}));
    REQUIRE(find_all(answer, as::kChange).size() == 1);
    const Element& data = *find_all(answer, as::kChange)[0]->child(as::kApplicationData);
    CHECK(find_text(data, em::kRead) == "1");
    CHECK(data.children.size() == 1);  // only the flag, no subject, no body
    round = inbox.apply(answer);
    CHECK(round.changed.size() == 1);
    fs::remove(fs::path(path).parent_path().parent_path() / "cur" /
               (fs::path(path).filename().string() + ":2,S"));
    round = phone.sync(inbox);
    CHECK(round.deleted.size() == 1);
    CHECK(inbox.items().size() == kMessages);
  }
}

TEST_CASE(
    "sync: the answer to the previous key is computed again, with nothing lost or doubled "
    "(quirks.md: lost answers, field.md pain 6)") {
  for (const Version version : test::kAllVersions) {
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    SyncOptions options;
    options.window = 5;
    MailFolder inbox(phone.inbox(), options);
    phone.sync(inbox);
    // The first answer is lost on its way; the phone asks again with the same key.
    const Element request = inbox.request(version, {});
    const Element lost = phone.call(request);
    const Element again = phone.call(request);
    CHECK(find_all(lost, as::kAdd).size() == find_all(again, as::kAdd).size());
    CHECK(inbox.apply(again).added.size() == 5);
    phone.sync_all(inbox);
    CHECK(inbox.items().size() == kMessages);
  }
}

TEST_CASE("sync: an unknown key is status 3 and the phone can start again") {
  for (const Version version : test::kAllVersions) {
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    MailFolder inbox(phone.inbox());
    phone.sync_all(inbox);
    Element request = inbox.request(version, {});
    for (Element& field : request.children[0].children[0].children) {
      if (field.tag == as::kSyncKey) field.text = "4711";
    }
    const Element answer = phone.call(request);
    CHECK(find_text(answer, as::kStatus) == "3");
    CHECK(find_all(answer, as::kAdd).empty());
    MailFolder fresh(phone.inbox());
    phone.sync_all(fresh);
    CHECK(fresh.items().size() == kMessages);
  }
}

TEST_CASE(
    "sync: an unknown collection is status 8, and the others go on (quirks.md: Outlook wishes "
    "otherwise)") {
  for (const Version version : test::kAllVersions) {
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    MailFolder inbox(phone.inbox());
    MailFolder nowhere("987654");
    Element request = inbox.request(version, {});
    request.children[0].children.push_back(nowhere.request(version, {}).children[0].children[0]);
    const Element answer = phone.call(request);
    bool status8 = false;
    for (const Element* status : find_all(answer, as::kStatus)) {
      status8 = status8 || status->text == "8";
    }
    CHECK(status8);
    phone.sync_all(inbox);
    CHECK(inbox.items().size() == kMessages);
  }
}

TEST_CASE(
    "sync: nothing new is an empty answer from 12.1 on, and status 1 before (quirks.md: 2.5 and "
    "12.0)") {
  // covers: MS-ASHTTP R482
  for (const Version version : test::kAllVersions) {
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    MailFolder inbox(phone.inbox());
    phone.sync_all(inbox);
    const auto round = phone.sync(inbox);
    CHECK(round.empty == (version >= Version::v12_1));
    if (!round.empty) CHECK(round.status == 1);
  }
}

TEST_CASE("sync: a hanging Sync is woken by mail that comes while it waits") {
  // covers: MS-ASCMD R5596
  for (const Version version : test::kAllVersions) {
    if (version < Version::v12_1) continue;
    for (const auto& [tag, value] :
         {std::pair(as::kWait, "1"), std::pair(as::kHeartbeatInterval, "60")}) {
      if (version == Version::v12_1 && tag == as::kHeartbeatInterval) continue;
      CAPTURE(to_string(version));
      Phone phone(version);
      phone.connect();
      MailFolder inbox(phone.inbox());
      phone.sync_all(inbox);
      Element request = inbox.request(version, {});
      request.children.emplace_back(tag, value);
      std::atomic<bool> answered{false};
      std::chrono::steady_clock::time_point delivered;
      std::thread delivery([&] {
        std::this_thread::sleep_for(500ms);
        CHECK_FALSE(answered);  // it hangs
        delivered = std::chrono::steady_clock::now();
        test::shared_server().deliver(phone.user(), test::mail_text(phone.user(), "Woken"));
      });
      const Element answer = phone.call(request);
      answered = true;
      const auto now = std::chrono::steady_clock::now();
      delivery.join();
      CHECK(inbox.apply(answer).added.size() == 1);
      CHECK(inbox.find_subject("Woken") != nullptr);
      CHECK(now - delivered < 20s);  // long before its minute is over
    }
  }
}

TEST_CASE("sync: a hanging Sync tells at once what is there, and ends when its time is over") {
  // covers: MS-ASCMD R5595
  for (const Version version : test::kAllVersions) {
    if (version < Version::v14_0) continue;
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    MailFolder inbox(phone.inbox());
    phone.sync_all(inbox);
    Element request = inbox.request(version, {});
    request.children.emplace_back(as::kHeartbeatInterval, "60");
    test::shared_server().deliver(phone.user(), test::mail_text(phone.user(), "Before"));
    CHECK(inbox.apply(phone.call(request)).added.size() == 1);
    request = inbox.request(version, {});
    request.children.emplace_back(as::kHeartbeatInterval, "1");
    const auto start = std::chrono::steady_clock::now();
    const Element quiet = phone.call_or_empty(request);
    CHECK(find_all(quiet, as::kAdd).empty());
    CHECK(std::chrono::steady_clock::now() - start >= std::chrono::milliseconds(900));
  }
}

TEST_CASE("sync: an empty one is the one before it; without one before it is status 13") {
  for (const Version version : test::kAllVersions) {
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    eas::client::PostRequest empty;
    empty.command = "Sync";
    empty.content_type = "";
    auto answer = phone.post(empty);
    REQUIRE(answer.tree.has_value());
    CHECK(answer.tree->text_of(as::kStatus) == "13");
    if (version < Version::v12_1) continue;
    MailFolder inbox(phone.inbox());
    phone.sync_all(inbox);
    CHECK(phone.sync(inbox).empty);
    answer = phone.post(empty);
    CHECK(answer.status == 200);
    CHECK(answer.body.empty());
    test::shared_server().deliver(phone.user(), test::mail_text(phone.user(), "After it"));
    answer = phone.post(empty);
    REQUIRE(answer.tree.has_value());
    CHECK(inbox.apply(*answer.tree).added.size() == 1);
    CHECK(inbox.items().size() == kMessages + 1);
  }
}

TEST_CASE("sync: Fetch gives the whole item") {
  for (const Version version : test::kAllVersions) {
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    MailFolder inbox(phone.inbox());
    phone.sync_all(inbox);
    const std::string id = inbox.items().begin()->first;
    const auto round = phone.sync(inbox, {eas::client::fetch_command(id)});
    const auto fetched = find_all(round.responses, as::kFetch);
    REQUIRE(fetched.size() == 1);
    CHECK(fetched[0]->text_of(as::kStatus) == "1");
    CHECK(fetched[0]->text_of(as::kServerId) == id);
    CHECK(find_text(*fetched[0], em::kSubject) == inbox.items().at(id).subject);
  }
}

TEST_CASE("sync: gzip when the phone asks for it, plain otherwise") {
  Phone phone(Version::v14_1);
  phone.connect();
  auto options = phone.client().settings();
  options.accept_gzip = true;
  options.device_id = "GzipPhone";
  eas::client::EasClient client(options);
  REQUIRE(client.provision().has_value());
  eas::client::FolderHierarchy folders;
  REQUIRE(client.folder_sync(folders).has_value());
  MailFolder inbox(folders.find_type(2)->server_id);
  const auto count = inbox.sync_all(client);
  REQUIRE_MESSAGE(count.has_value(), count.error().message);
  CHECK(*count == kMessages);
}

TEST_CASE("sync: the base64 query and the logins user, user@domain and DOMAIN\\user are the same") {
  Phone phone(Version::v14_1);
  phone.connect();
  const std::string name = phone.user().substr(0, phone.user().find('@'));
  for (const std::string& login : {phone.user(), name, "EXAMPLE\\" + name}) {
    CAPTURE(login);
    auto options = phone.client().settings();
    options.user = login;
    options.base64_query = true;
    eas::client::EasClient client(options);
    eas::client::FolderHierarchy folders;
    const auto synced = client.folder_sync(folders);
    REQUIRE_MESSAGE(synced.has_value(), synced.error().message);
    REQUIRE(folders.find_type(2) != nullptr);
    CHECK(folders.find_type(2)->server_id == phone.inbox());
  }
}
