#include "server/commands/drafts.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "server/commands/own_changes.h"
#include "server/commands/status.h"
#include "server/commands/submission.h"
#include "server/items/compose/addresses.h"
#include "server/items/compose/draft.h"
#include "server/items/email/conversation.h"
#include "server/items/email/headers.h"
#include "server/sync/server_id.h"
#include "storage/base/crypto.h"
#include "storage/base/log.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"
#include "wbxml/encoder.h"

namespace eas {
namespace {

using storage::ErrorKind;
using storage::ItemId;
using storage::Result;
namespace airsync = wbxml::airsync;
namespace base = wbxml::airsync_base;
namespace mail2 = wbxml::email2;

// Status values of an item. [MS-ASCMD] 2.2.3.177.17, 2.2.2
constexpr int kSuccess = 1;
constexpr int kConversionError = 6;
constexpr int kConflict = 7;
constexpr int kNotFound = 8;
constexpr int kRetry = 16;
constexpr int kTries = 4;

std::string digest(std::string_view text) {
  return storage::to_hex(storage::sha256(text)).substr(0, 40);
}

std::string_view domain_of(std::string_view address) {
  const std::size_t at = address.rfind('@');
  return at == std::string_view::npos ? "localhost" : address.substr(at + 1);
}

compose::DraftStamp stamp_of(const Request& request, const Services& services,
                             const std::string& mark) {
  compose::DraftStamp stamp;
  const email::Address from{request.user.display_name, request.user.address};
  stamp.from =
      compose::address_field("From", email::format_addresses({from}, ", ", std::size_t{4096}));
  stamp.date = compose::date_field(services.clock->now_ms());
  stamp.message_id = "<" + mark + "@" + std::string(domain_of(request.user.address)) + ">";
  stamp.command = mark;
  return stamp;
}

// The status of an item whose draft could not be sent; what is wrong with the recipients is 183.
int status_of(const CommandError& error) {
  switch (error.status) {
    case status::kNoRecipient:
    case status::kRecipientUnresolved:
      return status::kInvalidRecipients;
    case status::kServerErrorRetryLater:
      return kRetry;
    case status::kInvalidMime:
      return kConversionError;
    default:
      return error.status;
  }
}

}  // namespace

// A draft as it lies in the folder after a command.
struct Drafts::Saved {
  int status = kSuccess;
  storage::MessageInfo info;
  bool gone = false;                 // removed since, perhaps because it was sent
  bool renumbered = false;           // attachments that stay have other numbers
  std::string bytes;                 // the draft; "" when it is gone
  std::vector<std::string> numbers;  // of the attachments that this command added
};

Result<bool> Drafts::takes_drafts() {
  if (context_.request.version < Version::v16_0) return false;
  if (takes_ < 0) {
    const auto folder = context_.request.mailbox->folder(context_.collection);
    // A collection of another kind is no mail folder.
    if (!folder && folder.error().kind != ErrorKind::not_found) {
      return storage::fail(folder.error());
    }
    takes_ = folder && folder->role == storage::FolderRole::drafts ? 1 : 0;
  }
  return takes_ == 1;
}

// The same for a command that comes again, and for no other: an id and data may be repeated, but
// not under the same key.
std::string Drafts::command_mark(const ClientCommand& command) const {
  std::string seed = std::to_string(context_.request.device.id) + ":" +
                     std::to_string(context_.collection) + ":" +
                     context_.collection_request.sync_key + ":" + command.server_id + ":" +
                     command.client_id + (command.send ? ":send:" : ":");
  wbxml::Element data = command.data;
  data.tag = airsync::kApplicationData;
  seed += storage::sha256(wbxml::encode(data));
  return digest(seed);
}

// --- Add -----------------------------------------------------------------------------------------

Result<void> Drafts::add(const ClientCommand& command) {
  const std::string mark = command_mark(command);
  const auto edit = compose::parse_draft(command.data, "", {}, context_.request.version);
  if (!edit) {
    respond_add(command, kConversionError, nullptr);
    return {};
  }
  const auto draft =
      compose::edit_draft("", *edit, stamp_of(context_.request, context_.services, mark));
  if (!draft) {
    respond_add(command, kConversionError, nullptr);
    return {};
  }
  if (command.send && !compose::has_valid_recipients(draft->bytes)) {
    respond_add(command, status::kInvalidRecipients, nullptr);
    return {};
  }
  storage::MessageFlags flags;
  flags.draft = true;
  flags.seen = edit->flags.seen.value_or(true);
  flags.flagged = edit->flags.flagged.value_or(false);
  flags.keywords = edit->flags.keywords.value_or(std::vector<std::string>());
  flags.annotation = edit->flags.annotation.value_or("");
  GODWIT_ASSIGN(Saved saved, save_new(command, draft->bytes, flags));
  if (command.send) {
    GODWIT_ASSIGN(saved.status, send(mark, saved.gone ? draft->bytes : saved.bytes));
    if (!saved.gone) {
      // Sent, it is in Sent; not sent, the phone still has it and will say so again.
      const auto removed = context_.request.mailbox->remove(context_.collection, saved.info.id);
      if (!removed && removed.error().kind != ErrorKind::not_found) {
        return storage::fail(removed.error());
      }
    }
    if (saved.status != kSuccess) {
      respond_add(command, saved.status, nullptr);
      return {};
    }
  }
  note_own_change(state_, saved.info.id, saved.gone ? saved.info.created_seq : saved.info.seq,
                  true);
  respond_add(command, kSuccess, &saved);
  return {};
}

// Stores a new draft once. One that was stored by the same Add with other content (the phone went
// on writing while no answer came) gets the new content.
Result<Drafts::Saved> Drafts::save_new(const ClientCommand& command, const std::string& bytes,
                                       const storage::MessageFlags& flags) {
  storage::Mailbox& mailbox = *context_.request.mailbox;
  const std::string identity =
      "draft:" + digest(std::to_string(context_.request.device.id) + ":" +
                        context_.collection_request.sync_key + ":" + command.client_id);
  const std::string mark = command_mark(command);
  Saved saved;
  GODWIT_ASSIGN(saved.info, mailbox.append(context_.collection, bytes, flags,
                                           context_.services.clock->now_ms(), identity));
  for (int attempt = 0; attempt < kTries; ++attempt) {
    const auto stored = mailbox.bytes(context_.collection, saved.info.id);
    if (!stored && stored.error().kind == ErrorKind::not_found) {
      saved.gone = true;
      return saved;
    }
    if (!stored) return storage::fail(stored.error());
    if (auto numbers = compose::added_by(stored->view(), mark)) {
      saved.numbers = std::move(*numbers);
      saved.bytes = stored->view();
      return saved;
    }
    GODWIT_ASSIGN(saved.info, mailbox.message(context_.collection, saved.info.id));
    auto replaced = mailbox.replace(context_.collection, saved.info.id, bytes, saved.info.seq);
    if (replaced) {
      saved.info = std::move(*replaced);
    } else if (replaced.error().kind != ErrorKind::conflict) {
      return storage::fail(replaced.error());
    }
  }
  return storage::fail(ErrorKind::unavailable, "the draft changes all the time");
}

// --- Change --------------------------------------------------------------------------------------

Result<void> Drafts::change(const ClientCommand& command, ItemId id) {
  auto saved = save_change(command, id);
  if (!saved) {
    if (saved.error().kind == ErrorKind::unavailable) return storage::fail(saved.error());
    const bool missing = saved.error().kind == ErrorKind::not_found;
    if (missing && command.send) {
      GODWIT_ASSIGN(const bool sent, was_sent(command_mark(command)));
      if (sent) return {};  // it left the folder when it was sent
    }
    respond_change(command, missing ? kNotFound : kConversionError, nullptr);
    return {};
  }
  if (saved->status != kSuccess) {
    respond_change(command, saved->status, nullptr);
    return {};
  }
  return finish_change(command, id, *saved);
}

Result<void> Drafts::finish_change(const ClientCommand& command, ItemId id, const Saved& saved) {
  // With other numbers the phone needs the whole item again.
  if (!saved.renumbered && saved.info.seq > state_.cursor) {
    note_own_change(state_, id, saved.info.seq);
  }
  if (command.send) {
    int status = status::kInvalidRecipients;
    if (compose::has_valid_recipients(saved.bytes)) {
      GODWIT_ASSIGN(status, send(command_mark(command), saved.bytes));
    }
    if (status != kSuccess) {
      respond_change(command, status, nullptr);
      return {};
    }
    // The removal is told: the draft has left the folder.
    const auto removed = context_.request.mailbox->remove(context_.collection, id);
    if (!removed && removed.error().kind != ErrorKind::not_found) {
      return storage::fail(removed.error());
    }
    return {};
  }
  if (!saved.numbers.empty()) respond_change(command, kSuccess, &saved);
  return {};
}

Result<Drafts::Saved> Drafts::save_change(const ClientCommand& command, ItemId id) {
  storage::Mailbox& mailbox = *context_.request.mailbox;
  const std::string mark = command_mark(command);
  for (int attempt = 0; attempt < kTries; ++attempt) {
    Saved saved;
    GODWIT_ASSIGN(saved.info, mailbox.message(context_.collection, id));
    GODWIT_ASSIGN(const storage::MessageBytes stored, mailbox.bytes(context_.collection, id));
    GODWIT_ASSIGN(const compose::DraftEdit edit,
                  compose::parse_draft(command.data, command.server_id, saved.info,
                                       context_.request.version));
    saved.bytes = stored.view();
    if (auto numbers = compose::added_by(stored.view(), mark)) {
      saved.numbers = std::move(*numbers);  // it was done before
      saved.renumbered = true;
    } else if (edit.changes_content()) {
      GODWIT_ASSIGN(const bool lost, loses_conflict(saved.info));
      if (lost) {
        saved.status = kConflict;
        return saved;
      }
      GODWIT_ASSIGN(compose::Draft draft,
                    compose::edit_draft(stored.view(), edit,
                                        stamp_of(context_.request, context_.services, mark)));
      auto replaced = mailbox.replace(context_.collection, id, draft.bytes, saved.info.seq);
      if (!replaced && replaced.error().kind == ErrorKind::conflict) continue;
      if (!replaced) return storage::fail(replaced.error());
      saved.info = std::move(*replaced);
      saved.renumbered = draft.renumbered;
      saved.numbers = compose::added_by(draft.bytes, mark).value_or(std::vector<std::string>());
      saved.bytes = std::move(draft.bytes);
    }
    GODWIT_ASSIGN(saved.info, mailbox.set_flags(context_.collection, id, edit.flags));
    return saved;
  }
  return storage::fail(ErrorKind::unavailable, "the draft changes all the time");
}

// The server's version stays when its content changed meanwhile and the phone asked for that.
// [MS-ASCMD] 2.2.3.34
Result<bool> Drafts::loses_conflict(const storage::MessageInfo& info) {
  if (!context_.options.server_wins || info.seq <= state_.cursor ||
      is_own_change(state_, info.id, info.seq)) {
    return false;
  }
  constexpr int kPage = 256;
  storage::Seq cursor = state_.cursor;
  for (;;) {
    GODWIT_ASSIGN(const storage::ChangePage page,
                  context_.request.mailbox->changes(context_.collection, cursor, kPage));
    for (const storage::Change& change : page.changes) {
      if (change.id == info.id && change.log_seq == info.seq) {
        return (change.aspects & storage::aspect::kContent) != 0;
      }
      cursor = change.log_seq;
    }
    if (!page.more) return false;
  }
}

// --- Send ----------------------------------------------------------------------------------------

namespace {

// Known by the command alone: when it comes again the draft is no longer there to be compared.
Submission submission_of(const std::string& mark) {
  Submission submission;
  submission.client_id = "draft";
  submission.about = mark;
  submission.keep_copy = true;
  return submission;
}

}  // namespace

// The status of the item. Fails only when a store is unavailable.
Result<int> Drafts::send(const std::string& mark, const std::string& bytes) {
  Submission submission = submission_of(mark);
  submission.compose = [&](const std::string&) -> std::variant<std::string, CommandError> {
    return compose::draft_to_send(bytes);
  };
  const auto sent = submit(context_.request, context_.services, std::move(submission));
  const auto* error = std::get_if<CommandError>(&sent);
  if (error == nullptr) return kSuccess;
  log_refusal(context_.request, "Sync", status_of(*error), error->reason);
  return status_of(*error);
}

Result<bool> Drafts::was_sent(const std::string& mark) {
  return was_submitted(context_.request, context_.services, submission_of(mark));
}

// --- responses -----------------------------------------------------------------------------------

// Which FileReference each new attachment has got. [MS-ASAIRS] 2.2.2.7, 2.2.2.14
void Drafts::write_files(const ClientCommand& command, const Saved& saved) {
  const bool any = std::any_of(saved.numbers.begin(), saved.numbers.end(),
                               [](const std::string& number) { return !number.empty(); });
  if (!any) return;
  const auto edit =
      compose::parse_draft(command.data, command.server_id, saved.info, context_.request.version);
  if (!edit) return;
  out_.start(base::kAttachments);
  for (std::size_t i = 0; i < edit->added.size() && i < saved.numbers.size(); ++i) {
    if (saved.numbers[i].empty()) continue;
    out_.start(base::kAttachment);
    out_.text(base::kFileReference,
              to_item_id(context_.collection, saved.info.id) + ":" + saved.numbers[i]);
    out_.text(base::kClientId, edit->added[i].client_id);
    out_.end();
  }
  out_.end();
}

void Drafts::respond_add(const ClientCommand& command, int status, const Saved* saved) {
  out_.start(airsync::kAdd);
  out_.text(airsync::kClientId, command.client_id);
  if (saved != nullptr) {
    out_.text(airsync::kServerId, to_item_id(context_.collection, saved->info.id));
  }
  out_.number(airsync::kStatus, status);
  const auto mime = email::Mime::parse(saved == nullptr ? std::string_view() : saved->bytes);
  if (mime) {
    const email::Envelope envelope = email::read_envelope(*mime);
    out_.start(airsync::kApplicationData);
    write_files(command, *saved);
    out_.opaque(mail2::kConversationId, email::conversation_id(*mime, envelope.thread_topic));
    out_.opaque(mail2::kConversationIndex, email::conversation_index(*mime, saved->info.date));
    out_.end();
  }
  out_.end();
}

void Drafts::respond_change(const ClientCommand& command, int status, const Saved* saved) {
  out_.start(airsync::kChange);
  out_.text(airsync::kServerId, command.server_id);
  out_.number(airsync::kStatus, status);
  if (saved != nullptr) {
    out_.start(airsync::kApplicationData);
    write_files(command, *saved);
    out_.end();
  }
  out_.end();
}

}  // namespace eas
