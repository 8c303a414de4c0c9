#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "server/config/config_file.h"
#include "server/config/settings.h"
#include "tests/support/temp_dir.h"

using eas::Config;
using storage::ErrorKind;

TEST_CASE("settings: every row has a text, a target and, when it is a number, a range") {
  std::set<std::string> names;
  for (const eas::SettingRow& row : eas::setting_rows()) {
    CAPTURE(row.name);
    CHECK(row.text.size() > 10);
    CHECK(row.text.ends_with('.'));
    REQUIRE((row.target != nullptr));
    CHECK((eas::type_name(row) == "number") == (row.max > row.min));
    CHECK(names.insert(std::string(row.section) + "." + std::string(row.name)).second);
  }
  CHECK(names.size() > 25);
}

TEST_CASE("settings: every default is inside its own range") {
  for (const eas::SettingRow& row : eas::setting_rows()) {
    if (eas::type_name(row) != "number") continue;
    CAPTURE(row.name);
    const std::int64_t value = std::stoll(eas::value_text(row, Config{}));
    CHECK(value >= row.min);
    CHECK(value <= row.max);
  }
}

TEST_CASE("settings: every limit has a row") {
  // One row per member: setting all members through the rows leaves no byte of Limits untouched
  // would need reflection; counting bytes is enough to notice a forgotten one.
  std::size_t bytes = 0;
  for (const eas::SettingRow& row : eas::setting_rows()) {
    if (row.section != "limits") continue;
    Config config;
    const eas::SettingTarget target = row.target(config);
    bytes += std::holds_alternative<std::size_t*>(target) ? sizeof(std::size_t) : sizeof(int);
  }
  CHECK(bytes >= sizeof(eas::Limits) - alignof(eas::Limits) + 1);
}

TEST_CASE("settings: the sample reads back as the defaults and names every setting") {
  const std::string sample = eas::to_toml(Config{});
  const auto config = eas::parse_config(sample, "sample");
  REQUIRE(config.has_value());
  for (const eas::SettingRow& row : eas::setting_rows()) {
    CAPTURE(row.name);
    CHECK(sample.find("\n#" + std::string(row.name) + " = ") != std::string::npos);
    CHECK(eas::value_text(row, *config) == eas::value_text(row, Config{}));
  }
}

TEST_CASE("settings: a sample with its values uncommented is accepted too") {
  std::string sample = eas::to_toml(Config{});
  for (std::size_t at = 0; (at = sample.find("\n#", at)) != std::string::npos; ++at) {
    if (sample[at + 2] != ' ') sample.erase(at + 1, 1);
  }
  const auto config = eas::parse_config(sample, "sample");
  REQUIRE_MESSAGE(config.has_value(), sample);
  CHECK(config->port == 443);
  CHECK(config->limits.max_mail == eas::Limits{}.max_mail);
}

TEST_CASE("settings: what to_toml writes, parse_config reads") {
  Config config;
  config.address = "127.0.0.1";
  config.port = 8443;
  config.plain_http = true;
  config.local_domains = {"example.test", "quote\"d\\\n.test"};
  config.limits.max_mail = 12345;
  const auto again = eas::parse_config(eas::to_toml(config), "written");
  REQUIRE(again.has_value());
  for (const eas::SettingRow& row : eas::setting_rows()) {
    CAPTURE(row.name);
    CHECK(eas::value_text(row, *again) == eas::value_text(row, config));
  }
}

