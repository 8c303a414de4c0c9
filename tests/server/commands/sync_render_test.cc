#include "server/commands/sync_render.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "server/search/batch.h"
#include "tests/support/service_fixture.h"
#include "tests/support/unreadable_mailbox.h"
#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"
#include "wbxml/dump.h"

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
  const auto written = eas::render_operations({request, inbox, {}}, operations, out);
  REQUIRE_MESSAGE(written.has_value(), written.error().message);
  CHECK(*written == 2);
  const auto listed = server.mailbox()->broken_messages();
  REQUIRE(listed.has_value());
  REQUIRE(listed->size() == 1);
  CHECK(listed->front().id == broken);
}

TEST_CASE("render: two threads write what one writes, in the same order") {
  ServiceFixture server;
  std::vector<eas::SyncOperation> operations;
  for (int i = 0; i < 41; ++i) {
    eas::SyncOperation operation;
    operation.id = server.deliver("Subject: number " + std::to_string(i) + "\r\n\r\nText.\r\n");
    operations.push_back(operation);
  }
  eas::SyncOperation gone = operations.back();
  gone.id += 1000;
  operations.insert(operations.begin() + 30, gone);
  eas::Request request;
  request.mailbox = server.mailbox();
  const eas::BodyOptions options;
  const auto inbox = server.folder(FolderRole::inbox);
  wbxml::Encoder alone(wbxml::Encoder::Kind::document), together(wbxml::Encoder::Kind::document);
  for (wbxml::Encoder* out : {&alone, &together}) {
    out->start(wbxml::airsync::kSync);
    out->start(wbxml::airsync::kCommands);
  }
  eas::SpareThreads spare(1);
  CHECK(eas::render_operations({request, inbox, options}, operations, alone) == 41);
  CHECK(eas::render_operations({request, inbox, options, &spare}, operations, together) == 41);
  for (wbxml::Encoder* out : {&alone, &together}) {
    out->end();
    out->end();
  }
  const auto one = wbxml::decode(alone.take());
  const auto two = wbxml::decode(together.take());
  REQUIRE((one.has_value() && two.has_value()));
  CHECK(wbxml::to_xml(*one) == wbxml::to_xml(*two));
}

TEST_CASE("spare threads: one piece each, none beyond, and the end is waited for") {
  eas::SpareThreads spare(1);
  std::atomic<bool> go{false};
  std::atomic<int> done{0};
  std::unique_ptr<eas::SpareThreads::Share> first;
  while (first == nullptr) {  // until the thread has begun
    first = spare.take([&] {
      while (!go) std::this_thread::yield();
      ++done;
    });
  }
  CHECK(spare.take([&] { ++done; }) == nullptr);
  go = true;
  first.reset();
  CHECK(done == 1);
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
