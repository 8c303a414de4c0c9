// `godwit group add|remove|rename|list|show|add-member|remove-member`. A running server asks the
// database for every mail and every search, so what is done here counts at once.
#include <cstdio>
#include <memory>

#include "server/admin/control_socket.h"
#include "server/admin/store_command.h"
#include "server/admin/table.h"
#include "server/admin/user_text.h"

namespace eas::admin {
namespace {

using storage::Result;

struct GroupOptions {
  std::string config;
  std::string group;
  std::string name;
  std::vector<std::string> members;
  bool json = false;
};

Result<GroupView> view_of(Stores& stores, const std::string& address) {
  GroupView view;
  GODWIT_ASSIGN(view.group, stores.addresses->group(address));
  GODWIT_ASSIGN(view.members, stores.addresses->members(address));
  GODWIT_ASSIGN(const auto users, stores.addresses->all_members(address));
  view.users = static_cast<int>(users.size());
  return view;
}

// Says what was done, or with --json what the group is now.
int report(const GroupOptions& options, Stores& stores, const char* done) {
  const std::string address = stores.full_address(options.group);
  const auto view = view_of(stores, address);
  if (!view) return complain(view.error());
  if (options.json) {
    print_json(to_json(*view));
  } else {
    std::printf("%s %s\n", done, view->group.address.c_str());
  }
  return 0;
}

int add_group(const GroupOptions& options, Stores& stores) {
  const auto added = stores.addresses->add_group(stores.full_address(options.group), options.name);
  return added ? report(options, stores, "added group") : complain(added.error());
}

int rename_group(const GroupOptions& options, Stores& stores) {
  const auto done =
      stores.addresses->set_group_name(stores.full_address(options.group), options.name);
  return done ? report(options, stores, "renamed group") : complain(done.error());
}

int remove_group(const GroupOptions& options, Stores& stores) {
  const std::string address = stores.full_address(options.group);
  const auto group = stores.addresses->group(address);
  if (!group) return complain(group.error());
  const auto done = stores.addresses->remove_group(address);
  if (!done) return complain(done.error());
  const auto unassigned = stores.policies->unassign_policy(true, group->id);
  if (!unassigned) return complain(unassigned.error());
  announce(stores, 0, 0);
  if (options.json) {
    print_json({{"removed", address}});
  } else {
    std::printf("removed group %s\n", address.c_str());
  }
  return 0;
}

int list_groups(const GroupOptions& options, Stores& stores) {
  const auto groups = stores.addresses->groups();
  if (!groups) return complain(groups.error());
  std::vector<std::vector<std::string>> rows = {{"ADDRESS", "NAME", "USERS"}};
  auto json = nlohmann::ordered_json::array();
  for (const storage::Group& group : *groups) {
    const auto users = stores.addresses->all_members(group.address);
    if (!users) return complain(users.error());
    rows.push_back({group.address, group.name, std::to_string(users->size())});
    json.push_back({{"address", group.address}, {"name", group.name}, {"users", users->size()}});
  }
  if (options.json) {
    print_json(json);
  } else {
    print_table(rows);
  }
  return 0;
}

int show_group(const GroupOptions& options, Stores& stores) {
  const auto view = view_of(stores, stores.full_address(options.group));
  if (!view) return complain(view.error());
  if (options.json) {
    print_json(to_json(*view));
  } else {
    print_group(*view);
  }
  return 0;
}

// Another policy may hold for the members now.
storage::Result<void> members_changed(Stores& stores) {
  GODWIT_TRY(stores.policies->touch());
  announce(stores, 0, 0);
  return {};
}

int add_members(const GroupOptions& options, Stores& stores) {
  for (const std::string& member : options.members) {
    const auto done = stores.addresses->add_member(stores.full_address(options.group),
                                                   stores.full_address(member));
    if (!done) return complain(done.error());
  }
  if (auto told = members_changed(stores); !told) return complain(told.error());
  return report(options, stores, "added to group");
}

int remove_members(const GroupOptions& options, Stores& stores) {
  for (const std::string& member : options.members) {
    const auto done = stores.addresses->remove_member(stores.full_address(options.group),
                                                      stores.full_address(member));
    if (!done) return complain(done.error());
  }
  if (auto told = members_changed(stores); !told) return complain(told.error());
  return report(options, stores, "removed from group");
}

}  // namespace

void define_group(CLI::App& command, Action& action) {
  command.require_subcommand(1);
  auto options = std::make_shared<GroupOptions>();
  define_store_command(command, action, options, "list", "List all groups", list_groups);
  const auto define = [&](const char* name, const char* text,
                          int (*work)(const GroupOptions&, Stores&)) {
    CLI::App* one = define_store_command(command, action, options, name, text, work);
    one->add_option("group", options->group, "The group's address, local@domain")->required();
    return one;
  };
  define("add", "Add a mail group", add_group)
      ->add_option("--name", options->name, "The name shown in the address list");
  define("remove", "Remove a group; mail to it comes back from then on", remove_group);
  define("rename", "Change the name shown", rename_group)
      ->add_option("--name", options->name, "The new name")
      ->required();
  define("show", "Show a group and its direct members", show_group);
  define("add-member", "Put users or groups into a group", add_members)
      ->add_option("members", options->members, "Addresses of users or groups")
      ->required();
  define("remove-member", "Take users or groups out of a group", remove_members)
      ->add_option("members", options->members, "Addresses of direct members")
      ->required();
}

}  // namespace eas::admin
