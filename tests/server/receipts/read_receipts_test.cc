// The whole of it on real stores, through Sync, with a clock and a sender of the test: when a
// receipt goes out, to whom, once.
#include "server/receipts/read_receipts.h"

#include <doctest/doctest.h>

#include <thread>

#include "server/autoreply/ledger.h"
#include "server/sync/server_id.h"
#include "tests/support/service_fixture.h"
#include "wbxml/code_pages.h"

namespace {

using eas::autoreply::Answered;
using eas::autoreply::Ledger;
using eas::receipts::Mode;
using eas::receipts::ReadReceipts;
using eas::receipts::ReadReceiptServices;
using storage::ErrorKind;
using storage::FolderRole;
using test::ServiceFixture;
using wbxml::Element;
namespace as = wbxml::airsync;
namespace em = wbxml::email;

constexpr storage::UnixMillis kDay = 24LL * 3600 * 1000;

using Names = std::vector<std::string>;

std::string asking_mail(const std::string& sender, const std::string& id) {
  return "Return-Path: <" + sender + ">\r\nFrom: <" + sender +
         ">\r\nTo: ann@example.test\r\nSubject: Hello\r\nMessage-ID: <" + id +
         "@x.test>\r\nDisposition-Notification-To: <" + sender + ">\r\n\r\nHello.\r\n";
}

struct Office {
  explicit Office(Mode wanted = Mode::always) : mode(wanted) { start(); }

  void start() {
    ReadReceiptServices with;
    with.directory = server.services.directory;
    with.addresses = server.services.addresses;
    with.sender = server.services.sender;
    with.settings = server.services.settings;
    with.clock = &server.clock;
    with.local_domains = {"example.test", "other-local.test"};
    with.mode = mode;
    receipts = std::make_unique<ReadReceipts>(with);
    server.services.read_listener = receipts.get();
    server.dispatcher =
        std::make_unique<eas::Dispatcher>(server.services, eas::DispatcherOptions());
  }

  // As if the process had been killed and started again.
  void restart() {
    server.restart();
    start();
  }

  // A phone says whether the message is read.
  void mark(storage::ItemId id, bool read = true, FolderRole role = FolderRole::inbox) {
    const storage::CollectionId collection_id = server.folder(role);
    const std::string folder = eas::to_collection_id(collection_id);
    server.folder_id(2, device);
    test::Call call;
    call.command = "Sync";
    call.device = device;
    Element change(as::kChange,
                   {Element(as::kServerId, eas::to_item_id(collection_id, id)),
                    Element(as::kApplicationData, {Element(em::kRead, read ? "1" : "0")})});
    Element collection(as::kCollection, {Element(as::kSyncKey, server.prime(folder, device)),
                                         Element(as::kCollectionId, folder),
                                         Element(as::kCommands, {std::move(change)})});
    call.body = Element(as::kSync, {Element(as::kCollections, {std::move(collection)})});
    server.reply(call);
    const auto info = server.mailbox()->message(server.folder(role), id);
    REQUIRE(info.has_value());
    CHECK(info->flags.seen == read);
  }

  // Who got receipts since the last call.
  Names sent() {
    receipts->work();
    Names recipients;
    for (const auto& sent : server.sender.sent) {
      CHECK(sent.sender.empty());
      CHECK(sent.bytes.find("disposition-notification") != std::string::npos);
      recipients.insert(recipients.end(), sent.recipients.begin(), sent.recipients.end());
    }
    server.sender.sent.clear();
    return recipients;
  }

  std::size_t due() {
    const auto rows = server.services.settings->list(server.user().id, "receipt:due:");
    REQUIRE(rows.has_value());
    return rows->size();
  }

  Ledger ledger() { return {*server.services.settings, server.user().id, "ever", "receipt"}; }

  ServiceFixture server;
  const Mode mode;
  std::string device = "dev1";
  std::unique_ptr<ReadReceipts> receipts;
};

}  // namespace

TEST_CASE("receipts: marking a message as read sends one, and only to who asked") {
  Office office;
  const auto asked = office.server.deliver(asking_mail("carl@elsewhere.test", "m1"));
  const auto plain = office.server.deliver(test::simple_mail("plain"));
  CHECK(office.sent().empty());
  office.mark(plain);
  CHECK(office.sent().empty());
  office.mark(asked);
  CHECK(office.sent() == Names{"carl@elsewhere.test"});
  CHECK(office.due() == 0);
}

