#include "server/commands/client_commands.h"

#include <algorithm>

#include "server/commands/drafts.h"
#include "server/commands/own_changes.h"
#include "server/commands/sync_render.h"
#include "server/items/compose/draft.h"
#include "server/items/email/email.h"
#include "server/receipts/read_listener.h"
#include "server/sync/server_id.h"
#include "wbxml/code_pages.h"

namespace eas {
namespace {

using storage::ErrorKind;
using storage::ItemId;
namespace airsync = wbxml::airsync;

// Status values of an item. [MS-ASCMD] 2.2.3.177.17
constexpr int kSuccess = 1;
constexpr int kConversionError = 6;
constexpr int kConflict = 7;
constexpr int kNotFound = 8;
constexpr int kRetry = 16;

// How items are told of may be cut; a Fetch is for the complete item, unless its own request says
// otherwise. [MS-ASCMD] R2955, R2956
BodyOptions fetch_options(const ClientCommandContext& context) {
  BodyOptions options = context.options.body;
  if (context.collection_request.options) return options;
  options.truncation.reset();
  options.mime_truncation.reset();
  for (BodyPreference& preference : options.preferences) {
    preference.truncation_size.reset();
    preference.all_or_none = false;
  }
  if (options.part) options.part->truncation_size.reset();
  return options;
}

class Applier {
 public:
  Applier(const ClientCommandContext& context, CollectionState& state, wbxml::Encoder& responses)
      : context_(context),
        mailbox_(*context.request.mailbox),
        collection_(context.collection),
        state_(state),
        out_(responses),
        drafts_(context, state, responses) {}

  storage::Result<void> apply(const ClientCommand& command) {
    if (command.kind == ClientCommand::Kind::add) return add(command);
    const auto id = parse_item_id(command.server_id);
    if (!id || id->first != collection_) {
      respond(command, kNotFound);
      return {};
    }
    switch (command.kind) {
      case ClientCommand::Kind::change:
        return change(command, id->second);
      case ClientCommand::Kind::remove:
        return remove(command, id->second);
      default:
        return fetch(command, id->second);
    }
  }

 private:
  storage::Result<void> add(const ClientCommand& command) {
    if (command.item_class.empty() || command.item_class == "Email") {
      GODWIT_ASSIGN(const bool draft, drafts_.takes_drafts());
      if (draft) return drafts_.add(command);
    }
    refuse_add(command);
    return {};
  }

  storage::Result<void> change(const ClientCommand& command, ItemId id) {
    if (command.send || compose::is_draft_data(command.data)) {
      GODWIT_ASSIGN(const bool draft, drafts_.takes_drafts());
      if (draft) return drafts_.change(command, id);
      if (command.send) {
        respond(command, kConversionError);
        return {};
      }
    }
    auto info = mailbox_.message(collection_, id);
    if (!info) return respond_failure(command, info.error());
    auto wanted = email::parse_change(command.data, *info, context_.request.version);
    if (!wanted) return respond_failure(command, wanted.error());
    GODWIT_ASSIGN(const bool lost, loses_conflict(*info, *wanted));
    if (lost) {
      respond(command, kConflict);
      return {};
    }
    if (wanted->seen.value_or(false) && !info->flags.seen) GODWIT_TRY(tell_read(id));
    auto changed = mailbox_.set_flags(collection_, id, *wanted);
    if (!changed) return respond_failure(command, changed.error());
    if (changed->seq != info->seq) note_own(id, changed->seq);
    return {};
  }

  // The sender may have asked for a read receipt.
  storage::Result<void> tell_read(ItemId id) {
    receipts::ReadListener* listener = context_.services.read_listener;
    if (listener == nullptr) return {};
    return listener->message_read(context_.request.user, mailbox_, collection_, id);
  }

  // The server's version stays when it changed the same thing meanwhile and the phone asked for
  // that. [MS-ASCMD] 2.2.3.34
  storage::Result<bool> loses_conflict(const storage::MessageInfo& info,
                                       const storage::FlagChange& wanted) {
    if (!context_.options.server_wins || info.seq <= state_.cursor || is_own(info)) return false;
    GODWIT_ASSIGN(const unsigned aspects, aspects_since_cursor(info));
    const auto differs = [&](unsigned bit, bool wants_other) {
      return (aspects & bit) != 0 && wants_other;
    };
    return differs(storage::aspect::kRead, wanted.seen && *wanted.seen != info.flags.seen) ||
           differs(storage::aspect::kFlag,
                   wanted.flagged && *wanted.flagged != info.flags.flagged) ||
           differs(storage::aspect::kCategories,
                   wanted.keywords && *wanted.keywords != info.flags.keywords);
  }

  storage::Result<unsigned> aspects_since_cursor(const storage::MessageInfo& info) {
    constexpr int kPage = 256;
    storage::Seq cursor = state_.cursor;
    for (;;) {
      GODWIT_ASSIGN(const storage::ChangePage page, mailbox_.changes(collection_, cursor, kPage));
      for (const storage::Change& change : page.changes) {
        if (change.id == info.id && change.log_seq == info.seq) return change.aspects;
        cursor = change.log_seq;
      }
      if (!page.more) return 0u;
    }
  }

