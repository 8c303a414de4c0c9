// Replay of small captures against a server of the test.
#include "server/client/replay.h"

#include <doctest/doctest.h>
#include <zlib.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "storage/base/text.h"
#include "tests/server/client/fake_server.h"
#include "tests/support/temp_dir.h"
#include "wbxml/code_pages.h"

namespace {

using eas::capture::ExchangeRecord;
using eas::client::ReplayOptions;
using eas::client::ReplayReport;
using eas::client::Severity;
using test::FakeAnswer;
using test::FakeRequest;
using test::FakeServer;
using wbxml::Element;
namespace as = wbxml::airsync;
namespace em = wbxml::email;
namespace fh = wbxml::folder_hierarchy;
namespace pg = wbxml::ping;

const std::string kPath = "/Microsoft-Server-ActiveSync";

ExchangeRecord record(const std::string& command, const std::optional<Element>& request,
                      const std::optional<Element>& answer, int status = 200,
                      const std::string& more = "") {
  ExchangeRecord made;
  made.method = "POST";
  made.target = kPath + "?Cmd=" + command + "&User=rec&DeviceId=DEV&DeviceType=T" + more;
  made.request_headers = {{"MS-ASProtocolVersion", "14.1"},
                          {"Content-Type", "application/vnd.ms-sync.wbxml"},
                          {"Authorization", "Basic <redacted>"},
                          {"X-MS-PolicyKey", "0"}};
  if (request) made.request_body = wbxml::encode(*request);
  if (answer) made.response_body = wbxml::encode(*answer);
  made.status = status;
  return made;
}

Element folders(const std::string& key, const char* inbox) {
  return Element(fh::kFolderSync,
                 {Element(fh::kStatus, "1"), Element(fh::kSyncKey, key),
                  Element(fh::kChanges, {Element(fh::kAdd, {Element(fh::kServerId, inbox),
                                                            Element(fh::kDisplayName, "Inbox"),
                                                            Element(fh::kType, "2")})})});
}

Element sync_request(const std::string& folder, const std::string& key,
                     std::vector<Element> commands = {}) {
  Element collection(as::kCollection,
                     {Element(as::kSyncKey, key), Element(as::kCollectionId, folder)});
  if (!commands.empty()) collection.children.emplace_back(as::kCommands, std::move(commands));
  return Element(as::kSync, {Element(as::kCollections, {std::move(collection)})});
}

Element sync_answer(const std::string& folder, const std::string& key,
                    const std::vector<std::pair<std::string, std::string>>& items,
                    bool more = false, const char* status = "1") {
  Element collection(as::kCollection,
                     {Element(as::kSyncKey, key), Element(as::kCollectionId, folder),
                      Element(as::kStatus, status)});
  if (more) collection.children.emplace_back(as::kMoreAvailable);
  Element commands(as::kCommands);
  for (const auto& [id, subject] : items) {
    commands.children.push_back(
        Element(as::kAdd, {Element(as::kServerId, id),
                           Element(as::kApplicationData, {Element(em::kSubject, subject)})}));
  }
  if (!commands.children.empty()) collection.children.push_back(std::move(commands));
  return Element(as::kSync, {Element(as::kCollections, {std::move(collection)})});
}

Element delete_command(const std::string& id) {
  return Element(as::kDelete, {Element(as::kServerId, id)});
}

// FolderSync, first Sync, Sync with the items a, b and a deletion of b.
std::vector<ExchangeRecord> small_session() {
  return {record("FolderSync", Element(fh::kFolderSync, {Element(fh::kSyncKey, "0")}),
                 folders("rk", "mail%2Fx")),
          record("Sync", sync_request("mail%2Fx", "0"), sync_answer("mail%2Fx", "-1", {})),
          record("Sync", sync_request("mail%2Fx", "-1"),
                 sync_answer("mail%2Fx", "r2", {{"10", "a"}, {"11", "b"}})),
          record("Sync", sync_request("mail%2Fx", "r2", {delete_command("11")}),
                 sync_answer("mail%2Fx", "r3", {}))};
}

// A mailbox whose Inbox is "7" with items in windows of one.
class LiveMailbox {
 public:
  LiveMailbox() {
    server.on("FolderSync", [](const FakeRequest&) { return folders("lk", "7"); });
    server.on("Sync", [this](const FakeRequest& request) { return sync(request.tree); });
  }

