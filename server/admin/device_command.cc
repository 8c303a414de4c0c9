// `godwit device …`. A running server reads the device's record with every request; so that one
// that waits counts too, every change is announced (control_socket.h).
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "server/admin/control_socket.h"
#include "server/admin/device_report.h"
#include "server/admin/device_rules.h"
#include "server/admin/store_command.h"
#include "server/admin/table.h"
#include "server/capture/capture.h"
#include "server/commands/recovery_password.h"
#include "storage/base/text.h"

namespace eas::admin {
namespace {

using nlohmann::ordered_json;
using storage::Access;
using storage::Result;
using storage::Wipe;

struct DeviceOptions {
  std::string config;
  std::string login;
  std::string device_id;
  std::string state;  // "on" or "off"
  bool json = false;
  bool full = false;
  bool confirmed = false;
  bool cancel_wipe = false;
};

// The device that the options name.
struct Named {
  storage::User user;
  storage::Device device;
};

Result<Named> find_named(const DeviceOptions& options, Stores& stores) {
  Named named;
  GODWIT_ASSIGN(named.user, stores.directory->find(options.login));
  auto device = stores.state->device(named.user.id, options.device_id);
  if (!device) {
    return storage::fail(device.error().kind, options.device_id + " of " + named.user.address +
                                                  ": " + device.error().message);
  }
  named.device = std::move(*device);
  return named;
}

int said(const DeviceOptions& options, const Named& named, const char* what,
         const std::string& text) {
  if (options.json) {
    ordered_json json;
    json["user"] = named.user.address;
    json["device"] = named.device.device_id;
    json["done"] = what;
    json["text"] = text;
    std::printf("%s\n", json.dump().c_str());
  } else {
    std::printf("%s\n", text.c_str());
  }
  return 0;
}

using WorkOnOne = int (*)(const DeviceOptions&, Stores&, const Named&);

int with_device(const DeviceOptions& options, WorkOnOne work) {
  const auto stores = Stores::open_file(options.config);
  if (!stores) return complain(stores.error());
  const auto named = find_named(options, **stores);
  if (!named) return complain(named.error());
  return work(options, **stores, *named);
}

int list_devices(const DeviceOptions& options, Stores& stores) {
  std::int64_t user_id = 0;
  if (!options.login.empty()) {
    const auto user = stores.directory->find(options.login);
    if (!user) return complain(user.error());
    user_id = user->id;
  }
  const auto reports = report_devices(stores, user_id);
  if (!reports) return complain(reports.error());
  if (options.json) {
    ordered_json all = ordered_json::array();
    for (const DeviceReport& report : *reports) all.push_back(to_json(report));
    std::printf("%s\n", all.dump(2).c_str());
    return 0;
  }
  std::vector<std::vector<std::string>> rows = {
      {"USER", "DEVICE ID", "STATE", "TYPE", "VERSION", "LAST SEEN (UTC)", "CAPTURE", "PROGRAM"}};
  for (const DeviceReport& report : *reports) {
    const storage::Device& device = report.device;
    const std::string mark = report.color == "green" ? "" : " (" + report.color + ")";
    rows.push_back({report.user, device.device_id, report.state + mark, device.type,
                    device.protocol_version, when_text(device.last_seen),
                    device.capture ? "on" : "off", device.user_agent});
  }
  print_table(rows);
  return 0;
}

int show_device(const DeviceOptions& options, Stores& stores, const Named& named) {
  const auto report = report_device(stores, named.user, named.device.device_id);
  if (!report) return complain(report.error());
  if (options.json) {
    std::printf("%s\n", to_json(*report).dump(2).c_str());
  } else {
    std::fputs(to_text(*report).c_str(), stdout);
  }
  return 0;
}

int decide(const DeviceOptions& options, Stores& stores, const Named& named, Access access,
           const std::string& text) {
  if (auto done = stores.policies->set_access(named.device.id, access); !done) {
    return complain(done.error());
  }
  announce(stores, named.user.id, named.device.id);
  return said(options, named, access_name(access), text);
}

int allow_device(const DeviceOptions& options, Stores& stores, const Named& named) {
  const Wipe wipe = named.device.control.wipe;
  if (wipe == Wipe::account || wipe == Wipe::full) {
    return complain("a wipe is asked for; cancel it first: godwit device cancel-wipe " +
                    named.user.address + " " + named.device.device_id);
  }
  if (wipe != Wipe::none) {
    if (auto done = stores.policies->set_wipe(named.device.id, Wipe::none, 0); !done) {
      return complain(done.error());
    }
  }
  // It gets a new chance; a running server forgets what it counted when it is told.
  const storage::DeviceControl& control = named.device.control;
  if (control.storm_until != 0) {
    if (auto done = stores.policies->note_storm(named.device.id, 0, control.storm_reason); !done) {
      return complain(done.error());
    }
  }
  return decide(options, stores, named, Access::allow, "it may sync");
}

int block_device(const DeviceOptions& options, Stores& stores, const Named& named) {
  return decide(options, stores, named, Access::block, "it may not sync any more");
}

int quarantine_device(const DeviceOptions& options, Stores& stores, const Named& named) {
  return decide(options, stores, named, Access::quarantine,
                "it sees nothing but a message that it waits for approval");
}

// Erasing a phone needs more than a flag that slips in: the id typed, or a long word.
bool confirm_full(const Named& named) {
  std::fprintf(stderr,
               "This erases the whole device of %s, private data too: %s (%s).\n"
               "Type its device id to go on: ",
               named.user.address.c_str(), named.device.device_id.c_str(),
               named.device.type.c_str());
  std::string line;
  std::getline(std::cin, line);
  return storage::trim(line) == named.device.device_id;
}

int wipe_device(const DeviceOptions& options, Stores& stores, const Named& named) {
  if (options.full && !options.confirmed && !confirm_full(named)) {
    return complain("not confirmed: nothing was done");
  }
  if (!options.full && options.confirmed) {
    return complain("--yes-wipe-everything goes with --full: nothing was done");
  }
  const Wipe wipe = options.full ? Wipe::full : Wipe::account;
  const auto now = stores.clock.now_ms();
  if (auto done = stores.policies->set_wipe(named.device.id, wipe, now); !done) {
    return complain(done.error());
  }
  announce(stores, named.user.id, named.device.id);
  if (options.full) {
    return said(options, named, "wipe", "the whole device is erased when it comes next");
  }
  return said(options, named, "wipe",
              named.device.protocol_version == "16.1"
                  ? "the account is removed from the device when it comes next"
                  : "its protocol cannot remove an account: the device is shut out when it comes "
                    "next, what it has stays on it");
}

int cancel_wipe(const DeviceOptions& options, Stores& stores, const Named& named) {
  const storage::DeviceControl& control = named.device.control;
  if (control.wipe == Wipe::none) return complain("no wipe is asked for");
  if (control.wipe == Wipe::account_done || control.wipe == Wipe::full_done) {
    return complain("the wipe is done; to let the device in again: godwit device allow");
  }
  if (auto done = stores.policies->set_wipe(named.device.id, Wipe::none, 0); !done) {
    return complain(done.error());
  }
  announce(stores, named.user.id, named.device.id);
  return said(options, named, "cancel-wipe",
              control.wipe_sent == 0
                  ? "cancelled"
                  : "cancelled; the device was told at " + when_text(control.wipe_sent) +
                        " and may have obeyed already");
}

// What was decided about a device and is forgotten with it; "" when nothing was.
std::string forgotten_decision(const storage::DeviceControl& control) {
  if (control.wipe == Wipe::account || control.wipe == Wipe::full) return "the wipe asked for";
  if (control.wipe != Wipe::none) return "that it was wiped";
  if (control.access == Access::none) return {};
  return std::string("the decision about it (") + access_name(control.access) + ")";
}

// A wipe is a row of the device: forgetting it would let a lost phone in again as a new one.
int forget_device(const DeviceOptions& options, Stores& stores, const Named& named) {
  const Wipe wipe = named.device.control.wipe;
  if ((wipe == Wipe::account || wipe == Wipe::full) && !options.cancel_wipe) {
    return complain(
        "a wipe is asked for, and would be forgotten too: nothing was done; --cancel-wipe to do it "
        "all the same");
  }
  const auto no_password =
      store_recovery_password(*stores.settings, {}, named.user.id, named.device.device_id, "");
  if (!no_password) return complain(no_password.error());
  if (auto done = stores.state->remove_device(named.device.id); !done) {
    return complain(done.error());
  }
  announce(stores, named.user.id, named.device.id);
  const std::string decision = forgotten_decision(named.device.control);
  return said(options, named, "forget",
              "forgotten" + (decision.empty() ? "" : ", and " + decision) +
                  "; if it comes again it is a new device, for which the rules hold");
}

int show_recovery_password(const DeviceOptions& options, Stores& stores, const Named& named) {
  const auto secret = stores.load_secret();
  if (!secret) return complain(secret.error());
  const auto password =
      recovery_password(*stores.settings, *secret, named.user.id, named.device.device_id);
  if (!password && password.error().kind == storage::ErrorKind::not_found) {
    return complain(
        "the device has handed over none; it does when its policy has "
        "PasswordRecoveryEnabled=1");
  }
  if (!password) return complain(password.error());
  if (options.json) {
    const ordered_json json = {
        {"user", named.user.address}, {"device", named.device.device_id}, {"password", *password}};
    std::printf("%s\n", json.dump().c_str());
  } else {
    std::printf("%s\n", password->c_str());
  }
  return 0;
}

// The server writes whole records too; when one of its writes came between, ours is done again.
Result<void> set_capture(storage::StateStore& state, const Named& named, bool on) {
  constexpr int kAttempts = 5;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    GODWIT_ASSIGN(storage::Device device, state.device_by_row(named.device.id));
    if (device.capture == on) return {};
    device.capture = on;
    GODWIT_TRY(state.update_device(device));
  }
  return storage::fail(storage::ErrorKind::conflict,
                       "the device's record keeps changing: try again");
}

int capture(const DeviceOptions& options, Stores& stores, const Named& named) {
  const bool on = options.state == "on";
  if (auto done = set_capture(*stores.state, named, on); !done) return complain(done.error());
  const eas::capture::CaptureWriter writer(stores.config.capture_dir);
  return said(options, named, "capture",
              on ? "recording to " + writer.file_of(named.user.address, named.device.device_id)
                 : std::string("not recording any more"));
}

CLI::App* define_one(CLI::App& command, Action& action,
                     const std::shared_ptr<DeviceOptions>& options, const std::string& name,
                     const std::string& text, WorkOnOne work) {
  CLI::App* one = command.add_subcommand(name, text);
  one->add_option("address", options->login, "The user")->required();
  one->add_option("device", options->device_id, "The device id, as `device list` shows it")
      ->required();
  one->add_flag("--json", options->json, "Print one JSON object");
  add_config_option(*one, options->config);
  one->callback([&action, options, work] {
    action = [options, work] { return with_device(*options, work); };
  });
  return one;
}

}  // namespace

