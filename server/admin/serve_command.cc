// `godwit serve --config FILE`.
#include <cstdio>
#include <memory>

#include "server/admin/server_process.h"
#include "server/admin/subcommand.h"
#include "server/config/config_file.h"

namespace eas::admin {

void define_serve(CLI::App& command, Action& action) {
  struct Options {
    std::string config;
    bool print_config = false;
  };
  auto options = std::make_shared<Options>();
  add_config_option(command, options->config);
  command.add_flag("--print-config", options->print_config,
                   "Print the configuration in use, every setting explained, and exit");
  command.callback([&action, options] {
    action = [options] {
      const auto config = load_config(options->config);
      if (!config) return complain(config.error());
      if (options->print_config) return std::fputs(to_toml(*config).c_str(), stdout) >= 0 ? 0 : 1;
      return run_server({*config, options->config});
    };
  });
}

}  // namespace eas::admin
