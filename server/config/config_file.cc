// The only file that knows toml++: header-only here, without its exceptions, so that no other
// translation unit pays for it and no library has to be installed where the server runs.
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <toml++/toml.h>
#pragma GCC diagnostic pop

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <utility>

#include "server/config/config_file.h"
#include "storage/base/text.h"
#include "storage/base/url.h"

namespace eas {
namespace {

using storage::ErrorKind;
using storage::fail;
using storage::Result;

std::string at(std::string_view source, const toml::source_region& region) {
  return std::string(source) + ":" + std::to_string(region.begin.line) + ": ";
}

std::string full_name(const SettingRow& row) {
  return std::string(row.section) + "." + std::string(row.name);
}

bool has_section(std::string_view name) {
  return std::ranges::any_of(setting_rows(),
                             [&](const SettingRow& row) { return row.section == name; });
}

const SettingRow* find_row(std::string_view section, std::string_view name) {
  const auto rows = setting_rows();
  const auto found = std::ranges::find_if(
      rows, [&](const SettingRow& row) { return row.section == section && row.name == name; });
  return found == rows.end() ? nullptr : &*found;
}

bool is_choice(std::string_view choices, std::string_view value) {
  return choices.empty() ||
         std::ranges::any_of(storage::split(choices, ' '),
                             [&](std::string_view choice) { return choice == value; });
}

// Puts a TOML value where the row says. Returns what is wrong with it, "" when nothing is.
struct Assign {
  const SettingRow& row;
  const toml::node& node;

