#include "server/admin/command_line.h"

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>

#include "server/admin/subcommand.h"
#include "server/admin/version.h"

namespace eas::admin {
namespace {

constexpr auto kSubcommands = std::to_array<Subcommand>({
    {"serve", "Run the server", define_serve},
    {"demo", "Run a server with made-up mailboxes, for trying out and measuring", define_demo},
    {"user", "Add, list, change and remove users, set passwords", define_user},
    {"group", "Mail groups and their members", define_group},
    {"device", "List devices, let them in or keep them out, wipe them, record what they say",
     define_device},
    {"policy", "What phones must do to sync: passwords, encryption, …", define_policy},
    {"probe", "Be a phone: sync a mailbox, show it, wait for a push", define_probe},
    {"wbxml", "Read and write the binary XML of the protocol", define_wbxml},
    {"replay", "Send a recorded session again and report differences", define_replay},
    {"doctor", "Check everything around the server, and say what to do", define_doctor},
    {"config", "Show a sample configuration", define_config},
});

}  // namespace

int complain(std::string_view message) {
  std::fprintf(stderr, "godwit: %.*s\n", static_cast<int>(message.size()), message.data());
  return 1;
}

int complain(const storage::Error& error) { return complain(error.message); }

void add_config_option(CLI::App& command, std::string& path) {
  path = "godwit.toml";
  command.add_option("--config", path, "The server's configuration")->capture_default_str();
}

int run_command_line(int argc, char** argv) {
  CLI::App app("Godwit: native sync (Exchange ActiveSync) for phones from open mail servers",
               "godwit");
  app.set_version_flag("--version", "godwit " + std::string(kVersion));
  app.require_subcommand(1);
  Action action;
  for (const Subcommand& row : kSubcommands) {
    row.define(*app.add_subcommand(std::string(row.name), std::string(row.text)), action);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  return action ? action() : 1;
}

}  // namespace eas::admin
