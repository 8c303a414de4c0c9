// What each command's file gives to the table. Every function answers one decoded request; see
// command.h for what it is given and may return. Sync has a header of its own (sync.h).
#pragma once

#include "server/commands/command.h"

namespace eas {

CommandResult run_folder_create(Request& request, const Services& services);
CommandResult run_folder_delete(Request& request, const Services& services);
CommandResult run_find(Request& request, const Services& services);
CommandResult run_folder_sync(Request& request, const Services& services);
CommandResult run_folder_update(Request& request, const Services& services);
CommandResult run_get_attachment(Request& request, const Services& services);
CommandResult run_get_hierarchy(Request& request, const Services& services);
CommandResult run_get_item_estimate(Request& request, const Services& services);
CommandResult run_item_operations(Request& request, const Services& services);
CommandResult run_move_items(Request& request, const Services& services);
CommandResult run_ping(Request& request, const Services& services);
CommandResult run_provision(Request& request, const Services& services);
CommandResult run_resolve_recipients(Request& request, const Services& services);
CommandResult run_search(Request& request, const Services& services);
CommandResult run_send_mail(Request& request, const Services& services);
CommandResult run_settings(Request& request, const Services& services);
CommandResult run_smart_forward(Request& request, const Services& services);
CommandResult run_smart_reply(Request& request, const Services& services);
CommandResult run_validate_cert(Request& request, const Services& services);

}  // namespace eas
