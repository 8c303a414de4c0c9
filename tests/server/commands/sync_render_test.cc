#include "server/commands/sync_render.h"

#include <doctest/doctest.h>

#include "server/search/batch.h"
#include "tests/support/service_fixture.h"
#include "tests/support/unreadable_mailbox.h"
#include "wbxml/code_pages.h"

namespace {

using storage::FolderRole;
using test::ServiceFixture;

constexpr const char* kMail =
    "From: bob@example.test\r\nTo: ann@example.test\r\nSubject: a\r\n"
    "Date: Wed, 18 Nov 2026 10:00:00 +0000\r\n\r\nText.\r\n";

}  // namespace

TEST_CASE("render: a message that cannot be read is a placeholder and listed (field.md pain 13)") {
  ServiceFixture server;
  const auto broken = server.deliver(kMail);
  const auto whole = server.deliver(kMail);
  const auto inbox = server.folder(FolderRole::inbox);
  eas::Request request;
  request.mailbox = std::make_shared<test::UnreadableMailbox>(server.mailbox(), broken);
  std::vector<eas::SyncOperation> operations;
  for (const auto id : {broken, whole}) {
    eas::SyncOperation operation;
    operation.kind = eas::SyncOperation::Kind::add;
    operation.id = id;
    operations.push_back(operation);
  }
  wbxml::Encoder out(wbxml::Encoder::Kind::fragment);
  const auto written = eas::render_operations(request, inbox, operations, {}, out);
  REQUIRE_MESSAGE(written.has_value(), written.error().message);
  CHECK(*written == 2);
  const auto listed = server.mailbox()->broken_messages();
  REQUIRE(listed.has_value());
  REQUIRE(listed->size() == 1);
  CHECK(listed->front().id == broken);
}

TEST_CASE("search: a message that cannot be read has no words and stops nothing behind it") {
  ServiceFixture server;
  const auto broken = server.deliver(kMail);
  server.deliver(kMail);
  test::UnreadableMailbox mailbox(server.mailbox(), broken);
  const auto inbox = server.folder(FolderRole::inbox);
  const auto go_on = [] { return false; };
  const auto begun = eas::next_batch(mailbox, inbox, std::nullopt, go_on);
  REQUIRE(begun.has_value());
  const auto batch = eas::next_batch(mailbox, inbox, begun->batch.next, go_on);
  REQUIRE_MESSAGE(batch.has_value(), batch.error().message);
  CHECK(batch->batch.put.size() == 2);
}
