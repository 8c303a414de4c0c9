// The command line: subcommands beside a running server, and what they refuse.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "storage/base/text.h"
#include "storage/sql/database.h"
#include "tests/support/phone.h"
#include "wbxml/code_pages.h"
#include "wbxml/encoder.h"

using eas::Version;
using test::Phone;
using test::ServerProcess;
namespace fs = std::filesystem;

namespace {

int login_status(const ServerProcess& server, const std::string& user,
                 const std::string& password) {
  eas::client::ClientOptions options;
  options.url = server.url();
  options.user = user;
  options.password = password;
  options.ca_file = server.dir() + "/tls/cert.pem";
  eas::client::EasClient client(options);
  const auto answer = client.send("OPTIONS", "/Microsoft-Server-ActiveSync", {}, "");
  REQUIRE_MESSAGE(answer.has_value(), answer.error().message);
  return answer->status;
}

}  // namespace

TEST_CASE("admin: --version, --help and an unknown subcommand") {
  const auto version = ServerProcess::run({"--version"});
  CHECK(version.status == 0);
  CHECK(version.out.starts_with("godwit "));
  CHECK(version.out.find('.') != std::string::npos);
  const auto help = ServerProcess::run({"--help"});
  CHECK(help.status == 0);
  for (const char* name :
       {"serve", "demo", "user", "group", "device", "probe", "wbxml", "replay", "config"}) {
    CHECK(help.out.find(name) != std::string::npos);
  }
  const auto unknown = ServerProcess::run({"fly"});
  CHECK(unknown.status != 0);
  CHECK_FALSE(unknown.err.empty());
}

TEST_CASE("admin: users are added, changed and removed under a running server, at once") {
  ServerProcess server;
  const std::string config = server.config_file();
  const auto added = ServerProcess::run({"user", "add", "anna@example.test", "--display-name",
                                         "Anna Ähre", "--password-stdin", "--config", config},
                                        "first password\n");
  REQUIRE_MESSAGE(added.status == 0, added.err);
  CHECK(login_status(server, "anna@example.test", "first password") == 200);
  CHECK(login_status(server, "anna", "first password") == 200);
  CHECK(login_status(server, "EXAMPLE\\anna", "first password") == 200);
  const auto twice = ServerProcess::run(
      {"user", "add", "Anna@example.test", "--password-stdin", "--config", config}, "x\n");
  CHECK(twice.status == 1);
  const auto list = ServerProcess::run({"user", "list", "--config", config});
  CHECK(list.status == 0);
  CHECK(list.out.find("anna@example.test") != std::string::npos);
  CHECK(list.out.find("Anna Ähre") != std::string::npos);
  CHECK(list.out.find("user1@example.test") != std::string::npos);

  const auto changed = ServerProcess::run(
      {"user", "passwd", "anna", "--password-stdin", "--config", config}, "second password\n");
  REQUIRE_MESSAGE(changed.status == 0, changed.err);
  CHECK(login_status(server, "anna@example.test", "first password") == 401);
  CHECK(login_status(server, "anna@example.test", "second password") == 200);

  {
    eas::client::ClientOptions options;
    options.url = server.url();
    options.user = "anna@example.test";
    options.password = "second password";
    options.ca_file = server.dir() + "/tls/cert.pem";
    eas::client::EasClient client(options);
    eas::client::FolderHierarchy folders;
    REQUIRE(client.folder_sync(folders).has_value());
  }
  const auto removed =
      ServerProcess::run({"user", "remove", "anna@example.test", "--config", config});
  REQUIRE_MESSAGE(removed.status == 0, removed.err);
  CHECK(login_status(server, "anna@example.test", "second password") == 401);
  CHECK(fs::is_directory(server.maildir("anna@example.test")));
  const auto devices = ServerProcess::run({"device", "list", "--config", config});
  CHECK(devices.out.find("(removed)") == std::string::npos);
  CHECK(ServerProcess::run({"user", "remove", "anna@example.test", "--config", config}).status ==
        1);
}