void define_device(CLI::App& command, Action& action) {
  command.require_subcommand(1);
  auto options = std::make_shared<DeviceOptions>();
  CLI::App* listing = define_store_command(command, action, options, "list",
                                           "List the devices of all users or of one", list_devices);
  listing->add_option("address", options->login, "Only this user's");

  define_one(command, action, options, "show",
             "Say what a device is, what it does, and why it is stuck if it is", show_device);
  define_one(command, action, options, "allow", "Let a device sync, whatever the rules say",
             allow_device);
  define_one(command, action, options, "block", "Let a device sync nothing", block_device);
  define_one(command, action, options, "quarantine",
             "Let a device see nothing but a message that it waits for approval",
             quarantine_device);
  CLI::App* wiping =
      define_one(command, action, options, "wipe",
                 "Remove the account and its data from a device, and shut it out", wipe_device);
  wiping->add_flag("--full", options->full, "Erase the whole device, private data too");
  wiping->add_flag("--yes-wipe-everything", options->confirmed,
                   "With --full: do not ask for the device id");
  define_one(command, action, options, "cancel-wipe", "Take back a wipe that is not done yet",
             cancel_wipe);
  CLI::App* forgetting = define_one(
      command, action, options, "forget",
      "Forget a device and all it has synced; if it comes again it is a new one", forget_device);
  forgetting->add_flag("--cancel-wipe", options->cancel_wipe,
                       "Also when a wipe is asked for, which is then not done");
  define_one(command, action, options, "recovery-password",
             "Print the password that unlocks a device whose user forgot theirs",
             show_recovery_password);
  CLI::App* recording = define_one(
      command, action, options, "capture",
      "Record every exchange of one device, without credentials, for `godwit replay`", capture);
  recording->add_option("state", options->state, "on or off")
      ->required()
      ->check(CLI::IsMember({"on", "off"}));
  define_device_rules(command, action);
}

}  // namespace eas::admin
