#include "server/client/eas_client.h"

#include <doctest/doctest.h>

#include "storage/base/text.h"
#include "tests/server/client/fake_server.h"
#include "wbxml/code_pages.h"

namespace {

using eas::Version;
using eas::client::ClientOptions;
using eas::client::EasClient;
using eas::client::FolderHierarchy;
using storage::ErrorKind;
using test::FakeAnswer;
using test::FakeRequest;
using test::FakeServer;
using wbxml::Element;
namespace fh = wbxml::folder_hierarchy;
namespace io = wbxml::item_operations;
namespace pv = wbxml::provision;

ClientOptions options_for(const FakeServer& server) {
  ClientOptions options;
  options.url = server.url();
  options.user = "demo@example.test";
  options.password = "pass:word";
  options.version = Version::v14_1;
  return options;
}

Element folder(wbxml::Tag kind, const char* id, const char* name, const char* type) {
  return Element(kind, {Element(fh::kServerId, id), Element(fh::kParentId, "0"),
                        Element(fh::kDisplayName, name), Element(fh::kType, type)});
}

// Answers both phases of Provision with keys 11 and 22.
FakeAnswer provision_answer(const FakeRequest& request) {
  const Element& policy = *request.tree.child(pv::kPolicies)->child(pv::kPolicy);
  const bool second = policy.has(pv::kPolicyKey);
  return Element(
      pv::kProvision,
      {Element(pv::kStatus, "1"),
       Element(pv::kPolicies,
               {Element(pv::kPolicy, {Element(pv::kPolicyType, "MS-EAS-Provisioning-WBXML"),
                                      Element(pv::kStatus, "1"),
                                      Element(pv::kPolicyKey, second ? "22" : "11")})})});
}

}  // namespace

TEST_CASE("client: OPTIONS gives versions and commands") {
  FakeServer server;
  EasClient client(options_for(server));
  const auto options = client.options();
  REQUIRE(options.has_value());
  CHECK(options->versions.back() == "16.1");
  CHECK(options->commands == std::vector<std::string>{"Sync", "SendMail", "Ping"});
}

TEST_CASE("client: a request carries user, device, version, policy key and password") {
  FakeServer server;
  server.on("FolderSync", [](const FakeRequest&) { return Element(fh::kFolderSync); });
  ClientOptions options = options_for(server);
  SUBCASE("plain query") {
    EasClient client(options);
    client.set_policy_key(77);
    REQUIRE(client.command(Element(fh::kFolderSync)).has_value());
    const FakeRequest seen = server.last();
    CHECK(seen.query.user == "demo@example.test");
    CHECK(seen.query.device_id == options.device_id);
    CHECK(seen.version == "14.1");
    CHECK(seen.policy_key == "77");
    CHECK(seen.content_type == "application/vnd.ms-sync.wbxml");
    CHECK(seen.authorization == "Basic " + storage::base64_encode("demo@example.test:pass:word"));
  }
  SUBCASE("base64 query") {
    options.base64_query = true;
    options.version = Version::v16_0;
    EasClient client(options);
    client.set_policy_key(77);
    REQUIRE(client.command(Element(fh::kFolderSync)).has_value());
    const FakeRequest seen = server.last();
    CHECK(seen.query.base64);
    CHECK(seen.query.version_byte == 160);
    CHECK(seen.query.policy_key == 77u);
    CHECK(seen.version.empty());
    CHECK(seen.policy_key.empty());
  }
}

TEST_CASE("client: Provision runs both phases and keeps the final key") {
  FakeServer server;
  server.on("Provision", provision_answer);
  for (const auto version : {Version::v2_5, Version::v12_1, Version::v14_1, Version::v16_1}) {
    CAPTURE(eas::to_string(version));
    ClientOptions options = options_for(server);
    options.version = version;
    EasClient client(options);
    const auto key = client.provision();
    REQUIRE(key.has_value());
    CHECK(*key == 22);
    CHECK(client.policy_key() == 22);
    const FakeRequest second = server.last();
    const Element& policy = *second.tree.child(pv::kPolicies)->child(pv::kPolicy);
    CHECK(policy.text_of(pv::kPolicyKey) == "11");
    CHECK(policy.text_of(pv::kPolicyType) ==
          (version == Version::v2_5 ? "MS-WAP-Provisioning-XML" : "MS-EAS-Provisioning-WBXML"));
    const FakeRequest first = server.seen()[server.seen().size() - 2];
    CHECK(first.tree.has(wbxml::settings::kDeviceInformation) == (version >= Version::v14_1));
  }
}

