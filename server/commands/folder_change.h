// What FolderCreate, FolderUpdate and FolderDelete have in common: the key, a lost answer, the
// phone's own changes, the reply. [MS-ASCMD] 2.2.1.3, 2.2.1.4, 2.2.1.6, 2.2.3.177.3, .4, .6,
// 2.2.3.181.1
//
// A command that comes again with the key it was sent with, since its answer was lost, gets the
// same answer. One that was cut off between its effect and its answer is found by a note that was
// written before the effect. The phone is not told of its own change by FolderSync; whatever else
// happened to the folder list meanwhile it is told.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "server/commands/command.h"
#include "server/commands/hierarchy.h"
#include "storage/base/result.h"
#include "wbxml/tag.h"

namespace eas {

namespace folder_status {
inline constexpr int kSuccess = 1;
inline constexpr int kExists = 2;  // FolderUpdate: also a special folder
inline constexpr int kSpecial = 3;
inline constexpr int kNotFound = 4;
inline constexpr int kParentNotFound = 5;
inline constexpr int kServerError = 6;
inline constexpr int kWrongKey = 9;
inline constexpr int kMalformed = 10;
inline constexpr int kCodeUnknown = 12;  // of FolderCreate only: nothing here keeps such a folder
}  // namespace folder_status

struct FolderOutcome {
  int status = folder_status::kSuccess;
  std::string reason;      // of a refusal, for the log
  OwnFolderChange change;  // of a success
};

// What the work of a command is given.
struct FolderTask {
  Request& request;
  // The hierarchy's head before, when the very same command was begun under this key and not seen
  // to its end.
  std::optional<storage::Seq> begun;
  // To be called right before something is changed.
  std::function<storage::Result<void>()> note;
};

struct FolderCommand {
  std::string_view name;
  wbxml::Tag root;
  std::string asked;          // everything that makes two requests the same one
  bool names_folder = false;  // the answer to a success has a ServerId
  // A Result error is one of a store.
  std::function<storage::Result<FolderOutcome>(FolderTask&)> work;
};

// Answers with the command's own Status, or, when a store is unavailable for a moment, with an
// error that makes the phone come again.
CommandResult run_folder_command(Request& request, const Services& services,
                                 const FolderCommand& command);

// The answer to a request that cannot be understood.
Reply refuse_folder_command(const Request& request, const FolderCommand& command, int status,
                            std::string_view reason);

// A DisplayName of a request without white space around it; nullopt: empty or of more than 256
// characters.
std::optional<std::string> folder_name_of(const wbxml::Element& body);

// The mailbox's folder that a ParentId stands for: 0 is the top level, where also the Inbox's
// folders are. Else the status: 3 for a folder that takes no folders, 5 for one that is not there.
struct FolderParent {
  int status = folder_status::kSuccess;
  storage::CollectionId id = 0;
};
storage::Result<FolderParent> folder_parent_of(const Request& request, std::string_view text);

// The live mail folder that phones see under this name in this place.
storage::Result<std::optional<storage::MailFolder>> find_named(storage::Mailbox& mailbox,
                                                               storage::CollectionId parent,
                                                               std::string_view name);

}  // namespace eas