TEST_CASE("config: a mistake is an error that names the file and the line") {
  struct Case {
    const char* text;
    const char* message;
  };
  const Case cases[] = {
      {"[server]\nport = 1\nprot = 2\n", "f.toml:3: unknown setting server.prot"},
      {"\n\n[serwer]\n", "f.toml:3: unknown section serwer"},
      {"port = 1\n", "f.toml:1: unknown setting port"},
      {"[server]\nport = \"443\"\n", "f.toml:2: server.port must be a number"},
      {"[server]\nport = 65536\n", "f.toml:2: server.port must be from 0 to 65535"},
      {"[server]\nport = -1\n", "f.toml:2: server.port must be from 0 to 65535"},
      {"[server]\naddress = 1\n", "f.toml:2: server.address must be a text in quotes"},
      {"[server]\nplain_http = 1\n", "f.toml:2: server.plain_http must be true or false"},
      {"[users]\nlocal_domains = \"a\"\n", "f.toml:2: users.local_domains must be a list of texts"},
      {"[users]\nlocal_domains = [1]\n", "f.toml:2: users.local_domains must be a list of texts"},
      {"[log]\nlevel = \"loud\"\n", "f.toml:2: log.level must be one of: debug info"},
      {"[server]\nport = 1\nport = 2\n", "f.toml:3: "},
      {"[server\n", "f.toml:1: "},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const auto config = eas::parse_config(c.text, "f.toml");
    REQUIRE_FALSE(config.has_value());
    CHECK(config.error().kind == ErrorKind::invalid);
    CAPTURE(config.error().message);
    CHECK(config.error().message.starts_with(c.message));
  }
}

TEST_CASE("config: paths are relative to the data directory, that to the file") {
  test::TempDir dir;
  std::filesystem::create_directory(dir.path() / "etc");
  std::ofstream(dir.file("etc/godwit.toml"))
      << "[server]\ncertificate = \"tls/cert.pem\"\nkey = \"/abs/key.pem\"\n"
         "[storage]\ndata_dir = \"../data\"\n[users]\ndefault_domain = \"Example.TEST\"\n";
  const auto config = eas::load_config(dir.file("etc/godwit.toml"));
  REQUIRE_MESSAGE(config.has_value(), config.error().message);
  CHECK(config->data_dir == dir.file("data"));
  CHECK(config->certificate == dir.file("data/tls/cert.pem"));
  CHECK(config->key == "/abs/key.pem");
  CHECK(config->database == "sqlite:" + dir.file("data/godwit.db"));
  CHECK(config->mail_root == dir.file("data/mail"));
  CHECK(config->search_index == dir.file("data/search.db"));
  CHECK(config->relay_password_file.empty());
  CHECK(config->default_domain == "example.test");
  CHECK(config->local_domains == std::vector<std::string>{"example.test"});
}

TEST_CASE("config: the data directory of a file that names none is the file's folder") {
  CHECK(eas::resolve_paths(Config{}, "/etc/godwit").data_dir == "/etc/godwit");
  CHECK(eas::resolve_paths(Config{}, "/etc/godwit/").mail_root == "/etc/godwit/mail");
}

TEST_CASE("config: no file of the server's lies where it happens to be started") {
  Config config = eas::resolve_paths(Config{}, "/srv");
  for (const eas::SettingRow& row : eas::setting_rows()) {
    const auto target = row.target(config);
    const auto* text = std::get_if<std::string*>(&target);
    if (text == nullptr || (row.unit != "path" && !(*text)->ends_with(".db"))) continue;
    CAPTURE(row.name);
    CHECK(((*text)->empty() || (*text)->find("/srv") != std::string::npos));
  }
}

TEST_CASE("config: behind a proxy nothing is counted by address") {
  Config config;
  CHECK(eas::resolve_paths(config, "/srv").limits.connections_per_address > 0);
  config.plain_http = true;
  CHECK(eas::resolve_paths(config, "/srv").limits.connections_per_address == 0);
  CHECK(eas::resolve_paths(config, "/srv").limits.address_login_failures == 0);
}

TEST_CASE("config: a PostgreSQL URL is left as it is") {
  Config config;
  config.database = "postgresql://godwit@db.example/godwit";
  CHECK(eas::resolve_paths(config, "/etc").database == config.database);
}

TEST_CASE("config: a missing file is not_found") {
  const auto config = eas::load_config("/nowhere/godwit.toml");
  REQUIRE_FALSE(config.has_value());
  CHECK(config.error().kind == ErrorKind::not_found);
}

