#include "server/commands/recovery_password.h"

#include "storage/base/secret.h"

namespace eas {

using storage::ErrorKind;
using storage::fail;
using storage::Result;

namespace {

std::string setting_name(std::string_view device_id) {
  return "device-password:" + std::string(device_id);
}

std::string context_of(std::int64_t user_id, std::string_view device_id) {
  return setting_name(device_id) + " of " + std::to_string(user_id);
}

}  // namespace

Result<void> store_recovery_password(storage::UserSettings& settings, std::string_view secret,
                                     std::int64_t user_id, std::string_view device_id,
                                     std::string_view password) {
  const std::string name = setting_name(device_id);
  if (password.empty()) return settings.remove(user_id, name);
  if (secret.size() != storage::kSecretSize) {
    return fail(ErrorKind::denied, "no secret to seal the password with");
  }
  return settings.set(user_id, name,
                      storage::seal(secret, context_of(user_id, device_id), password));
}

Result<std::string> recovery_password(storage::UserSettings& settings, std::string_view secret,
                                      std::int64_t user_id, std::string_view device_id) {
  GODWIT_ASSIGN(const std::string sealed, settings.get(user_id, setting_name(device_id)));
  auto password = storage::unseal(secret, context_of(user_id, device_id), sealed);
  if (!password) return fail(ErrorKind::corrupt, "sealed with another secret");
  return *std::move(password);
}

}  // namespace eas