TEST_CASE("client: a server without a policy is no error, a refusal is") {
  FakeServer server;
  std::string policy_status = "2";
  server.on("Provision", [&](const FakeRequest&) {
    return Element(
        pv::kProvision,
        {Element(pv::kStatus, "1"),
         Element(pv::kPolicies, {Element(pv::kPolicy, {Element(pv::kStatus, policy_status)})})});
  });
  EasClient client(options_for(server));
  REQUIRE(client.provision().has_value());
  CHECK(*client.provision() == 0);
  policy_status = "3";
  REQUIRE_FALSE(client.provision().has_value());
  CHECK(client.provision().error().kind == ErrorKind::conflict);
}

TEST_CASE("client: FolderSync keeps the tree and its key") {
  FakeServer server;
  server.on("FolderSync", [](const FakeRequest& request) {
    const bool first = request.tree.text_of(fh::kSyncKey) == "0";
    Element changes(fh::kChanges);
    if (first) {
      changes.children = {folder(fh::kAdd, "1", "Inbox", "2"), folder(fh::kAdd, "2", "A", "12"),
                          folder(fh::kAdd, "3", "B", "12")};
    } else {
      changes.children = {folder(fh::kUpdate, "2", "A2", "12"),
                          Element(fh::kDelete, {Element(fh::kServerId, "3")})};
    }
    return Element(fh::kFolderSync, {Element(fh::kStatus, "1"),
                                     Element(fh::kSyncKey, first ? "k1" : "k2"), changes});
  });
  EasClient client(options_for(server));
  FolderHierarchy tree;
  REQUIRE(client.folder_sync(tree).has_value());
  CHECK(tree.folders.size() == 3);
  CHECK(tree.find_type(2)->server_id == "1");
  CHECK(tree.find_type(9) == nullptr);
  REQUIRE(client.folder_sync(tree).has_value());
  CHECK(tree.sync_key == "k2");
  CHECK(tree.folders.size() == 2);
  CHECK(tree.folders.at("2").name == "A2");
}

TEST_CASE("client: Ping tells its statuses apart") {
  namespace pg = wbxml::ping;
  FakeServer server;
  Element answer;
  server.on("Ping", [&](const FakeRequest&) { return answer; });
  EasClient client(options_for(server));
  answer = Element(pg::kPing,
                   {Element(pg::kStatus, "2"), Element(pg::kFolders, {Element(pg::kFolder, "7")})});
  auto ping = client.ping(60, {"7", "8"});
  REQUIRE(ping.has_value());
  CHECK(ping->status == 2);
  CHECK(ping->changed == std::vector<std::string>{"7"});
  const FakeRequest seen = server.last();
  CHECK(seen.tree.child(pg::kFolders)->children.size() == 2);
  answer = Element(pg::kPing, {Element(pg::kStatus, "5"), Element(pg::kHeartbeatInterval, "3540")});
  ping = client.ping(9999, {});
  REQUIRE(ping.has_value());
  CHECK(ping->limit == 3540);
  CHECK_FALSE(server.last().tree.has(pg::kFolders));
  answer = Element(pg::kPing, {Element(pg::kStatus, "7")});
  REQUIRE_FALSE(client.ping(60, {}).has_value());
}

TEST_CASE("client: SendMail is plain mail up to 12.1 and WBXML from 14.0") {
  namespace cm = wbxml::compose_mail;
  FakeServer server;
  std::optional<Element> answer;
  server.on("SendMail",
            [&](const FakeRequest&) { return answer ? FakeAnswer(*answer) : FakeAnswer(); });
  const std::string mime = "Subject: a\r\n\r\nb\r\n";
  ClientOptions options = options_for(server);
  {
    options.version = Version::v12_1;
    EasClient client(options);
    REQUIRE(client.send_mail(mime, "c1").has_value());
    CHECK(server.last().content_type == "message/rfc822");
    CHECK(server.last().body == mime);
    CHECK(*server.last().query.param("SaveInSent") == "T");
  }
  options.version = Version::v14_0;
  EasClient client(options);
  REQUIRE(client.send_mail(mime, "c1", false).has_value());
  const FakeRequest seen = server.last();
  CHECK(seen.tree.text_of(cm::kMime) == mime);
  CHECK(seen.tree.child(cm::kMime)->opaque);
  CHECK(seen.tree.text_of(cm::kClientId) == "c1");
  CHECK_FALSE(seen.tree.has(cm::kSaveInSentItems));
  answer = Element(cm::kSendMail, {Element(cm::kStatus, "120")});
  REQUIRE_FALSE(client.send_mail(mime, "c2").has_value());
  CHECK(client.send_mail(mime, "c2").error().message == "SendMail status 120");
}

