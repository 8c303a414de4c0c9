// FolderUpdate: renames a folder, moves it, or both; its id and what is in it stay. [MS-ASCMD]
// 2.2.1.6, 2.2.3.177.6
//
// Doing it twice does what doing it once does, so nothing is noted before.
#include <string>
#include <string_view>

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

struct Wanted {
  std::string folder;
  std::string parent;
  std::string name;
};

FolderOutcome refused(int status, std::string reason) { return {status, std::move(reason), {}}; }

// A folder of another class: the status that refuses it.
FolderOutcome refuse_other_class(CollectionId id, Version version) {
  const ItemClassInfo& info = info_of(class_of(id));
  if (id != default_collection(info.item_class) || version < info.since) {
    return refused(folder_status::kNotFound, "no such folder");
  }
  const bool recipients = info.item_class == ItemClass::recipients;
  return refused(recipients ? folder_status::kSpecial : folder_status::kExists, "a default folder");
}

FolderOutcome refusal_of(const storage::Error& error) {
  switch (error.kind) {
    case ErrorKind::exists:
    case ErrorKind::denied:
      return refused(folder_status::kExists, error.message);
    case ErrorKind::not_found:
      return refused(folder_status::kNotFound, error.message);
    case ErrorKind::invalid:
      return refused(folder_status::kMalformed, error.message);
    default:
      return refused(folder_status::kServerError, error.message);
  }
}

Result<FolderOutcome> rename(storage::Mailbox& mailbox, const storage::MailFolder& folder,
                             CollectionId parent, const Wanted& wanted) {
  // The name with the addition that it is shown with is the name that it has.
  const bool same_name = wanted.name == folder.name || wanted.name == to_folder(folder).name;
  const std::string& name = same_name ? folder.name : wanted.name;
  const bool stays = same_name && parent == folder.parent;
  if (!stays) {
    GODWIT_ASSIGN(const auto there, find_named(mailbox, parent, name));
    if ((there && there->id != folder.id) || (parent == 0 && is_default_name(name))) {
      return refused(folder_status::kExists, "there is a folder of this name");
    }
    const auto renamed = mailbox.rename_folder(folder.id, parent, name);
    if (!renamed && is_temporary(renamed.error())) return storage::fail(renamed.error());
    if (!renamed) return refusal_of(renamed.error());
  }
  GODWIT_ASSIGN(const storage::MailFolder now, mailbox.folder(folder.id));
  const std::string place = now.parent == 0 ? "0" : to_collection_id(now.parent);
  const bool as_asked = place == wanted.parent && to_folder(now).name == wanted.name;
  return FolderOutcome{folder_status::kSuccess, {}, {now.id, as_asked ? now.changed_seq : 0}};
}

Result<FolderOutcome> update(const FolderTask& task, const Wanted& wanted) {
  storage::Mailbox& mailbox = *task.request.mailbox;
  const auto id = parse_collection_id(wanted.folder);
  if (!id) return refused(folder_status::kNotFound, "no such folder");
  if (class_of(*id) != ItemClass::mail) return refuse_other_class(*id, task.request.version);
  const auto folder = mailbox.folder(*id);
  if (!folder && folder.error().kind != ErrorKind::not_found) return storage::fail(folder.error());
  if (!folder) return refused(folder_status::kNotFound, "no such folder");
  if (folder->role != storage::FolderRole::none) {
    return refused(folder_status::kExists, "a special folder");
  }
  GODWIT_ASSIGN(const FolderParent parent, folder_parent_of(task.request, wanted.parent));
  if (parent.status != folder_status::kSuccess) {
    return refused(parent.status, "the parent takes no folder");
  }
  return rename(mailbox, *folder, parent.id, wanted);
}

}  // namespace

CommandResult run_folder_update(Request& request, const Services& services) {
  FolderCommand command{"FolderUpdate", tag::kFolderUpdate, {}, false, {}};
  const auto refuse = [&](std::string_view reason) {
    return refuse_folder_command(request, command, folder_status::kMalformed, reason);
  };
  const auto folder = request.body->text_of(tag::kServerId);
  const auto parent = request.body->text_of(tag::kParentId);
  const auto name = folder_name_of(*request.body);
  if (!folder || folder->empty()) return refuse("no ServerId");
  if (!parent || parent->empty()) return refuse("no ParentId");
  if (!name) return refuse("no DisplayName, or too long");
  if (request.body->has(tag::kStatus)) return refuse("Status in a request");  // R3102
  const Wanted wanted{std::string(*folder), std::string(*parent), *name};
  command.asked = "update\n" + wanted.folder + "\n" + wanted.parent + "\n" + wanted.name;
  command.work = [&wanted](FolderTask& task) { return update(task, wanted); };
  return run_folder_command(request, services, command);
}

}  // namespace eas
