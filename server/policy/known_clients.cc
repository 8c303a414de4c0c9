#include "server/policy/known_clients.h"

#include <algorithm>
#include <array>

#include "storage/base/text.h"

namespace eas::policy {
namespace {

struct Client {
  std::string_view type;   // prefix of the DeviceType; "" for any
  std::string_view agent;  // prefix of the User-Agent; "" for any
};

constexpr std::string_view kConnectivityTest = "TestActiveSyncConnectivity";

constexpr std::array kClients = {
    Client{"WindowsOutlook", ""},  Client{"MicrosoftOutlook", ""}, Client{"", "Microsoft.Outlook"},
    Client{"", "Outlook/15."},     Client{"", "Outlook/16."},      Client{"WP", "MSFT-WP/7."},
    Client{kConnectivityTest, ""},
};

}  // namespace

bool never_provisions(std::string_view device_type, std::string_view user_agent) {
  return std::any_of(kClients.begin(), kClients.end(), [&](const Client& client) {
    return storage::starts_with_ignore_case(device_type, client.type) &&
           storage::starts_with_ignore_case(user_agent, client.agent);
  });
}

bool is_connectivity_test(std::string_view device_type) {
  return storage::equals_ignore_case(device_type, kConnectivityTest);
}

}  // namespace eas::policy
