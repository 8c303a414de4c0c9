// `godwit probe URL --user U`.
#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>

#include "server/admin/account_options.h"
#include "server/admin/subcommand.h"
#include "server/client/probe.h"

namespace eas::admin {
namespace {

struct Options {
  AccountOptions account;
  client::ProbeOptions probe;
  std::string version{to_string(client::ClientOptions().version)};
};

int probe(Options options) {
  const auto version = parse_version(options.version);
  if (!version) {
    return complain("version " + options.version + " is not spoken; known are " +
                    std::string(all_versions_text()));
  }
  options.account.client.version = *version;
  const auto account = complete_account(options.account);
  if (!account) return complain(account.error());
  options.probe.client = *account;
  return client::run_probe(options.probe, std::cout);
}

}  // namespace

void define_probe(CLI::App& command, Action& action) {
  auto options = std::make_shared<Options>();
  add_account_options(command, options->account);
  command.add_option("--version", options->version, "The protocol version to speak")
      ->capture_default_str();
  command.add_option("--device", options->account.client.device_id, "The device id to use")
      ->capture_default_str();
  command
      .add_option("--wait-push", options->probe.wait_push_seconds,
                  "Then wait so many seconds for a new message")
      ->check(CLI::Range(0, 3540));
  command.add_option("--newest", options->probe.newest, "How many subjects to show")
      ->capture_default_str();
  command.add_flag("--json", options->probe.json, "Print one JSON object");
  command.callback([&action, options] { action = [options] { return probe(*options); }; });
}

}  // namespace eas::admin