  FakeAnswer sync(const Element& request) {
    const Element& asked = request.child(as::kCollections)->children.front();
    const std::string key(asked.text_of(as::kSyncKey).value_or(""));
    if (asked.text_of(as::kCollectionId) != "7") return sync_answer("7", "0", {}, false, "8");
    if (const Element* commands = asked.child(as::kCommands)) {
      for (const Element& command : commands->children) {
        deleted.emplace_back(command.text_of(as::kServerId).value_or(""));
      }
    }
    if (key == "0") return sync_answer("7", "100", {});
    const auto number = storage::parse_uint(key);
    if (!number || *number < 100) return sync_answer("7", "0", {}, false, "3");
    const std::size_t index = *number - 100;
    if (index >= items.size()) return sync_answer("7", key, {});
    return sync_answer("7", std::to_string(*number + 1), {items[index]}, index + 1 < items.size());
  }

  FakeServer server;
  std::vector<std::pair<std::string, std::string>> items = {
      {"7:3", "c"}, {"7:2", "b"}, {"7:1", "a"}};
  std::vector<std::string> deleted;
};

ReplayOptions options_for(const FakeServer& server) {
  ReplayOptions options;
  options.client.url = server.url();
  options.client.user = "live@example.test";
  options.client.password = "pw";
  options.device_suffix = "S";
  options.max_wait_seconds = 1;
  return options;
}

std::string texts(const ReplayReport& report, Severity severity) {
  std::string all;
  for (const auto& exchange : report.exchanges) {
    for (const auto& finding : exchange.findings) {
      if (finding.severity == severity) {
        all += std::to_string(exchange.number) + " " + finding.text + "\n";
      }
    }
  }
  for (const auto& finding : report.session) {
    if (finding.severity == severity) all += finding.text + "\n";
  }
  return all;
}

}  // namespace

TEST_CASE(
    "replay: keys, folders and items are carried over, and a folder that holds more is emptied") {
  LiveMailbox live;
  const ReplayReport report = eas::client::replay(small_session(), options_for(live.server));
  CHECK_MESSAGE(report.good(), texts(report, Severity::problem));
  CHECK(live.deleted == std::vector<std::string>{"7:2"});
  CHECK(report.not_carried_over == 0);
  CHECK(report.verdict() == "good; 4 exchanges");
  CHECK(texts(report, Severity::note).find("3 2 more rounds") != std::string::npos);
  for (const FakeRequest& seen : live.server.seen()) {
    CHECK(seen.query.user == "live@example.test");
    CHECK(seen.query.device_id == "DEVS0");
    CHECK(seen.version == "14.1");
    CHECK(seen.authorization == "Basic " + storage::base64_encode("live@example.test:pw"));
  }
  // After the rounds the next request has the newest key.
  CHECK(live.server.last().tree.child(as::kCollections)->children[0].text_of(as::kSyncKey) ==
        "103");
}

TEST_CASE("replay: a live failure where the recorded session went well is a problem") {
  LiveMailbox live;
  SUBCASE("EAS status") {
    live.server.on("Sync",
                   [](const FakeRequest&) { return sync_answer("7", "0", {}, false, "5"); });
    const ReplayReport report = eas::client::replay(small_session(), options_for(live.server));
    CHECK_FALSE(report.good());
    CHECK(texts(report, Severity::problem).find("2 AirSync:Collection mail%2Fx: status 5") == 0);
  }
  SUBCASE("HTTP status") {
    live.server.on("FolderSync", [](const FakeRequest&) { return FakeAnswer::http(500); });
    const ReplayReport report = eas::client::replay(small_session(), options_for(live.server));
    CHECK(texts(report, Severity::problem) == "1 HTTP status 500, recorded 200\n");
    CHECK(report.not_carried_over == 3);
  }
  SUBCASE("no server") {
    ReplayOptions options = options_for(live.server);
    options.client.url = "http://127.0.0.1:1";
    std::vector<ExchangeRecord> records = small_session();
    records.push_back(record("Ping", Element(pg::kPing, {Element(pg::kHeartbeatInterval, "60")}),
                             Element(pg::kPing, {Element(pg::kStatus, "1")})));
    CHECK(eas::client::replay(records, options).problems == 5);  // no Ping waits there either
  }
}

