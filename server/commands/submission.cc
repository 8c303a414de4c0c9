// The ledger row is written before the message leaves, and marked done after. A submission is known
// by ClientId and a digest of its bytes (up to 12.1, where there is no ClientId, by the digest).
//
//   no row            → send
//   row, not done     → the process ended in between, or somebody could not be reached: send again
//                       under the same identity, by which the mailboxes recognise what they have
//   row, done         → answer as sent
//
// Two equal messages without ClientId, Message-ID and Date may be meant twice ("yes", "yes"): for
// those a row counts for an hour only.
#include "server/commands/submission.h"

#include <string_view>
#include <utility>

#include "server/commands/outgoing_message.h"
#include "server/commands/status.h"
#include "server/sync/collection_locks.h"
#include "storage/base/crypto.h"
#include "storage/base/log.h"
#include "storage/base/text.h"

namespace eas {
namespace {

using storage::ErrorKind;
using storage::LogLevel;
using storage::Result;

constexpr storage::UnixMillis kWeakWindow = storage::UnixMillis{60} * 60 * 1000;

// A submission's place in the ledger.
struct Ticket {
  std::string key;
  std::string identity;  // for the mailboxes; at most 40 characters
  bool known = false;    // it was tried before, and somebody may have it
  bool done = false;     // it was sent before
};

std::string digest(std::string_view text) { return storage::to_hex(storage::sha256(text)); }

Result<Ticket> open_ticket(const Request& request, const Services& services,
                           const Submission& submission, const std::string& key) {
  storage::StateStore& state = *services.state;
  const storage::UnixMillis now = services.clock->now_ms();
  Ticket ticket;
  ticket.key = key;
  std::string seed = std::to_string(request.device.id) + ":" + key;
  GODWIT_ASSIGN(auto noted, state.begin_send(request.device.id, key, now));
  if (submission.client_id.empty() && !bears_identity(submission.mime)) {
    if (noted && noted->done && now - noted->when >= kWeakWindow) {
      GODWIT_TRY(state.cancel_send(request.device.id, key));
      GODWIT_ASSIGN(noted, state.begin_send(request.device.id, key, now));
    }
    seed += ":" + std::to_string(noted ? noted->when : now);
  }
  ticket.known = noted.has_value();
  ticket.done = noted && noted->done;
  ticket.identity = digest(seed).substr(0, 40);
  return ticket;
}

CommandError parse_error(const storage::Error& error) {
  switch (error.kind) {
    case ErrorKind::invalid:
      return command_error(status::kInvalidMime, error.message);
    case ErrorKind::not_found:
      return command_error(status::kNoRecipient, error.message);
    case ErrorKind::denied:
      return command_error(status::kRecipientUnresolved, error.message);
    default:
      return command_error(error);
  }
}

CommandError send_error(const storage::Error& error) {
  if (is_temporary(error)) return command_error(status::kServerErrorRetryLater, error.message);
  switch (error.kind) {
    case ErrorKind::invalid:
      return command_error(status::kNoRecipient, error.message);
    default:
      return command_error(status::kSubmissionFailed, error.message);
  }
}

Result<void> keep_copy(const Request& request, const Services& services, OutgoingMessage& message,
                       const std::string& identity) {
  GODWIT_ASSIGN(const storage::HierarchyPage page, request.mailbox->folders());
  for (const storage::MailFolder& folder : page.folders) {
    if (folder.role != storage::FolderRole::sent) continue;
    storage::MessageFlags flags;
    flags.seen = true;
    GODWIT_TRY(request.mailbox->append(folder.id, message.kept(), flags, services.clock->now_ms(),
                                       identity + ":sent"));
    return {};
  }
  return storage::fail(ErrorKind::not_found, "there is no Sent folder");
}

// Sending the same message twice at once must not send it twice. Negative numbers are no
// collections.
storage::CollectionId lock_of(std::string_view key) {
  std::uint64_t value = 0;
  for (const char c : key.substr(0, 15)) {
    value = value * 31 + static_cast<unsigned char>(c);
  }
  return -1000 - static_cast<storage::CollectionId>(value >> 2);
}

std::string key_of(const Submission& submission) {
  std::string text = submission.client_id + ":" + storage::sha256(submission.mime);
  if (!submission.about.empty()) text += ":" + submission.about;
  return digest(text);
}

void log_repeat(const Request& request) {
  storage::log_event(LogLevel::info, "mail was sent before",
                     {{"user", request.user.address}, {"device", request.device.device_id}});
}

std::variant<OutgoingMessage, CommandError> make_message(const Request& request,
                                                         const Services& services,
                                                         Submission& submission,
                                                         const std::string& identity) {
  std::string mime = std::move(submission.mime);
  if (submission.compose) {
    auto composed = submission.compose(mime);
    if (auto* error = std::get_if<CommandError>(&composed)) return std::move(*error);
    mime = std::move(std::get<std::string>(composed));
  }
  auto message =
      OutgoingMessage::prepare(std::move(mime), {request.user.address, request.user.display_name},
                               identity, services.clock->now_ms());
  if (!message) return parse_error(message.error());
  return std::move(*message);
}

// Nothing came of it, and the phone is told so for good. Of an earlier try something may have.
void forget(const Request& request, const Services& services, const Ticket& ticket) {
  if (!ticket.known) (void)services.state->cancel_send(request.device.id, ticket.key);
}

// nullopt: it is out, whatever fails after that is for the log: the phone must not send again.
std::optional<CommandError> send_out(const Request& request, const Services& services,
                                     OutgoingMessage& message, const Ticket& ticket) {
  storage::OutgoingMail mail;
  mail.sender = request.user.address;
  mail.recipients = message.recipients();
  mail.bytes = message.transmitted();
  mail.identity = ticket.identity;
  const auto sent = services.sender->send(mail);
  if (!sent) {
    // Local recipients may have it already: the phone's next try must have the same identity.
    if (!is_temporary(sent.error())) forget(request, services, ticket);
    return send_error(sent.error());
  }
  if (const auto noted = services.state->finish_send(request.device.id, ticket.key); !noted) {
    storage::log_event(LogLevel::error, "sent mail could not be noted",
                       {{"user", request.user.address}, {"reason", noted.error().message}});
  }
  return std::nullopt;
}

}  // namespace

std::variant<Submitted, CommandError> submit(const Request& request, const Services& services,
                                             Submission submission) {
  const std::string key = key_of(submission);
  const auto guard = services.locks->lock(request.device.id, {lock_of(key)});
  auto ticket = open_ticket(request, services, submission, key);
  if (!ticket) return command_error(ticket.error());
  if (ticket->done && !submission.keep_copy) {
    log_repeat(request);
    return Submitted{true, {}};
  }
  auto made = make_message(request, services, submission, ticket->identity);
  if (auto* error = std::get_if<CommandError>(&made)) {
    if (ticket->done) {  // what it was made from has changed since
      log_repeat(request);
      return Submitted{true, {}};
    }
    forget(request, services, *ticket);
    return std::move(*error);
  }
  auto& message = std::get<OutgoingMessage>(made);
  if (ticket->done) {
    log_repeat(request);
  } else if (auto error = send_out(request, services, message, *ticket)) {
    return *std::move(error);
  }
  // Also for a repeat: the process may have ended before the copy was kept. The mailbox knows it by
  // its identity, so there is never a second one.
  if (submission.keep_copy) {
    if (const auto kept = keep_copy(request, services, message, ticket->identity); !kept) {
      storage::log_event(LogLevel::error, "no copy in Sent",
                         {{"user", request.user.address}, {"reason", kept.error().message}});
    }
  }
  return Submitted{ticket->done, message.recipients()};
}

Result<bool> was_submitted(const Request& request, const Services& services,
                           const Submission& submission) {
  const std::string key = key_of(submission);
  const auto guard = services.locks->lock(request.device.id, {lock_of(key)});
  GODWIT_ASSIGN(const auto noted,
                services.state->begin_send(request.device.id, key, services.clock->now_ms()));
  if (!noted) GODWIT_TRY(services.state->cancel_send(request.device.id, key));
  return noted && noted->done;
}

}  // namespace eas