TEST_CASE("admin: --purge deletes the mail of a removed user, and only of that one") {
  test::ServerSetup setup;
  setup.users = 2;
  ServerProcess server(setup);
  const auto removed =
      ServerProcess::run({"user", "remove", "user2", "--purge", "--config", server.config_file()});
  REQUIRE_MESSAGE(removed.status == 0, removed.err);
  CHECK_FALSE(fs::exists(server.maildir("user2@example.test")));
  CHECK(server.count_messages("user1@example.test") == 10);
}

TEST_CASE("admin: nothing of a removed user stays in the databases") {
  test::ServerSetup setup;
  setup.users = 2;
  ServerProcess server(setup);
  const auto rows = [&](const std::string& file, const char* sql) {
    std::int64_t count = -1;
    const auto database = storage::Database::open("sqlite:" + server.dir() + "/" + file);
    REQUIRE(database.has_value());
    const auto read = (*database)->read([&](storage::Connection& connection) {
      const auto found = connection.query(sql);
      if (found) count = found->integer(0, 0);
      return storage::Result<void>{};
    });
    REQUIRE(read.has_value());
    return count;
  };
  const auto items = [&] { return rows("godwit.db", "SELECT COUNT(*) FROM mail_item"); };
  const auto users = [&] { return rows("godwit.db", "SELECT COUNT(*) FROM mail_user"); };
  const auto indexed = [&] {
    return rows("search.db", "SELECT COUNT(DISTINCT user_id) FROM search_folder");
  };
  for (const char* user : {"user1@example.test", "user2@example.test"}) {
    Phone phone(server, user, Version::v14_1);
    phone.connect();
    eas::client::MailFolder inbox(phone.inbox());
    phone.sync_all(inbox);
    namespace se = wbxml::search;
    const wbxml::Element words(
        se::kQuery, {wbxml::Element(se::kAnd, {wbxml::Element(wbxml::airsync::kClass, "Email"),
                                               wbxml::Element(se::kFreeText, "the")})});
    phone.call(wbxml::Element(
        se::kSearch,
        {wbxml::Element(se::kStore,
                        {wbxml::Element(se::kName, "Mailbox"), words,
                         wbxml::Element(se::kOptions, {wbxml::Element(se::kRange, "0-9")})})}));
  }
  CHECK(items() == 20);
  CHECK(users() == 2);
  CHECK(indexed() == 2);
  const auto removed =
      ServerProcess::run({"user", "remove", "user2", "--config", server.config_file()});
  CHECK_MESSAGE(removed.status == 0, removed.err);
  CHECK(items() == 10);
  CHECK(users() == 1);
  CHECK(indexed() == 1);
  CHECK(server.count_messages("user2@example.test") == 10);
}

TEST_CASE("admin: a missing password, address or configuration is said, with status 1") {
  test::TempDir dir;
  const auto nowhere = ServerProcess::run({"user", "list", "--config", dir.file("none.toml")});
  CHECK(nowhere.status == 1);
  CHECK(nowhere.err.find("no such file") != std::string::npos);
  std::ofstream(dir.file("bad.toml")) << "[server]\nprot = 1\n";
  const auto bad = ServerProcess::run({"serve", "--config", dir.file("bad.toml")});
  CHECK(bad.status == 1);
  CHECK(bad.err.find("bad.toml:2: unknown setting server.prot") != std::string::npos);
  ServerProcess server;
  const auto no_password =
      ServerProcess::run({"user", "add", "bob@example.test", "--config", server.config_file()});
  CHECK(no_password.status == 1);
  CHECK(no_password.err.find("--password-stdin") != std::string::npos);
  const auto empty = ServerProcess::run(
      {"user", "add", "bob@example.test", "--password-stdin", "--config", server.config_file()},
      "\n");
  CHECK(empty.status == 1);
}

TEST_CASE("admin: plain HTTP is refused beyond loopback, and served on it") {
  test::TempDir dir;
  const auto refused =
      ServerProcess::run({"demo", "--dir", dir.file("data"), "--listen", "0.0.0.0:0", "--users",
                          "1", "--password", "p", "--messages", "1", "--plain-http"});
  CHECK(refused.status == 1);
  CHECK(refused.err.find("loopback") != std::string::npos);
  CHECK_FALSE(fs::exists(dir.path() / "data" / "mail"));
  test::ServerSetup setup;
  setup.plain_http = true;
  ServerProcess server(setup);
  CHECK(server.url().starts_with("http://127.0.0.1:"));
  Phone phone(server, "user1@example.test", Version::v14_1);
  phone.connect();
}

