#include "server/commands/command_table.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "server/commands/status.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"

TEST_CASE("command table: a row is found by its exact name only") {
  REQUIRE(eas::find_command("Sync") != nullptr);
  CHECK(eas::find_command("Sync")->code == 0);
  CHECK(eas::find_command("sync") == nullptr);
  CHECK(eas::find_command("MeetingResponse") == nullptr);
  CHECK(eas::find_command("") == nullptr);
}

TEST_CASE("command table: every row has a function, its own code and tags of one page") {
  std::set<int> codes;
  for (const eas::CommandInfo& row : eas::all_commands()) {
    CAPTURE(row.name);
    CHECK((row.run != nullptr));
    if (row.code >= 0) {  // GetHierarchy has none
      CHECK(codes.insert(row.code).second);
      CHECK(eas::command_name(row.code) == row.name);
    }
    if (row.root == eas::kNoBody) continue;
    CHECK(row.root.page == row.status.page);
    REQUIRE(wbxml::find_tag(row.root) != nullptr);
    CHECK(wbxml::find_tag(row.root)->name == row.name);
    CHECK(wbxml::find_tag(row.status)->name == "Status");
  }
}

TEST_CASE("command table: OPTIONS names exactly the rows") {
  // covers: MS-ASHTTP R247
  std::string expected;
  for (const eas::CommandInfo& row : eas::all_commands()) {
    if (!expected.empty()) expected += ',';
    expected += row.name;
  }
  CHECK(eas::command_list_text() == expected);
}

TEST_CASE("command table: codes of commands that do not work here still have names") {
  CHECK(eas::command_name(2) == "SmartForward");
  CHECK(eas::command_name(23) == "Find");
  CHECK(eas::command_name(5).empty());
  CHECK(eas::command_name(200).empty());
}

TEST_CASE("status: HTTP forms for old versions") {
  CHECK(eas::http_status_of(102) == 400);
  CHECK(eas::http_status_of(110) == 500);
  CHECK(eas::http_status_of(111) == 503);
  CHECK(eas::http_status_of(113) == 507);
  CHECK(eas::http_status_of(137) == 501);
  CHECK(eas::http_status_of(142) == 449);
  CHECK(eas::http_status_of(9999) == 500);
}

TEST_CASE("status: a temporary failure of a store is never a permanent one (quirks.md: TbSync)") {
  const auto later = eas::command_error(storage::Error{storage::ErrorKind::unavailable, "busy"});
  CHECK(later.status == 111);
  CHECK(later.http_status == 503);
  const auto broken = eas::command_error(storage::Error{storage::ErrorKind::corrupt, "bytes"});
  CHECK(broken.status == 110);
  CHECK(broken.http_status == 500);
}

TEST_CASE("status: an error is an HTTP status up to 12.1 and an element from 14.0 on") {
  // covers: MS-ASHTTP R287 R288 R190
  const eas::CommandInfo& ping = *eas::find_command("Ping");
  const auto error = eas::command_error(eas::status::kServerErrorRetryLater, "test");
  const eas::Reply old = eas::error_reply(error, ping, eas::Version::v12_1);
  CHECK(old.http_status == 503);
  CHECK(old.body.empty());
  REQUIRE(old.headers.size() == 1);
  CHECK(old.headers[0].first == "Retry-After");
  const eas::Reply now = eas::error_reply(error, ping, eas::Version::v14_0);
  CHECK(now.http_status == 200);
  const auto root = wbxml::decode(now.body);
  REQUIRE(root.has_value());
  CHECK(root->tag == wbxml::ping::kPing);
  CHECK(root->text_of(wbxml::ping::kStatus) == "111");
}