TEST_CASE("replay: a recorded error need not be repeated") {
  LiveMailbox live;
  std::vector<ExchangeRecord> records = small_session();
  records.push_back(record("Sync", sync_request("mail%2Fx", "bogus"), std::nullopt, 501));
  records.push_back(record("Sync", sync_request("mail%2Fx", "r3"), std::nullopt, 0));
  const ReplayReport report = eas::client::replay(records, options_for(live.server));
  CHECK_MESSAGE(report.good(), texts(report, Severity::problem));
  CHECK(report.exchanges[4].live_status == 200);
  CHECK(report.not_carried_over == 1);
}

TEST_CASE("replay: a command that the server does not have is named, once") {
  LiveMailbox live;
  const Element request(fh::kFolderCreate, {Element(fh::kSyncKey, "0")});
  const Element answer(fh::kFolderCreate, {Element(fh::kStatus, "1")});
  const ReplayReport report = eas::client::replay(
      {record("FolderCreate", request, answer), record("FolderCreate", request, answer)},
      options_for(live.server));
  CHECK(report.good());
  CHECK(report.verdict() == "good; 2 exchanges; not here: FolderCreate");
}

TEST_CASE("replay: mail goes to the live user, in WBXML and as plain mail") {
  namespace cm = wbxml::compose_mail;
  LiveMailbox live;
  live.server.on("SendMail", [](const FakeRequest&) { return FakeAnswer(); });
  Element mime(cm::kMime,
               "From: rec@example.test\r\nTo: rec@example.test\r\nSubject: hello\r\n\r\nx");
  mime.opaque = true;
  ExchangeRecord plain = record("SendMail", std::nullopt, std::nullopt, 200, "&SaveInSent=T");
  plain.request_body = "To: rec@example.test\r\nSubject: a\r\n\r\nx";
  plain.request_headers[1].second = "message/rfc822";
  const ReplayReport report =
      eas::client::replay({record("SendMail", Element(cm::kSendMail, {mime}), std::nullopt), plain},
                          options_for(live.server));
  CHECK(report.good());
  const auto seen = live.server.seen();
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].tree.text_of(cm::kMime) ==
        "From: live@example.test\r\nTo: live@example.test\r\nSubject: hello\r\n\r\nx");
  CHECK(seen[1].body == "To: live@example.test\r\nSubject: a\r\n\r\nx");
  CHECK(seen[1].content_type == "message/rfc822");
  CHECK(*seen[1].query.param("SaveInSent") == "T");
}

TEST_CASE("replay: where nothing names the user, senders and recipients are taken for it") {
  namespace cm = wbxml::compose_mail;
  LiveMailbox live;
  live.server.on("SendMail", [](const FakeRequest&) { return FakeAnswer(); });
  Element mime(cm::kMime,
               "From: \"A\" <a@x.test>\r\nTo: b@x.test, c@x.test\r\n\r\nd@x.test b@x.test");
  mime.opaque = true;
  ExchangeRecord mail = record("SendMail", Element(cm::kSendMail, {mime}), std::nullopt);
  eas::client::ClientQuery query;
  query.base64 = true;
  query.command = "SendMail";
  query.device_id = "DEV";
  mail.target = kPath + "?" + eas::client::encode_query(query);
  const std::string me = "live@example.test";
  SUBCASE("from the mails") {
    CHECK(eas::client::replay({mail}, options_for(live.server)).good());
    CHECK(live.server.last().tree.text_of(cm::kMime) ==
          "From: \"A\" <" + me + ">\r\nTo: " + me + ", " + me + "\r\n\r\nd@x.test " + me);
  }
  SUBCASE("from the capture's own note of the client") {
    mail.client = "b@x.test DEV";
    CHECK(eas::client::replay({mail}, options_for(live.server)).good());
    CHECK(live.server.last().tree.text_of(cm::kMime) ==
          "From: \"A\" <a@x.test>\r\nTo: " + me + ", c@x.test\r\n\r\nd@x.test " + me);
  }
}

