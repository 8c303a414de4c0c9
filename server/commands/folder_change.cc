#include "server/commands/folder_change.h"

#include <algorithm>
#include <utility>

#include "server/commands/status.h"
#include "server/sync/collection_locks.h"
#include "server/sync/server_id.h"
#include "storage/base/crypto.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"
#include "wbxml/encoder.h"

namespace eas {
namespace {

namespace tag = wbxml::folder_hierarchy;
using storage::CollectionId;
using storage::ErrorKind;
using storage::Result;

constexpr std::size_t kMaxName = 256;        // characters. [MS-ASCMD] 2.2.3.49.3
constexpr std::size_t kMaxOwnChanges = 100;  // of a phone that never asks for the list
constexpr std::size_t kDigestBytes = 16;

Reply success(const FolderCommand& command, const SyncKey& key, CollectionId folder) {
  wbxml::Encoder out;
  out.start(command.root);
  out.number(tag::kStatus, folder_status::kSuccess);
  out.text(tag::kSyncKey, to_string(key));
  if (command.names_folder) out.text(tag::kServerId, to_collection_id(folder));
  out.end();
  Reply reply;
  reply.body = out.take();
  return reply;
}

// A temporary failure has a better answer than these commands' own "server error".
CommandResult failure(const Request& request, const FolderCommand& command,
                      const storage::Error& error) {
  if (is_temporary(error)) return command_error(error);
  return refuse_folder_command(request, command, folder_status::kServerError, error.message);
}

// The state after a success: without own changes when there is nothing else to tell.
Result<HierarchyState> state_after(const Request& request, const HierarchyTurn& turn,
                                   const OwnFolderChange& change, std::string digest) {
  HierarchyState next = turn.state;
  next.begun.reset();
  next.done = DoneCommand{std::move(digest), change.id};
  std::erase_if(next.own, [&](const OwnFolderChange& own) { return own.id == change.id; });
  next.own.push_back(change);
  if (next.own.size() > kMaxOwnChanges) next.own.erase(next.own.begin());
  GODWIT_ASSIGN(const HierarchyDelta delta,
                hierarchy_delta(*request.mailbox, next, {request.version, request.quarantined}));
  if (delta.empty()) {
    next.cursor = delta.next.cursor;
    next.own.clear();
  }
  return next;
}

}  // namespace

CommandResult run_folder_command(Request& request, const Services& services,
                                 const FolderCommand& command) {
  storage::StateStore& store = *services.state;
  const std::int64_t device = request.device.id;
  const auto key = request.body->text_of(tag::kSyncKey);
  if (!key || key->empty()) {
    return refuse_folder_command(request, command, folder_status::kMalformed, "no SyncKey");
  }
  const auto guard = services.locks->lock(device, {0});
  auto turn = begin_hierarchy(store, device, *key);
  if (!turn &&
      (turn.error().kind == ErrorKind::invalid || turn.error().kind == ErrorKind::corrupt)) {
    return refuse_folder_command(request, command, folder_status::kWrongKey, turn.error().message);
  }
  if (!turn) return failure(request, command, turn.error());

  std::string digest = storage::sha256(command.asked).substr(0, kDigestBytes);
  if (turn->lost && turn->lost->digest == digest) {
    return success(command, turn->lost_key, turn->lost->result);
  }
  FolderTask task{request, std::nullopt, {}};
  if (turn->state.begun && turn->state.begun->digest == digest) {
    task.begun = turn->state.begun->head;
  }
  task.note = [&]() -> Result<void> {
    GODWIT_ASSIGN(const storage::Seq head, request.mailbox->hierarchy_head());
    HierarchyState noted = turn->state;
    noted.begun = BegunCommand{digest, task.begun.value_or(head)};
    return refresh_hierarchy(store, device, *turn, noted);
  };
  const auto outcome = command.work(task);
  if (!outcome) return failure(request, command, outcome.error());
  if (outcome->status != folder_status::kSuccess) {
    return refuse_folder_command(request, command, outcome->status, outcome->reason);
  }
  const auto next = state_after(request, *turn, outcome->change, std::move(digest));
  if (!next) return failure(request, command, next.error());
  const auto new_key = commit_hierarchy(store, device, *turn, *next);
  if (!new_key) return failure(request, command, new_key.error());
  return success(command, *new_key, outcome->change.id);
}

Reply refuse_folder_command(const Request& request, const FolderCommand& command, int status,
                            std::string_view reason) {
  log_refusal(request, command.name, status, reason);
  wbxml::Encoder out;
  out.start(command.root);
  out.number(tag::kStatus, status);
  out.end();
  Reply reply;
  reply.body = out.take();
  return reply;
}

std::optional<std::string> folder_name_of(const wbxml::Element& body) {
  const std::string_view name = storage::trim(body.text_of(tag::kDisplayName).value_or(""));
  const auto characters =
      static_cast<std::size_t>(std::count_if(name.begin(), name.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
      }));
  if (characters == 0 || characters > kMaxName) return std::nullopt;
  return std::string(name);
}

Result<FolderParent> folder_parent_of(const Request& request, std::string_view text) {
  if (text == "0") return FolderParent{};
  const auto id = parse_collection_id(text);
  if (!id) return FolderParent{folder_status::kParentNotFound, 0};
  if (class_of(*id) != ItemClass::mail) {
    const bool there =
        *id == default_collection(class_of(*id)) && request.version >= info_of(class_of(*id)).since;
    return FolderParent{there ? folder_status::kSpecial : folder_status::kParentNotFound, 0};
  }
  const auto folder = request.mailbox->folder(*id);
  if (folder) {
    return FolderParent{folder_status::kSuccess,
                        folder->role == storage::FolderRole::inbox ? 0 : *id};
  }
  if (folder.error().kind != ErrorKind::not_found) return storage::fail(folder.error());
  return FolderParent{folder_status::kParentNotFound, 0};
}

Result<std::optional<storage::MailFolder>> find_named(storage::Mailbox& mailbox,
                                                      CollectionId parent, std::string_view name) {
  GODWIT_ASSIGN(storage::HierarchyPage page, mailbox.folders());
  for (storage::MailFolder& folder : page.folders) {
    const bool same_name = folder.name == name || to_folder(folder).name == name;
    if (folder.parent == parent && same_name) return std::optional(std::move(folder));
  }
  return std::optional<storage::MailFolder>();
}

}  // namespace eas
