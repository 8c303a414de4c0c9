// `godwit doctor`: looks at everything around the server that keeps phones from working.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iterator>
#include <memory>

#include "server/admin/stores.h"
#include "server/admin/subcommand.h"
#include "server/config/config_file.h"
#include "server/doctor/checks.h"
#include "server/doctor/hold.h"
#include "storage/base/log.h"
#include "storage/base/secret.h"

namespace eas::admin {
namespace {

struct DoctorOptions {
  std::string config;
  std::string ca_file;
  int hold = 75;
  bool json = false;
};

void append(doctor::Findings& all, doctor::Findings more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

bool keeps_phones_out(const storage::PolicyWorld& world) {
  return world.default_access != storage::Access::allow ||
         std::any_of(world.rules.begin(), world.rules.end(), [](const storage::AccessRule& rule) {
           return rule.access != storage::Access::allow;
         });
}

// Of a database that a server has prepared.
doctor::Findings check_decisions(const Config& config) {
  const auto stores = Stores::open(config);
  if (!stores) return {};  // said by check_database()
  const auto world = (*stores)->policies->world();
  const std::string& address = config.devices_administrator;
  const bool found = (*stores)->directory->find(address) || (*stores)->addresses->group(address);
  return doctor::check_administrator(config, world && keeps_phones_out(*world), found);
}

doctor::Findings check_all(const Config& config, const DoctorOptions& options) {
  doctor::Findings all = {{doctor::Outcome::ok, "configuration", options.config, ""}};
  append(all, doctor::check_files(config));
  doctor::Findings database = doctor::check_database(config);
  const bool prepared = std::all_of(
      database.begin(), database.end(),
      [](const doctor::Finding& finding) { return finding.outcome == doctor::Outcome::ok; });
  append(all, std::move(database));
  if (prepared) append(all, check_decisions(config));
  append(all, doctor::check_certificate(config, options.ca_file, storage::SystemClock().now_ms()));
  append(all, doctor::check_autodiscover(config, options.ca_file));
  append(all, doctor::check_relay(config));
  if (options.hold == 0) return all;
  const auto secret = storage::load_secret(config.data_dir + "/secret.key");
  if (secret) {
    append(all, doctor::check_proxy(config, options.ca_file, *secret,
                                    std::chrono::seconds(options.hold)));
  } else if (secret.error().kind == storage::ErrorKind::not_found) {
    all.push_back({doctor::Outcome::warning, "waiting", "no server has run here yet",
                   "start the server once, as its own user"});
  } else {
    all.push_back({doctor::Outcome::problem, "waiting", secret.error().message,
                   "run the doctor as the server's user"});
  }
  return all;
}

int run_doctor(const DoctorOptions& options) {
  storage::set_log_level(storage::LogLevel::off);
  const auto config = load_config(options.config);
  const doctor::Findings all =
      config ? check_all(*config, options)
             : doctor::Findings{{doctor::Outcome::problem, "configuration", config.error().message,
                                 "correct the file, see `godwit config`"}};
  const std::string text = options.json ? doctor::as_json(all) : doctor::as_text(all);
  std::fputs(text.c_str(), stdout);
  return doctor::has_problem(all) ? 1 : 0;
}

}  // namespace

void define_doctor(CLI::App& command, Action& action) {
  auto options = std::make_shared<DoctorOptions>();
  add_config_option(command, options->config);
  command.add_flag("--json", options->json, "Print JSON");
  command
      .add_option("--hold", options->hold,
                  "Seconds for which a request waits through the server's URL; 0 leaves it out")
      ->check(CLI::Range(0, static_cast<int>(doctor::kLongestHold.count())))
      ->capture_default_str();
  command.add_option("--ca-file", options->ca_file,
                     "PEM file with the certificates to trust, instead of the system's");
  command.callback([&action, options] { action = [options] { return run_doctor(*options); }; });
}

}  // namespace eas::admin
