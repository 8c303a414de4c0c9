// `godwit device rule …`, part of `godwit device`.
#pragma once

#include "server/admin/subcommand.h"

namespace eas::admin {

void define_device_rules(CLI::App& device, Action& action);

}  // namespace eas::admin