TEST_CASE("config: plain HTTP is refused beyond loopback, TLS without a certificate") {
  Config config;
  CHECK_FALSE(eas::check_config(config).has_value());
  config.certificate = config.key = "x.pem";
  CHECK(eas::check_config(config).has_value());
  config.plain_http = true;
  CHECK_FALSE(eas::check_config(config).has_value());
  for (const char* address : {"127.0.0.1", "127.3.4.5", "::1", "localhost"}) {
    config.address = address;
    CHECK(eas::check_config(config).has_value());
  }
  for (const char* address : {"0.0.0.0", "::", "127.0.0.1.example", "127.0.0", "192.0.2.1"}) {
    config.address = address;
    CHECK_FALSE(eas::check_config(config).has_value());
  }
}

TEST_CASE("config: a URL, an address or a redirect that cannot be used is refused, by its name") {
  struct Case {
    const char* name;
    const char* line;
    bool good;
  };
  const Case cases[] = {
      {"storage.database", "database = \"sqlite:x.db\"", true},
      {"storage.database", "database = \"postgresql://u:secret@h/n\"", true},
      {"storage.database", "database = \"mysql://u:secret@h/n\"", false},
      {"storage.database", "database = \"godwit.db\"", false},
      {"relay.url", "url = \"\"", true},
      {"relay.url", "url = \"smtps://relay.example:465\"", true},
      {"relay.url", "url = \"relay.example\"", false},
      {"relay.url", "url = \"http://relay.example\"", false},
      {"relay.url", "url = \"smtp://user:secret@relay.example\"", false},
      {"devices.administrator", "administrator = \"\"", true},
      {"devices.administrator", "administrator = \"admin@example.org\"", true},
      {"devices.administrator", "administrator = \"admin\"", false},
      {"devices.administrator", "administrator = \"Admin <admin@example.org>\"", false},
      {"devices.administrator", "administrator = \"@example.org\"", false},
      {"autodiscover.url", "url = \"https://mail.example.org/\"", true},
      {"autodiscover.url", "url = \"https://mail.example.org:8443/mail\"", true},
      {"autodiscover.url", "url = \"mail.example.org\"", false},
      {"autodiscover.url", "url = \"https://mail.example.org?x=1\"", false},
      {"autodiscover.imap", "imap = \"imaps://imap.example.org\"", true},
      {"autodiscover.imap", "imap = \"imap.example.org\"", false},
      {"autodiscover.imap", "imap = \"smtp://imap.example.org\"", false},
      {"autodiscover.smtp", "smtp = \"SMTP://smtp.example.org:587/\"", true},
      {"autodiscover.smtp", "smtp = \"smtp://smtp.example.org:x\"", false},
      {"autodiscover.redirects", "redirects = [\"old.example=new.example\"]", true},
      {"autodiscover.redirects", "redirects = [\"old.example\"]", false},
      {"autodiscover.redirects", "redirects = [\"a=b\", \"old.example=\"]", false},
      {"autodiscover.redirects", "redirects = [\"old.example=https://new.example\"]", false},
  };
  for (const Case& c : cases) {
    const std::string name(c.name);
    const std::string text =
        "[" + name.substr(0, name.find('.')) + "]\n" + std::string(c.line) + "\n";
    CAPTURE(text);
    auto config = eas::parse_config(text, "f.toml");
    REQUIRE(config.has_value());
    config->certificate = config->key = "x.pem";
    const auto checked = eas::check_config(*config);
    CHECK(checked.has_value() == c.good);
    if (checked) continue;
    CHECK(checked.error().kind == ErrorKind::invalid);
    CHECK(checked.error().message.starts_with(name + " must be "));
    CHECK(checked.error().message.find("secret") == std::string::npos);
  }
}

TEST_CASE("config: heartbeats that exclude each other are refused") {
  Config config;
  config.certificate = config.key = "x.pem";
  config.limits.min_heartbeat = 600;
  config.limits.max_heartbeat = 60;
  CHECK_FALSE(eas::check_config(config).has_value());
}
