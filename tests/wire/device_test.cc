// Devices on the wire: what an administrator decides with a second process beside the running
// server reaches a phone that waits, within a second.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "tests/support/phone.h"
#include "tests/support/postgres.h"
#include "wbxml/code_pages.h"

using namespace std::chrono_literals;
using eas::Version;
using eas::client::Answer;
using test::Phone;
using test::ServerProcess;
using wbxml::Element;

namespace {

namespace pv = wbxml::provision;
using Clock = std::chrono::steady_clock;
using Words = std::vector<std::string>;

Element ping(const std::string& folder) {
  namespace pg = wbxml::ping;
  return Element(
      pg::kPing,
      {Element(pg::kHeartbeatInterval, "600"),
       Element(pg::kFolders,
               {Element(pg::kFolder, {Element(pg::kId, folder), Element(pg::kClass, "Email")})})});
}

Element hanging_sync(const eas::client::MailFolder& folder, const std::string& id) {
  namespace as = wbxml::airsync;
  return Element(as::kSync,
                 {Element(as::kCollections,
                          {Element(as::kCollection, {Element(as::kSyncKey, folder.sync_key()),
                                                     Element(as::kCollectionId, id)})}),
                  Element(as::kWait, "10")});
}

bool has_codes(Version version) { return version >= Version::v14_0; }

// "142", "http 449", "empty".
std::string outcome(const Answer& answer) {
  if (answer.status != 200) return "http " + std::to_string(answer.status);
  if (!answer.tree) return "empty";
  for (const Element& child : answer.tree->children) {
    if (wbxml::find_tag(child.tag)->name == "Status") return child.text;
  }
  return "no status";
}

std::string refusal(Version version, int status, int http) {
  return has_codes(version) ? std::to_string(status) : "http " + std::to_string(http);
}

ServerProcess::RunResult godwit(const ServerProcess& server, Words words) {
  words.insert(words.end(), {"--config", server.config_file()});
  const auto result = ServerProcess::run(words);
  CHECK_MESSAGE(result.status == 0, result.out << result.err);
  return result;
}

struct Woken {
  std::string outcome;
  long long milliseconds = 0;  // from the start of the second process to the answer
};

// Lets `request` wait, runs the subcommand as a process of its own, and takes the answer.
Woken wake(const ServerProcess& server, Phone& phone, const Element& request, const Words& words) {
  Woken woken;
  Clock::time_point answered;
  std::thread waiting([&] {
    woken.outcome = outcome(phone.post(request));
    answered = Clock::now();
  });
  std::this_thread::sleep_for(700ms);
  const auto start = Clock::now();
  godwit(server, words);
  waiting.join();
  woken.milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(answered - start).count();
  return woken;
}

std::string name_of(Version version) { return std::string(to_string(version)); }

// One phone per version, with a device id of its own.
void connect(Phone& phone, eas::client::MailFolder& inbox) {
  phone.connect();
  inbox = eas::client::MailFolder(phone.inbox());
  phone.sync_all(inbox);
}

void check_all_wakes(ServerProcess& server) {
  int number = 0;
  for (const Version version : test::kAllVersions) {
    CAPTURE(name_of(version));
    const std::string user = "user" + std::to_string(++number) + "@example.test";
    const std::string id = "Waiting" + std::to_string(number);
    eas::client::MailFolder inbox("");
    Phone phone(server, user, version, id);
    connect(phone, inbox);
    const auto said = [&](const char* what, const Woken& woken, const std::string& expected) {
      CHECK(woken.outcome == expected);
      CHECK(woken.milliseconds < 1000);
      MESSAGE("EAS " << name_of(version) << ": " << std::string(what)
                     << " reached a waiting phone after " << woken.milliseconds << " ms");
    };
    said("block", wake(server, phone, ping(phone.inbox()), {"device", "block", user, id}),
         refusal(version, 129, 403));
    godwit(server, {"device", "allow", user, id});
    phone.sync_all(inbox);  // the message that said so
    said("a new policy",
         wake(server, phone, ping(phone.inbox()), {"policy", "assign", "strict", "--user", user}),
         refusal(version, 144, 449));
    connect(phone, inbox);
    if (version >= Version::v12_1) {
      said("block, hanging Sync",
           wake(server, phone, hanging_sync(inbox, phone.inbox()), {"device", "block", user, id}),
           refusal(version, 129, 403));
      godwit(server, {"device", "allow", user, id});
      phone.sync_all(inbox);
    }
    said("wipe",
         wake(server, phone, ping(phone.inbox()),
              {"device", "wipe", user, id, "--full", "--yes-wipe-everything"}),
         refusal(version, 140, 449));
  }
}

test::ServerSetup seven_users() {
  test::ServerSetup setup;
  setup.users = 7;
  setup.messages = 3;
  return setup;
}

}  // namespace

