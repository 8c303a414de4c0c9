// A receipt is made and noted as due while the phone's request runs, which is quick, and sent by
// the thread, which may take a relay's time. A row of the ledger under the message's own name says
// that it was sent: the same for every phone and copy, wherever the message is moved, and there
// after a restart. It is written before the due row goes away, so a kill at any point leaves one of
// both. "begun" in it means as for automatic replies: sent again only to people here.
#include "server/receipts/read_receipts.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "server/autoreply/internal_people.h"
#include "server/autoreply/ledger.h"
#include "server/autoreply/reply_header.h"
#include "server/receipts/receipt_message.h"
#include "server/receipts/receipt_rules.h"
#include "storage/base/crypto.h"
#include "storage/base/log.h"
#include "storage/base/text.h"

namespace eas::receipts {

using autoreply::Answered;
using autoreply::Ledger;
using autoreply::MessageHeader;
using storage::ErrorKind;
using storage::log_event;
using storage::LogLevel;
using storage::MutexLock;
using storage::Result;
using storage::UnixMillis;
using Json = nlohmann::ordered_json;

namespace {

constexpr std::string_view kDue = "receipt:due:";
constexpr UnixMillis kRetry = 60'000;
// As long as mail servers try.
constexpr UnixMillis kGiveUp = 5LL * 24 * 3600 * 1000;

// A message is answered once, ever.
Ledger ledger_of(storage::UserSettings& settings, std::int64_t user_id) {
  return {settings, user_id, "ever", "receipt"};
}

// What stays the same wherever the message is moved or copied.
std::string name_of(const MessageHeader& header, std::string_view message) {
  std::string id = autoreply::message_id_of(header);
  return id.empty() ? storage::to_hex(storage::sha256(message)) : id;
}

bool is_for_received_mail(storage::FolderRole role) {
  switch (role) {
    case storage::FolderRole::drafts:
    case storage::FolderRole::sent:
    case storage::FolderRole::outbox:
    case storage::FolderRole::junk:
    case storage::FolderRole::trash:
      return false;
    default:
      return true;
  }
}

}  // namespace

// A receipt that is to be sent, as it stands in the user's settings.
struct ReadReceipts::Due {
  std::string message;    // its name in the ledger
  std::string recipient;  // bare address
  std::string bytes;      // the whole receipt
  UnixMillis since = 0;

