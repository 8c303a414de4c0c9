// Reads godwit.toml. A mistake in it (unknown key, wrong type, out of range) is an error that names
// the file and the line; a setting that is not there has its default.
#pragma once

#include <string>
#include <string_view>

#include "server/config/settings.h"
#include "storage/base/result.h"

namespace eas {

// Reads a document; `source` is its name in error messages. Paths stay as written.
// invalid: not TOML, an unknown section or key, a wrong type, a value out of range.
storage::Result<Config> parse_config(std::string_view text, std::string_view source);

// Makes the paths absolute: data_dir from `base_dir`, the others (also that of sqlite:FILE) from
// data_dir. Adds the default domain to the local ones. With plain_http nothing is counted by
// address.
Config resolve_paths(Config config, std::string_view base_dir);

// What cannot be said of one setting alone: TLS needs a certificate and a key, plain HTTP a
// loopback address, min_heartbeat is not above max_heartbeat. And of texts that they can be used:
// URLs, addresses, redirects. invalid otherwise; the message names the setting.
storage::Result<void> check_config(const Config& config);

// All of the above for a file. not_found or denied: it cannot be read.
storage::Result<Config> load_config(const std::string& path);

// True for 127.0.0.0/8, ::1 and localhost.
bool is_loopback(std::string_view address);

}  // namespace eas
