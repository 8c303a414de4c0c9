#include "server/admin/stores.h"

#include <utility>

#include "storage/directory/backends.h"
#include "storage/mail/backends.h"
#include "storage/state/backends.h"

namespace eas::admin {

using storage::Result;

Result<std::unique_ptr<Stores>> Stores::open(Config config) {
  auto stores = std::make_unique<Stores>();
  stores->config = std::move(config);
  GODWIT_ASSIGN(stores->database, storage::Database::open(stores->config.database));
  storage::DirectoryOptions options;
  options.default_domain = stores->config.default_domain;
  GODWIT_ASSIGN(stores->directory, storage::open_directory(*stores->database, options));
  GODWIT_ASSIGN(stores->state, storage::open_state_store(*stores->database));
  return stores;
}

Result<std::unique_ptr<Stores>> Stores::open_file(const std::string& config_file) {
  GODWIT_ASSIGN(Config config, load_config(config_file));
  return open(std::move(config));
}

Result<void> Stores::open_mail() {
  storage::MailStoreOptions options;
  options.root = config.mail_root;
  options.clock = &clock;
  GODWIT_ASSIGN(mail, storage::open_mail_store(options, *database, hub));
  return {};
}

std::string Stores::full_address(const std::string& login) const {
  if (login.find('@') != std::string::npos || config.default_domain.empty()) return login;
  return login + "@" + config.default_domain;
}

}  // namespace eas::admin
