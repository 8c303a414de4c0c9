// The options of subcommands that log in to a server as a phone does: probe and replay.
#pragma once

#include <CLI/App.hpp>
#include <string>

#include "server/client/eas_client.h"
#include "storage/base/result.h"

namespace eas::admin {

struct AccountOptions {
  client::ClientOptions client;
  bool password_stdin = false;
  bool insecure = false;
};

// URL, --user, --password-stdin, --ca, --insecure.
void add_account_options(CLI::App& command, AccountOptions& options);

// Asks for the password and decides whether the certificate is verified: always, but for --insecure
// and for a server on this machine without --ca. invalid: no password.
storage::Result<client::ClientOptions> complete_account(const AccountOptions& options);

}  // namespace eas::admin
