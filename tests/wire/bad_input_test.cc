// Bad input on the wire: the answer the protocol names, nothing stored, and the process and the
// other connections go on.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

#include "storage/base/text.h"
#include "tests/support/phone.h"
#include "tests/support/raw_connection.h"
#include "wbxml/code_pages.h"
#include "wbxml/encoder.h"

using namespace std::chrono_literals;
using eas::Version;
using eas::client::MailFolder;
using eas::client::PostRequest;
using test::find_text;
using test::Phone;
using test::RawConnection;
using wbxml::Element;
namespace as = wbxml::airsync;
namespace fh = wbxml::folder_hierarchy;

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kWbxmlHead("\x03\x01\x6a\x00", 4);

// After every bad request: the process is there, this device can go on, another one too.
struct StillServing {
  ~StillServing() {
    CHECK(test::shared_server().running());
    Phone other(Version::v14_1);
    CHECK(other.client().options().has_value());
  }
};

// What a refused request gets: HTTP 400 or 413, or (from 14.0 on) a Status of the common ones.
bool is_refusal(const eas::client::Answer& answer) {
  if (answer.status == 400 || answer.status == 413) return true;
  if (answer.status != 200 || !answer.tree) return false;
  for (const Element& child : answer.tree->children) {
    const auto status = storage::parse_int(child.text);
    if (status && (*status == 101 || *status == 102 || *status == 103)) return true;
  }
  return false;
}

eas::client::Answer post(Phone& phone, const std::string& command, std::string body) {
  PostRequest request;
  request.command = command;
  request.body = std::move(body);
  return phone.post(request);
}

std::string query_for(const std::string& command, const std::string& user) {
  return "Cmd=" + command + "&User=" + user + "&DeviceId=RawPhone&DeviceType=Raw";
}

}  // namespace

