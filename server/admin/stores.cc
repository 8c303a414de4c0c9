#include "server/admin/stores.h"

#include <sys/stat.h>

#include <fstream>
#include <utility>

#include "server/items/email/conversation_key.h"
#include "storage/base/log.h"
#include "storage/base/secret.h"
#include "storage/directory/backends.h"
#include "storage/mail/backends.h"
#include "storage/search/backends.h"
#include "storage/state/backends.h"

namespace eas::admin {

using storage::ErrorKind;
using storage::fail;
using storage::Result;

namespace {

// A file with a password that other users of the machine can read is worth a line in the log.
void warn_when_readable_by_others(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && (info.st_mode & 0077) != 0) {
    storage::log_event(storage::LogLevel::warning, "password file readable by others",
                       {{"file", path}});
  }
}

Result<std::string> first_line(const std::string& path) {
  warn_when_readable_by_others(path);
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return fail(ErrorKind::invalid, path + ": holds no password");
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

storage::StartTls starttls_of(const std::string& text) {
  if (text == "never") return storage::StartTls::never;
  if (text == "when_offered") return storage::StartTls::when_offered;
  return storage::StartTls::required;
}

Result<storage::SenderOptions> sender_options(const Config& config, const storage::Clock& clock) {
  storage::SenderOptions options;
  options.local_domains = config.local_domains;
  options.clock = &clock;
  options.relay.url = config.relay_url;
  options.relay.user = config.relay_user;
  options.relay.starttls = starttls_of(config.relay_starttls);
  options.relay.ca_file = config.relay_ca_file;
  if (!config.relay_password_file.empty()) {
    GODWIT_ASSIGN(options.relay.password, first_line(config.relay_password_file));
  }
  return options;
}

Result<std::vector<storage::LocalRecipient>> members_for_delivery(storage::AddressList& addresses,
                                                                  std::string_view group) {
  GODWIT_ASSIGN(const auto users, addresses.all_members(group));
  std::vector<storage::LocalRecipient> members;
  for (const storage::User& user : users) members.emplace_back(user.id, user.address);
  return members;
}

}  // namespace

Result<std::unique_ptr<Stores>> Stores::open(Config config) {
  auto stores = std::make_unique<Stores>();
  stores->config = std::move(config);
  GODWIT_ASSIGN(stores->database, storage::Database::open(stores->config.database));
  storage::DirectoryOptions options;
  options.default_domain = stores->config.default_domain;
  GODWIT_ASSIGN(stores->directory, storage::open_directory(*stores->database, options));
  GODWIT_ASSIGN(stores->addresses, storage::open_address_list(*stores->database));
  GODWIT_ASSIGN(stores->state, storage::open_state_store(*stores->database));
  GODWIT_ASSIGN(stores->policies, storage::open_policy_store(*stores->database));
  GODWIT_ASSIGN(stores->settings, storage::open_user_settings(*stores->database));
  GODWIT_ASSIGN(stores->threads,
                storage::open_thread_index(*stores->database, email::conversation_id_of));
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
  GODWIT_ASSIGN(auto sending, sender_options(config, clock));
  sending.group_members = [this](std::string_view address) {
    return members_for_delivery(*addresses, address);
  };
  const auto resolve =
      [this](std::string_view address) -> Result<std::pair<std::int64_t, std::string>> {
    GODWIT_ASSIGN(const storage::User user, directory->find(address));
    return std::pair(user.id, user.address);
  };
  GODWIT_ASSIGN(sender, storage::open_mail_sender(sending, *mail, *database, resolve));
  return {};
}

Result<std::string> Stores::load_or_make_secret() const {
  return storage::load_or_make_secret(config.data_dir + "/secret.key");
}

Result<std::string> Stores::load_secret() const {
  return storage::load_secret(config.data_dir + "/secret.key");
}

Result<void> Stores::open_certificates() {
  ValidatorOptions options;
  options.ca_file = config.smime_ca_file;
  options.ca_dir = config.smime_ca_dir;
  options.crl.fetch = config.fetch_crls;
  options.crl.timeout = std::chrono::seconds(config.crl_timeout);
  options.crl.total_timeout = 2 * options.crl.timeout;
  options.crl.max_bytes = config.max_crl;
  GODWIT_ASSIGN(certificates, CertificateValidator::open(options));
  return {};
}

Result<void> Stores::open_search() {
  if (database->is_sqlite()) {
    GODWIT_ASSIGN(search_database, storage::open_search_database("sqlite:" + config.search_index));
  }
  GODWIT_ASSIGN(search_index,
                storage::open_search_index(search_database ? *search_database : *database));
  return {};
}

std::string Stores::full_address(const std::string& login) const {
  if (login.find('@') != std::string::npos || config.default_domain.empty()) return login;
  return login + "@" + config.default_domain;
}

}  // namespace eas::admin
