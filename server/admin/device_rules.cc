#include "server/admin/device_rules.h"

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "server/admin/control_socket.h"
#include "server/admin/device_report.h"
#include "server/admin/store_command.h"
#include "server/admin/table.h"

namespace eas::admin {
namespace {

using nlohmann::ordered_json;
using storage::Access;

struct RuleOptions {
  std::string config;
  std::string access;
  std::string field;
  std::string pattern;
  std::int64_t rule = 0;
  std::int64_t before = 0;
  bool json = false;
};

Access access_of(const std::string& name) {
  if (name == "block") return Access::block;
  return name == "quarantine" ? Access::quarantine : Access::allow;
}

// Rules concern everybody.
int said(const RuleOptions& options, Stores& stores, const ordered_json& json,
         const std::string& text) {
  announce(stores, 0, 0);
  std::printf("%s\n", options.json ? json.dump().c_str() : text.c_str());
  return 0;
}

int list_rules(const RuleOptions& options, Stores& stores) {
  const auto world = stores.policies->world();
  if (!world) return complain(world.error());
  if (options.json) {
    ordered_json rules = ordered_json::array();
    for (const storage::AccessRule& rule : world->rules) {
      rules.push_back({{"rule", rule.id},
                       {"access", access_name(rule.access)},
                       {"field", rule.field},
                       {"pattern", rule.pattern}});
    }
    const ordered_json json = {{"rules", rules}, {"default", access_name(world->default_access)}};
    std::printf("%s\n", json.dump(2).c_str());
    return 0;
  }
  std::vector<std::vector<std::string>> rows = {{"RULE", "ACCESS", "FIELD", "PATTERN"}};
  for (const storage::AccessRule& rule : world->rules) {
    rows.push_back({std::to_string(rule.id), access_name(rule.access), rule.field, rule.pattern});
  }
  rows.push_back({"default", access_name(world->default_access), "", "everything else"});
  print_table(rows);
  return 0;
}

int add_rule(const RuleOptions& options, Stores& stores) {
  const auto rule = stores.policies->add_rule(options.field, options.pattern,
                                              access_of(options.access), options.before);
  if (!rule) return complain(rule.error());
  return said(options, stores, {{"rule", *rule}}, "rule " + std::to_string(*rule));
}

int remove_rule(const RuleOptions& options, Stores& stores) {
  if (auto done = stores.policies->remove_rule(options.rule); !done) return complain(done.error());
  return said(options, stores, {{"removed", options.rule}}, "removed");
}

int set_default(const RuleOptions& options, Stores& stores) {
  if (auto done = stores.policies->set_default_access(access_of(options.access)); !done) {
    return complain(done.error());
  }
  return said(options, stores, {{"default", options.access}},
              "devices for which no rule stands: " + options.access);
}

void add_access(CLI::App& command, RuleOptions& options) {
  command.add_option("access", options.access, "allow, block or quarantine")
      ->required()
      ->check(CLI::IsMember({"allow", "block", "quarantine"}));
}

}  // namespace

void define_device_rules(CLI::App& device, Action& action) {
  CLI::App* command = device.add_subcommand(
      "rule", "Which devices may sync: the first rule that fits decides, else the default");
  command->require_subcommand(1);
  auto options = std::make_shared<RuleOptions>();
  define_store_command(*command, action, options, "list", "List the rules in their order",
                       list_rules);
  CLI::App* adding =
      define_store_command(*command, action, options, "add", "Add a rule at the end", add_rule);
  add_access(*adding, *options);
  std::vector<std::string> fields;
  for (const std::string_view field : policy::rule_fields()) fields.emplace_back(field);
  adding->add_option("field", options->field, "type, model, os, agent or version")
      ->required()
      ->check(CLI::IsMember(fields));
  adding
      ->add_option("pattern", options->pattern,
                   "What it must be, without case; * stands for any text, ? for one character")
      ->required();
  adding->add_option("--before", options->before, "The rule to put it before");
  CLI::App* removing =
      define_store_command(*command, action, options, "remove", "Remove a rule", remove_rule);
  removing->add_option("rule", options->rule, "Its number")->required();
  CLI::App* defaulting =
      define_store_command(*command, action, options, "default",
                           "Say what holds for devices that no rule fits", set_default);
  add_access(*defaulting, *options);
}

}  // namespace eas::admin
