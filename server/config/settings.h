// What can be set in godwit.toml: the values (Config) and one row per setting, from which the
// reader, the sample file and the checks are made. Adding a setting is a member and a row.
// What it is not: the reader of the file, see config_file.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "server/config/limits.h"

namespace eas {

// The settings of one server, with their defaults. Paths are as written; load_config() makes them
// absolute.
struct Config {
  std::string address = "0.0.0.0";
  std::uint16_t port = 443;
  bool plain_http = false;
  std::string certificate;
  std::string key;
  int workers = 0;
  int event_loops = 0;

  std::string data_dir = ".";
  std::string database = "sqlite:godwit.db";
  std::string mail_root = "mail";

  std::string search_index = "search.db";
  bool search_background = true;
  int search_catch_up = 8;  // seconds

  std::string default_domain;
  std::vector<std::string> local_domains;

  std::string relay_url;
  std::string relay_user;
  std::string relay_password_file;
  std::string relay_starttls = "required";
  std::string relay_ca_file;

  std::string smime_ca_file;
  std::string smime_ca_dir;
  bool fetch_crls = true;
  int crl_timeout = 10;
  std::size_t max_crl = std::size_t{10} << 20;
  std::string devices_administrator;

  bool oof_external = true;
  std::string read_receipts = "internal";

  std::string autodiscover_url;
  std::string autodiscover_imap;
  std::string autodiscover_smtp;
  std::vector<std::string> autodiscover_redirects;

  std::string log_level = "info";
  std::string capture_dir = "capture";

  Limits limits;
};

// Where the value of a row lives; its type is the type of the setting.
using SettingTarget = std::variant<std::string*, std::vector<std::string>*, bool*, int*,
                                   std::uint16_t*, std::size_t*>;

struct SettingRow {
  std::string_view section;  // "server", as in [server]
  std::string_view name;     // "port"
  std::string_view unit;     // "seconds", "bytes", …; "path": relative to data_dir; or ""
  std::int64_t min = 0;      // for numbers; both 0: not a number
  std::int64_t max = 0;
  std::string_view choices;  // "debug info warning": the only texts allowed; "" for any
  std::string_view text;     // for the administrator; never empty
  SettingTarget (*target)(Config& config) = nullptr;
};

// Every setting, section by section.
std::span<const SettingRow> setting_rows();

// "text", "list of texts", "true or false" or "number".
std::string_view type_name(const SettingRow& row);

// The value as TOML, for instance `"0.0.0.0"`, `443`, `["a.example", "b.example"]`.
std::string value_text(const SettingRow& row, const Config& config);

// A whole godwit.toml with every setting and its explanation. Settings that have their default
// value stand as comments.
std::string to_toml(const Config& config);

}  // namespace eas