  std::string row() const {
    return std::string(kDue) + storage::to_hex(storage::sha256(message)).substr(0, 32);
  }
  std::string encode() const {
    const Json json = {
        {"message", message}, {"recipient", recipient}, {"since", since}, {"bytes", bytes}};
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  static Result<Due> decode(std::string_view text) {
    try {
      const Json json = Json::parse(text);
      Due due;
      due.message = json.at("message").get<std::string>();
      due.recipient = json.at("recipient").get<std::string>();
      due.since = json.at("since").get<UnixMillis>();
      due.bytes = json.at("bytes").get<std::string>();
      return due;
    } catch (const Json::exception& error) {
      return storage::fail(ErrorKind::corrupt, std::string("receipt: ") + error.what());
    }
  }
};

Mode parse_mode(std::string_view text) {
  if (text == "never") return Mode::never;
  return text == "always" ? Mode::always : Mode::internal;
}

ReadReceipts::ReadReceipts(ReadReceiptServices services) : services_(std::move(services)) {}

ReadReceipts::~ReadReceipts() { stop(); }

void ReadReceipts::start() {
  if (services_.mode != Mode::never) thread_ = std::thread([this] { run(); });
}

void ReadReceipts::stop() {
  {
    const MutexLock lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool ReadReceipts::stopping() {
  const MutexLock lock(mutex_);
  return stop_;
}

// --- what is due ---------------------------------------------------------------------------------

// One message that cannot be read or judged keeps no phone from marking it.
Result<void> ReadReceipts::message_read(const storage::User& user, storage::Mailbox& mailbox,
                                        storage::CollectionId folder, storage::ItemId id) {
  if (services_.mode == Mode::never) return {};
  auto done = consider(user, mailbox, folder, id);
  if (done || done.error().kind == ErrorKind::unavailable) return done;
  log_event(LogLevel::warning, "no read receipt",
            {{"user", user.address}, {"item", id}, {"reason", done.error().message}});
  return {};
}

Result<void> ReadReceipts::consider(const storage::User& user, storage::Mailbox& mailbox,
                                    storage::CollectionId folder, storage::ItemId id) {
  GODWIT_ASSIGN(const storage::MessageBytes bytes, mailbox.bytes(folder, id));
  const MessageHeader header(bytes.view());
  if (!asks_for_receipt(header)) return {};
  GODWIT_ASSIGN(const storage::MailFolder place, mailbox.folder(folder));
  if (!is_for_received_mail(place.role)) return {};
  std::vector<std::string> own = {user.address};
  if (services_.addresses != nullptr) {
    GODWIT_ASSIGN(const storage::Profile profile, services_.addresses->profile(user.id));
    own.insert(own.end(), profile.other_addresses.begin(), profile.other_addresses.end());
  }
  const autoreply::Verdict verdict = judge_request(header, own);
  if (!verdict.answer()) {
    log_event(LogLevel::debug, "no read receipt",
              {{"user", user.address}, {"item", id}, {"reason", verdict.why_not}});
    return {};
  }
  GODWIT_ASSIGN(const bool wanted, is_wanted(verdict.recipient));
  if (!wanted) return {};
  return note_due(user, header, name_of(header, bytes.view()), verdict.recipient);
}

Result<bool> ReadReceipts::is_wanted(const std::string& asker) const {
  if (services_.mode == Mode::always) return true;
  return autoreply::is_internal(*services_.directory, services_.local_domains, asker);
}

// Two phones at once note the same row. One that is late, after it was sent, notes what send()
// finds to be done.
Result<void> ReadReceipts::note_due(const storage::User& user, const MessageHeader& header,
                                    std::string name, const std::string& asker) {
  Ledger ledger = ledger_of(*services_.settings, user.id);
  Due due;
  due.message = std::move(name);
  GODWIT_ASSIGN(const Answered answered, ledger.answered(due.message));
  if (answered != Answered::no) return {};
  due.recipient = asker;
  due.since = services_.clock->now_ms();
  const std::string message_id =
      ledger.identity(due.message) + ".receipt" + user.address.substr(user.address.rfind('@'));
  autoreply::ReplyParts parts;
  parts.from_address = user.address;
  parts.from_name = user.display_name;
  parts.recipient = asker;
  parts.message_id = message_id;
  parts.now = due.since;
  due.bytes = make_receipt(header, parts);
  GODWIT_TRY(services_.settings->set(user.id, due.row(), due.encode()));
  {
    const MutexLock lock(mutex_);
    noticed_.insert(user.id);
  }
  changed_.notify_all();
  return {};
}

// --- sending -------------------------------------------------------------------------------------

void ReadReceipts::run() {
  for (;;) {
    const std::optional<UnixMillis> next = work();
    const MutexLock lock(mutex_);
    if (stop_) return;
    if (!noticed_.empty()) continue;
    if (!next) {
      changed_.wait(mutex_);
    } else {
      // The system's clock may be set: no wait is longer than that.
      const UnixMillis wait = std::clamp<UnixMillis>(*next - services_.clock->now_ms(), 1, kRetry);
      changed_.wait_for(mutex_, std::chrono::milliseconds(wait));
    }
    if (stop_) return;
  }
}

std::optional<UnixMillis> ReadReceipts::work() {
  std::set<std::int64_t> users;
  {
    const MutexLock lock(mutex_);
    users.swap(noticed_);
  }
  if (services_.clock->now_ms() >= retry_at_) {
    users.merge(left_);
    left_.clear();
    if (!taken_up_) taken_up_ = take_up_all(users);
    retry_at_ = services_.clock->now_ms() + kRetry;
  }
  relay_away_ = false;
  for (const std::int64_t user : users) {
    if (stopping()) return std::nullopt;
    if (!send_due(user)) left_.insert(user);
  }
  if (taken_up_ && left_.empty()) {
    retry_at_ = 0;
    return std::nullopt;
  }
  return retry_at_;
}

bool ReadReceipts::take_up_all(std::set<std::int64_t>& users) {
  const auto rows = services_.settings->list(0, kDue);
  if (!rows) {
    log_event(LogLevel::warning, "read receipts not taken up yet",
              {{"reason", rows.error().message}});
    return false;
  }
  for (const storage::UserSetting& row : *rows) users.insert(row.user_id);
  return true;
}

// False when something is to be tried again.
bool ReadReceipts::send_due(std::int64_t user_id) {
  const auto rows = services_.settings->list(user_id, kDue);
  if (!rows) return false;
  bool all = true;
  for (const storage::UserSetting& row : *rows) {
    if (stopping()) return false;
    const auto settled = settle(row);
    if (settled) continue;
    all = false;
    log_event(LogLevel::warning, "a read receipt waits",
              {{"user", row.user_id}, {"reason", settled.error().message}});
  }
  return all;
}

Result<void> ReadReceipts::settle(const storage::UserSetting& row) {
  const auto due = Due::decode(row.value);
  const bool too_old = due && services_.clock->now_ms() - due->since > kGiveUp;
  if (due && !too_old) GODWIT_TRY(send(row.user_id, *due));
  return services_.settings->remove(row.user_id, row.name);
}

Result<void> ReadReceipts::send(std::int64_t user_id, const Due& due) {
  Ledger ledger = ledger_of(*services_.settings, user_id);
  GODWIT_ASSIGN(const Answered answered, ledger.answered(due.message));
  if (answered == Answered::yes) return {};
  const bool is_here = services_.directory->find(due.recipient).has_value();
  if (answered == Answered::begun && !is_here) return ledger.note(due.message, Answered::yes);
  if (relay_away_ && !is_here) return storage::fail(ErrorKind::unavailable, "the relay is away");
  GODWIT_TRY(ledger.note(due.message, Answered::begun));
  storage::OutgoingMail mail;
  mail.recipients = {due.recipient};
  mail.bytes = due.bytes;
  mail.identity = ledger.identity(due.message);
  const auto sent = services_.sender->send(mail);
  if (!sent && sent.error().kind == ErrorKind::unavailable) {
    relay_away_ = relay_away_ || !is_here;
    GODWIT_TRY(ledger.note(due.message, Answered::no));  // nothing was handed over
    return storage::fail(sent.error());
  }
  GODWIT_TRY(ledger.note(due.message, Answered::yes));
  log_event(sent ? LogLevel::info : LogLevel::warning,
            sent ? "read receipt sent" : "read receipt refused",
            {{"user", user_id}, {"reason", sent ? std::string() : sent.error().message}});
  return {};
}

}  // namespace eas::receipts
