// `godwit device list|capture`. A running server reads the device's record with every request, so a
// change counts from the next one on.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <memory>

#include "server/admin/stores.h"
#include "server/admin/subcommand.h"
#include "server/admin/table.h"
#include "server/capture/capture.h"

namespace eas::admin {
namespace {

using storage::Result;

struct DeviceOptions {
  std::string config;
  std::string login;
  std::string device_id;
  std::string state;  // "on" or "off"
};

int list_devices(const DeviceOptions& options) {
  const auto stores = Stores::open_file(options.config);
  if (!stores) return complain(stores.error());
  std::int64_t user_id = 0;
  if (!options.login.empty()) {
    const auto user = (*stores)->directory->find(options.login);
    if (!user) return complain(user.error());
    user_id = user->id;
  }
  const auto users = (*stores)->directory->list();
  const auto devices = (*stores)->state->devices(user_id);
  if (!users) return complain(users.error());
  if (!devices) return complain(devices.error());
  std::map<std::int64_t, std::string> address_of;
  for (const storage::User& user : *users) address_of[user.id] = user.address;
  std::vector<std::vector<std::string>> rows = {
      {"USER", "DEVICE ID", "TYPE", "VERSION", "LAST SEEN (UTC)", "CAPTURE", "PROGRAM"}};
  for (const storage::Device& device : *devices) {
    const auto address = address_of.find(device.user_id);
    rows.push_back({address == address_of.end() ? "(removed)" : address->second, device.device_id,
                    device.type, device.protocol_version, when_text(device.last_seen),
                    device.capture ? "on" : "off", device.user_agent});
  }
  print_table(rows);
  return 0;
}

// The server writes whole records too; when one of its writes came between, ours is done again.
Result<void> set_capture(storage::StateStore& state, const storage::User& user,
                         const std::string& device_id, bool on) {
  constexpr int kAttempts = 5;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    GODWIT_ASSIGN(storage::Device device, state.device(user.id, device_id));
    if (device.capture == on) return {};
    device.capture = on;
    GODWIT_TRY(state.update_device(device));
  }
  return storage::fail(storage::ErrorKind::conflict,
                       "the device's record keeps changing: try again");
}

int capture(const DeviceOptions& options) {
  const auto stores = Stores::open_file(options.config);
  if (!stores) return complain(stores.error());
  const auto user = (*stores)->directory->find(options.login);
  if (!user) return complain(user.error());
  const bool on = options.state == "on";
  const auto done = set_capture(*(*stores)->state, *user, options.device_id, on);
  if (!done) {
    return complain(options.device_id + " of " + user->address + ": " + done.error().message);
  }
  const eas::capture::CaptureWriter writer((*stores)->config.capture_dir);
  if (on) {
    std::printf("recording to %s\n", writer.file_of(user->address, options.device_id).c_str());
  } else {
    std::printf("not recording any more\n");
  }
  return 0;
}

}  // namespace

void define_device(CLI::App& command, Action& action) {
  command.require_subcommand(1);
  auto options = std::make_shared<DeviceOptions>();
  CLI::App* listing = command.add_subcommand("list", "List the devices of all users or of one");
  listing->add_option("address", options->login, "Only this user's");
  add_config_option(*listing, options->config);
  listing->callback([&action, options] { action = [options] { return list_devices(*options); }; });

  CLI::App* recording = command.add_subcommand(
      "capture", "Record every exchange of one device, without credentials, for `godwit replay`");
  recording->add_option("address", options->login, "The user")->required();
  recording->add_option("device", options->device_id, "The device id, as `device list` shows it")
      ->required();
  recording->add_option("state", options->state, "on or off")
      ->required()
      ->check(CLI::IsMember({"on", "off"}));
  add_config_option(*recording, options->config);
  recording->callback([&action, options] { action = [options] { return capture(*options); }; });
}

}  // namespace eas::admin