TEST_CASE("receipts: once per message: read again, by other phones, after a restart, in a copy") {
  Office office;
  const auto id = office.server.deliver(asking_mail("carl@elsewhere.test", "m1"));
  office.mark(id);
  office.mark(id);
  CHECK(office.sent().size() == 1);
  office.mark(id, false);
  office.mark(id);
  CHECK(office.sent().empty());
  office.device = "dev2";
  office.mark(id, false);
  office.mark(id);
  CHECK(office.sent().empty());
  office.restart();
  office.mark(id, false);
  office.mark(id);
  CHECK(office.sent().empty());
  const auto copy = office.server.deliver(asking_mail("carl@elsewhere.test", "m1"));
  office.mark(copy);
  const auto mailbox = office.server.mailbox();
  const auto archive = mailbox->create_folder(0, "Kept");
  REQUIRE(archive.has_value());
  CHECK(mailbox->move(office.server.folder(FolderRole::inbox), id, archive->id).has_value());
  CHECK(office.sent().empty());
  office.mark(office.server.deliver(asking_mail("carl@elsewhere.test", "m2")));
  CHECK(office.sent() == Names{"carl@elsewhere.test"});
}

TEST_CASE("receipts: two phones that read before it is sent, and one that is late, make one") {
  Office office;
  const auto id = office.server.deliver(asking_mail("carl@elsewhere.test", "m1"));
  const auto mailbox = office.server.mailbox();
  const auto inbox = office.server.folder(FolderRole::inbox);
  for (int phone = 0; phone < 2; ++phone) {
    CHECK(office.receipts->message_read(office.server.user(), *mailbox, inbox, id).has_value());
  }
  CHECK(office.due() == 1);
  // The late one has looked into the ledger before the receipt went out, and notes it after that.
  const auto rows = office.server.services.settings->list(office.server.user().id, "receipt:due:");
  CHECK(office.sent().size() == 1);
  REQUIRE(office.server.services.settings
              ->set(office.server.user().id, rows->front().name, rows->front().value)
              .has_value());
  office.restart();
  CHECK(office.sent().empty());
  CHECK(office.due() == 0);
}

TEST_CASE("receipts: a message without Message-ID has one too, by its text") {
  Office office;
  const std::string sender = "carl@elsewhere.test";
  const std::string text =
      "Return-Path: <" + sender + ">\r\nDisposition-Notification-To: " + sender + "\r\n\r\n";
  office.mark(office.server.deliver(text + "One\r\n"));
  office.mark(office.server.deliver(text + "Two\r\n"));
  CHECK(office.sent() == Names{sender, sender});
}

TEST_CASE("receipts: the setting says who gets them") {
  struct Row {
    Mode mode;
    Names receipts;
  };
  const Names askers = {"bob@example.test", "dora@other-local.test", "carl@elsewhere.test"};
  for (const Row& row : {Row{Mode::never, {}}, Row{Mode::internal, {askers[0], askers[1]}},
                         Row{Mode::always, askers}}) {
    Office office(row.mode);
    for (const std::string& asker : askers) {
      office.mark(office.server.deliver(asking_mail(asker, asker.substr(0, 3))));
      const Names sent = office.sent();
      const bool wanted =
          std::find(row.receipts.begin(), row.receipts.end(), asker) != row.receipts.end();
      CHECK(sent == (wanted ? Names{asker} : Names{}));
    }
  }
  CHECK(eas::receipts::parse_mode("never") == Mode::never);
  CHECK(eas::receipts::parse_mode("internal") == Mode::internal);
  CHECK(eas::receipts::parse_mode("always") == Mode::always);
}

TEST_CASE("receipts: none for what lies in Drafts, Sent, Outbox, Junk or Deleted Items") {
  Office office;
  struct Row {
    FolderRole role;
    std::size_t receipts;
  };
  const auto junk = office.server.mailbox()->create_folder(0, "Junk");
  REQUIRE(junk.has_value());
  REQUIRE(office.server.mailbox()->folder(junk->id)->role == FolderRole::junk);
  for (const Row& row :
       {Row{FolderRole::drafts, 0}, Row{FolderRole::sent, 0}, Row{FolderRole::outbox, 0},
        Row{FolderRole::junk, 0}, Row{FolderRole::trash, 0}, Row{FolderRole::inbox, 1}}) {
    CAPTURE(static_cast<int>(row.role));
    const std::string id = "m" + std::to_string(static_cast<int>(row.role));
    const auto item = office.server.deliver(asking_mail("carl@elsewhere.test", id), row.role);
    office.mark(item, true, row.role);
    CHECK(office.sent().size() == row.receipts);
  }
}

