// `godwit policy …`.
#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "server/admin/control_socket.h"
#include "server/admin/store_command.h"
#include "server/admin/table.h"
#include "server/policy/policy_document.h"
#include "storage/base/text.h"

namespace eas::admin {
namespace {

using nlohmann::ordered_json;
using policy::PolicyDocument;
using policy::PolicySetting;
using storage::ErrorKind;
using storage::Result;

struct PolicyOptions {
  std::string config;
  std::string name;
  std::vector<std::string> settings;  // "Name=value"
  std::vector<std::string> unset;
  std::string user, group;
  bool none = false;
  bool all = false;
  bool json = false;
};

int said(const PolicyOptions& options, const ordered_json& json, const std::string& text) {
  std::printf("%s\n", options.json ? json.dump().c_str() : text.c_str());
  return 0;
}

Result<storage::Policy> find_policy(Stores& stores, const std::string& name) {
  GODWIT_ASSIGN(const storage::PolicyWorld world, stores.policies->world());
  for (const storage::Policy& policy : world.policies) {
    if (storage::equals_ignore_case(policy.name, name)) return policy;
  }
  return storage::fail(ErrorKind::not_found, "no policy " + name);
}

// To whom each policy is assigned, by policy id: "anna@example.org", "group sales@example.org".
Result<std::map<std::int64_t, std::vector<std::string>>> assigned_names(
    Stores& stores, const storage::PolicyWorld& world) {
  std::map<std::int64_t, std::string> users;
  std::map<std::int64_t, std::string> groups;
  GODWIT_ASSIGN(const auto all_users, stores.directory->list());
  GODWIT_ASSIGN(const auto all_groups, stores.addresses->groups());
  for (const storage::User& user : all_users) users[user.id] = user.address;
  for (const storage::Group& group : all_groups) groups[group.id] = group.address;
  std::map<std::int64_t, std::vector<std::string>> result;
  for (const storage::PolicyAssignment& one : world.assignments) {
    const auto& names = one.group ? groups : users;
    const auto found = names.find(one.subject);
    const std::string name = found == names.end() ? "(removed)" : found->second;
    result[one.policy].push_back((one.group ? "group " : "") + name);
  }
  return result;
}

int list_policies(const PolicyOptions& options, Stores& stores) {
  const auto world = stores.policies->world();
  if (!world) return complain(world.error());
  auto assigned = assigned_names(stores, *world);
  if (!assigned) return complain(assigned.error());
  ordered_json all = ordered_json::array();
  std::vector<std::vector<std::string>> rows = {{"POLICY", "DEFAULT", "SETTINGS", "ASSIGNED TO"}};
  for (const storage::Policy& policy : world->policies) {
    const auto settings = ordered_json::parse(policy.settings, nullptr, false);
    all.push_back({{"policy", policy.name},
                   {"default", policy.is_default},
                   {"revision", policy.revision},
                   {"settings", settings},
                   {"assigned", (*assigned)[policy.id]}});
    rows.push_back({policy.name, policy.is_default ? "yes" : "",
                    settings.is_object() ? std::to_string(settings.size()) : "unreadable",
                    joined((*assigned)[policy.id])});
  }
  if (options.json) {
    std::printf("%s\n", all.dump(2).c_str());
  } else {
    print_table(rows);
  }
  return 0;
}

// Without a name: what can be set.
int show_settings(const PolicyOptions& options) {
  ordered_json all = ordered_json::array();
  std::vector<std::vector<std::string>> rows = {{"SETTING", "VALUES", "DEFAULT", "SINCE", "WHAT"}};
  for (const PolicySetting& setting : policy::policy_settings()) {
    const bool own = setting.tag == wbxml::Tag{};
    const bool old = setting.xml != policy::XmlForm::none;
    const std::string since = own ? "server" : old ? "2.5" : std::string(to_string(setting.since));
    all.push_back({{"setting", setting.name},
                   {"values", policy::range_text(setting)},
                   {"default", setting.fallback},
                   {"since", since},
                   {"text", setting.text}});
    rows.push_back({std::string(setting.name), policy::range_text(setting),
                    std::string(setting.fallback), since, std::string(setting.text)});
  }
  if (options.json) {
    std::printf("%s\n", all.dump(2).c_str());
  } else {
    print_table(rows);
  }
  return 0;
}

int show_policy(const PolicyOptions& options, Stores& stores) {
  if (options.name.empty()) return show_settings(options);
  const auto policy = find_policy(stores, options.name);
  if (!policy) return complain(policy.error());
  const auto document = PolicyDocument::from_json(policy->settings);
  if (!document) return complain(document.error());
  ordered_json json = {{"policy", policy->name},
                       {"default", policy->is_default},
                       {"settings", ordered_json::parse(document->to_json())}};
  if (options.json) {
    std::printf("%s\n", json.dump(2).c_str());
    return 0;
  }
  std::vector<std::vector<std::string>> rows = {{"SETTING", "VALUE", "", "WHAT"}};
  for (const PolicySetting& setting : policy::policy_settings()) {
    const bool set = document->is_set(setting.name);
    if (!set && !options.all) continue;
    const bool list = setting.kind == PolicySetting::Kind::list;
    rows.push_back(
        {std::string(setting.name),
         list ? joined(document->list(setting.name)) : std::string(document->value(setting.name)),
         set ? "" : "(default)", std::string(setting.text)});
  }
  print_table(rows);
  return 0;
}

// "Name=value"; a list is given by naming it several times.
Result<void> apply(PolicyDocument& document, const PolicyOptions& options) {
  std::map<std::string, std::vector<std::string>> given;
  for (const std::string& text : options.settings) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) {
      return storage::fail(ErrorKind::invalid, text + ": write SETTING=VALUE");
    }
    given[text.substr(0, equals)].push_back(text.substr(equals + 1));
  }
  for (const std::string& name : options.unset) GODWIT_TRY(document.unset(name));
  for (const auto& [name, values] : given) GODWIT_TRY(document.set(name, values));
  return {};
}