TEST_CASE("replay: a sent mail that was seen in the recorded session must be seen here") {
  LiveMailbox live;
  live.server.on("SendMail", [](const FakeRequest&) { return FakeAnswer(); });
  ExchangeRecord mail = record("SendMail", std::nullopt, std::nullopt);
  mail.request_body = "Subject: b\r\n\r\nx";
  std::vector<ExchangeRecord> records = small_session();
  records.insert(records.begin(), mail);
  CHECK(eas::client::replay(records, options_for(live.server)).good());
  live.items = {{"7:1", "a"}};
  const ReplayReport report = eas::client::replay(records, options_for(live.server));
  CHECK(texts(report, Severity::problem) == "the mail \"b\" was sent and did not arrive\n");
  CHECK_FALSE(report.good());
}

TEST_CASE("replay: ids in a query are rewritten, in either form") {
  LiveMailbox live;
  live.server.on("SmartReply", [](const FakeRequest&) { return FakeAnswer(); });
  std::vector<ExchangeRecord> records = small_session();
  records.pop_back();
  SUBCASE("plain") {
    records.push_back(record("SmartReply", std::nullopt, std::nullopt, 200,
                             "&CollectionId=mail%252Fx&ItemId=10"));
  }
  SUBCASE("base64") {
    eas::client::ClientQuery query;
    query.base64 = true;
    query.command = "SmartReply";
    query.user = "rec";
    query.device_id = "DEV";
    query.device_type = "T";
    query.policy_key = 5;
    query.params = {{"CollectionId", "mail%2Fx"}, {"ItemId", "10"}};
    records.push_back(record("SmartReply", std::nullopt, std::nullopt));
    records.back().target = kPath + "?" + eas::client::encode_query(query);
  }
  const ReplayReport report = eas::client::replay(records, options_for(live.server));
  CHECK(report.good());
  CHECK(report.not_carried_over == 0);
  const auto query = live.server.last().query;
  CHECK(*query.param("CollectionId") == "7");
  CHECK(*query.param("ItemId") == "7:1");
  CHECK(query.user == "live@example.test");
  CHECK(query.device_id == "DEVS0");
}

TEST_CASE("replay: each recorded user and device is a device of its own") {
  LiveMailbox live;
  const Element request(fh::kFolderSync, {Element(fh::kSyncKey, "0")});
  std::vector<ExchangeRecord> records(3, record("FolderSync", request, folders("rk", "1")));
  records[1].target = kPath + "?Cmd=FolderSync&User=DOMAIN%5Crec2&DeviceId=DEV&DeviceType=T";
  records[2].target = kPath + "?Cmd=FolderSync&User=rec&DeviceId=DEV%2F2&DeviceType=T";
  CHECK(eas::client::replay(records, options_for(live.server)).good());
  const auto seen = live.server.seen();
  CHECK(seen[0].query.device_id == "DEVS0");
  CHECK(seen[1].query.device_id == "DEVS1");
  CHECK(seen[2].query.device_id == "DEV2S2");
}

TEST_CASE("replay: the device is provisioned when the server wants that") {
  namespace pv = wbxml::provision;
  LiveMailbox live;
  live.server.on("Provision", [](const FakeRequest&) {
    return Element(
        pv::kProvision,
        {Element(pv::kStatus, "1"),
         Element(pv::kPolicies, {Element(pv::kPolicy, {Element(pv::kStatus, "1"),
                                                       Element(pv::kPolicyKey, "4711")})})});
  });
  bool by_status = false;
  live.server.on("FolderSync", [&](const FakeRequest& request) {
    if (request.policy_key == "4711") return FakeAnswer(folders("lk", "7"));
    return by_status ? FakeAnswer(Element(fh::kFolderSync, {Element(fh::kStatus, "142")}))
                     : FakeAnswer::http(449);
  });
  for (const bool status : {false, true}) {
    by_status = status;
    const ReplayReport report = eas::client::replay(small_session(), options_for(live.server));
    CHECK_MESSAGE(report.good(), texts(report, Severity::problem));
    CHECK(texts(report, Severity::note).find("provisioned first") != std::string::npos);
    CHECK(live.server.last().policy_key == "4711");
  }
}

