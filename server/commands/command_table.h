// The rows of all commands that work, and the names of those that exist. [MS-ASCMD] 2.2.1,
// [MS-ASHTTP] 2.2.1.1.1.1.2
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "server/commands/command.h"

namespace eas {

// In the order in which OPTIONS names them. Everything here lives as long as the process.
std::span<const CommandInfo> all_commands();

// The row of a command, by its name as the documents write it (compared exactly). nullptr: this
// server has no such command, whether the protocol has one or not.
const CommandInfo* find_command(std::string_view name);

// The name that belongs to a code of the base64 query, also of a command that has no row here;
// "" for an unassigned code.
std::string_view command_name(int code);

// MS-ASProtocolCommands: "Sync,SendMail,…", exactly the rows.
const std::string& command_list_text();

}  // namespace eas
