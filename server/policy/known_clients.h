// Programs that are known not to provision, whatever they are told (quirks.md "Provisioning").
#pragma once

#include <string_view>

namespace eas::policy {

// Outlook for Windows, Windows Phone 7 and Microsoft's connectivity test.
bool never_provisions(std::string_view device_type, std::string_view user_agent);

// Microsoft's connectivity test, which takes 449 for a broken server.
bool is_connectivity_test(std::string_view device_type);

}  // namespace eas::policy
