// The password that unlocks a device whose user forgot theirs: the phone hands it over, the
// administrator reads it. Kept sealed with the server's secret, so that a copy of the database
// tells nobody. [MS-ASCMD] 2.2.3.46
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/base/result.h"
#include "storage/state/user_settings.h"

namespace eas {

// Replaces it; an empty one removes it. `secret` is that of storage/base/secret.h.
storage::Result<void> store_recovery_password(storage::UserSettings& settings,
                                              std::string_view secret, std::int64_t user_id,
                                              std::string_view device_id,
                                              std::string_view password);

// not_found: the device handed over none. corrupt: sealed with another secret.
storage::Result<std::string> recovery_password(storage::UserSettings& settings,
                                               std::string_view secret, std::int64_t user_id,
                                               std::string_view device_id);

}  // namespace eas
