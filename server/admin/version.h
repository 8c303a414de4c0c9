// The version of this build, for subcommands that show it.
#pragma once

#include <string_view>

namespace eas::admin {

inline constexpr std::string_view kVersion = GODWIT_VERSION;

}  // namespace eas::admin
