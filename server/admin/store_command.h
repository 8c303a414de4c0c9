// A subcommand of a family (`godwit user add`) that works on the stores beside a running server:
// --config and --json, opening the stores, and the work.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "server/admin/stores.h"
#include "server/admin/subcommand.h"

namespace eas::admin {

// Opens what the configuration names, and does `work`; its exit status.
template <typename Options>
int with_stores(const Options& options, int (*work)(const Options&, Stores&)) {
  const auto stores = Stores::open_file(options.config);
  if (!stores) return complain(stores.error());
  return work(options, **stores);
}

// Options has the members `config` and `json`, and is shared by the family; the caller adds the
// options of this subcommand.
template <typename Options>
CLI::App* define_store_command(CLI::App& family, Action& action,
                               const std::shared_ptr<Options>& options, const std::string& name,
                               const std::string& text, int (*work)(const Options&, Stores&)) {
  CLI::App* one = family.add_subcommand(name, text);
  add_config_option(*one, options->config);
  one->add_flag("--json", options->json, "Print JSON");
  one->callback([&action, options, work] {
    action = [options, work] { return with_stores(*options, work); };
  });
  return one;
}

}  // namespace eas::admin
