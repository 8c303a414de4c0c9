// What is refused leaves a line in the log that says why: somebody who looks for the reason finds
// it there, whatever the phone makes of the answer.
#include <doctest/doctest.h>

#include <chrono>
#include <thread>

#include "tests/support/phone.h"
#include "tests/support/raw_connection.h"
#include "wbxml/code_pages.h"
#include "wbxml/encoder.h"

using namespace std::chrono_literals;
using eas::Version;
using eas::client::MailFolder;
using test::Phone;
using wbxml::Element;
namespace as = wbxml::airsync;
namespace fh = wbxml::folder_hierarchy;

namespace {

// The lines that the shared server has written since this was made.
class NewLog {
 public:
  // Is there, now or soon, a line with all of these?
  bool has(std::initializer_list<std::string> parts) const {
    const auto until = std::chrono::steady_clock::now() + 5s;
    do {
      if (has_line(parts)) return true;
      std::this_thread::sleep_for(20ms);
    } while (std::chrono::steady_clock::now() < until);
    return false;
  }
  std::string text() const { return test::shared_server().log().substr(start_); }

 private:
  bool has_line(std::initializer_list<std::string> parts) const {
    const std::string all = text();
    for (std::size_t at = 0; at < all.size();) {
      const std::size_t end = std::min(all.find('\n', at), all.size());
      const std::string line = all.substr(at, end - at);
      bool every = true;
      for (const std::string& part : parts) every = every && line.find(part) != std::string::npos;
      if (every) return true;
      at = end + 1;
    }
    return false;
  }

  std::size_t start_ = test::shared_server().log().size();
};

struct Raw {
  const char* command = "FolderSync";
  const char* version = "14.1";
  const char* password = test::ServerProcess::kPassword.data();
  std::string body = wbxml::encode(Element(fh::kFolderSync, {Element(fh::kSyncKey, "0")}));
  std::size_t length = 0;  // what the head says; 0: the truth
};

int post_raw(const std::string& user, const Raw& raw) {
  test::RawConnection connection(test::shared_server().port(), true);
  REQUIRE(connection.ok());
  const std::string query =
      std::string("Cmd=") + raw.command + "&User=" + user + "&DeviceId=RefusedPhone&DeviceType=Raw";
  REQUIRE(connection.send(test::post_head(query, raw.version, user, raw.password,
                                          raw.length > 0 ? raw.length : raw.body.size()) +
                          raw.body));
  const auto answer = connection.read();
  REQUIRE(answer.has_value());
  return answer->status;
}

Element collection(const std::string& folder, const std::string& key, std::vector<Element> more) {
  Element element(as::kCollection,
                  {Element(as::kSyncKey, key), Element(as::kCollectionId, folder)});
  for (Element& child : more) element.children.push_back(std::move(child));
  return element;
}

}  // namespace

TEST_CASE("log: a request that is refused before its command leaves a line with the reason") {
  const std::string user = test::fresh_user();
  const struct {
    Raw raw;
    int status;
    std::vector<std::string> parts;
  } rows[] = {
      {{.password = "wrong"}, 401, {"wrong login or password"}},
      {{.version = "99.9"}, 400, {"version"}},
      {{.command = "Nonsense"}, 501, {"unknown command", "Nonsense"}},
      {{.version = "12.1", .body = "no WBXML"}, 400, {"FolderSync"}},
      {{.version = "14.1", .body = "no WBXML"}, 200, {"status 10", "FolderSync"}},
      {{.body = wbxml::encode(Element(as::kSync))}, 200, {"status 103", "root element"}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.status);
    const NewLog log;
    CHECK(post_raw(user, row.raw) == row.status);
    CHECK(log.has({"request refused", "reason=", "RefusedPhone"}));
    for (const std::string& part : row.parts) {
      CAPTURE(part);
      CHECK(log.has({"request refused", part}));
    }
    CHECK(log.text().find(test::ServerProcess::kPassword) == std::string::npos);
  }
  const NewLog log;
  CHECK(post_raw(user, {.length = 10'000'000'000}) == 413);
  CHECK(log.has({"request refused", "413"}));
}

TEST_CASE("log: what Sync refuses leaves a line with device, collection, status and reason") {
  for (const Version version : test::kAllVersions) {
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    MailFolder inbox(phone.inbox());
    phone.sync_all(inbox);
    const std::string folder = phone.inbox();
    const struct {
      Element collection;
      const char* status;
      const char* reason;
    } rows[] = {
        {collection(folder, "4711", {}), "3", "the SyncKey is neither"},
        {collection("m987654", "0", {}), "8", "no such collection"},
        {collection(folder, "0", {Element(as::kWindowSize, "many")}), "4",
         "WindowSize is no number"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.status);
      const NewLog log;
      const Element answer =
          phone.call(Element(as::kSync, {Element(as::kCollections, {row.collection})}));
      CHECK(test::find_text(answer, as::kStatus) == row.status);
      const std::string id = test::find_text(row.collection, as::kCollectionId);
      CHECK(log.has({"Sync refused", "user=" + phone.user(), "device=WirePhone1",
                     "collection=" + id, std::string("status=") + row.status, row.reason}));
    }
    const NewLog log;
    const Element whole = phone.call(Element(as::kSync, {Element(as::kWindowSize, "5")}));
    CHECK(test::find_text(whole, as::kStatus) == "13");
    CHECK(log.has({"Sync refused", "user=" + phone.user(), "status=13", "no Collections"}));
  }
}
