// What a configuration names, opened: the database and the stores over it. Shared by the running
// server and by the administrator's subcommands, which work on the same data beside it.
#pragma once

#include <memory>
#include <string>

#include "server/certificates/validator.h"
#include "server/config/config_file.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"
#include "storage/directory/address_list.h"
#include "storage/directory/directory.h"
#include "storage/mail/mail_sender.h"
#include "storage/mail/mail_store.h"
#include "storage/mail/thread_index.h"
#include "storage/notify/change_hub.h"
#include "storage/search/search_index.h"
#include "storage/sql/database.h"
#include "storage/state/policy_store.h"
#include "storage/state/state_store.h"
#include "storage/state/user_settings.h"

namespace eas::admin {

// The members are in the order of their making; each may use those above it.
struct Stores {
  Config config;
  storage::SystemClock clock;
  std::unique_ptr<storage::Database> database;
  std::unique_ptr<storage::Directory> directory;
  std::unique_ptr<storage::AddressList> addresses;
  std::unique_ptr<storage::StateStore> state;
  std::unique_ptr<storage::PolicyStore> policies;
  std::unique_ptr<storage::UserSettings> settings;
  std::unique_ptr<storage::ThreadIndex> threads;
  storage::ChangeHub hub;
  std::unique_ptr<storage::MailStore> mail;            // after open_mail()
  std::unique_ptr<storage::MailSender> sender;         // after open_mail()
  std::unique_ptr<CertificateValidator> certificates;  // after open_certificates()

  std::unique_ptr<storage::Database> search_database;  // after open_search(), on SQLite only
  std::unique_ptr<storage::SearchIndex> search_index;  // after open_search()

  // unavailable: a store cannot be reached; the message says which.
  static storage::Result<std::unique_ptr<Stores>> open(Config config);
  // Reads the configuration first.
  static storage::Result<std::unique_ptr<Stores>> open_file(const std::string& config_file);

  // Opens the mail store and the sender too, which few subcommands need.
  storage::Result<void> open_mail();
  // Opens the full-text index, which the running server fills; on SQLite its file is made when
  // there is none.
  storage::Result<void> open_search();

  // The server's own secret (storage/base/secret.h), in DATA_DIR/secret.key. The server makes it
  // when there is none; others only read it, for what they made would be theirs. not_found.
  storage::Result<std::string> load_or_make_secret() const;
  storage::Result<std::string> load_secret() const;
  // Opens whom to trust for S/MIME certificates. invalid: a file of them cannot be used.
  storage::Result<void> open_certificates();

  // "anna" → "anna@example.test" with the default domain; others as they are.
  std::string full_address(const std::string& login) const;
};

}  // namespace eas::admin
