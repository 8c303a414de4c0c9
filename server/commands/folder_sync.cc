// FolderSync: the folder list, whole or since a key. [MS-ASCMD] 2.2.1.5
//
// Folder ids are permanent, so key 0 resets only what the phone is taken to know of the list; the
// sync states of its collections stay as they are.
#include <string>
#include <string_view>

#include "server/commands/command_table.h"
#include "server/commands/commands.h"
#include "server/commands/hierarchy.h"
#include "server/commands/status.h"
#include "server/sync/collection_locks.h"
#include "server/sync/server_id.h"
#include "wbxml/code_pages.h"
#include "wbxml/encoder.h"

namespace eas {
namespace {

namespace tag = wbxml::folder_hierarchy;
using storage::ErrorKind;

constexpr int kSuccess = 1;
constexpr int kServerError = 6;
constexpr int kWrongKey = 9;
constexpr int kMalformed = 10;

Reply refuse(const Request& request, int status, std::string_view reason) {
  return eas::refuse(request, tag::kFolderSync, tag::kStatus, status, reason);
}

// Goes with every answer that makes a phone begin with key 0, or begins it.
// [MS-ASHTTP] 2.2.2.1.2.7, 2.2.2.1.2.8, 3.2.5.1
std::vector<http::Header> what_is_spoken() {
  return {{"X-MS-RP", std::string(all_versions_text())},
          {"MS-ASProtocolVersions", std::string(all_versions_text())},
          {"MS-ASProtocolCommands", command_list_text()}};
}

// A temporary failure has a better answer than this command's own "server error".
CommandResult failure(const Request& request, const storage::Error& error) {
  if (error.kind == ErrorKind::invalid || error.kind == ErrorKind::expired ||
      error.kind == ErrorKind::corrupt) {
    Reply start_again = refuse(request, kWrongKey, error.message);
    start_again.headers = what_is_spoken();
    return start_again;
  }
  if (is_temporary(error)) return command_error(error);
  return refuse(request, kServerError, error.message);
}

void write_folder(wbxml::Encoder& out, wbxml::Tag kind, const Folder& folder) {
  out.start(kind);
  out.text(tag::kServerId, to_collection_id(folder.id));
  out.text(tag::kParentId, folder.parent == 0 ? "0" : to_collection_id(folder.parent));
  out.text(tag::kDisplayName, folder.name);
  out.number(tag::kType, folder.type);
  out.end();
}

Reply success(std::string_view key, const HierarchyDelta& delta) {
  wbxml::Encoder out;
  out.start(tag::kFolderSync);
  out.number(tag::kStatus, kSuccess);
  out.text(tag::kSyncKey, key);
  out.start(tag::kChanges);
  out.number(tag::kCount, static_cast<std::int64_t>(delta.size()));
  for (const Folder& folder : delta.updated) write_folder(out, tag::kUpdate, folder);
  for (const storage::CollectionId id : delta.removed) {
    out.start(tag::kDelete);
    out.text(tag::kServerId, to_collection_id(id));
    out.end();
  }
  for (const Folder& folder : delta.added) write_folder(out, tag::kAdd, folder);
  out.end();
  out.end();
  Reply reply;
  reply.body = out.take();
  return reply;
}

CommandResult whole_list(Request& request, const Services& services) {
  const auto delta = hierarchy_delta(*request.mailbox, {}, {request.version, request.quarantined});
  if (!delta) return failure(request, delta.error());
  SyncKey key{1, 1};  // for a probing device, which has no state; it never comes back with it
  if (request.device.id != 0) {
    const auto started = start_hierarchy(*services.state, request.device.id, delta->next);
    if (!started) return failure(request, started.error());
    key = *started;
  }
  Reply reply = success(to_string(key), *delta);
  reply.headers = what_is_spoken();
  return reply;
}

CommandResult changes(Request& request, const Services& services, std::string_view sent_key) {
  storage::StateStore& store = *services.state;
  const std::int64_t device = request.device.id;
  if (device == 0) return refuse(request, kWrongKey, "a probing device has no state");
  auto turn = begin_hierarchy(store, device, sent_key);
  if (!turn) return failure(request, turn.error());
  const auto delta =
      hierarchy_delta(*request.mailbox, turn->state, {request.version, request.quarantined});
  if (!delta) return failure(request, delta.error());
  if (delta->empty()) {
    // Folders that came and went are passed here, or a Ping would call for them again and again.
    if (delta->next.cursor != turn->state.cursor) {
      HierarchyState moved_on = delta->next;
      moved_on.begun = turn->state.begun;
      moved_on.done = turn->state.done;
      const auto moved = refresh_hierarchy(store, device, *turn, moved_on);
      if (!moved) return failure(request, moved.error());
    }
    return success(to_string(turn->key), *delta);
  }
  const auto key = commit_hierarchy(store, device, *turn, delta->next);
  if (!key) return failure(request, key.error());
  return success(to_string(*key), *delta);
}

}  // namespace

CommandResult run_folder_sync(Request& request, const Services& services) {
  const auto key = request.body->text_of(tag::kSyncKey);
  if (!key || key->empty()) return refuse(request, kMalformed, "no SyncKey");
  const auto guard = services.locks->lock(request.device.id, {0});
  return *key == "0" ? whole_list(request, services) : changes(request, services, *key);
}

}  // namespace eas
