// FolderCreate. [MS-ASCMD] 2.2.1.3, 2.2.3.177.3, 2.2.3.186.2
//
// A Maildir has folders for mail only. Calendars and the like of one's own (13 to 17) are refused
// with 12, which no phone takes for a fault in its request or for something to try again at once.
#include <string>
#include <string_view>

#include "server/commands/commands.h"
#include "server/commands/folder_change.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"

namespace eas {
namespace {

namespace tag = wbxml::folder_hierarchy;
using storage::ErrorKind;
using storage::Result;

constexpr int kGeneric = 1;
constexpr int kMail = 12;
constexpr int kFirstOther = 13;
constexpr int kLastOther = 17;

struct Wanted {
  std::string parent;
  std::string name;
  int type = kMail;
};

// A folder in the Inbox is kept at the top level: the phone is told so.
OwnFolderChange change_of(const storage::MailFolder& folder, const Wanted& wanted) {
  const bool at_top = wanted.parent == "0";
  const bool as_asked = (folder.parent == 0) == at_top && to_folder(folder).name == wanted.name;
  return {folder.id, as_asked ? folder.changed_seq : 0};
}

Result<FolderOutcome> create(FolderTask& task, const Wanted& wanted) {
  if (wanted.type >= kFirstOther) {
    return FolderOutcome{folder_status::kCodeUnknown, "no store for this type", {}};
  }
  storage::Mailbox& mailbox = *task.request.mailbox;
  GODWIT_ASSIGN(const FolderParent parent, folder_parent_of(task.request, wanted.parent));
  if (parent.status != folder_status::kSuccess) {
    return FolderOutcome{parent.status, "the parent takes no folder", {}};
  }
  GODWIT_ASSIGN(const auto there, find_named(mailbox, parent.id, wanted.name));
  if (there && task.begun && there->created_seq > *task.begun) {
    return FolderOutcome{folder_status::kSuccess, {}, change_of(*there, wanted)};
  }
  if (there || (parent.id == 0 && is_default_name(wanted.name))) {
    return FolderOutcome{folder_status::kExists, "there is a folder of this name", {}};
  }
  GODWIT_TRY(task.note());
  const auto made = mailbox.create_folder(parent.id, wanted.name);
  if (made) return FolderOutcome{folder_status::kSuccess, {}, change_of(*made, wanted)};
  switch (made.error().kind) {
    case ErrorKind::exists:
      return FolderOutcome{folder_status::kExists, made.error().message, {}};
    case ErrorKind::not_found:
      return FolderOutcome{folder_status::kParentNotFound, made.error().message, {}};
    case ErrorKind::invalid:
      return FolderOutcome{folder_status::kMalformed, made.error().message, {}};
    default:
      return storage::fail(made.error());
  }
}

}  // namespace

CommandResult run_folder_create(Request& request, const Services& services) {
  FolderCommand command{"FolderCreate", tag::kFolderCreate, {}, true, {}};
  const auto refuse = [&](std::string_view reason) {
    return refuse_folder_command(request, command, folder_status::kMalformed, reason);
  };
  const auto parent = request.body->text_of(tag::kParentId);
  const auto name = folder_name_of(*request.body);
  const auto type_text = request.body->text_of(tag::kType);
  if (!parent || parent->empty()) return refuse("no ParentId");
  if (!name) return refuse("no DisplayName, or too long");
  const auto type = type_text ? storage::parse_uint(*type_text) : std::nullopt;
  // Also the default folders, which are not to be made.
  if (!type || (*type != kGeneric && (*type < kMail || *type > kLastOther))) {
    return refuse("no Type that can be made");
  }
  const Wanted wanted{std::string(*parent), *name, static_cast<int>(*type)};
  command.asked = "create\n" + wanted.parent + "\n" + std::to_string(*type) + "\n" + wanted.name;
  command.work = [&wanted](FolderTask& task) { return create(task, wanted); };
  return run_folder_command(request, services, command);
}

}  // namespace eas
