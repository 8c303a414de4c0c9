#include "server/admin/account_options.h"

#include "server/admin/password_input.h"
#include "server/config/config_file.h"
#include "storage/base/url.h"

namespace eas::admin {

void add_account_options(CLI::App& command, AccountOptions& options) {
  command.add_option("url", options.client.url, "https://HOST:PORT")->required();
  command.add_option("--user", options.client.user, "The login")->required();
  command.add_flag("--password-stdin", options.password_stdin,
                   "Read the password from standard input instead of asking");
  command.add_option("--ca", options.client.ca_file,
                     "PEM file with the certificate to trust instead of the system's");
  command.add_flag("--insecure", options.insecure,
                   "Do not verify the certificate; on loopback this is so anyway without --ca");
}

storage::Result<client::ClientOptions> complete_account(const AccountOptions& options) {
  client::ClientOptions client = options.client;
  GODWIT_ASSIGN(client.password, read_password(options.password_stdin,
                                               "Password for " + options.client.user, false));
  // A server on this machine mostly has a certificate that it made itself, and nobody is between.
  const auto url = storage::parse_url(client.url);
  const bool local = url && is_loopback(url->host) && client.ca_file.empty();
  client.verify_certificate = !local && !options.insecure;
  return client;
}

}  // namespace eas::admin
