// The process: graceful end, reload, kill -9, restart, data directory reuse.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <set>
#include <thread>

#include "server/demo/certificate.h"
#include "storage/base/text.h"
#include "tests/support/phone.h"
#include "tests/support/raw_connection.h"
#include "wbxml/code_pages.h"

using namespace std::chrono_literals;
using eas::Version;
using eas::client::MailFolder;
using eas::client::SyncOptions;
using test::Phone;
using test::ServerProcess;
using test::ServerSetup;
using wbxml::Element;
namespace pg = wbxml::ping;

namespace {

using Clock = std::chrono::steady_clock;
const std::string kUser = "user1@example.test";

Element ping(int heartbeat, const std::string& folder) {
  return Element(
      pg::kPing,
      {Element(pg::kHeartbeatInterval, std::to_string(heartbeat)),
       Element(pg::kFolders,
               {Element(pg::kFolder, {Element(pg::kId, folder), Element(pg::kClass, "Email")})})});
}

}  // namespace

TEST_CASE("lifecycle: SIGTERM answers every waiting Ping and ends with status 0") {
  // covers: MS-ASHTTP R401 R518
  for (const bool plain : {false, true}) {
    CAPTURE(plain);
    ServerSetup setup;
    setup.plain_http = plain;
    ServerProcess server(setup);
    constexpr int kPhones = 8;
    std::atomic<int> answered{0};
    std::vector<std::thread> waiting;
    for (int i = 0; i < kPhones; ++i) {
      waiting.emplace_back([&server, &answered, i] {
        Phone phone(server, kUser, Version::v14_1, "Phone" + std::to_string(i));
        phone.connect();
        const Element answer = phone.call(ping(600, phone.inbox()));
        if (answer.text_of(pg::kStatus) == "1") ++answered;
      });
    }
    std::this_thread::sleep_for(3s);
    const auto start = Clock::now();
    CHECK(server.stop() == 0);
    CHECK(Clock::now() - start < 10s);
    for (std::thread& thread : waiting) thread.join();
    CHECK(answered == kPhones);
  }
}

TEST_CASE("lifecycle: SIGINT ends it too, and idle connections do not hold it") {
  ServerProcess server;
  test::RawConnection idle(server.port(), true);
  REQUIRE(idle.ok());
  server.signal(SIGINT);
  CHECK(server.stop(20s) == 0);
}

TEST_CASE("lifecycle: SIGHUP serves a new certificate to new connections, old ones go on") {
  ServerProcess server;
  Phone phone(server, kUser, Version::v14_1);
  phone.connect();
  const std::string before = test::RawConnection(server.port(), true).certificate_digest();
  REQUIRE_FALSE(before.empty());
  REQUIRE(demo::write_certificate(server.dir() + "/tls/cert.pem", server.dir() + "/tls/key.pem",
                                  demo::certificate_hosts("127.0.0.1"))
              .has_value());
  server.signal(SIGHUP);
  std::string after = before;
  for (int i = 0; i < 100 && after == before; ++i) {
    std::this_thread::sleep_for(50ms);
    after = test::RawConnection(server.port(), true).certificate_digest();
  }
  CHECK(after != before);
  MailFolder inbox(phone.inbox());
  phone.sync_all(inbox);  // on the connection from before
  CHECK(inbox.items().size() == 10);
}

TEST_CASE("lifecycle: a broken certificate on SIGHUP leaves the old one in use") {
  ServerProcess server;
  const std::string before = test::RawConnection(server.port(), true).certificate_digest();
  std::filesystem::resize_file(server.dir() + "/tls/cert.pem", 10);
  server.signal(SIGHUP);
  std::this_thread::sleep_for(500ms);
  CHECK(test::RawConnection(server.port(), true).certificate_digest() == before);
  CHECK(server.log().find("certificate not read again") != std::string::npos);
}

