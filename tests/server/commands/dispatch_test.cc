#include "server/commands/dispatch.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <map>

#include "server/commands/command_table.h"
#include "server/commands/device_record.h"
#include "storage/base/log.h"
#include "storage/base/text.h"
#include "storage/base/unique_fd.h"
#include "tests/support/service_fixture.h"
#include "tests/support/temp_dir.h"
#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"

namespace {

using test::Call;
using test::ServiceFixture;
using test::text_at;
using wbxml::Element;
namespace hierarchy = wbxml::folder_hierarchy;
namespace airsync = wbxml::airsync;

Call folder_sync(const char* version = "14.1", const std::string& key = "0") {
  Call call;
  call.command = "FolderSync";
  call.version = version;
  call.body = Element(hierarchy::kFolderSync, {Element(hierarchy::kSyncKey, key)});
  return call;
}

Call ping(const std::string& folder) {
  namespace tag = wbxml::ping;
  Call call;
  call.command = "Ping";
  call.body = Element(
      tag::kPing, {Element(tag::kHeartbeatInterval, "60"),
                   Element(tag::kFolders, {Element(tag::kFolder, {Element(tag::kId, folder)})})});
  return call;
}

// What is logged while this lives; standard error goes to a file meanwhile.
class LogCapture {
 public:
  LogCapture() : before_(::dup(STDERR_FILENO)) {
    const storage::UniqueFd file(::open(path_.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    ::dup2(file.get(), STDERR_FILENO);
    storage::set_log_level(storage::LogLevel::info);
  }
  ~LogCapture() {
    storage::set_log_level(storage::LogLevel::off);
    ::dup2(before_.get(), STDERR_FILENO);
  }
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;

  std::string text() const {
    std::ifstream in(path_);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  test::TempDir dir_;
  const std::string path_ = dir_.file("log");
  const storage::UniqueFd before_;
};

std::string header(const http::HttpReply& reply, std::string_view name) {
  for (const http::Header& entry : reply.headers) {
    if (entry.first == name) return entry.second;
  }
  return {};
}

// The status in the answer's root, "http N" when there is no body.
std::string outcome(const http::HttpReply& reply) {
  if (reply.body.empty()) return "http " + std::to_string(reply.status);
  const auto root = wbxml::decode(reply.body);
  REQUIRE(root.has_value());
  for (const Element& child : root->children) {
    const auto* info = wbxml::find_tag(child.tag);
    if (info != nullptr && info->name == "Status") return child.text;
  }
  return "no status";
}

std::string outcome(ServiceFixture& server, const Call& call) {
  return outcome(server.reply(call));
}

}  // namespace

TEST_CASE("dispatch: OPTIONS names versions and commands, and wants a login (quirks.md: TbSync)") {
  // covers: MS-ASHTTP R222 R238 R240 R247 R249 R2491 R296 R297 R459 R460 R461 R1201 R12011 R1107
  eas::DispatcherOptions set_up;
  set_up.server_version = "1.2.3";
  ServiceFixture server({}, set_up);
  Call options;
  options.method = "OPTIONS";
  options.version = "";
  options.query = "x";
  const http::HttpReply reply = server.reply(options);
  CHECK(reply.status == 200);
  CHECK(reply.body.empty());
  CHECK(header(reply, "MS-ASProtocolVersions") == "2.5,12.0,12.1,14.0,14.1,16.0,16.1");
  CHECK(header(reply, "MS-ASProtocolCommands") == eas::command_list_text());
  CHECK(header(reply, "MS-Server-ActiveSync") == "1.2.3");
  CHECK(header(reply, "Allow") == "OPTIONS,POST");
  CHECK(header(reply, "Public") == "OPTIONS,POST");
  options.password = "wrong";
  CHECK(server.reply(options).status == 401);
}

TEST_CASE(
    "dispatch: no or wrong credentials are 401 with an empty body, whatever else is wrong "
    "(quirks.md: OPTIONS)") {
  // covers: MS-ASHTTP R178 R523
  ServiceFixture server;
  Call none = folder_sync();
  none.login = "";
  Call wrong = folder_sync();
  wrong.password = "nope";
  Call nobody = folder_sync();
  nobody.login = "nobody@example.test";
  Call nonsense = folder_sync("99.9");
  nonsense.login = "";
  nonsense.query = "%%%";
  nonsense.raw = "garbage";
  for (const Call& call : {none, wrong, nobody, nonsense}) {
    const http::HttpReply reply = server.reply(call);
    CHECK(reply.status == 401);
    CHECK(reply.body.empty());
    CHECK(header(reply, "WWW-Authenticate").starts_with("Basic realm="));
  }
  CHECK(server.device().error().kind == storage::ErrorKind::not_found);
}

TEST_CASE("dispatch: every form of the login works (quirks.md: DOMAIN)") {
  ServiceFixture server;
  for (const char* login : {"ann@example.test", "ann", "EXAMPLE\\ann", "ANN@EXAMPLE.TEST"}) {
    CAPTURE(login);
    Call call = folder_sync();
    call.login = login;
    CHECK(outcome(server, call) == "1");
  }
}

TEST_CASE("dispatch: a version that is not spoken is 400 and names those that are; 1.0 is 505") {
  ServiceFixture server;
  for (const char* version : {"99.9", "15.0", "16.2", "garbage", "", "14.1.0"}) {
    CAPTURE(version);
    const http::HttpReply reply = server.reply(folder_sync(version));
    CHECK(reply.status == 400);
    CHECK(reply.body.empty());
    CHECK(header(reply, "MS-ASProtocolVersions") == "2.5,12.0,12.1,14.0,14.1,16.0,16.1");
  }
  CHECK(server.reply(folder_sync("1.0")).status == 505);
  CHECK(server.device().error().kind == storage::ErrorKind::not_found);
}

TEST_CASE("dispatch: an unknown command is 501, never what its body's root says") {
  // covers: MS-ASHTTP R186
  ServiceFixture server;
  for (const char* command :
       {"Nonsense", "MeetingResponse", "CreateCollection", "foldersync", ""}) {
    CAPTURE(command);
    Call call = folder_sync();
    call.command = command;
    CHECK(server.reply(call).status == 501);
  }
  CHECK(server.device().error().kind == storage::ErrorKind::not_found);
}

TEST_CASE("dispatch: a command that the version does not have is 400, or status 138") {
  ServiceFixture server;
  Call settings;
  settings.command = "Settings";
  settings.version = "2.5";
  settings.body = Element(wbxml::settings::kSettings);
  CHECK(outcome(server, settings) == "http 400");
}

TEST_CASE("dispatch: other methods are 501") {
  // covers: MS-ASHTTP R187 R443 R465
  ServiceFixture server;
  for (const char* method : {"GET", "PUT", "DELETE", "HEAD"}) {
    Call call = folder_sync();
    call.method = method;
    CHECK(server.reply(call).status == 501);
  }
}

TEST_CASE("dispatch: a query that is none is 400") {
  // covers: MS-ASHTTP R176 R177 R188
  ServiceFixture server;
  Call call = folder_sync();
  call.query = "%%%";
  for (int i = 0; i < 3; ++i) CHECK(server.reply(call).status == 400);
}

TEST_CASE("dispatch: the base64 query carries version, device and policy key") {
  ServiceFixture server;
  Call call = folder_sync("");
  call.query = storage::base64_encode(std::string("\x8D\x09\x09\x04\x04", 5) + "dev1" +
                                      std::string("\x00\x05", 2) + "Phone");
  CHECK(outcome(server, call) == "1");
  CHECK(server.device()->protocol_version == "14.1");
  CHECK(server.device()->type == "Phone");
}

TEST_CASE("dispatch: bad device ids and types, in both forms of an error") {
  ServiceFixture server;
  for (const char* device : {"", "a%2Cb", "..%2F..%2Fx", "a%00b"}) {
    CAPTURE(device);
    Call call = folder_sync();
    call.device = device;
    CHECK(outcome(server, call) == "108");
    call.version = "12.1";
    CHECK(outcome(server, call) == "http 400");
  }
  Call long_id = folder_sync();
  long_id.device = std::string(65, 'a');
  CHECK(outcome(server, long_id) == "108");
  Call type = folder_sync();
  type.device_type = "";
  CHECK(outcome(server, type) == "109");
}

TEST_CASE("dispatch: a user has so many devices and no more") {
  eas::Limits limits;
  limits.max_devices_per_user = 2;
  ServiceFixture server(limits);
  for (const char* device : {"one", "two", "one"}) {
    Call call = folder_sync();
    call.device = device;
    CHECK(outcome(server, call) == "1");
  }
  Call third = folder_sync();
  third.device = "three";
  CHECK(outcome(server, third) == "177");
  third.version = "12.1";
  CHECK(outcome(server, third) == "http 403");
  third.login = "bob@example.test";
  CHECK(outcome(server, third) == "1");
}

TEST_CASE("dispatch: the device's record follows, and an ordinary request writes nothing") {
  int writes = 0;
  ServiceFixture server({}, {}, [&](const char*) { ++writes; });
  CHECK(outcome(server, folder_sync("14.1")) == "1");
  CHECK(server.device()->protocol_version == "14.1");
  CHECK(server.device()->user_agent == "TestPhone/1.0");
  CHECK(server.device()->type == "TestPhone");
  const std::string inbox = server.folder_id(2);
  const std::string key = server.prime(inbox);
  Call sync;
  sync.command = "Sync";
  sync.body =
      Element(airsync::kSync,
              {Element(airsync::kCollections,
                       {Element(airsync::kCollection, {Element(airsync::kSyncKey, key),
                                                       Element(airsync::kCollectionId, inbox)})})});
  CHECK(server.reply(sync).body.empty());
  const int before = writes;
  for (int i = 0; i < 5; ++i) CHECK(server.reply(sync).body.empty());
  CHECK(writes == before);
  // Two versions in turn are no write each, either.
  Call old = folder_sync("2.5", "no-key");
  server.clock.advance(60'000);
  for (int i = 0; i < 4; ++i) server.reply(old);
  CHECK(writes == before);
  CHECK(server.device()->protocol_version == "14.1");
  server.clock.advance(2LL * 3600 * 1000);
  server.reply(old);
  CHECK(server.device()->protocol_version == "2.5");
  CHECK(server.device()->last_seen == server.clock.now_ms());
}

TEST_CASE("dispatch: the content type must be WBXML's, or missing") {
  // covers: MS-ASCMD R7
  ServiceFixture server;
  for (const char* type : {"application/vnd.ms-sync.wbxml", "application/vnd.ms-sync",
                           "Application/vnd.MS-Sync.wbxml; charset=utf-8", ""}) {
    CAPTURE(type);
    Call call = folder_sync();
    call.content_type = type;
    CHECK(outcome(server, call) == "1");
  }
  Call text = folder_sync();
  text.content_type = "text/plain";
  CHECK(outcome(server, text) == "101");
  text.version = "12.1";
  CHECK(outcome(server, text) == "http 400");
}

TEST_CASE("dispatch: a missing body is 101 where one is needed, and fine for Ping and Sync") {
  ServiceFixture server;
  server.folder_id(2);
  Call call;
  call.command = "FolderSync";
  CHECK(outcome(server, call) == "101");
  call.version = "12.1";
  CHECK(outcome(server, call) == "http 400");
  call.command = "Ping";
  call.version = "14.1";
  CHECK(outcome(server, call) == "3");
}

TEST_CASE("dispatch: body limits go by the command, and are small for strangers") {
  ServiceFixture server;
  http::HttpRequest request;
  request.method = "POST";
  request.headers = {{"Authorization", "Basic " + storage::base64_encode("anna:guess")}};
  const auto limit = [&](const char* query) {
    request.query = query;
    return server.dispatcher->body_rule(request).limit;
  };
  CHECK(limit("Cmd=SendMail&DeviceId=1&DeviceType=x") >= server.limits.max_mail);
  CHECK(limit("Cmd=Sync&DeviceId=1&DeviceType=x") >= server.limits.max_mail);  // drafts
  CHECK(limit("Cmd=Ping&DeviceId=1&DeviceType=x") == server.limits.max_request);
  CHECK(limit("Cmd=Nonsense") == server.limits.max_request);
  CHECK(limit("") == server.limits.max_request);
  CHECK(limit("jQEJBAlUZXN0U3VpdGUAAlNQ") >= server.limits.max_mail);  // base64, SendMail
  for (const char* header : {"", "x", "Basic", "Basic x", "Bearer abcd"}) {
    CAPTURE(header);
    request.headers = {{"Authorization", header}};
    CHECK(limit("Cmd=SendMail&DeviceId=1&DeviceType=x") == server.limits.max_request);
  }
  request.headers.clear();
  CHECK(limit("Cmd=SendMail&DeviceId=1&DeviceType=x") == server.limits.max_request);
}

TEST_CASE("dispatch: only a header with which somebody has logged in is trusted with large files") {
  ServiceFixture server;
  const Call call = folder_sync();
  http::HttpRequest request;
  request.method = "POST";
  request.headers = {
      {"Authorization", "Basic " + storage::base64_encode(call.login + ":" + call.password)}};
  request.query = "Cmd=SendMail&DeviceId=1&DeviceType=x";
  const auto rule = [&] { return server.dispatcher->body_rule(request); };
  CHECK_FALSE(rule().trusted);
  CHECK(rule().limit >= server.limits.max_mail);  // never 413 for a phone that we cannot know yet
  CHECK(outcome(server, call) == "1");
  CHECK(rule().trusted);
  request.query = "";
  CHECK(rule().trusted);
  request.headers = {{"Authorization", "Basic " + storage::base64_encode("anna:guess")}};
  CHECK_FALSE(rule().trusted);
}

TEST_CASE("dispatch: an exception in a command is 500 and the next request is served") {
  // covers: MS-ASHTTP R184
  ServiceFixture server;
  server.sender.on_send = [] { throw std::runtime_error("boom"); };
  Call call;
  call.command = "SendMail";
  call.version = "12.1";
  call.content_type = "message/rfc822";
  call.raw = "To: bob@example.test\r\n\r\nx\r\n";
  CHECK(server.reply(call).status == 500);
  server.sender.on_send = [] { throw 42; };
  CHECK(server.reply(call).status == 500);
  CHECK(outcome(server, folder_sync()) == "1");
}

TEST_CASE("dispatch: a captured device's exchanges are handed over without credentials") {
  struct Seen {
    std::string user, device, query, request_body, reply_body;
    std::vector<http::Header> headers;
    int status = 0;
  };
  std::vector<Seen> seen;
  eas::DispatcherOptions options;
  options.capture = [&](const eas::CapturedExchange& exchange) {
    seen.push_back({std::string(exchange.user), std::string(exchange.device_id),
                    std::string(exchange.query), std::string(exchange.request_body),
                    std::string(exchange.reply_body), *exchange.request_headers, exchange.status});
  };
  ServiceFixture server({}, options);
  server.folder_id(2);
  CHECK(seen.empty());
  storage::Device device = *server.device();
  device.capture = true;
  REQUIRE(server.services.state->update_device(device));

  const http::HttpReply reply = server.reply(folder_sync());
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].user == "ann@example.test");
  CHECK(seen[0].device == "dev1");
  CHECK(seen[0].query.starts_with("Cmd=FolderSync"));
  CHECK(seen[0].request_body == wbxml::encode(folder_sync().body));
  CHECK(seen[0].reply_body == reply.body);
  CHECK(seen[0].status == 200);
  for (const http::Header& entry : seen[0].headers) CHECK(entry.first != "Authorization");

  Call broken = folder_sync();
  broken.raw = "garbage";
  server.reply(broken);
  REQUIRE(seen.size() == 2);
  CHECK(seen[1].request_body == "garbage");

  const std::string inbox = server.folder_id(2);
  server.prime(inbox);
  const std::size_t before = seen.size();
  http::Parked parked = server.park(ping(inbox));
  CHECK(seen.size() == before);
  parked.resume(http::WakeReason::deadline);
  REQUIRE(seen.size() == before + 1);
  CHECK(seen.back().query.starts_with("Cmd=Ping"));
}

TEST_CASE("dispatch: requests of one device that change different fields keep both") {
  ServiceFixture server;
  const std::string inbox = server.folder_id(2);
  // A command that read the record long ago changes one field; what came meanwhile stays.
  const storage::Device old = *server.device();
  namespace settings = wbxml::settings;
  Call call;
  call.command = "Settings";
  call.body = Element(settings::kSettings,
                      {Element(settings::kDeviceInformation,
                               {Element(settings::kSet, {Element(settings::kModel, "m")})})});
  CHECK(outcome(server, call) == "1");
  storage::Device stale = old;
  REQUIRE(eas::change_device(stale, server.services,
                             [](storage::Device& record) { record.ping = "60:1"; }));
  CHECK(server.device()->ping == "60:1");
  CHECK(server.device()->info == R"({"Model":"m"})");
  CHECK(stale.info == server.device()->info);
}

TEST_CASE("dispatch: a request that waited is logged like one that did not") {
  ServiceFixture server;
  const std::string inbox = server.folder_id(2);
  server.prime(inbox);
  http::Parked parked = server.park(ping(inbox));
  std::string waited;
  std::string at_once;
  {
    const LogCapture log;
    parked.resume(http::WakeReason::deadline);
    waited = log.text();
  }
  {
    const LogCapture log;
    server.reply(folder_sync());
    at_once = log.text();
  }
  for (const std::string* line : {&waited, &at_once}) {
    CAPTURE(*line);
    for (const char* part :
         {"info command ", "user=ann@example.test", "device=dev1", "version=14.1", "http=200"}) {
      CAPTURE(part);
      CHECK(line->find(part) != std::string::npos);
    }
  }
}
