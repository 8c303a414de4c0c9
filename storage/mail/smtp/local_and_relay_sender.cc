// The order matters. Everything that can fail for now comes before the relay's acceptance: local
// mailboxes can be delivered to again without harm, the relay cannot. After it only reports remain,
// whose failure is logged: asking the phone to send again would send the mail again.
#include "storage/mail/smtp/local_and_relay_sender.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "storage/base/crypto.h"
#include "storage/base/log.h"
#include "storage/base/text.h"

namespace storage::smtp {

namespace {

// Notes are kept this long; a phone resends within hours.
constexpr UnixMillis kKeepNotes = 30LL * 24 * 3600 * 1000;

constexpr std::array kMigrations = {
    Migration{"mail-sender-001",
              "CREATE TABLE mail_relayed (identity {blob} PRIMARY KEY, noted BIGINT NOT NULL, "
              "refused {blob} NOT NULL); CREATE INDEX mail_relayed_noted ON mail_relayed (noted)"}};

std::string host_name() {
  std::array<char, 256> buffer{};
  if (::gethostname(buffer.data(), buffer.size() - 1) != 0 || buffer[0] == '\0') return "localhost";
  return buffer.data();
}

// 50 bytes: a mailbox takes identities of up to 64.
std::string derived(std::string_view kind, std::string_view identity, std::string_view recipient) {
  std::string text(identity);
  text += '\0';
  text += recipient;
  return std::string(kind) + to_hex(sha256(text)).substr(0, 46);
}

// Refusals as one column: recipient TAB code TAB reply, a line each.
std::string pack(const std::vector<Refusal>& refusals) {
  std::string text;
  for (const Refusal& refusal : refusals) {
    std::string reply = refusal.reply;
    std::replace_if(
        reply.begin(), reply.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
    text += refusal.recipient + '\t' + std::to_string(refusal.code) + '\t' + reply + '\n';
  }
  return text;
}

std::vector<Refusal> unpack(std::string_view text) {
  std::vector<Refusal> refusals;
  for (const std::string_view line : split(text, '\n')) {
    const auto fields = split(line, '\t');
    if (fields.size() != 3) continue;
    refusals.push_back({std::string(fields[0]),
                        static_cast<int>(parse_int(fields[1]).value_or(550)),
                        std::string(fields[2])});
  }
  return refusals;
}

Undelivered undelivered_from(const Refusal& refusal) {
  // A reply "550 5.1.1 …" carries its status; otherwise the general one.
  std::string status = "5.0.0";
  const auto words = split(refusal.reply, ' ');
  if (words.size() > 1 && words[1].starts_with("5.")) status = words[1];
  return {refusal.recipient, status, "smtp; " + refusal.reply, "the mail server refused it."};
}

Undelivered undelivered_for(const std::string& address, ErrorKind kind) {
  if (kind == ErrorKind::too_large) return {address, "5.2.2", "", "the mailbox is full."};
  return {address, "5.2.0", "", "the mailbox cannot take mail."};
}

Result<CollectionId> inbox_of(Mailbox& mailbox) {
  GODWIT_ASSIGN(const HierarchyPage page, mailbox.folders());
  for (const MailFolder& folder : page.folders) {
    if (folder.role == FolderRole::inbox) return folder.id;
  }
  return fail(ErrorKind::unavailable, "the mailbox has no Inbox");
}

}  // namespace

LocalAndRelaySender::LocalAndRelaySender(SenderOptions options, MailStore& store,
                                         Database& database, RecipientResolver resolver)
    : options_(std::move(options)),
      store_(store),
      database_(database),
      resolver_(std::move(resolver)) {}

Result<std::unique_ptr<LocalAndRelaySender>> LocalAndRelaySender::open(SenderOptions options,
                                                                       MailStore& store,
                                                                       Database& database,
                                                                       RecipientResolver resolver) {
  GODWIT_TRY(migrate(database, kMigrations));
  if (options.host.empty()) options.host = host_name();
  return std::unique_ptr<LocalAndRelaySender>(
      new LocalAndRelaySender(std::move(options), store, database, std::move(resolver)));
}

UnixMillis LocalAndRelaySender::now() const {
  return options_.clock != nullptr ? options_.clock->now_ms() : SystemClock().now_ms();
}

bool LocalAndRelaySender::is_local_domain(std::string_view address) const {
  const std::string_view domain = address.substr(address.rfind('@') + 1);
  return std::any_of(options_.local_domains.begin(), options_.local_domains.end(),
                     [&](const std::string& local) { return equals_ignore_case(local, domain); });
}

// A user meant twice (by another address, by a group) gets one copy. Groups come resolved: mail is
// never sent on to a group from here, so none can send it round in a circle.
Result<bool> LocalAndRelaySender::plan_local(std::string_view recipient, Plan& plan) const {
  const auto add = [&plan](LocalRecipient user) {
    const bool known = std::any_of(plan.local.begin(), plan.local.end(),
                                   [&](const Local& each) { return each.user == user.first; });
    if (!known) plan.local.push_back({user.first, std::move(user.second)});
  };
  auto user = resolver_(recipient);
  if (user) {
    add(std::move(*user));
    return true;
  }
  if (user.error().kind != ErrorKind::not_found) return fail(std::move(user.error()));
  if (!options_.group_members) return false;
  auto members = options_.group_members(recipient);
  if (!members) {
    if (members.error().kind != ErrorKind::not_found) return fail(std::move(members.error()));
    return false;
  }
  if (members->empty()) {
    plan.undelivered.push_back(
        {std::string(recipient), "5.2.4", "", "there is nobody in this group."});
  }
  for (LocalRecipient& member : *members) add(std::move(member));
  return true;
}

// Who goes where. Fails before anything is delivered.
Result<LocalAndRelaySender::Plan> LocalAndRelaySender::plan(const OutgoingMail& mail) const {
  Plan plan;
  for (const std::string& recipient : mail.recipients) {
    if (!is_plain_address(recipient)) {
      plan.undelivered.push_back({"(malformed)", "5.1.3", "", "this is no mail address."});
      continue;
    }
    GODWIT_ASSIGN(const bool local, plan_local(recipient, plan));
    if (local) continue;
    if (is_local_domain(recipient)) {
      plan.undelivered.push_back({recipient, "5.1.1", "", "there is no such mailbox here."});
    } else {
      plan.remote.push_back(recipient);
    }
  }
  if (!plan.remote.empty() && options_.relay.url.empty()) {
    return fail(ErrorKind::denied, "recipients elsewhere, and no mail relay is configured");
  }
  return plan;
}

Result<void> LocalAndRelaySender::deliver(const OutgoingMail& mail, std::string_view bytes,
                                          const Local& to) const {
  GODWIT_ASSIGN(const auto mailbox, store_.open(to.user, to.address));
  GODWIT_ASSIGN(const CollectionId inbox, inbox_of(*mailbox));
  std::string text = trace_lines(mail.sender, to.address, options_.host, now());
  text += bytes;
  const std::string identity =
      mail.identity.empty() ? std::string() : derived("d-", mail.identity, to.address);
  GODWIT_TRY(mailbox->append(inbox, text, {}, now(), identity));
  return {};
}

// One mailbox that is out of order stops nobody else's mail. For good: the sender is told. For now:
// the whole is sent again, which those who have their copy do not notice.
Result<void> LocalAndRelaySender::deliver_to_all(const OutgoingMail& mail, std::string_view bytes,
                                                 Plan& plan) const {
  Result<void> outcome;
  for (const Local& to : plan.local) {
    auto delivered = deliver(mail, bytes, to);
    if (delivered) continue;
    const Error& error = delivered.error();
    log_event(LogLevel::error, "a local mailbox did not take a mail",
              {{"user", to.address}, {"reason", error.message}});
    if (is_temporary(error)) {
      outcome = std::move(delivered);
    } else {
      plan.undelivered.push_back(undelivered_for(to.address, error.kind));
    }
  }
  return outcome;
}

Result<void> LocalAndRelaySender::hand_to_relay(const OutgoingMail& mail, std::string_view bytes,
                                                Plan& plan) const {
  if (plan.remote.empty()) return {};
  const Blob key{derived("r-", mail.identity, "")};
  std::optional<std::vector<Refusal>> refused;
  if (!mail.identity.empty()) {
    GODWIT_TRY(database_.read([&](Connection& connection) -> Result<void> {
      GODWIT_ASSIGN(
          const Rows rows,
          connection.query("SELECT refused FROM mail_relayed WHERE identity = $1", {key}));
      if (!rows.empty()) refused = unpack(rows.text(0, 0));
      return {};
    }));
  }
  if (!refused) {
    GODWIT_ASSIGN(refused, relay(options_.relay, mail.sender, plan.remote, bytes));
    const auto noted = database_.write([&](Connection& connection) -> Result<void> {
      if (mail.identity.empty()) return {};
      GODWIT_ASSIGN(
          const std::int64_t forgotten,
          connection.execute("DELETE FROM mail_relayed WHERE noted < $1", {now() - kKeepNotes}));
      (void)forgotten;
      GODWIT_TRY(
          connection.execute("INSERT INTO mail_relayed (identity, noted, refused) VALUES "
                             "($1, $2, $3) ON CONFLICT DO NOTHING",
                             {key, now(), Blob{pack(*refused)}}));
      return {};
    });
    if (!noted) {
      log_event(LogLevel::error, "a relayed mail could not be noted",
                {{"reason", noted.error().message}});
    }
  }
  for (const Refusal& refusal : *refused) {
    plan.undelivered.push_back(undelivered_from(refusal));
  }
  return {};
}

Result<void> LocalAndRelaySender::store_report(const OutgoingMail& mail,
                                               const std::vector<Undelivered>& undelivered) const {
  GODWIT_ASSIGN(const auto user, resolver_(mail.sender));
  GODWIT_ASSIGN(const auto mailbox, store_.open(user.first, user.second));
  GODWIT_ASSIGN(const CollectionId inbox, inbox_of(*mailbox));
  const std::string id =
      mail.identity.empty() ? to_hex(random_bytes(20)) : derived("n-", mail.identity, mail.sender);
  Report report;
  report.reporting_host = options_.host;
  report.sender = mail.sender;
  report.message_id = id + "@" + options_.host;
  report.now = now();
  report.undelivered = undelivered;
  report.original = mail.bytes;
  const std::string text =
      trace_lines("", user.second, options_.host, now()) + delivery_report(report);
  GODWIT_TRY(mailbox->append(inbox, text, {}, now(), mail.identity.empty() ? "" : id));
  return {};
}

void LocalAndRelaySender::report(const OutgoingMail& mail,
                                 const std::vector<Undelivered>& undelivered) const {
  if (undelivered.empty() || mail.sender.empty()) return;
  const auto stored = store_report(mail, undelivered);
  if (stored) return;
  log_event(LogLevel::error, "a non-delivery report could not be stored",
            {{"sender", mail.sender},
             {"recipients", undelivered.size()},
             {"reason", stored.error().message}});
}

Result<void> LocalAndRelaySender::send(const OutgoingMail& mail) {
  if (mail.recipients.empty()) return fail(ErrorKind::invalid, "no recipients");
  if (!mail.sender.empty() && !is_plain_address(mail.sender))
    return fail(ErrorKind::invalid, "no sender address");
  GODWIT_ASSIGN(Plan plan, this->plan(mail));
  // Phones send bare line feeds too; what is stored and sent has CRLF throughout.
  std::string copy;
  std::string_view bytes = mail.bytes;
  if (has_bare_line_feed(bytes)) {
    copy = with_crlf(bytes);
    bytes = copy;
  }
  GODWIT_TRY(deliver_to_all(mail, bytes, plan));
  GODWIT_TRY(hand_to_relay(mail, bytes, plan));
  report(mail, plan.undelivered);
  return {};
}

}  // namespace storage::smtp
