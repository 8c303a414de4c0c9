// `godwit config sample|check`.
#include <cstdio>
#include <memory>

#include "server/admin/subcommand.h"
#include "server/config/config_file.h"
#include "server/config/settings.h"

namespace eas::admin {

void define_config(CLI::App& command, Action& action) {
  command.require_subcommand(1);
  command.add_subcommand("sample", "Print a godwit.toml with every setting explained")
      ->callback([&action] {
        action = [] { return std::fputs(to_toml(Config{}).c_str(), stdout) >= 0 ? 0 : 1; };
      });
  CLI::App* check = command.add_subcommand("check", "Read a godwit.toml and say what is wrong");
  auto path = std::make_shared<std::string>();
  add_config_option(*check, *path);
  check->callback([&action, path] {
    action = [path] {
      if (const auto config = load_config(*path); !config) return complain(config.error());
      std::printf("%s: good\n", path->c_str());
      return 0;
    };
  });
}

}  // namespace eas::admin