TEST_CASE("admin: a port that is taken is said, with status 1") {
  ServerProcess server;
  test::TempDir dir;
  const auto taken = ServerProcess::run({"demo", "--dir", dir.file("data"), "--listen",
                                         "127.0.0.1:" + std::to_string(server.port()), "--users",
                                         "1", "--password", "p", "--messages", "1"});
  CHECK(taken.status == 1);
  CHECK_FALSE(taken.err.empty());
  CHECK(taken.out.empty());
}

TEST_CASE("admin: demo makes its certificate anew for an address that is not in it") {
  test::TempDir dir;
  const auto made_at = [&](const char* address) {
    const auto ran = ServerProcess::run({"demo", "--dir", dir.file("data"), "--listen", address,
                                         "--password", "p", "--messages", "1", "--prepare-only"});
    CHECK_MESSAGE(ran.status == 0, ran.err);
    std::ifstream file(dir.file("data/tls/cert.pem"));
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const std::string first = made_at("127.0.0.1:8443");
  CHECK_FALSE(first.empty());
  CHECK(made_at("127.0.0.1:8444") == first);
  const std::string second = made_at("127.0.0.2:8443");
  CHECK(second != first);
  CHECK(made_at("127.0.0.1:8443") == second);  // named there too
}

TEST_CASE("admin: serve runs on the directory that demo made") {
  ServerProcess server;
  REQUIRE(server.stop() == 0);
  const auto checked = ServerProcess::run({"config", "check", "--config", server.config_file()});
  CHECK_MESSAGE(checked.status == 0, checked.err);
  const auto printed =
      ServerProcess::run({"serve", "--print-config", "--config", server.config_file()});
  CHECK(printed.status == 0);
  CHECK(printed.out.find("min_heartbeat = 1\n") != std::string::npos);
}

TEST_CASE("admin: config sample explains every section") {
  const auto sample = ServerProcess::run({"config", "sample"});
  CHECK(sample.status == 0);
  for (const char* section : {"[server]", "[storage]", "[users]", "[relay]", "[log]", "[limits]"}) {
    CHECK(sample.out.find(section) != std::string::npos);
  }
}

TEST_CASE("admin: wbxml decode and encode are each other's inverse") {
  const std::string bytes = wbxml::encode(
      wbxml::Element(wbxml::airsync::kSync, {wbxml::Element(wbxml::airsync::kStatus, "1")}));
  const auto dump = ServerProcess::run({"wbxml", "decode"}, bytes);
  CHECK(dump.status == 0);
  CHECK(dump.out.find("AirSync:Status") != std::string::npos);
  const auto xml = ServerProcess::run({"wbxml", "decode", "--xml"}, bytes);
  CHECK(xml.status == 0);
  const auto back = ServerProcess::run({"wbxml", "encode"}, xml.out);
  CHECK(back.status == 0);
  CHECK(back.out == bytes);
  const auto base64 = ServerProcess::run({"wbxml", "encode", "--base64"}, xml.out);
  CHECK(storage::base64_decode(base64.out).value_or("") == bytes);
  const auto bad = ServerProcess::run({"wbxml", "decode"}, bytes.substr(0, bytes.size() - 1));
  CHECK(bad.status == 1);
  CHECK(bad.err.find("offset ") != std::string::npos);
}

TEST_CASE(
    "admin: capture of a device goes on and off under a running server, without credentials") {
  ServerProcess server;
  Phone phone(server, "user1@example.test", Version::v14_1, "Captured1");
  phone.connect();
  const auto on = ServerProcess::run(
      {"device", "capture", "user1", "Captured1", "on", "--config", server.config_file()});
  REQUIRE_MESSAGE(on.status == 0, on.err);
  phone.connect();
  const auto list = ServerProcess::run({"device", "list", "--config", server.config_file()});
  CHECK(list.out.find("Captured1") != std::string::npos);
  CHECK(list.out.find("14.1") != std::string::npos);
  std::string text;
  for (const auto& entry : fs::directory_iterator(server.dir() + "/capture")) {
    std::ifstream file(entry.path());
    text.append(std::istreambuf_iterator<char>(file), {});
  }
  CHECK(text.find("FolderSync") != std::string::npos);
  CHECK(text.find(storage::base64_encode(
            "user1@example.test:" + std::string(ServerProcess::kPassword))) == std::string::npos);
  const auto off = ServerProcess::run(
      {"device", "capture", "user1", "Captured1", "off", "--config", server.config_file()});
  CHECK(off.status == 0);
  const auto unknown = ServerProcess::run(
      {"device", "capture", "user1", "Nobodys", "on", "--config", server.config_file()});
  CHECK(unknown.status == 1);
}

TEST_CASE("admin: the recovery password of a device is shown when its policy has recovery") {
  // covers: MS-ASCMD R2179
  namespace st = wbxml::settings;
  ServerProcess server;
  const auto godwit = [&](std::vector<std::string> words) {
    words.insert(words.end(), {"--config", server.config_file()});
    return ServerProcess::run(words);
  };
  const wbxml::Element hand_over(
      st::kSettings,
      {wbxml::Element(st::kDevicePassword,
                      {wbxml::Element(st::kSet, {wbxml::Element(st::kPassword, "12-Geheim")})})});
  Phone phone(server, "user1@example.test", Version::v14_1, "Recovers1");
  const auto status = [&] {
    return test::find_all(phone.call(hand_over), st::kStatus).back()->text;
  };
  phone.connect();
  CHECK(status() == "7");
  CHECK(godwit({"device", "recovery-password", "user1", "Recovers1"}).status == 1);
  CHECK(godwit({"policy", "set", "strict", "PasswordRecoveryEnabled=1"}).status == 0);
  CHECK(godwit({"policy", "default", "strict"}).status == 0);
  phone.connect();
  CHECK(status() == "1");
  const auto shown = godwit({"device", "recovery-password", "user1", "Recovers1"});
  CHECK(shown.status == 0);
  CHECK(shown.out == "12-Geheim\n");
  CHECK(godwit({"device", "recovery-password", "user1", "Recovers1", "--json"})
            .out.find("\"password\":\"12-Geheim\"") != std::string::npos);
  // It goes with the device.
  CHECK(godwit({"device", "forget", "user1", "Recovers1"}).status == 0);
  Phone again(server, "user1@example.test", Version::v14_1, "Recovers1");
  again.connect();
  CHECK(godwit({"device", "recovery-password", "user1", "Recovers1"}).status == 1);
}

TEST_CASE("admin: a device with a wipe pending is forgotten only with --cancel-wipe") {
  ServerProcess server;
  const auto godwit = [&](std::vector<std::string> words) {
    words.insert(words.end(), {"user1", "Lost1", "--config", server.config_file()});
    return ServerProcess::run(words);
  };
  Phone phone(server, "user1@example.test", Version::v16_1, "Lost1");
  phone.connect();
  CHECK(godwit({"device", "wipe"}).status == 0);
  const auto refused = godwit({"device", "forget"});
  CHECK(refused.status == 1);
  CHECK(refused.err.find("--cancel-wipe") != std::string::npos);
  CHECK(godwit({"device", "show"}).out.find("wiping") != std::string::npos);
  CHECK(godwit({"device", "forget", "--cancel-wipe"}).out.find("the wipe asked for") !=
        std::string::npos);
  Phone again(server, "user1@example.test", Version::v16_1, "Lost1");
  again.connect();
  CHECK(godwit({"device", "block"}).status == 0);
  CHECK(godwit({"device", "forget"}).out.find("the decision about it (block)") !=
        std::string::npos);
}

TEST_CASE("admin: probe shows folders and subjects, and says why when it cannot") {
  ServerProcess server;
  const std::string password = std::string(ServerProcess::kPassword) + "\n";
  const auto seen = ServerProcess::run(
      {"probe", server.url(), "--user", "user1@example.test", "--password-stdin"}, password);
  CHECK_MESSAGE(seen.status == 0, seen.out << seen.err);
  CHECK(seen.out.find("Inbox") != std::string::npos);
  CHECK(seen.out.find("10 messages") != std::string::npos);
  const auto wrong = ServerProcess::run(
      {"probe", server.url(), "--user", "user1@example.test", "--password-stdin"}, "wrong\n");
  CHECK(wrong.status == 1);
}

TEST_CASE("admin: probe waits for a push and tells it") {
  ServerProcess server;
  std::thread delivery([&server] {
    // When the Ping is there.
    for (int i = 0; i < 200 && server.log().find("command=Sync") == std::string::npos; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    std::this_thread::sleep_for(std::chrono::seconds(2));
    server.deliver("user1@example.test", test::mail_text("user1@example.test", "For the probe"));
  });
  const auto seen = ServerProcess::run({"probe", server.url(), "--user", "user1@example.test",
                                        "--password-stdin", "--wait-push", "60"},
                                       std::string(ServerProcess::kPassword) + "\n");
  delivery.join();
  CHECK_MESSAGE(seen.status == 0, seen.out << seen.err);
  CHECK(seen.out.find("For the probe") != std::string::npos);
}

TEST_CASE("admin: probe verifies the certificate when it is told whom to trust") {
  ServerProcess server;
  const std::string password = std::string(ServerProcess::kPassword) + "\n";
  const auto good = ServerProcess::run({"probe", server.url(), "--user", "user1",
                                        "--password-stdin", "--ca", server.dir() + "/tls/cert.pem"},
                                       password);
  CHECK_MESSAGE(good.status == 0, good.out << good.err);
  ServerProcess other;
  const auto bad = ServerProcess::run({"probe", server.url(), "--user", "user1", "--password-stdin",
                                       "--ca", other.dir() + "/tls/cert.pem"},
                                      password);
  CHECK(bad.status == 1);
}

TEST_CASE("admin: a captured session replays on another user without problems") {
  test::ServerSetup setup;
  setup.users = 2;
  ServerProcess server(setup);
  const std::string config = server.config_file();
  std::string file;
  {
    Phone first(server, "user1@example.test", Version::v14_1, "Recorded1");
    first.connect();  // so that the device is there
    const auto on =
        ServerProcess::run({"device", "capture", "user1", "Recorded1", "on", "--config", config});
    REQUIRE_MESSAGE(on.status == 0, on.err);
    Phone phone(server, "user1@example.test", Version::v14_1, "Recorded1");
    phone.connect();
    eas::client::MailFolder inbox(phone.inbox());
    phone.sync_all(inbox);
    const auto changed =
        phone.sync(inbox, {eas::client::change_read(inbox.items().begin()->first, true)});
    CHECK((changed.empty || changed.status == 1));
    for (const auto& entry : fs::directory_iterator(server.dir() + "/capture")) {
      file = entry.path().string();
    }
  }
  REQUIRE_FALSE(file.empty());
  const auto replayed = ServerProcess::run(
      {"replay", file, server.url(), "--user", "user2@example.test", "--password-stdin"},
      std::string(ServerProcess::kPassword) + "\n");
  CHECK_MESSAGE(replayed.status == 0, replayed.out << replayed.err);
  const auto missing = ServerProcess::run(
      {"replay", file + ".none", server.url(), "--user", "user2@example.test", "--password-stdin"},
      std::string(ServerProcess::kPassword) + "\n");
  CHECK(missing.status != 0);
}

TEST_CASE("admin: user broken lists what went out as a placeholder") {
  ServerProcess server;
  const auto listed =
      ServerProcess::run({"user", "broken", "user1", "--config", server.config_file()});
  CHECK_MESSAGE(listed.status == 0, listed.err);
  CHECK(listed.out.find("REASON") != std::string::npos);
  const auto nobody =
      ServerProcess::run({"user", "broken", "nobody", "--config", server.config_file()});
  CHECK(nobody.status == 1);
}
