// Only mail that arrives while a reply is active is answered: in a period that was not looked at
// yet by date, since the reply may have been set a moment before this process knew of it; from then
// on by the cursor into the Inbox's change log. What is answered is noted before and after the
// reply goes out. A kill in between leaves "begun": such a reply is sent again only to people here,
// where sending again finds the message that is there; at a relay it might go out twice, so it is
// not.
#include "server/autoreply/auto_reply.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "server/autoreply/internal_people.h"
#include "server/autoreply/known_people.h"
#include "server/autoreply/ledger.h"
#include "server/autoreply/message_header.h"
#include "server/autoreply/reply_message.h"
#include "server/autoreply/reply_rules.h"
#include "server/sync/waiting.h"
#include "storage/base/log.h"

namespace eas::autoreply {

using storage::ErrorKind;
using storage::log_event;
using storage::LogLevel;
using storage::MutexLock;
using storage::Result;
using storage::UnixMillis;

namespace {

constexpr int kPage = 200;
constexpr UnixMillis kRetry = 60'000;
// The system's clock may be set: no wait is longer than this.
constexpr UnixMillis kLongestWait = 300'000;

constexpr const char* kAudienceNames[] = {"internal", "external known", "external unknown"};

Result<storage::CollectionId> inbox_of(storage::Mailbox& mailbox) {
  GODWIT_ASSIGN(const storage::HierarchyPage hierarchy, mailbox.folders());
  for (const storage::MailFolder& folder : hierarchy.folders) {
    if (folder.role == storage::FolderRole::inbox) return folder.id;
  }
  return storage::fail(ErrorKind::internal, "a mailbox without Inbox");
}

}  // namespace

// One user who is away now.
struct AutoReply::Away {
  storage::User user;
  Oof oof;
  std::vector<std::string> addresses;  // that mean the user, lower case
  std::shared_ptr<storage::Mailbox> mailbox;
  storage::CollectionId inbox = 0;
  KnownPeople known;
  std::optional<Waiting> waiting;
};

AutoReply::AutoReply(AutoReplyServices services) : services_(std::move(services)) {}

AutoReply::~AutoReply() { stop(); }

void AutoReply::start() {
  thread_ = std::thread([this] { run(); });
}

void AutoReply::stop() {
  {
    const MutexLock lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  away_.clear();
}

void AutoReply::oof_changed(const storage::User& user) {
  {
    const MutexLock lock(mutex_);
    news_[user.id] = user;
    noticed_.insert(user.id);
  }
  changed_.notify_all();
}

// Runs on a publisher's thread.
void AutoReply::notice(std::int64_t user_id) {
  {
    const MutexLock lock(mutex_);
    noticed_.insert(user_id);
  }
  changed_.notify_all();
}

bool AutoReply::stopping() {
  const MutexLock lock(mutex_);
  return stop_;
}

void AutoReply::run() {
  for (;;) {
    const std::optional<UnixMillis> next = work();
    const MutexLock lock(mutex_);
    if (stop_) return;
    if (!noticed_.empty()) continue;
    if (!next) {
      changed_.wait(mutex_);
    } else {
      const UnixMillis wait =
          std::clamp<UnixMillis>(*next - services_.clock->now_ms(), 1, kLongestWait);
      changed_.wait_for(mutex_, std::chrono::milliseconds(wait));
    }
    if (stop_) return;
  }
}

std::optional<UnixMillis> AutoReply::work() {
  if (!taken_up_) take_up_all();
  std::set<std::int64_t> users;
  {
    const MutexLock lock(mutex_);
    users.swap(noticed_);
    for (auto& [id, user] : news_) users_[id] = std::move(user);
    news_.clear();
  }
  const UnixMillis now = services_.clock->now_ms();
  for (const auto& [id, when] : due_) {
    if (when <= now) users.insert(id);
  }
  for (const std::int64_t id : users) {
    if (stopping()) return std::nullopt;
    look(id);
  }
  std::optional<UnixMillis> next;
  if (!taken_up_) next = services_.clock->now_ms() + kRetry;
  for (const auto& [id, when] : due_) next = next ? std::min(*next, when) : when;
  return next;
}

void AutoReply::take_up_all() {
  const auto rows = services_.settings->list(0, kOofSetting);
  const auto all = services_.directory->list();
  if (!rows || !all) {
    log_event(LogLevel::warning, "automatic replies not taken up yet",
              {{"reason", rows ? all.error().message : rows.error().message}});
    return;
  }
  taken_up_ = true;
  std::set<std::int64_t> on;
  for (const storage::UserSetting& row : *rows) {
    if (row.name == kOofSetting) on.insert(row.user_id);
  }
  for (const storage::User& user : *all) {
    if (!on.contains(user.id)) continue;
    users_[user.id] = user;
    notice(user.id);
  }
}

void AutoReply::look(std::int64_t user_id) {
  due_.erase(user_id);
  const auto found = users_.find(user_id);
  if (found == users_.end()) return;
  const storage::User user = found->second;
  const auto done = look_at(user);
  if (done) return;
  log_event(LogLevel::warning, "automatic replies wait",
            {{"user", user.address}, {"reason", done.error().message}});
  due_[user_id] = services_.clock->now_ms() + kRetry;
}

Result<void> AutoReply::look_at(const storage::User& user) {
  GODWIT_ASSIGN(const Oof oof, load_oof(*services_.settings, user.id));
  const UnixMillis now = services_.clock->now_ms();
  if (const auto next = oof.next_change(now)) due_[user.id] = *next;
  if (!oof.active_at(now)) {
    away_.erase(user.id);
    GODWIT_TRY(Ledger::forget_others(*services_.settings, user.id, oof.period));
    if (oof.state == OofState::off) users_.erase(user.id);
    return {};
  }
  GODWIT_TRY(set_up(user, oof));
  return answer_new(*away_.at(user.id));
}

Result<void> AutoReply::set_up(const storage::User& user, const Oof& oof) {
  std::unique_ptr<Away>& away = away_[user.id];
  if (away && away->oof.period == oof.period) {
    away->oof = oof;
    return {};
  }
  away.reset();
  auto made = [&]() -> Result<std::unique_ptr<Away>> {
    auto fresh = std::make_unique<Away>();
    fresh->user = user;
    fresh->oof = oof;
    fresh->addresses = {user.address};
    if (services_.addresses != nullptr) {
      GODWIT_ASSIGN(const storage::Profile profile, services_.addresses->profile(user.id));
      for (const std::string& other : profile.other_addresses) fresh->addresses.push_back(other);
    }
    GODWIT_TRY(Ledger::forget_others(*services_.settings, user.id, oof.period));
    GODWIT_ASSIGN(fresh->mailbox, services_.mail->open(user.id, user.address));
    GODWIT_ASSIGN(fresh->inbox, inbox_of(*fresh->mailbox));
    fresh->waiting.emplace(
        *services_.hub, user.id, fresh->mailbox, std::vector<storage::CollectionId>{fresh->inbox},
        storage::hub_event::kAdded, [this, id = user.id](const storage::HubEvent&) { notice(id); });
    return fresh;
  }();
  if (!made) {
    away_.erase(user.id);  // `away` is gone now
    return storage::fail(std::move(made.error()));
  }
  away = *std::move(made);
  return {};
}

Result<Audience> AutoReply::audience_of(Away& away, const std::string& sender) {
  GODWIT_ASSIGN(const bool internal,
                is_internal(*services_.directory, services_.local_domains, sender));
  if (internal) return Audience::internal;
  const OofMessage& known = away.oof.message(Audience::external_known);
  const OofMessage& unknown = away.oof.message(Audience::external_unknown);
  if (known == unknown) return Audience::external_unknown;  // no need to look
  GODWIT_ASSIGN(const bool knows, away.known.knows(*away.mailbox, sender));
  return knows ? Audience::external_known : Audience::external_unknown;
}

Result<void> AutoReply::reply(Away& away, const MessageHeader& header, const std::string& sender,
                              Audience audience) {
  Ledger ledger(*services_.settings, away.user.id, away.oof.period);
  GODWIT_ASSIGN(const Answered answered, ledger.answered(sender));
  const bool again_is_safe = services_.directory->find(sender).has_value();
  if (answered == Answered::yes || (answered == Answered::begun && !again_is_safe)) return {};
  GODWIT_TRY(ledger.note(sender, Answered::begun));
  storage::OutgoingMail mail;
  mail.recipients = {sender};
  mail.identity = ledger.identity(sender);
  const std::string& own = away.user.address;
  const std::string message_id = mail.identity + ".autoreply" + own.substr(own.rfind('@'));
  ReplyParts parts;
  parts.from_address = own;
  parts.from_name = away.user.display_name;
  parts.recipient = sender;
  parts.message_id = message_id;
  parts.now = services_.clock->now_ms();
  const std::string bytes = make_reply(header, away.oof.message(audience), parts);
  mail.bytes = bytes;
  const auto sent = services_.sender->send(mail);
  if (!sent && sent.error().kind == ErrorKind::unavailable) {
    GODWIT_TRY(ledger.note(sender, Answered::no));  // nothing was handed over
    return storage::fail(sent.error());
  }
  GODWIT_TRY(ledger.note(sender, Answered::yes));
  log_event(sent ? LogLevel::info : LogLevel::warning,
            sent ? "automatic reply sent" : "automatic reply refused",
            {{"user", own},
             {"audience", kAudienceNames[static_cast<std::size_t>(audience)]},
             {"reason", sent ? std::string() : sent.error().message}});
  return {};
}

// The error when it is to be tried again later.
Result<void> AutoReply::consider(Away& away, storage::ItemId id) {
  const auto bytes = away.mailbox->bytes(away.inbox, id);
  if (!bytes) {
    if (bytes.error().kind == ErrorKind::unavailable) return storage::fail(bytes.error());
    return {};  // gone, or unreadable
  }
  const MessageHeader header(bytes->view());
  const Verdict verdict = judge(header, away.addresses);
  if (!verdict.answer()) {
    log_event(LogLevel::debug, "not answered automatically",
              {{"user", away.user.address}, {"item", id}, {"reason", verdict.why_not}});
    return {};
  }
  GODWIT_ASSIGN(const Audience audience, audience_of(away, verdict.recipient));
  const OofMessage& message = away.oof.message(audience);
  if (!message.enabled || message.text.empty()) return {};
  if (audience != Audience::internal && !services_.external_replies) return {};
  return reply(away, header, verdict.recipient, audience);
}

// The first look in a period: what arrived since it began. Done again from the start when it was
// cut short.
Result<void> AutoReply::answer_first(Away& away) {
  GODWIT_ASSIGN(const storage::Seq head, away.mailbox->head(away.inbox));
  const storage::Position upto{std::numeric_limits<UnixMillis>::max(),
                               std::numeric_limits<storage::ItemId>::max()};
  storage::Position from{away.oof.active_since(), 0};
  for (;;) {
    GODWIT_ASSIGN(const storage::ListPage page,
                  away.mailbox->oldest_first(away.inbox, from, upto, kPage));
    for (const storage::Listed& item : page.items) {
      if (stopping()) return {};
      if (item.created_seq <= head) GODWIT_TRY(consider(away, item.id));
    }
    if (!page.more || page.items.empty()) break;
    from = page.items.back().position();
    ++from.id;
  }
  Ledger ledger(*services_.settings, away.user.id, away.oof.period);
  return ledger.set_cursor(away.inbox, head);
}

Result<void> AutoReply::answer_new(Away& away) {
  Ledger ledger(*services_.settings, away.user.id, away.oof.period);
  GODWIT_ASSIGN(auto cursor, ledger.cursor(away.inbox));
  if (!cursor) {
    GODWIT_TRY(answer_first(away));
    GODWIT_ASSIGN(cursor, ledger.cursor(away.inbox));
    if (!cursor) return {};  // stopped
  }
  GODWIT_TRY(away.mailbox->head(away.inbox));  // brings the log up to date
  for (;;) {
    const auto page = away.mailbox->changes(away.inbox, *cursor, kPage);
    if (!page) {
      if (page.error().kind == ErrorKind::expired) return answer_first(away);
      return storage::fail(page.error());
    }
    const storage::Seq before = *cursor;
    Result<void> done;
    for (const storage::Change& change : page->changes) {
      if (stopping()) break;
      const bool added = (change.aspects & storage::aspect::kAdded) != 0;
      const bool removed = (change.aspects & storage::aspect::kRemoved) != 0;
      if (added && !removed && change.date >= away.oof.active_since()) {
        done = consider(away, change.id);
        if (!done) break;
      }
      cursor = change.log_seq;
    }
    if (*cursor != before) GODWIT_TRY(ledger.set_cursor(away.inbox, *cursor));
    if (!done) return done;
    if (!page->more || page->changes.empty() || stopping()) return {};
  }
}

}  // namespace eas::autoreply