TEST_CASE("bad input: what is not WBXML, cut off or too deep is refused at once in every version") {
  const std::string tag(1, '\x45');  // AirSync:Sync with content, for ever
  std::string deep(kWbxmlHead);
  for (int i = 0; i < 200'000; ++i) deep += tag;
  std::string deep_closed = deep;
  deep_closed.append(200'000, '\x01');
  const std::pair<const char*, std::string> inputs[] = {
      {"random bytes", "\x17\x99 this is no WBXML \xff\xfe"},
      {"XML", "<?xml version=\"1.0\"?><Sync xmlns=\"AirSync\"/>"},
      {"head only", std::string(kWbxmlHead)},
      {"cut off", std::string(kWbxmlHead) + "\x45\x5c\x4f\x4b\x03"
                                            "12"},
      {"unterminated string", std::string(kWbxmlHead) + "\x45\x4b\x03"
                                                        "no end"},
      {"200,000 nested tags", deep},
      {"200,000 nested tags, closed", deep_closed},
      {"opaque of 2^31 bytes",
       std::string(kWbxmlHead) + std::string("\x45\x4b\xc3\x88\x80\x80\x80\x00"
                                             "abc",
                                             11)},
      {"opaque of 2^35 bytes",
       std::string(kWbxmlHead) + std::string("\x45\x4b\xc3\x81\x80\x80\x80\x80\x00"
                                             "abc",
                                             12)},
      {"attributes", std::string(kWbxmlHead) + std::string("\xc5\x05\x01\x01", 4)},
  };
  for (const Version version : test::kAllVersions) {
    const StillServing still_serving;
    Phone phone(version);
    phone.connect();
    for (const auto& [name, body] : inputs) {
      CAPTURE(to_string(version));
      const std::string shown(name);  // clang 14 captures no structured binding
      CAPTURE(shown);
      const auto before = test::shared_server().resident_bytes();
      const auto start = Clock::now();
      const auto answer = post(phone, "Sync", body);
      CHECK_MESSAGE(is_refusal(answer), answer.status);
      CHECK(Clock::now() - start < 5s);
      CHECK(test::shared_server().resident_bytes() - before < 200 << 20);
    }
    MailFolder inbox(phone.inbox());
    phone.sync_all(inbox);
    CHECK(inbox.items().size() == test::kSharedMessages);
  }
}

TEST_CASE("bad input: 50,000 collections in one Sync are refused quickly") {
  for (const Version version : {Version::v2_5, Version::v12_1, Version::v14_1, Version::v16_1}) {
    CAPTURE(to_string(version));
    const StillServing still_serving;
    Phone phone(version);
    phone.connect();
    Element collections(as::kCollections);
    for (int i = 0; i < 50'000; ++i) {
      collections.children.push_back(
          Element(as::kCollection,
                  {Element(as::kSyncKey, "0"), Element(as::kCollectionId, std::to_string(i))}));
    }
    const auto start = Clock::now();
    const auto answer = post(phone, "Sync", wbxml::encode(Element(as::kSync, {collections})));
    CHECK(Clock::now() - start < 5s);
    const bool refused =
        is_refusal(answer) || (answer.tree && answer.tree->text_of(as::kStatus) == "15");
    CHECK_MESSAGE(refused, answer.status);
  }
}

TEST_CASE("bad input: a SyncKey of one megabyte is no key") {
  for (const Version version : {Version::v2_5, Version::v14_1, Version::v16_1}) {
    CAPTURE(to_string(version));
    const StillServing still_serving;
    Phone phone(version);
    phone.connect();
    MailFolder inbox(phone.inbox());
    phone.sync_all(inbox);
    Element request = inbox.request(version, {});
    for (Element& field : request.children[0].children[0].children) {
      if (field.tag == as::kSyncKey) field.text = std::string(1'000'000, '7');
    }
    const auto answer = post(phone, "Sync", wbxml::encode(request));
    const bool invalid_key = answer.tree && (find_text(*answer.tree, as::kStatus) == "3" ||
                                             find_text(*answer.tree, as::kStatus) == "4");
    CHECK_MESSAGE((is_refusal(answer) || invalid_key), answer.status);
    phone.sync_all(inbox);
    CHECK(inbox.items().size() == test::kSharedMessages);
  }
}

TEST_CASE("bad input: a version that is not spoken is refused with the list of those that are") {
  const StillServing still_serving;
  const std::string user = test::fresh_user();
  const std::string body = wbxml::encode(Element(fh::kFolderSync, {Element(fh::kSyncKey, "0")}));
  for (const char* version : {"99.9", "1.0", "14.2", "", "abc", "16.1.1"}) {
    CAPTURE(version);
    RawConnection connection(test::shared_server().port(), true);
    REQUIRE(connection.ok());
    REQUIRE(connection.send(test::post_head(query_for("FolderSync", user), version, user,
                                            test::ServerProcess::kPassword, body.size()) +
                            body));
    const auto answer = connection.read();
    REQUIRE(answer.has_value());
    CHECK((answer->status == 400 || answer->status == 505));
  }
}

TEST_CASE("bad input: an unknown command is 501, whatever its body says") {
  const StillServing still_serving;
  for (const Version version : test::kAllVersions) {
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    const std::string body = wbxml::encode(Element(fh::kFolderSync, {Element(fh::kSyncKey, "0")}));
    for (const char* command : {"Nonsense", "folderSyncX", "%00", "CreateCollection"}) {
      CAPTURE(command);
      const auto answer = post(phone, command, body);
      CHECK(answer.status == 501);
      CHECK_FALSE(answer.tree.has_value());
    }
    // The right command with another one's body is not run either.
    const auto answer = post(phone, "Sync", body);
    CHECK(is_refusal(answer));
  }
}

TEST_CASE("bad input: more than the limits is 413 before it is all sent") {
  const StillServing still_serving;
  const std::string user = test::fresh_user();
  for (const char* length : {"10737418240", "99999999999999999999", "2147483648"}) {
    CAPTURE(length);
    RawConnection connection(test::shared_server().port(), true);
    REQUIRE(connection.ok());
    std::string head =
        test::post_head(query_for("Sync", user), "14.1", user, test::ServerProcess::kPassword, 0);
    const std::string zero = "Content-Length: 0";
    head.replace(head.find(zero), zero.size(), "Content-Length: " + std::string(length));
    REQUIRE(connection.send(head));
    const auto answer = connection.read();
    REQUIRE(answer.has_value());
    CHECK((answer->status == 413 || answer->status == 400));
  }
}

TEST_CASE("bad input: the same connection goes on after what was refused on it") {
  const StillServing still_serving;
  const std::string good = wbxml::encode(Element(fh::kFolderSync, {Element(fh::kSyncKey, "0")}));
  const std::string unknown_key = wbxml::encode(Element(
      as::kSync,
      {Element(as::kCollections, {Element(as::kCollection, {Element(as::kSyncKey, "4711"),
                                                            Element(as::kCollectionId, "m1")})})}));
  for (const char* version : {"2.5", "12.1", "14.1", "16.1"}) {
    CAPTURE(version);
    const std::string user = test::fresh_user();
    RawConnection connection(test::shared_server().port(), true);
    REQUIRE(connection.ok());
    const auto status = [&](const std::string& command, const std::string& body,
                            std::string_view password) {
      REQUIRE(connection.send(
          test::post_head(query_for(command, user), version, user, password, body.size()) + body));
      const auto answer = connection.read();
      REQUIRE(answer.has_value());
      return answer->status;
    };
    const std::string_view password = test::ServerProcess::kPassword;
    const bool in_words = eas::parse_version(version) >= Version::v14_0;
    CHECK(status("FolderSync", good, "wrong") == 401);
    CHECK(status("Nonsense", good, password) == 501);
    CHECK(status("FolderSync", "no WBXML", password) == (in_words ? 200 : 400));
    CHECK(status("Sync", unknown_key, password) == 200);
    CHECK(status("FolderSync", good, password) == 200);
  }
}

TEST_CASE("bad input: half a body and then silence, or a hang-up, hurt nobody") {
  const StillServing still_serving;
  const std::string user = test::fresh_user();
  std::vector<RawConnection> silent;
  for (int i = 0; i < 50; ++i) {
    silent.emplace_back(test::shared_server().port(), true);
    REQUIRE(silent.back().ok());
    REQUIRE(silent.back().send(test::post_head(query_for("Sync", user), "14.1", user,
                                               test::ServerProcess::kPassword, 500) +
                               "half"));
  }
  // More of them than there are workers: others are served all the same.
  Phone phone(Version::v16_1);
  phone.connect();
  MailFolder inbox(phone.inbox());
  phone.sync_all(inbox);
  CHECK(inbox.items().size() == test::kSharedMessages);
  for (RawConnection& connection : silent) connection.reset();
}

TEST_CASE("bad input: a phone that hangs up while it waits is forgotten") {
  const StillServing still_serving;
  namespace pg = wbxml::ping;
  Phone phone(Version::v14_1);
  phone.connect();
  const std::string body = wbxml::encode(Element(
      pg::kPing, {Element(pg::kHeartbeatInterval, "600"),
                  Element(pg::kFolders, {Element(pg::kFolder, {Element(pg::kId, phone.inbox()),
                                                               Element(pg::kClass, "Email")})})}));
  for (const bool in_order : {true, false}) {
    std::vector<RawConnection> waiting;
    for (int i = 0; i < 3; ++i) {
      const std::string query = "Cmd=Ping&User=" + phone.user() + "&DeviceId=Waits" +
                                std::to_string(i) + "&DeviceType=Raw";
      waiting.emplace_back(test::shared_server().port(), true);
      REQUIRE(waiting.back().send(test::post_head(query, "14.1", phone.user(),
                                                  test::ServerProcess::kPassword, body.size()) +
                                  body));
    }
    std::this_thread::sleep_for(300ms);
    for (RawConnection& connection : waiting) in_order ? connection.close() : connection.reset();
    std::this_thread::sleep_for(100ms);
    test::shared_server().deliver(phone.user(), test::mail_text(phone.user(), "To nobody"));
  }
  MailFolder inbox(phone.inbox());
  phone.sync_all(inbox);
  CHECK(inbox.items().size() == test::kSharedMessages + 2);
}

TEST_CASE("bad input: broken HTTP is refused or closed, without a worker and without a crash") {
  const StillServing still_serving;
  const std::string_view inputs[] = {
      "GET\r\n\r\n",
      "POST /Microsoft-Server-ActiveSync HTTP/9.9\r\n\r\n",
      "\x16\x03\x01 not http at all\r\n\r\n",
      "POST /Microsoft-Server-ActiveSync HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
      "POST /Microsoft-Server-ActiveSync HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
      "Content-Length: 5\r\n\r\nabcde",
      "POST /Microsoft-Server-ActiveSync HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
      "zzz\r\n",
  };
  for (const std::string_view input : inputs) {
    CAPTURE(input);
    RawConnection connection(test::shared_server().port(), true);
    REQUIRE(connection.ok());
    connection.send(input);
    const auto answer = connection.read(10s);
    if (answer) CHECK(answer->status >= 400);
  }
  // A head that never ends.
  RawConnection endless(test::shared_server().port(), true);
  REQUIRE(endless.ok());
  endless.send("GET / HTTP/1.1\r\n");
  const std::string header = "X-Filler: " + std::string(1000, 'x') + "\r\n";
  for (int i = 0; i < 200 && endless.send(header); ++i) {
  }
  const auto answer = endless.read(10s);
  if (answer) CHECK(answer->status >= 400);
}

TEST_CASE("bad input: plain HTTP on the TLS port is not answered as HTTP") {
  const StillServing still_serving;
  RawConnection connection(test::shared_server().port(), false);
  REQUIRE(connection.ok());
  connection.send("OPTIONS /Microsoft-Server-ActiveSync HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto answer = connection.read(5s);
  if (answer) CHECK(answer->status != 200);
}

TEST_CASE("bad input: wrong passwords are throttled, and the right one still counts elsewhere") {
  const StillServing still_serving;
  test::ServerProcess server;  // its own: the throttle would hit the other tests
  const std::string body = wbxml::encode(Element(fh::kFolderSync, {Element(fh::kSyncKey, "0")}));
  const std::string query = query_for("FolderSync", "user1");
  Clock::duration last{};
  // All on one connection: a handshake takes longer than what is measured.
  const auto log_in = [&](RawConnection& connection, const std::string& login,
                          std::string_view password) {
    const auto start = Clock::now();
    REQUIRE(connection.send(test::post_head(query, "14.1", login, password, body.size()) + body));
    const auto answer = connection.read();
    last = Clock::now() - start;
    return answer ? answer->status : 0;
  };
  RawConnection guesser(server.port(), true);
  // Ten in all, by the default of login_failures; spelled otherwise it is the same account.
  const std::vector<std::string> spellings = {"user1@example.test", "user1", "AAAA\\user1",
                                              "x.y\\user1@example.test"};
  Clock::duration quickest = 1h;
  for (std::size_t i = 0; i < 10; ++i) {
    CHECK(log_in(guesser, spellings[i % spellings.size()], "guess" + std::to_string(i)) == 401);
    quickest = std::min(quickest, last);
  }
  for (const std::string& login : spellings) {
    CAPTURE(login);
    CHECK(log_in(guesser, login, test::ServerProcess::kPassword) == 401);
    CHECK(last > quickest / 3);  // at the price of a hash: the time tells nothing
    CHECK(last < 1s);
  }
  RawConnection elsewhere(server.port(), true, "127.0.0.2");
  REQUIRE(elsewhere.ok());
  CHECK(log_in(elsewhere, "user1", test::ServerProcess::kPassword) == 200);
  CHECK(server.running());
}
