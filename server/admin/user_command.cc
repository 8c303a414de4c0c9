// `godwit user add|set|show|list|passwd|enable|disable|remove|broken`. A running server asks the
// database at every login, so what is done here counts at once.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <utility>

#include "server/admin/control_socket.h"
#include "server/admin/password_input.h"
#include "server/admin/profile_options.h"
#include "server/admin/store_command.h"
#include "server/admin/table.h"
#include "server/admin/user_text.h"
#include "storage/mail/backends.h"

namespace eas::admin {
namespace {

struct UserOptions {
  std::string config;
  std::string login;
  std::string display_name;
  CLI::Option* set_display_name = nullptr;  // of `set`: was a name given?
  ProfileOptions new_profile, changed_profile;
  bool password_stdin = false;
  bool json = false;
  bool purge = false;
};

storage::Result<UserView> view_of(Stores& stores, const std::string& login) {
  UserView view;
  GODWIT_ASSIGN(view.user, stores.directory->find(login));
  GODWIT_ASSIGN(view.profile, stores.addresses->profile(view.user.id));
  GODWIT_ASSIGN(const auto ids, stores.addresses->groups_of(view.user.id));
  GODWIT_ASSIGN(const auto groups, stores.addresses->groups());
  for (const storage::Group& group : groups) {
    if (std::find(ids.begin(), ids.end(), group.id) != ids.end()) {
      view.groups.push_back(group.address);
    }
  }
  return view;
}

// Says what was done, or with --json what the user is now.
int report(const UserOptions& options, Stores& stores, const std::string& address,
           const char* done) {
  if (!options.json) {
    std::printf("%s %s\n", done, address.c_str());
    return 0;
  }
  const auto view = view_of(stores, address);
  if (!view) return complain(view.error());
  print_json(to_json(*view));
  return 0;
}

int add_user(const UserOptions& options, Stores& stores) {
  const std::string address = stores.full_address(options.login);
  const auto profile = options.new_profile.apply({});  // what is wrong with files comes first
  if (!profile) return complain(profile.error());
  const auto password = read_password(options.password_stdin, "Password for " + address, true);
  if (!password) return complain(password.error());
  const auto user = stores.directory->add(address, *password, options.display_name);
  if (!user) return complain(user.error());
  if (options.new_profile.any()) {
    if (const auto set = stores.addresses->set_profile(user->id, *profile); !set) {
      if (const auto undone = stores.directory->remove(user->address); !undone) {
        return complain(undone.error());
      }
      return complain(set.error());
    }
  }
  return report(options, stores, user->address, "added");
}

int set_user(const UserOptions& options, Stores& stores) {
  const auto user = stores.directory->find(options.login);
  if (!user) return complain(user.error());
  const bool name = options.set_display_name->count() > 0;
  if (!name && !options.changed_profile.any()) return complain("nothing to set was given");
  if (options.changed_profile.any()) {
    auto old = stores.addresses->profile(user->id);
    if (!old) return complain(old.error());
    const auto profile = options.changed_profile.apply(std::move(*old));
    if (!profile) return complain(profile.error());
    const auto set = stores.addresses->set_profile(user->id, *profile);
    if (!set) return complain(set.error());
  }
  if (name) {
    const auto set = stores.addresses->set_display_name(user->id, options.display_name);
    if (!set) return complain(set.error());
  }
  return report(options, stores, user->address, "changed");
}

int show_user(const UserOptions& options, Stores& stores) {
  const auto view = view_of(stores, options.login);
  if (!view) return complain(view.error());
  if (options.json) {
    print_json(to_json(*view));
  } else {
    print_user(*view);
  }
  return 0;
}

int switch_user(const UserOptions& options, Stores& stores, bool enabled) {
  const auto user = stores.directory->find(options.login);
  if (!user) return complain(user.error());
  const auto done = stores.directory->set_eas_enabled(user->address, enabled);
  if (!done) return complain(done.error());
  announce(stores, user->id, 0);
  return report(options, stores, user->address,
                enabled ? "ActiveSync is on for" : "ActiveSync is off for");
}

int enable_user(const UserOptions& options, Stores& stores) {
  return switch_user(options, stores, true);
}

int disable_user(const UserOptions& options, Stores& stores) {
  return switch_user(options, stores, false);
}

int list_users(const UserOptions& options, Stores& stores) {
  const auto users = stores.directory->list();
  if (!users) return complain(users.error());
  std::vector<std::vector<std::string>> rows = {{"ADDRESS", "NAME", "ACTIVESYNC"}};
  auto json = nlohmann::ordered_json::array();
  for (const storage::User& user : *users) {
    rows.push_back({user.address, user.display_name, user.eas_enabled ? "on" : "off"});
    if (options.json) json.push_back(to_json(user));
  }
  if (options.json) {
    print_json(json);
  } else {
    print_table(rows);
  }
  return 0;
}

int set_password(const UserOptions& options, Stores& stores) {
  const auto user = stores.directory->find(options.login);
  if (!user) return complain(user.error());
  const auto password =
      read_password(options.password_stdin, "New password for " + user->address, true);
  if (!password) return complain(password.error());
  if (const auto done = stores.directory->set_password(user->address, *password); !done) {
    return complain(done.error());
  }
  return report(options, stores, user->address, "changed the password of");
}

// The words of the user's mail. The index is the server's: where there is none, none is made here.
storage::Result<void> forget_searches(Stores& stores, std::int64_t user_id) {
  std::error_code ignored;
  if (stores.database->is_sqlite() &&
      !std::filesystem::exists(stores.config.search_index, ignored)) {
    return {};
  }
  GODWIT_TRY(stores.open_search());
  GODWIT_ASSIGN(const auto folders, stores.search_index->folders(user_id));
  for (const storage::CollectionId folder : folders) {
    for (bool gone = false; !gone;) {
      GODWIT_ASSIGN(gone, stores.search_index->forget_some(user_id, folder));
    }
  }
  return {};
}

// All that the databases keep of a user whose login is gone.
storage::Result<void> forget_user(Stores& stores, std::int64_t user_id) {
  GODWIT_ASSIGN(const auto devices, stores.state->devices(user_id));
  for (const storage::Device& device : devices) {
    GODWIT_TRY(stores.state->remove_device(device.id));
  }
  GODWIT_TRY(stores.policies->unassign_policy(false, user_id));
  announce(stores, user_id, 0);
  GODWIT_TRY(stores.settings->remove_all(user_id));
  GODWIT_TRY(stores.threads->forget(user_id));
  GODWIT_TRY(storage::forget_mail_of(*stores.database, user_id));
  return forget_searches(stores, user_id);
}

int remove_user(const UserOptions& options, Stores& stores) {
  const auto user = stores.directory->find(options.login);
  if (!user) return complain(user.error());
  // The login goes first: from then on no request can bring a device back.
  if (const auto done = stores.directory->remove(user->address); !done) {
    return complain(done.error());
  }
  if (const auto done = forget_user(stores, user->id); !done) return complain(done.error());
  const std::filesystem::path mail = std::filesystem::path(stores.config.mail_root) / user->address;
  if (options.purge) {
    std::error_code error;
    std::filesystem::remove_all(mail, error);
    if (error) return complain(mail.string() + ": " + error.message());
  }
  if (options.json) {
    print_json({{"removed", user->address}, {"mail", mail.string()}, {"purged", options.purge}});
    return 0;
  }
  std::printf("removed %s; the mail %s %s\n", user->address.c_str(),
              options.purge ? "was deleted from" : "stays in", mail.c_str());
  return 0;
}

int list_broken(const UserOptions& options, Stores& stores) {
  const auto user = stores.directory->find(options.login);
  if (!user) return complain(user.error());
  if (const auto opened = stores.open_mail(); !opened) return complain(opened.error());
  const auto mailbox = stores.mail->open(user->id, user->address);
  if (!mailbox) return complain(mailbox.error());
  const auto broken = (*mailbox)->broken_messages();
  if (!broken) return complain(broken.error());
  std::vector<std::vector<std::string>> rows = {{"NOTICED (UTC)", "FOLDER", "MESSAGE", "REASON"}};
  for (const auto& message : *broken) {
    const auto folder = (*mailbox)->folder(message.folder);
    rows.push_back({when_text(message.noticed),
                    folder ? folder->name : std::to_string(message.folder),
                    std::to_string(message.id), message.reason});
  }
  if (options.json) {
    auto json = nlohmann::ordered_json::array();
    for (std::size_t row = 1; row < rows.size(); ++row) {
      json.push_back({{"noticed", rows[row][0]},
                      {"folder", rows[row][1]},
                      {"message", rows[row][2]},
                      {"reason", rows[row][3]}});
    }
    print_json(json);
  } else {
    print_table(rows);
  }
  return 0;
}

void add_address(CLI::App& command, UserOptions& options) {
  command.add_option("address", options.login, "The user, local@domain")->required();
}

void add_password(CLI::App& command, UserOptions& options) {
  command.add_flag("--password-stdin", options.password_stdin,
                   "Read the password from standard input instead of asking");
}

}  // namespace

void define_user(CLI::App& command, Action& action) {
  command.require_subcommand(1);
  auto options = std::make_shared<UserOptions>();
  CLI::App* adding = define_store_command(command, action, options, "add", "Add a user", add_user);
  add_address(*adding, *options);
  add_password(*adding, *options);
  adding->add_option("--display-name", options->display_name, "The name shown in mail they send");
  options->new_profile.add_to(*adding);
  CLI::App* setting = define_store_command(
      command, action, options, "set", "Change what the address list shows of a user", set_user);
  add_address(*setting, *options);
  options->set_display_name =
      setting->add_option("--display-name", options->display_name, "The name; empty: none");
  options->changed_profile.add_to(*setting);
  CLI::App* showing =
      define_store_command(command, action, options, "show", "Show a user", show_user);
  add_address(*showing, *options);
  define_store_command(command, action, options, "list", "List all users", list_users);
  CLI::App* enabling = define_store_command(command, action, options, "enable",
                                            "Let a user sync with phones", enable_user);
  add_address(*enabling, *options);
  CLI::App* disabling = define_store_command(command, action, options, "disable",
                                             "Do not let a user sync with phones", disable_user);
  add_address(*disabling, *options);
  CLI::App* passwd =
      define_store_command(command, action, options, "passwd", "Change a password", set_password);
  add_address(*passwd, *options);
  add_password(*passwd, *options);
  CLI::App* removing =
      define_store_command(command, action, options, "remove",
                           "Remove a user and their devices; counts at once", remove_user);
  add_address(*removing, *options);
  removing->add_flag("--purge", options->purge, "Delete the user's mail too");
  CLI::App* broken =
      define_store_command(command, action, options, "broken",
                           "List messages that phones got as placeholders", list_broken);
  add_address(*broken, *options);
}

}  // namespace eas::admin