int set_policy(const PolicyOptions& options, Stores& stores) {
  PolicyDocument document;
  const auto before = find_policy(stores, options.name);
  if (before) {
    auto read = PolicyDocument::from_json(before->settings);
    if (!read) return complain(read.error().message + "; remove the policy and set it anew");
    document = std::move(*read);
  } else if (before.error().kind != ErrorKind::not_found) {
    return complain(before.error());
  }
  if (auto done = apply(document, options); !done) return complain(done.error());
  const auto policy = stores.policies->set_policy(options.name, document.to_json());
  if (!policy) return complain(policy.error());
  announce(stores, 0, 0);
  const bool same = before && before->revision == policy->revision;
  return said(options,
              {{"policy", policy->name}, {"revision", policy->revision}, {"changed", !same}},
              same     ? "nothing has changed"
              : before ? "changed; its devices provision again"
                       : "made; it holds for nobody until it is assigned or the default");
}

int remove_policy(const PolicyOptions& options, Stores& stores) {
  if (auto done = stores.policies->remove_policy(options.name); !done) {
    return complain(done.error());
  }
  announce(stores, 0, 0);
  return said(options, {{"removed", options.name}}, "removed");
}

int default_policy(const PolicyOptions& options, Stores& stores) {
  if (options.none == !options.name.empty()) return complain("give a policy, or --none");
  if (auto done = stores.policies->set_default_policy(options.name); !done) {
    return complain(done.error());
  }
  announce(stores, 0, 0);
  return said(options, {{"default", options.name}},
              options.none ? "there is no default policy any more"
                           : options.name + " holds for all who have none assigned");
}

struct Subject {
  bool group = false;
  std::int64_t id = 0;
  std::string address;
};

Result<Subject> find_subject(const PolicyOptions& options, Stores& stores) {
  if (options.user.empty() == options.group.empty()) {
    return storage::fail(ErrorKind::invalid, "give --user or --group");
  }
  if (!options.user.empty()) {
    GODWIT_ASSIGN(const storage::User user, stores.directory->find(options.user));
    return Subject{false, user.id, user.address};
  }
  GODWIT_ASSIGN(const storage::Group group, stores.addresses->group(options.group));
  return Subject{true, group.id, group.address};
}

int assign_policy(const PolicyOptions& options, Stores& stores) {
  const auto subject = find_subject(options, stores);
  if (!subject) return complain(subject.error());
  if (auto done = stores.policies->assign_policy(subject->group, subject->id, options.name);
      !done) {
    return complain(done.error());
  }
  announce(stores, subject->group ? 0 : subject->id, 0);
  return said(options, {{"policy", options.name}, {"assigned", subject->address}},
              options.name + " holds for " + subject->address);
}

int unassign_policy(const PolicyOptions& options, Stores& stores) {
  const auto subject = find_subject(options, stores);
  if (!subject) return complain(subject.error());
  if (auto done = stores.policies->unassign_policy(subject->group, subject->id); !done) {
    return complain(done.error());
  }
  announce(stores, subject->group ? 0 : subject->id, 0);
  return said(options, {{"unassigned", subject->address}},
              subject->address + " has no policy of its own any more");
}

CLI::Option* add_name(CLI::App& command, PolicyOptions& options) {
  return command.add_option("policy", options.name, "The policy's name");
}

void add_subject(CLI::App& command, PolicyOptions& options) {
  command.add_option("--user", options.user, "A user");
  command.add_option("--group", options.group, "A group");
}

}  // namespace

void define_policy(CLI::App& command, Action& action) {
  command.require_subcommand(1);
  auto options = std::make_shared<PolicyOptions>();
  define_store_command(command, action, options, "list", "List the policies and whom they hold for",
                       list_policies);
  CLI::App* showing =
      define_store_command(command, action, options, "show",
                           "Show a policy; without a name: every setting there is", show_policy);
  add_name(*showing, *options);
  showing->add_flag("--all", options->all, "Show what has its default too");
  CLI::App* setting = define_store_command(command, action, options, "set",
                                           "Make a policy or change settings of it", set_policy);
  add_name(*setting, *options)->required();
  setting->add_option("settings", options->settings,
                      "SETTING=VALUE …; a list is given by naming it several times");
  setting->add_option("--unset", options->unset, "A setting to put back to its default");
  CLI::App* removing =
      define_store_command(command, action, options, "remove",
                           "Remove a policy; its devices provision again", remove_policy);
  add_name(*removing, *options)->required();
  CLI::App* assigning =
      define_store_command(command, action, options, "assign",
                           "Say for which user or group a policy holds", assign_policy);
  add_name(*assigning, *options)->required();
  add_subject(*assigning, *options);
  CLI::App* unassigning =
      define_store_command(command, action, options, "unassign", "Take it back", unassign_policy);
  add_subject(*unassigning, *options);
  CLI::App* defaulting = define_store_command(
      command, action, options, "default",
      "Say which policy holds for all who have none assigned, nor a group", default_policy);
  add_name(*defaulting, *options);
  defaulting->add_flag("--none", options->none, "None");
}

}  // namespace eas::admin
