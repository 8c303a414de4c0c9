// A subcommand of `godwit` is a file with a define function and a row in command_line.cc.
#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <string>
#include <string_view>

#include "storage/base/result.h"

namespace eas::admin {

// What was chosen on the command line; returns the exit status.
using Action = std::function<int()>;

struct Subcommand {
  std::string_view name;
  std::string_view text;  // one line for --help
  // Adds options to `command`; when it is the one chosen, its callback sets `action`.
  void (*define)(CLI::App& command, Action& action);
};

void define_serve(CLI::App& command, Action& action);
void define_demo(CLI::App& command, Action& action);
void define_user(CLI::App& command, Action& action);
void define_group(CLI::App& command, Action& action);
void define_device(CLI::App& command, Action& action);
void define_policy(CLI::App& command, Action& action);
void define_probe(CLI::App& command, Action& action);
void define_wbxml(CLI::App& command, Action& action);
void define_replay(CLI::App& command, Action& action);
void define_config(CLI::App& command, Action& action);
void define_doctor(CLI::App& command, Action& action);

// Prints "godwit: MESSAGE" on standard error; returns 1, for `return complain(…)`.
int complain(std::string_view message);
int complain(const storage::Error& error);

// The option every administrative subcommand has: --config FILE, ./godwit.toml by default.
void add_config_option(CLI::App& command, std::string& path);

}  // namespace eas::admin