TEST_CASE("devices: block, policy change and wipe reach a waiting phone within a second") {
  ServerProcess server(seven_users());
  godwit(server, {"policy", "set", "strict", "DevicePasswordEnabled=1"});
  check_all_wakes(server);
  // And again after the server was killed: its socket lies there still.
  server.kill9();
  godwit(server, {"device", "cancel-wipe", "user1", "Waiting1", "--json"});
  server.restart();
  Phone phone(server, "user2@example.test", Version::v14_1, "Fresh");
  eas::client::MailFolder inbox("");
  godwit(server, {"policy", "unassign", "--user", "user2"});
  connect(phone, inbox);
  const Woken woken =
      wake(server, phone, ping(phone.inbox()), {"device", "block", "user2", "Fresh"});
  CHECK(woken.outcome == "129");
  CHECK(woken.milliseconds < 1000);
}

TEST_CASE("devices: the same on PostgreSQL, where decisions come as NOTIFY") {
  const auto url = test::postgres_url();
  if (!url) return;
  test::ServerSetup setup = seven_users();
  setup.database = *url;
  ServerProcess server(setup);
  godwit(server, {"policy", "set", "strict", "DevicePasswordEnabled=1"});
  check_all_wakes(server);
}

TEST_CASE("devices: the control socket is nobody else's, and goes with the server") {
  ServerProcess server;
  struct stat info {};
  REQUIRE(::stat((server.dir() + "/control.sock").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  CHECK(S_ISSOCK(info.st_mode));
  CHECK(server.stop() == 0);
  CHECK(::stat((server.dir() + "/control.sock").c_str(), &info) != 0);
  // Without a server a decision is written all the same.
  const auto made = ServerProcess::run(
      {"policy", "set", "strict", "AllowCamera=0", "--config", server.config_file()});
  CHECK(made.status == 0);
  CHECK(made.err.empty());
}

TEST_CASE("devices: account wipe of a 16.1 phone from the command line to its end") {
  ServerProcess server;
  Phone phone(server, "user1@example.test", Version::v16_1, "Wiped1");
  eas::client::MailFolder inbox("");
  connect(phone, inbox);
  godwit(server, {"device", "wipe", "user1", "Wiped1"});
  const auto refused_allow =
      ServerProcess::run({"device", "allow", "user1", "Wiped1", "--config", server.config_file()});
  CHECK(refused_allow.status == 1);
  CHECK(outcome(phone.post(ping(phone.inbox()))) == "140");
  const Element order = phone.call(Element(pv::kProvision));
  CHECK(order.has(pv::kAccountOnlyRemoteWipe));
  CHECK(godwit(server, {"device", "show", "user1", "Wiped1"}).out.find("was told") !=
        std::string::npos);
  const Element done = phone.call(
      Element(pv::kProvision, {Element(pv::kAccountOnlyRemoteWipe, {Element(pv::kStatus, "1")})}));
  CHECK(done.text_of(pv::kStatus) == "1");
  CHECK(outcome(phone.post(ping(phone.inbox()))) == "129");
  const auto shown = godwit(server, {"device", "show", "user1", "Wiped1", "--json"});
  CHECK(shown.out.find("\"state\": \"wiped\"") != std::string::npos);
  CHECK(ServerProcess::run(
            {"device", "cancel-wipe", "user1", "Wiped1", "--config", server.config_file()})
            .status == 1);
  CHECK(server.count_messages("user1@example.test") == 11);
  godwit(server, {"device", "allow", "user1", "Wiped1"});
  Phone again(server, "user1@example.test", Version::v16_1, "Wiped1");
  connect(again, inbox);
}

TEST_CASE("devices: a full wipe wants the device id typed, or a long option (field.md pain 22)") {
  ServerProcess server;
  Phone phone(server, "user1@example.test", Version::v14_1, "Precious");
  phone.connect();
  const Words words = {
      "device", "wipe", "user1", "Precious", "--full", "--config", server.config_file()};
  CHECK(ServerProcess::run(words, "yes\n").status == 1);
  CHECK(ServerProcess::run(words, "").status == 1);
  CHECK(godwit(server, {"device", "show", "user1", "Precious"}).out.find("fine") !=
        std::string::npos);
  CHECK(ServerProcess::run(words, "Precious\n").status == 0);
  CHECK(outcome(phone.post(ping(phone.inbox()))) == "140");
  godwit(server, {"device", "cancel-wipe", "user1", "Precious"});
  phone.connect();
}

TEST_CASE("devices: quarantine by default, then approved, on the wire") {
  test::ServerSetup setup;
  setup.config += "[devices]\nadministrator = \"user2@example.test\"\n";
  setup.users = 2;
  ServerProcess server(setup);
  godwit(server, {"device", "rule", "default", "quarantine"});
  Phone phone(server, "user1@example.test", Version::v16_1, "Waiting");
  eas::client::MailFolder inbox("");
  connect(phone, inbox);
  CHECK(phone.folders().folders.size() == 1);
  REQUIRE(inbox.items().size() == 1);
  CHECK(inbox.find_subject("Your phone is waiting for approval") != nullptr);
  // The administrator's message is sent after the phone's answer.
  for (int i = 0; i < 200 && server.count_messages("user2@example.test") < 11; ++i) {
    std::this_thread::sleep_for(50ms);
  }
  CHECK(server.count_messages("user2@example.test") == 11);
  const auto listed = godwit(server, {"device", "list", "--json"});
  CHECK(listed.out.find("quarantined") != std::string::npos);
  const Woken woken =
      wake(server, phone, ping(phone.inbox()), {"device", "allow", "user1", "Waiting"});
  CHECK(woken.outcome == "7");  // the folders have changed
  CHECK(woken.milliseconds < 1000);
  Phone again(server, "user1@example.test", Version::v16_1, "Waiting");
  connect(again, inbox);
  CHECK(again.folders().folders.size() > 3);
  CHECK(inbox.items().size() == 11);
}

TEST_CASE("devices: rules, policies and reports from the command line (field.md pain 25)") {
  ServerProcess server;
  const auto fails = [&](Words words) {
    words.insert(words.end(), {"--config", server.config_file()});
    return ServerProcess::run(words).status != 0;
  };
  Phone phone(server, "user1@example.test", Version::v14_1, "Phone1");
  phone.connect();
  CHECK(godwit(server, {"device", "list"}).out.find("fine") != std::string::npos);
  const std::string shown = godwit(server, {"device", "show", "user1", "Phone1"}).out;
  CHECK(shown.find("fine (green)") != std::string::npos);
  CHECK(shown.find("14.1") != std::string::npos);

  godwit(server, {"device", "rule", "add", "block", "type", "God*"});
  CHECK(outcome(phone.post(ping(phone.inbox()))) == "129");
  const std::string rules = godwit(server, {"device", "rule", "list", "--json"}).out;
  CHECK(rules.find("God*") != std::string::npos);
  CHECK(godwit(server, {"device", "show", "user1", "Phone1"}).out.find("type God*") !=
        std::string::npos);
  godwit(server, {"device", "rule", "remove", "1"});
  CHECK(fails({"device", "rule", "remove", "1"}));
  CHECK(fails({"device", "rule", "add", "block", "colour", "red"}));
  phone.connect();

  CHECK(fails({"policy", "set", "strict", "AllowCamera=2"}));
  CHECK(fails({"policy", "set", "strict", "NoSuch=1"}));
  godwit(server, {"policy", "set", "strict", "DevicePasswordEnabled=1", "MinDevicePasswordLength=6",
                  "UnapprovedInROMApplicationList=a", "UnapprovedInROMApplicationList=b"});
  CHECK(godwit(server, {"policy", "show", "strict"}).out.find("a, b") != std::string::npos);
  CHECK(godwit(server, {"policy", "show", "strict", "--all"}).out.find("AllowWiFi") !=
        std::string::npos);
  CHECK(godwit(server, {"policy", "show"}).out.find("MaxEmailAgeFilter") != std::string::npos);
  godwit(server, {"policy", "default", "strict"});
  CHECK(outcome(phone.post(ping(phone.inbox()))) == "144");
  CHECK(godwit(server, {"device", "show", "user1", "Phone1"}).out.find("new policy") !=
        std::string::npos);
  phone.connect();
  CHECK(godwit(server, {"device", "show", "user1", "Phone1"}).out.find("up to date") !=
        std::string::npos);
  CHECK(godwit(server, {"policy", "list"}).out.find("strict") != std::string::npos);
  godwit(server, {"policy", "set", "strict", "--unset", "MinDevicePasswordLength"});
  CHECK(outcome(phone.post(ping(phone.inbox()))) == "144");
  godwit(server, {"policy", "default", "--none"});
  CHECK(fails({"policy", "default"}));
  CHECK(fails({"policy", "assign", "none", "--user", "user1"}));
  CHECK(fails({"policy", "assign", "strict"}));
  godwit(server, {"policy", "remove", "strict"});
  CHECK(fails({"policy", "remove", "strict"}));
  phone.connect();
  godwit(server, {"device", "forget", "user1", "Phone1"});
  CHECK(fails({"device", "show", "user1", "Phone1"}));
  Phone again(server, "user1@example.test", Version::v14_1, "Phone1");
  again.connect();
}

TEST_CASE("devices: the report says what keeps a phone from the policy") {
  ServerProcess server;
  Phone phone(server, "user1@example.test", Version::v14_1, "Phone1");
  phone.connect();
  const auto shown = [&] { return godwit(server, {"device", "show", "user1", "Phone1"}).out; };
  godwit(server,
         {"policy", "set", "strict", "DevicePasswordEnabled=1", "AllowPartialCompliance=0"});
  godwit(server, {"policy", "default", "strict"});
  CHECK(shown().find("has to take the new policy") != std::string::npos);
  CHECK(shown().find("policy (yellow)") != std::string::npos);

  namespace settings = wbxml::settings;
  const auto policies = [](std::vector<Element> policy) {
    policy.insert(policy.begin(), Element(pv::kPolicyType, "MS-EAS-Provisioning-WBXML"));
    return Element(pv::kPolicies, {Element(pv::kPolicy, std::move(policy))});
  };
  const Element given = phone.call(Element(
      pv::kProvision, {Element(settings::kDeviceInformation,
                               {Element(settings::kSet, {Element(settings::kModel, "Pixel 9")})}),
                       policies({})}));
  const std::string key(*given.child(pv::kPolicies)->child(pv::kPolicy)->text_of(pv::kPolicyKey));
  const auto report = [&](const char* status) {
    return outcome(phone.post(Element(
        pv::kProvision, {policies({Element(pv::kPolicyKey, key), Element(pv::kStatus, status)})})));
  };
  CHECK(report("2") == "139");
  CHECK(shown().find("can apply only a part of it; not let in") != std::string::npos);
  CHECK(report("1") == "1");
  CHECK(shown().find("fine (green)") != std::string::npos);
}

TEST_CASE("devices: a phone that storms is slowed down and shown red (field.md pain 3)") {
  test::ServerSetup setup;
  setup.config = "[limits]\nmin_heartbeat = 1\nstorm_repetitions = 5\n";
  ServerProcess server(setup);
  Phone phone(server, "user1@example.test", Version::v14_1, "Stormy");
  phone.connect();
  const auto start = Clock::now();
  for (int i = 0; i < 7; ++i) {
    CHECK(outcome(phone.post(Element(wbxml::ping::kPing))) == "3");
  }
  CHECK(Clock::now() - start > 500ms);
  const std::string shown = godwit(server, {"device", "list"}).out;
  CHECK(shown.find("storm (red)") != std::string::npos);
  CHECK(godwit(server, {"device", "show", "user1", "Stormy"}).out.find("repeated the same Ping") !=
        std::string::npos);
  godwit(server, {"device", "allow", "user1", "Stormy"});
  CHECK(godwit(server, {"device", "list"}).out.find("storm") == std::string::npos);
  const auto anew = Clock::now();
  CHECK(outcome(phone.post(Element(wbxml::ping::kPing))) == "3");
  CHECK(Clock::now() - anew < 500ms);
}