TEST_CASE(
    "lifecycle: kill -9 in the middle of syncing, again and again, loses and doubles nothing") {
  for (const Version version : {Version::v2_5, Version::v14_1, Version::v16_1}) {
    CAPTURE(to_string(version));
    ServerSetup setup;
    setup.messages = 60;
    ServerProcess server(setup);
    std::set<std::string> subjects;
    SyncOptions options;
    options.window = 7;
    MailFolder* inbox = nullptr;
    std::optional<MailFolder> folder;
    std::string inbox_id;
    std::set<std::string> read_on_phone;
    for (int round = 0; round < 12; ++round) {
      {
        Phone phone(server, kUser, version);
        phone.connect();
        if (inbox == nullptr) {
          inbox_id = phone.inbox();
          folder.emplace(inbox_id, options);
          inbox = &*folder;
        }
        CHECK(phone.inbox() == inbox_id);
        const auto answer = phone.sync(*inbox);
        REQUIRE((answer.empty || answer.status == 1));
        if (!inbox->items().empty()) {
          const std::string id = inbox->items().rbegin()->first;
          const auto changed = phone.sync(*inbox, {eas::client::change_read(id, true)});
          CHECK((changed.empty || changed.status == 1));
          read_on_phone.insert(id);
        }
        server.deliver(kUser, test::mail_text(kUser, "Round " + std::to_string(round)));
      }
      // While it works on another device's first sync.
      std::thread busy([&server, version, round] {
        eas::client::ClientOptions client_options;
        client_options.url = server.url();
        client_options.user = kUser;
        client_options.password = std::string(ServerProcess::kPassword);
        client_options.device_id = "Busy" + std::to_string(round);
        client_options.version = version;
        client_options.verify_certificate = false;
        eas::client::EasClient client(client_options);
        eas::client::FolderHierarchy folders;
        if (!client.folder_sync(folders)) return;
        const eas::client::Folder* first = folders.find_type(2);
        if (first == nullptr) return;
        MailFolder other(first->server_id);
        (void)other.sync_all(client);
      });
      std::this_thread::sleep_for(std::chrono::milliseconds(20 * round));
      server.kill9();
      busy.join();
      server.restart();
    }
    Phone phone(server, kUser, version);
    phone.connect();
    phone.sync_all(*inbox);
    CHECK(inbox->items().size() == 72);
    for (int round = 0; round < 12; ++round) {
      CHECK(inbox->find_subject("Round " + std::to_string(round)) != nullptr);
    }
    MailFolder fresh(inbox_id);
    Phone second(server, kUser, version, "Second");
    second.connect();
    second.sync_all(fresh);
    CHECK(fresh.items().size() == 72);
    for (const auto& [id, item] : fresh.items()) {
      const std::string& shown = id;  // clang 14 captures no structured binding
      CAPTURE(shown);
      REQUIRE(inbox->items().contains(id));
      CHECK(inbox->items().at(id).subject == item.subject);
      if (read_on_phone.contains(id)) CHECK(item.read);
    }
  }
}

TEST_CASE("lifecycle: mail that came while the server was down is there after the start") {
  ServerProcess server;
  MailFolder inbox("");
  {
    Phone phone(server, kUser, Version::v16_1);
    phone.connect();
    inbox = MailFolder(phone.inbox());
    phone.sync_all(inbox);
  }
  CHECK(server.stop() == 0);
  server.deliver(kUser, test::mail_text(kUser, "While you were away"));
  server.restart();
  Phone phone(server, kUser, Version::v16_1);
  phone.connect();
  CHECK(phone.sync(inbox).added.size() == 1);
  CHECK(inbox.find_subject("While you were away") != nullptr);
}

TEST_CASE("lifecycle: a second start reuses the data directory and keeps its settings") {
  ServerSetup setup;
  setup.users = 3;
  setup.config = "[limits]\nmin_heartbeat = 1\nmax_window = 7\n";
  ServerProcess server(setup);
  const int before = server.count_messages(kUser);
  CHECK(before == 10);
  const std::string certificate = test::RawConnection(server.port(), true).certificate_digest();
  CHECK(server.stop() == 0);
  const auto start = Clock::now();
  server.restart();
  CHECK(Clock::now() - start < 10s);
  CHECK(server.count_messages(kUser) == before);
  CHECK(test::RawConnection(server.port(), true).certificate_digest() == certificate);
  Phone phone(server, kUser, Version::v16_1);
  phone.connect();
  SyncOptions options;
  options.window = 100;
  MailFolder inbox(phone.inbox(), options);
  phone.sync(inbox);
  CHECK(phone.sync(inbox).added.size() == 7);
}

TEST_CASE(
    "lifecycle: two requests of one device for one folder at once do not damage its state "
    "(quirks.md: several Syncs, field.md pain 10)") {
  ServerSetup setup;
  setup.messages = 80;
  ServerProcess server(setup);
  for (const Version version : {Version::v2_5, Version::v12_1, Version::v16_1}) {
    CAPTURE(to_string(version));
    const std::string device = "Twin" + std::string(to_string(version));
    Phone phone(server, kUser, version, device);
    phone.connect();
    SyncOptions options;
    options.window = 5;
    MailFolder inbox(phone.inbox(), options);
    phone.sync(inbox);
    bool more = true;
    int rounds = 0;
    while (more && rounds < 100) {
      ++rounds;
      const Element request = inbox.request(version, {});
      std::vector<std::thread> threads;
      for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&] {
          Phone twin(server, kUser, version, device);
          twin.call_or_empty(request);
        });
      }
      for (std::thread& thread : threads) thread.join();
      const auto round = phone.sync(inbox);
      REQUIRE((round.empty || round.status == 1));
      more = round.more;
    }
    CHECK(inbox.items().size() == 80);
    const auto quiet = phone.sync(inbox);
    CHECK(quiet.added.empty());
  }
}