TEST_CASE("client: items and attachments are fetched") {
  FakeServer server;
  Element properties(io::kProperties, {Element(wbxml::email::kSubject, "a")});
  server.on("ItemOperations", [&](const FakeRequest&) {
    return Element(
        io::kItemOperations,
        {Element(io::kStatus, "1"),
         Element(io::kResponse, {Element(io::kFetch, {Element(io::kStatus, "1"), properties})})});
  });
  EasClient client(options_for(server));
  const auto item = client.fetch_item("1", "1:5", 4);
  REQUIRE(item.has_value());
  CHECK(item->text_of(wbxml::email::kSubject) == "a");
  properties.children = {Element(wbxml::airsync_base::kContentType, "image/png"),
                         Element(io::kData, storage::base64_encode("\x89PNG"))};
  const auto attachment = client.fetch_attachment("ref");
  REQUIRE(attachment.has_value());
  CHECK(attachment->content_type == "image/png");
  CHECK(attachment->bytes == "\x89PNG");
}

TEST_CASE("client: attachments of 2.5 come from GetAttachment") {
  FakeServer server;
  server.on("GetAttachment", [](const FakeRequest& request) {
    FakeAnswer answer;
    answer.body = *request.query.param("AttachmentName");
    answer.content_type = "text/plain";
    return answer;
  });
  ClientOptions options = options_for(server);
  options.version = Version::v2_5;
  EasClient client(options);
  const auto attachment = client.fetch_attachment("mail/INBOX/11/2");
  REQUIRE(attachment.has_value());
  CHECK(attachment->bytes == "mail/INBOX/11/2");
  CHECK(attachment->content_type == "text/plain");
}

TEST_CASE("client: HTTP errors have kinds, and no answer is temporary") {
  FakeServer server;
  int status = 0;
  server.on("FolderSync", [&](const FakeRequest&) { return FakeAnswer::http(status); });
  EasClient client(options_for(server));
  const std::pair<int, ErrorKind> rows[] = {
      {401, ErrorKind::denied},    {403, ErrorKind::denied},   {400, ErrorKind::invalid},
      {413, ErrorKind::too_large}, {500, ErrorKind::internal}, {503, ErrorKind::unavailable}};
  for (const auto& [code, kind] : rows) {
    status = code;
    const auto answer = client.command(Element(fh::kFolderSync));
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().kind == kind);
    CHECK(answer.error().message == "HTTP status " + std::to_string(code));
  }
  ClientOptions nowhere = options_for(server);
  for (const char* url : {"http://127.0.0.1:1", "ftp://127.0.0.1", "nonsense", ""}) {
    nowhere.url = url;
    EasClient lost(nowhere);
    REQUIRE_FALSE(lost.options().has_value());
    CHECK(lost.options().error().kind == ErrorKind::unavailable);
  }
}

TEST_CASE("client: an answer that is no WBXML is an error of command() and none of post()") {
  FakeServer server;
  server.on("FolderSync", [](const FakeRequest&) {
    FakeAnswer answer;
    answer.body = "<html>";
    return answer;
  });
  EasClient client(options_for(server));
  REQUIRE_FALSE(client.command(Element(fh::kFolderSync)).has_value());
  eas::client::PostRequest request;
  request.command = "FolderSync";
  const auto answer = client.post(request);
  REQUIRE(answer.has_value());
  CHECK(answer->body == "<html>");
  CHECK_FALSE(answer->tree.has_value());
}

TEST_CASE("client: cancel breaks off a request that waits") {
  std::atomic<bool> arrived{false}, release{false};  // outlive the server's threads
  FakeServer server;
  server.on("Ping", [&](const FakeRequest&) {
    arrived = true;
    while (!release) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return Element(wbxml::ping::kPing, {Element(wbxml::ping::kStatus, "1")});
  });
  EasClient client(options_for(server));
  std::thread canceller([&] {
    while (!arrived) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    client.cancel();
  });
  const auto ping = client.ping(60, {"1"});
  CHECK_FALSE(ping.has_value());
  release = true;
  canceller.join();
}

TEST_CASE("client: a wait that is too long ends at the patience given") {
  std::atomic<bool> release{false};  // outlives the server's threads
  FakeServer server;
  server.on("Ping", [&](const FakeRequest&) {
    while (!release) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return Element(wbxml::ping::kPing);
  });
  EasClient client(options_for(server));
  const auto begin = std::chrono::steady_clock::now();
  const auto ping = client.ping(60, {"1"}, std::chrono::milliseconds(200));
  REQUIRE_FALSE(ping.has_value());
  CHECK(ping.error().kind == ErrorKind::unavailable);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
  release = true;
}