  std::string operator()(std::string* target) const {
    const auto value = node.value_exact<std::string>();
    if (!value) return "must be a text in quotes";
    if (!is_choice(row.choices, *value)) return "must be one of: " + std::string(row.choices);
    *target = *value;
    return {};
  }
  std::string operator()(std::vector<std::string>* target) const {
    const toml::array* array = node.as_array();
    if (array == nullptr) return "must be a list of texts, [\"…\", \"…\"]";
    std::vector<std::string> values;
    for (const toml::node& item : *array) {
      const auto value = item.value_exact<std::string>();
      if (!value) return "must be a list of texts, [\"…\", \"…\"]";
      values.push_back(*value);
    }
    *target = std::move(values);
    return {};
  }
  std::string operator()(bool* target) const {
    const auto value = node.value_exact<bool>();
    if (!value) return "must be true or false";
    *target = *value;
    return {};
  }
  template <typename T>
  std::string operator()(T* target) const {
    const auto value = node.value_exact<std::int64_t>();
    if (!value) return "must be a number";
    if (*value < row.min || *value > row.max) {
      return "must be from " + std::to_string(row.min) + " to " + std::to_string(row.max);
    }
    *target = static_cast<T>(*value);
    return {};
  }
};

Result<void> read_section(std::string_view source, std::string_view section,
                          const toml::table& table, Config& config) {
  for (const auto& [key, node] : table) {
    const SettingRow* row = find_row(section, key.str());
    if (row == nullptr) {
      return fail(ErrorKind::invalid, at(source, key.source()) + "unknown setting " +
                                          std::string(section) + "." + std::string(key.str()));
    }
    const std::string problem = std::visit(Assign{*row, node}, row->target(config));
    if (!problem.empty()) {
      return fail(ErrorKind::invalid, at(source, node.source()) + full_name(*row) + " " + problem);
    }
  }
  return {};
}

std::string absolute_from(const std::filesystem::path& base, const std::string& path) {
  if (path.empty()) return path;
  std::string result = (base / path).lexically_normal().string();
  while (result.size() > 1 && result.ends_with('/')) result.pop_back();
  return result;
}

}  // namespace

Result<Config> parse_config(std::string_view text, std::string_view source) {
  const toml::parse_result parsed = toml::parse(text, source);
  if (!parsed) {
    return fail(ErrorKind::invalid,
                at(source, parsed.error().source()) + std::string(parsed.error().description()));
  }
  Config config;
  for (const auto& [key, node] : parsed.table()) {
    const toml::table* section = node.as_table();
    if (section == nullptr || !has_section(key.str())) {
      return fail(ErrorKind::invalid, at(source, key.source()) + "unknown " +
                                          (section == nullptr ? "setting " : "section ") +
                                          std::string(key.str()));
    }
    GODWIT_TRY(read_section(source, key.str(), *section, config));
  }
  return config;
}

Config resolve_paths(Config config, std::string_view base_dir) {
  std::error_code ignored;
  const std::filesystem::path base = std::filesystem::absolute(base_dir, ignored);
  config.data_dir = absolute_from(base, config.data_dir);
  const std::filesystem::path data(config.data_dir);
  for (const SettingRow& row : setting_rows()) {
    if (row.unit != "path") continue;
    std::string* const path = std::get<std::string*>(row.target(config));
    *path = absolute_from(data, *path);
  }
  constexpr std::string_view kSqlite = "sqlite:";
  if (config.database.starts_with(kSqlite)) {
    config.database =
        std::string(kSqlite) + absolute_from(data, config.database.substr(kSqlite.size()));
  }
  // Plain HTTP is for a proxy on this machine, and all phones have its address.
  if (config.plain_http) {
    config.limits.connections_per_address = 0;
    config.limits.address_login_failures = 0;
  }
  for (std::string& domain : config.local_domains) domain = storage::to_lower(domain);
  config.default_domain = storage::to_lower(config.default_domain);
  if (!config.default_domain.empty() &&
      std::ranges::find(config.local_domains, config.default_domain) ==
          config.local_domains.end()) {
    config.local_domains.push_back(config.default_domain);
  }
  return config;
}

bool is_loopback(std::string_view address) {
  if (address == "::1" || address == "[::1]" || address == "localhost") return true;
  const auto parts = storage::split(address, '.');
  return parts.size() == 4 && parts[0] == "127" &&
         std::ranges::all_of(parts, [](std::string_view part) {
           const auto number = storage::parse_uint(part);
           return number && *number <= 255;
         });
}

namespace {

// What is wrong with `value` as a URL of one of these schemes, "" when nothing is; "" is none. A
// wrong one is not repeated: it may hold a password.
std::string url_problem(const std::string& value, std::string_view schemes, bool with_path) {
  if (value.empty()) return {};
  const auto url = storage::parse_url(value);
  const bool good = url && is_choice(schemes, storage::to_lower(url->scheme)) &&
                    (with_path || url->path.empty() || url->path == "/") &&
                    url->path.find_first_of("?#") == std::string_view::npos;
  if (good) return {};
  std::string forms;
  for (const std::string_view scheme : storage::split(schemes, ' ')) {
    forms += (forms.empty() ? "" : " or ") + std::string(scheme) + "://HOST[:PORT]";
  }
  return "must be " + forms;
}

bool is_domain(std::string_view text) {
  const std::string as_url = "smtp://" + std::string(text);
  const auto url = storage::parse_url(as_url);
  return url && url->host == text;
}

std::string address_problem(const std::string& value) {
  const std::size_t at = value.rfind('@');
  const bool good = value.empty() || (at != std::string::npos && at > 0 &&
                                      value.find_first_of(" \t<>,\"") == std::string::npos &&
                                      is_domain(std::string_view(value).substr(at + 1)));
  return good ? std::string() : "must be an address, local@domain, not " + value;
}

std::string redirects_problem(const std::vector<std::string>& rows) {
  for (const std::string& row : rows) {
    const std::size_t equals = std::min(row.find('='), row.size());
    const auto target = std::string_view(row).substr(std::min(equals + 1, row.size()));
    if (!is_domain(std::string_view(row).substr(0, equals)) || !is_domain(target)) {
      return "must be rows like old.example=new.example, not " + row;
    }
  }
  return {};
}

std::string database_problem(const std::string& value) {
  for (const std::string_view scheme : {"sqlite:", "postgresql://", "postgres://"}) {
    if (value.starts_with(scheme) && value.size() > scheme.size()) return {};
  }
  return "must be sqlite:FILE or postgresql://USER@HOST/NAME";
}

}  // namespace

Result<void> check_config(const Config& config) {
  if (config.plain_http && !is_loopback(config.address)) {
    return fail(ErrorKind::invalid,
                "server.plain_http is allowed on a loopback address only, not " + config.address);
  }
  if (!config.plain_http && (config.certificate.empty() || config.key.empty())) {
    return fail(ErrorKind::invalid,
                "server.certificate and server.key must be set (or plain_http on loopback)");
  }
  if (config.limits.min_heartbeat > config.limits.max_heartbeat) {
    return fail(ErrorKind::invalid, "limits.min_heartbeat is above limits.max_heartbeat");
  }
  const std::pair<const char*, std::string> checked[] = {
      {"storage.database", database_problem(config.database)},
      {"relay.url", url_problem(config.relay_url, "smtp smtps", false)},
      {"devices.administrator", address_problem(config.devices_administrator)},
      {"autodiscover.url", url_problem(config.autodiscover_url, "https http", true)},
      {"autodiscover.imap", url_problem(config.autodiscover_imap, "imaps imap", false)},
      {"autodiscover.smtp", url_problem(config.autodiscover_smtp, "smtps smtp", false)},
      {"autodiscover.redirects", redirects_problem(config.autodiscover_redirects)},
  };
  for (const auto& [setting, problem] : checked) {
    if (!problem.empty()) return fail(ErrorKind::invalid, std::string(setting) + " " + problem);
  }
  return {};
}

Result<Config> load_config(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return fail(ErrorKind::not_found, path + ": no such file");
  }
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) return fail(ErrorKind::denied, path + ": cannot be read");
  GODWIT_ASSIGN(Config config, parse_config(text.str(), path));
  config = resolve_paths(std::move(config),
                         std::filesystem::absolute(path, error).parent_path().string());
  if (const auto checked = check_config(config); !checked) {
    return fail(checked.error().kind, path + ": " + checked.error().message);
  }
  return config;
}

}  // namespace eas