TEST_CASE("receipts: none for a message that is deleted unread") {
  Office office;
  const auto id = office.server.deliver(asking_mail("carl@elsewhere.test", "m1"));
  const auto mailbox = office.server.mailbox();
  const auto inbox = office.server.folder(FolderRole::inbox);
  CHECK(mailbox->move(inbox, id, office.server.folder(FolderRole::trash)).has_value());
  CHECK(office.sent().empty());
  CHECK(office.due() == 0);
}

TEST_CASE("receipts: what is due goes out after a kill, also when the message is gone meanwhile") {
  Office office;
  const auto id = office.server.deliver(asking_mail("carl@elsewhere.test", "m1"));
  office.mark(id);
  CHECK(office.due() == 1);
  const auto inbox = office.server.folder(FolderRole::inbox);
  CHECK(office.server.mailbox()->remove(inbox, id).has_value());
  office.restart();
  CHECK(office.sent() == Names{"carl@elsewhere.test"});
  office.restart();
  CHECK(office.sent().empty());
}

TEST_CASE("receipts: killed while one went out, it is sent again only where that is safe") {
  Office office;
  office.mark(office.server.deliver(asking_mail("carl@elsewhere.test", "far")));
  office.mark(office.server.deliver(asking_mail("bob@example.test", "near")));
  REQUIRE(office.ledger().note("<far@x.test>", Answered::begun).has_value());
  REQUIRE(office.ledger().note("<near@x.test>", Answered::begun).has_value());
  office.restart();
  office.receipts->work();
  REQUIRE(office.server.sender.sent.size() == 1);
  CHECK(office.server.sender.sent.front().recipients == Names{"bob@example.test"});
  CHECK(office.server.sender.sent.front().identity == office.ledger().identity("<near@x.test>"));
  CHECK(office.ledger().answered("<far@x.test>") == Answered::yes);
  CHECK(office.ledger().answered("<near@x.test>") == Answered::yes);
  CHECK(office.due() == 0);
}

TEST_CASE(
    "receipts: a relay that is away is tried again, for five days, and holds up nobody here") {
  Office office;
  office.server.sender.fail_with = ErrorKind::unavailable;
  office.mark(office.server.deliver(asking_mail("carl@elsewhere.test", "m1")));
  const auto next = office.receipts->work();
  REQUIRE(next.has_value());
  CHECK(*next > office.server.clock.now_ms());
  office.server.sender.fail_with.reset();
  CHECK(office.sent().empty());  // not yet
  office.server.clock.advance(*next - office.server.clock.now_ms());
  CHECK(office.sent() == Names{"carl@elsewhere.test"});
  CHECK_FALSE(office.receipts->work().has_value());

  office.server.sender.fail_with = ErrorKind::unavailable;
  office.mark(office.server.deliver(asking_mail("carl@elsewhere.test", "m2")));
  CHECK(office.receipts->work().has_value());
  office.server.sender.fail_with.reset();
  office.server.clock.advance(6 * kDay);
  CHECK(office.sent().empty());
  CHECK(office.due() == 0);
}

TEST_CASE("receipts: without a relay one is given up, and later ones still go out") {
  Office office;
  office.server.sender.fail_with = ErrorKind::denied;
  office.mark(office.server.deliver(asking_mail("carl@elsewhere.test", "m1")));
  CHECK_FALSE(office.receipts->work().has_value());
  office.server.sender.fail_with.reset();
  office.mark(office.server.deliver(asking_mail("bob@example.test", "m2")));
  CHECK(office.sent() == Names{"bob@example.test"});
}

TEST_CASE("receipts: its thread sends at once what a phone made due") {
  Office office;
  std::atomic<int> sent{0};
  office.server.sender.on_send = [&] { ++sent; };
  office.receipts->start();
  office.mark(office.server.deliver(asking_mail("carl@elsewhere.test", "m1")));
  for (int i = 0; i < 500 && sent == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  CHECK(sent == 1);
  office.receipts->stop();
}
