// `godwit user add|list|passwd|remove|broken`. A running server asks the database at every login,
// so what is done here counts at once.
#include <cstdio>
#include <filesystem>
#include <memory>

#include "server/admin/password_input.h"
#include "server/admin/stores.h"
#include "server/admin/subcommand.h"
#include "server/admin/table.h"

namespace eas::admin {
namespace {

struct UserOptions {
  std::string config;
  std::string login;
  std::string display_name;
  bool password_stdin = false;
  bool purge = false;
};

using Work = int (*)(const UserOptions&, Stores&);

// Opens the stores and does `work`.
int with_stores(const UserOptions& options, Work work) {
  const auto stores = Stores::open_file(options.config);
  if (!stores) return complain(stores.error());
  return work(options, **stores);
}

int add_user(const UserOptions& options, Stores& stores) {
  const std::string address = stores.full_address(options.login);
  const auto password = read_password(options.password_stdin, "Password for " + address, true);
  if (!password) return complain(password.error());
  const auto user = stores.directory->add(address, *password, options.display_name);
  if (!user) return complain(user.error());
  std::printf("added %s\n", user->address.c_str());
  return 0;
}

int list_users(const UserOptions&, Stores& stores) {
  const auto users = stores.directory->list();
  if (!users) return complain(users.error());
  std::vector<std::vector<std::string>> rows = {{"ADDRESS", "NAME"}};
  for (const storage::User& user : *users) rows.push_back({user.address, user.display_name});
  print_table(rows);
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
  std::printf("changed the password of %s\n", user->address.c_str());
  return 0;
}

int remove_user(const UserOptions& options, Stores& stores) {
  const auto user = stores.directory->find(options.login);
  if (!user) return complain(user.error());
  // The login goes first: from then on no request can bring a device back.
  if (const auto done = stores.directory->remove(user->address); !done) {
    return complain(done.error());
  }
  const auto devices = stores.state->devices(user->id);
  if (!devices) return complain(devices.error());
  for (const storage::Device& device : *devices) {
    if (const auto done = stores.state->remove_device(device.id); !done) {
      return complain(done.error());
    }
  }
  if (const auto done = stores.settings->remove_all(user->id); !done) {
    return complain(done.error());
  }
  const std::filesystem::path mail = std::filesystem::path(stores.config.mail_root) / user->address;
  if (options.purge) {
    std::error_code error;
    std::filesystem::remove_all(mail, error);
    if (error) return complain(mail.string() + ": " + error.message());
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
  print_table(rows);
  return 0;
}

// One subcommand of `user`; the caller adds its own options.
CLI::App* define_one(CLI::App& command, Action& action, const std::shared_ptr<UserOptions>& options,
                     const std::string& name, const std::string& text, Work work) {
  CLI::App* one = command.add_subcommand(name, text);
  add_config_option(*one, options->config);
  one->callback([&action, options, work] {
    action = [options, work] { return with_stores(*options, work); };
  });
  return one;
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
  CLI::App* adding = define_one(command, action, options, "add", "Add a user", add_user);
  add_address(*adding, *options);
  add_password(*adding, *options);
  adding->add_option("--display-name", options->display_name, "The name shown in mail they send");
  define_one(command, action, options, "list", "List all users", list_users);
  CLI::App* passwd =
      define_one(command, action, options, "passwd", "Change a password", set_password);
  add_address(*passwd, *options);
  add_password(*passwd, *options);
  CLI::App* removing = define_one(command, action, options, "remove",
                                  "Remove a user and their devices; counts at once", remove_user);
  add_address(*removing, *options);
  removing->add_flag("--purge", options->purge, "Delete the user's mail too");
  CLI::App* broken = define_one(command, action, options, "broken",
                                "List messages that phones got as placeholders", list_broken);
  add_address(*broken, *options);
}

}  // namespace eas::admin
