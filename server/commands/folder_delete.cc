// FolderDelete: removes a folder with what is in it, for good. [MS-ASCMD] 2.2.1.4, 2.2.3.177.4
//
// Its subfolders go with it; of these the phone is told by FolderSync, since not every phone takes
// them out by itself.
#include <algorithm>
#include <string>

#include "server/commands/commands.h"
#include "server/commands/folder_change.h"
#include "server/sync/server_id.h"
#include "wbxml/code_pages.h"

namespace eas {
namespace {

namespace tag = wbxml::folder_hierarchy;
using storage::CollectionId;
using storage::ErrorKind;
using storage::Result;

FolderOutcome refused(int status, std::string reason) { return {status, std::move(reason), {}}; }

// The folder is gone by this very command: the change is where its tombstone is.
Result<FolderOutcome> removed_here(storage::Mailbox& mailbox, CollectionId id) {
  GODWIT_ASSIGN(const storage::HierarchyPage page, mailbox.hierarchy_changes(0));
  const auto tombstone =
      std::find_if(page.folders.begin(), page.folders.end(),
                   [&](const storage::MailFolder& each) { return each.id == id && each.removed; });
  const storage::Seq seq = tombstone == page.folders.end() ? 0 : tombstone->changed_seq;
  return FolderOutcome{folder_status::kSuccess, {}, {id, seq}};
}

Result<FolderOutcome> remove(const FolderTask& task, std::string_view text) {
  storage::Mailbox& mailbox = *task.request.mailbox;
  const auto id = parse_collection_id(text);
  if (!id) return refused(folder_status::kNotFound, "no such folder");
  const ItemClassInfo& info = info_of(class_of(*id));
  if (info.item_class != ItemClass::mail) {
    const bool there =
        *id == default_collection(info.item_class) && task.request.version >= info.since;
    return refused(there ? folder_status::kSpecial : folder_status::kNotFound,
                   "not a folder that can be removed");
  }
  const auto folder = mailbox.folder(*id);
  if (!folder && folder.error().kind != ErrorKind::not_found) return storage::fail(folder.error());
  if (!folder && task.begun) return removed_here(mailbox, *id);
  if (!folder) return refused(folder_status::kNotFound, "no such folder");
  if (folder->role != storage::FolderRole::none) {
    return refused(folder_status::kSpecial, "a special folder");
  }
  GODWIT_TRY(task.note());
  const auto removed = mailbox.remove_folder(*id);
  if (!removed && removed.error().kind == ErrorKind::denied) {
    return refused(folder_status::kSpecial, removed.error().message);
  }
  if (!removed && removed.error().kind != ErrorKind::not_found) {
    return storage::fail(removed.error());
  }
  return removed_here(mailbox, *id);
}

}  // namespace

CommandResult run_folder_delete(Request& request, const Services& services) {
  FolderCommand command{"FolderDelete", tag::kFolderDelete, {}, false, {}};
  const auto folder = request.body->text_of(tag::kServerId);
  if (!folder || folder->empty()) {
    return refuse_folder_command(request, command, folder_status::kMalformed, "no ServerId");
  }
  const std::string id(*folder);
  command.asked = "delete\n" + id;
  command.work = [&id](FolderTask& task) { return remove(task, id); };
  return run_folder_command(request, services, command);
}

}  // namespace eas