  storage::Result<void> remove(const ClientCommand& command, ItemId id) {
    GODWIT_ASSIGN(const bool to_trash, moves_to_trash());
    if (to_trash) {
      auto moved = mailbox_.move(collection_, id, trash_);
      if (moved) {
        note_own(id, moved->source_seq);
        return {};
      }
      return respond_missing_remove(command, id, moved.error());
    }
    auto removed = mailbox_.remove(collection_, id);
    if (removed) {
      note_own(id, *removed);
      return {};
    }
    return respond_missing_remove(command, id, removed.error());
  }

  // Deleting in Deleted Items, or with DeletesAsMoves 0, is for good. [MS-ASCMD] 2.2.3.43
  storage::Result<bool> moves_to_trash() {
    if (!context_.collection_request.deletes_as_moves) return false;
    if (trash_ == 0) {
      GODWIT_ASSIGN(const storage::HierarchyPage hierarchy, mailbox_.folders());
      for (const storage::MailFolder& folder : hierarchy.folders) {
        if (folder.role == storage::FolderRole::trash) trash_ = folder.id;
      }
    }
    return trash_ != 0 && trash_ != collection_;
  }

  // What was here and is gone was deleted before, perhaps by this very command.
  storage::Result<void> respond_missing_remove(const ClientCommand& command, ItemId id,
                                               const storage::Error& error) {
    if (error.kind == ErrorKind::not_found) {
      GODWIT_ASSIGN(const bool gone, mailbox_.was_here(collection_, id));
      if (gone) return {};
    }
    return respond_failure(command, error);
  }

  storage::Result<void> fetch(const ClientCommand& command, ItemId id) {
    if (out_.size() > context_.budget) {
      respond(command, kRetry);
      return {};
    }
    wbxml::Encoder data(wbxml::Encoder::Kind::fragment);
    auto info = mailbox_.message(collection_, id);
    if (!info) return respond_failure(command, info.error());
    auto rendered =
        render_message(context_.request, collection_, *info, fetch_options(context_), data);
    if (!rendered) return respond_failure(command, rendered.error());
    out_.start(airsync::kFetch);
    out_.text(airsync::kServerId, command.server_id);
    out_.number(airsync::kStatus, kSuccess);
    out_.start(airsync::kApplicationData);
    out_.append(data);
    out_.end();
    out_.end();
    return {};
  }

  // Mail is added by sending, and drafts in their folder only; classes without a store take
  // nothing. SMS is not kept: its Add gets an id of no folder, so that a phone that insists on SMS
  // goes on. (quirks: Galaxy S3)
  void refuse_add(const ClientCommand& command) {
    const bool sms = command.item_class == "SMS";
    out_.start(airsync::kAdd);
    if (sms) out_.text(airsync::kClass, command.item_class);
    out_.text(airsync::kClientId, command.client_id);
    if (sms) out_.text(airsync::kServerId, "s" + command.client_id.substr(0, 60));
    out_.number(airsync::kStatus, sms ? kSuccess : kConversionError);
    out_.end();
  }

  // A store that is unavailable fails the request: the phone repeats it. Anything else is told.
  storage::Result<void> respond_failure(const ClientCommand& command, const storage::Error& error) {
    switch (error.kind) {
      case ErrorKind::unavailable:
        return storage::fail(error);
      case ErrorKind::not_found:
        respond(command, kNotFound);
        break;
      default:
        respond(command, kConversionError);
        break;
    }
    return {};
  }

  void respond(const ClientCommand& command, int status) {
    switch (command.kind) {
      case ClientCommand::Kind::change:
        out_.start(airsync::kChange);
        break;
      case ClientCommand::Kind::remove:
        out_.start(airsync::kDelete);
        break;
      default:
        out_.start(airsync::kFetch);
        break;
    }
    out_.text(airsync::kServerId, command.server_id);
    out_.number(airsync::kStatus, status);
    out_.end();
  }

  bool is_own(const storage::MessageInfo& info) const {
    return is_own_change(state_, info.id, info.seq);
  }

  void note_own(ItemId id, storage::Seq seq) { note_own_change(state_, id, seq); }

  const ClientCommandContext& context_;
  storage::Mailbox& mailbox_;
  const storage::CollectionId collection_;
  CollectionState& state_;
  wbxml::Encoder& out_;
  Drafts drafts_;
  storage::CollectionId trash_ = 0;
};

}  // namespace

storage::Result<void> apply_client_commands(const ClientCommandContext& context,
                                            CollectionState& state, wbxml::Encoder& responses) {
  Applier applier(context, state, responses);
  for (const ClientCommand& command : context.collection_request.commands) {
    GODWIT_TRY(applier.apply(command));
  }
  return {};
}

}  // namespace eas
