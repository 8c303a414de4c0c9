// `godwit replay FILE URL --user U`.
#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>

#include "server/admin/account_options.h"
#include "server/admin/subcommand.h"
#include "server/client/replay.h"

namespace eas::admin {
namespace {

struct Options {
  std::string file;
  AccountOptions account;
  client::ReplayOptions replay;
  bool quiet_mailbox = false;
};

int replay(Options options) {
  const auto account = complete_account(options.account);
  if (!account) return complain(account.error());
  options.replay.client = *account;
  options.replay.cause_changes = !options.quiet_mailbox;
  return client::run_replay(options.file, options.replay, std::cout);
}

}  // namespace

void define_replay(CLI::App& command, Action& action) {
  auto options = std::make_shared<Options>();
  command.add_option("file", options->file, "The capture, one JSON object a line")->required();
  add_account_options(command, options->account);
  command.add_option("--address", options->replay.address,
                     "The user's mail address, when the login is not one");
  command
      .add_option("--max-wait", options->replay.max_wait_seconds,
                  "Seconds after which a waiting request is hung up; 0: never")
      ->capture_default_str();
  command.add_flag("--quiet-mailbox", options->quiet_mailbox,
                   "Send no message where the recorded session was woken by one");
  command.add_flag("--json", options->replay.json, "Print one JSON object");
  command.add_flag("--verbose", options->replay.verbose, "Show exchanges without findings too");
  command.callback([&action, options] { action = [options] { return replay(*options); }; });
}

}  // namespace eas::admin