TEST_CASE("replay: a Ping takes the server's heartbeat and is hung up when it waits too long") {
  std::atomic<bool> release{false};
  LiveMailbox live;
  live.server.on("Ping", [&](const FakeRequest& request) {
    if (request.tree.text_of(pg::kHeartbeatInterval) == "10") {
      return Element(pg::kPing, {Element(pg::kStatus, "5"), Element(pg::kHeartbeatInterval, "60")});
    }
    for (int i = 0; i < 3000 && !release; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return Element(pg::kPing, {Element(pg::kStatus, "1")});
  });
  const Element request(pg::kPing, {Element(pg::kHeartbeatInterval, "10")});
  const Element answer(pg::kPing, {Element(pg::kStatus, "1")});
  const ReplayReport report =
      eas::client::replay({record("Ping", request, answer)}, options_for(live.server));
  release = true;
  CHECK(report.good());
  CHECK(texts(report, Severity::note) ==
        "1 the server wants a heartbeat of 60 s\n1 still waiting, hung up after 1 s\n");
}

TEST_CASE(
    "replay: a message is sent for a recorded Ping that was woken, and it must wake this one") {
  std::atomic<bool> sent{false}, works{true};
  LiveMailbox live;
  live.server.on("SendMail", [&](const FakeRequest&) {
    sent = true;
    return FakeAnswer();
  });
  live.server.on("Ping", [&](const FakeRequest&) {
    for (int i = 0; i < 2000 && !(sent && works); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return Element(pg::kPing, {Element(pg::kStatus, sent && works ? "2" : "1")});
  });
  const Element request(pg::kPing, {Element(pg::kHeartbeatInterval, "60")});
  const Element answer(pg::kPing, {Element(pg::kStatus, "2")});
  CHECK(eas::client::replay({record("Ping", request, answer)}, options_for(live.server)).good());
  works = false;
  sent = false;
  const ReplayReport report =
      eas::client::replay({record("Ping", request, answer)}, options_for(live.server));
  CHECK(texts(report, Severity::problem) ==
        "1 a new message did not wake the Ping; hung up after 1 s\n");
}

TEST_CASE("replay: OPTIONS must name versions") {
  LiveMailbox live;
  ExchangeRecord options;
  options.method = "OPTIONS";
  options.target = kPath;
  options.status = 200;
  CHECK(eas::client::replay({options}, options_for(live.server)).good());
  live.server.versions.clear();
  CHECK_FALSE(eas::client::replay({options}, options_for(live.server)).good());
}

TEST_CASE("replay: recorded answers may be compressed") {
  ExchangeRecord recorded;
  const std::string plain(100'000, 'x');
  std::string packed(2000, '\0');
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  recorded.response_body = packed;
  recorded.response_headers = {{"content-encoding", "gzip"}};
  CHECK(eas::client::recorded_answer_body(recorded) == plain);
  recorded.response_body.resize(10);
  CHECK(eas::client::recorded_answer_body(recorded).empty());
  recorded.response_headers.clear();
  CHECK(eas::client::recorded_answer_body(recorded).size() == 10);
}

TEST_CASE("replay: the report of a file, for people and as JSON") {
  const test::TempDir dir;
  LiveMailbox live;
  const std::string path = dir.file("session.jsonl");
  {
    std::ofstream file(path);
    for (const ExchangeRecord& entry : small_session()) {
      file << eas::capture::to_json_line(entry) << "\n";
    }
  }
  ReplayOptions options = options_for(live.server);
  std::ostringstream text;
  CHECK(eas::client::run_replay(path, options, text) == 0);
  CHECK(text.str().find("good; 4 exchanges\n") != std::string::npos);
  options.json = true;
  std::ostringstream json_text;
  CHECK(eas::client::run_replay(path, options, json_text) == 0);
  const auto json = nlohmann::json::parse(json_text.str());
  CHECK(json["good"] == true);
  CHECK(json["exchanges"].size() == 4);
  CHECK(json["exchanges"][3]["command"] == "Sync");
  live.server.on("Sync", [](const FakeRequest&) { return FakeAnswer::http(500); });
  std::ostringstream bad;
  CHECK(eas::client::run_replay(path, options, bad) == 1);
  CHECK(eas::client::run_replay(dir.file("nothing"), options, bad) == 2);
}
