// Names of Maildir++ folders. A folder "Work/Paris" is the directory ".Work.Paris"; each part is
// modified UTF-7 as Dovecot writes it. Raw UTF-8, which other programs write, is read too. The
// Inbox is the user's directory itself, written "". Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "storage/mail/mail_store.h"

namespace storage::maildir {

// Whether a directory entry of a user's directory is a folder: it begins with one dot and no part
// of it is empty.
bool is_folder_directory(std::string_view dir);
// The directory of the parent: ".A.B" → ".A"; ".A" → "". REQUIRES: dir is not "".
std::string_view parent_directory(std::string_view dir);
// The display name of the last part, always valid UTF-8.
std::string display_name(std::string_view dir);
// The directory of a subfolder; nullopt when the name is impossible: empty, with '.', '/', control
// characters, malformed UTF-8, or too long for the file system. `parent` is "" for the top level.
std::optional<std::string> child_directory(std::string_view parent, std::string_view name);
// Whether `dir` lies below `ancestor` (not equal). Everything but "" lies below no Inbox.
bool is_below(std::string_view dir, std::string_view ancestor);

// The role that a top-level folder of this display name has by convention.
FolderRole role_by_name(std::string_view name);
// The display name with which a missing role folder is made.
std::string_view default_name(FolderRole role);

}  // namespace storage::maildir
