// A command exists for phones when it has a row here: OPTIONS is derived from the rows, and what
// has no row is answered 501. So the server never offers what it cannot do.
#include "server/commands/command_table.h"

#include <algorithm>
#include <array>

#include "server/commands/commands.h"
#include "server/commands/sync.h"
#include "wbxml/code_pages.h"

namespace eas {
namespace {

using namespace command_flag;

constexpr std::array kCommands = {
    // Large: drafts of 16.x come with their attachments.
    CommandInfo{"Sync", 0, Version::v2_5, Version::v16_1, kEmptyBody | kLargeBody,
                wbxml::airsync::kSync, wbxml::airsync::kStatus, run_sync},
    CommandInfo{"SendMail", 1, Version::v2_5, Version::v16_1, kRawBody | kLargeBody,
                wbxml::compose_mail::kSendMail, wbxml::compose_mail::kStatus, run_send_mail},
    CommandInfo{"SmartForward", 2, Version::v2_5, Version::v16_1, kRawBody | kLargeBody,
                wbxml::compose_mail::kSmartForward, wbxml::compose_mail::kStatus,
                run_smart_forward},
    CommandInfo{"SmartReply", 3, Version::v2_5, Version::v16_1, kRawBody | kLargeBody,
                wbxml::compose_mail::kSmartReply, wbxml::compose_mail::kStatus, run_smart_reply},
    CommandInfo{"GetAttachment", 4, Version::v2_5, Version::v12_1, kEmptyBody, kNoBody, kNoBody,
                run_get_attachment},
    CommandInfo{"GetHierarchy", -1, Version::v2_5, Version::v12_1, kEmptyBody, kNoBody, kNoBody,
                run_get_hierarchy},
    CommandInfo{"FolderSync", 9, Version::v2_5, Version::v16_1, kNoDevice,
                wbxml::folder_hierarchy::kFolderSync, wbxml::folder_hierarchy::kStatus,
                run_folder_sync},
    CommandInfo{"FolderCreate", 10, Version::v2_5, Version::v16_1, 0,
                wbxml::folder_hierarchy::kFolderCreate, wbxml::folder_hierarchy::kStatus,
                run_folder_create},
    CommandInfo{"FolderDelete", 11, Version::v2_5, Version::v16_1, 0,
                wbxml::folder_hierarchy::kFolderDelete, wbxml::folder_hierarchy::kStatus,
                run_folder_delete},
    CommandInfo{"FolderUpdate", 12, Version::v2_5, Version::v16_1, 0,
                wbxml::folder_hierarchy::kFolderUpdate, wbxml::folder_hierarchy::kStatus,
                run_folder_update},
    CommandInfo{"MoveItems", 13, Version::v2_5, Version::v16_1, 0, wbxml::move::kMoveItems,
                wbxml::move::kStatus, run_move_items},
    CommandInfo{"GetItemEstimate", 14, Version::v2_5, Version::v16_1, 0,
                wbxml::get_item_estimate::kGetItemEstimate, wbxml::get_item_estimate::kStatus,
                run_get_item_estimate},
    CommandInfo{"Search", 16, Version::v2_5, Version::v16_1, 0, wbxml::search::kSearch,
                wbxml::search::kStatus, run_search},
    CommandInfo{"Settings", 17, Version::v12_0, Version::v16_1, kNoDevice | kNoMailbox,
                wbxml::settings::kSettings, wbxml::settings::kStatus, run_settings},
    CommandInfo{"Ping", 18, Version::v2_5, Version::v16_1,
                kEmptyBody | kUnprovisioned | kReplacesOlder, wbxml::ping::kPing,
                wbxml::ping::kStatus, run_ping},
    CommandInfo{"ItemOperations", 19, Version::v12_0, Version::v16_1, 0,
                wbxml::item_operations::kItemOperations, wbxml::item_operations::kStatus,
                run_item_operations},
    CommandInfo{"Provision", 20, Version::v2_5, Version::v16_1,
                kUnprovisioned | kNoDevice | kNoMailbox, wbxml::provision::kProvision,
                wbxml::provision::kStatus, run_provision},
    CommandInfo{"ResolveRecipients", 21, Version::v2_5, Version::v16_1, kNoMailbox,
                wbxml::resolve_recipients::kResolveRecipients, wbxml::resolve_recipients::kStatus,
                run_resolve_recipients},
    CommandInfo{"ValidateCert", 22, Version::v2_5, Version::v16_1, kNoMailbox,
                wbxml::validate_cert::kValidateCert, wbxml::validate_cert::kStatus,
                run_validate_cert},
    CommandInfo{"Find", 23, Version::v16_1, Version::v16_1, 0, wbxml::find::kFind,
                wbxml::find::kStatus, run_find},
};

struct Name {
  int code;
  std::string_view name;
};

// Every code that [MS-ASHTTP] assigns.
constexpr std::array kNames = {
    Name{0, "Sync"},
    Name{1, "SendMail"},
    Name{2, "SmartForward"},
    Name{3, "SmartReply"},
    Name{4, "GetAttachment"},
    Name{9, "FolderSync"},
    Name{10, "FolderCreate"},
    Name{11, "FolderDelete"},
    Name{12, "FolderUpdate"},
    Name{13, "MoveItems"},
    Name{14, "GetItemEstimate"},
    Name{15, "MeetingResponse"},
    Name{16, "Search"},
    Name{17, "Settings"},
    Name{18, "Ping"},
    Name{19, "ItemOperations"},
    Name{20, "Provision"},
    Name{21, "ResolveRecipients"},
    Name{22, "ValidateCert"},
    Name{23, "Find"},
};

std::string join_names() {
  std::string text;
  for (const CommandInfo& command : kCommands) {
    if (!text.empty()) text += ',';
    text += command.name;
  }
  return text;
}

}  // namespace

std::span<const CommandInfo> all_commands() { return kCommands; }

const CommandInfo* find_command(std::string_view name) {
  const auto found = std::find_if(kCommands.begin(), kCommands.end(),
                                  [&](const CommandInfo& row) { return row.name == name; });
  return found == kCommands.end() ? nullptr : &*found;
}

std::string_view command_name(int code) {
  const auto found =
      std::find_if(kNames.begin(), kNames.end(), [&](const Name& row) { return row.code == code; });
  return found == kNames.end() ? std::string_view() : found->name;
}

const std::string& command_list_text() {
  static const std::string text = join_names();
  return text;
}

}  // namespace eas
