// `godwit demo`: a data directory with users and mail, made or reused, and a server on it. Every
// step looks first at what is there, so a second start takes seconds and a broken-off first one
// goes on where it ended.
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>

#include "server/admin/password_input.h"
#include "server/admin/server_process.h"
#include "server/admin/stores.h"
#include "server/admin/subcommand.h"
#include "server/config/config_file.h"
#include "server/demo/certificate.h"
#include "server/demo/corpus.h"
#include "server/demo/maildir_writer.h"
#include "storage/base/text.h"

namespace eas::admin {
namespace {

namespace fs = std::filesystem;
using storage::ErrorKind;
using storage::fail;
using storage::Result;

constexpr const char* kDomain = "example.test";
constexpr std::uint64_t kSeed = 1;

struct DemoOptions {
  std::string dir;
  std::string listen = "127.0.0.1:8443";
  int users = 0;
  std::vector<std::string> named_users;
  std::string password;
  bool password_stdin = false;
  int messages = 100;
  std::string database;
  bool plain_http = false;
  bool prepare_only = false;
};

void say(const std::string& text) { std::fprintf(stderr, "demo: %s\n", text.c_str()); }

// "127.0.0.1:8443", "[::1]:0" → address and port.
Result<void> set_listen(const std::string& listen, Config& config) {
  const std::size_t colon = listen.rfind(':');
  const auto port =
      colon == std::string::npos ? std::nullopt : storage::parse_uint(listen.substr(colon + 1));
  if (!port || *port > 65535 || colon == 0) {
    return fail(ErrorKind::invalid, "--listen must be ADDRESS:PORT, not " + listen);
  }
  config.address = listen.substr(0, colon);
  if (config.address.starts_with('[') && config.address.ends_with(']')) {
    config.address = config.address.substr(1, config.address.size() - 2);
  }
  config.port = static_cast<std::uint16_t>(*port);
  return {};
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorKind::unavailable, path + ": cannot be read");
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// godwit.toml as it is there, with what this command line says; written when that changes it.
Result<Config> prepare_config(const DemoOptions& options, const std::string& path) {
  Config config;
  std::string before;
  std::error_code error;
  if (fs::exists(path, error)) {
    GODWIT_ASSIGN(before, read_file(path));
    GODWIT_ASSIGN(config, parse_config(before, path));
  }
  GODWIT_TRY(set_listen(options.listen, config));
  config.plain_http = options.plain_http;
  config.certificate = "tls/cert.pem";
  config.key = "tls/key.pem";
  config.default_domain = kDomain;
  if (!options.database.empty()) config.database = options.database;
  if (const auto good = check_config(config); !good) return fail(good.error());
  if (const std::string text = to_toml(config); text != before) {
    const std::string staging = path + ".new";
    std::ofstream(staging, std::ios::binary) << text;
    fs::permissions(staging, fs::perms::owner_read | fs::perms::owner_write, error);
    fs::rename(staging, path, error);
    if (error) return fail(ErrorKind::unavailable, path + ": " + error.message());
  }
  return resolve_paths(std::move(config), options.dir);
}

Result<void> prepare_certificate(const Config& config) {
  std::error_code error;
  const auto hosts = demo::certificate_hosts(config.address);
  const bool there = fs::exists(config.certificate, error) && fs::exists(config.key, error);
  if (there && !demo::is_outdated(config.certificate, hosts)) return {};
  fs::create_directories(fs::path(config.certificate).parent_path(), error);
  GODWIT_TRY(demo::write_certificate(config.certificate, config.key, hosts));
  say(there ? "made a new self-signed certificate, for this machine's addresses: phones that trust "
              "the old one have to trust it, " +
                  config.certificate
            : "made a self-signed certificate, " + config.certificate);
  return {};
}

std::vector<demo::Recipient> recipients(const DemoOptions& options) {
  std::vector<demo::Recipient> all;
  for (const std::string& name : options.named_users) {
    all.push_back({storage::to_lower(name), "Demo"});
  }
  for (int i = 1; i <= options.users; ++i) {
    const std::string number = std::to_string(i);
    all.push_back({"user" + number + "@" + kDomain, "User " + number});
  }
  return all;
}

// Adds who is missing. Those who are there get the password only when it is another one: hashing is
// slow on purpose, so the first one stands for all.
Result<void> prepare_users(const DemoOptions& options, const std::vector<demo::Recipient>& people,
                           const Config& config) {
  GODWIT_ASSIGN(const auto stores, Stores::open(config));
  GODWIT_ASSIGN(const auto existing, stores->directory->list());
  std::set<std::string> known;
  for (const storage::User& user : existing) known.insert(user.address);
  std::vector<std::string> missing;
  std::vector<std::string> there;
  for (const demo::Recipient& person : people) {
    (known.contains(person.address) ? there : missing).push_back(person.address);
  }
  if (!there.empty() && !stores->directory->authenticate(there.front(), options.password)) {
    say("setting the new password of " + std::to_string(there.size()) + " users");
    for (const std::string& address : there) {
      GODWIT_TRY(stores->directory->set_password(address, options.password));
    }
  }
  if (missing.empty()) return {};
  GODWIT_TRY(stores->directory->add_many(missing, options.password));
  say("added " + std::to_string(missing.size()) + " users");
  return {};
}

Result<void> prepare_mail(const DemoOptions& options, const std::vector<demo::Recipient>& people,
                          const Config& config) {
  std::error_code error;
  fs::create_directories(config.mail_root, error);
  std::unique_ptr<demo::Corpus> corpus;  // made when the first mailbox is missing
  const storage::UnixMillis now = storage::SystemClock().now_ms();
  std::size_t done = 0;
  auto last_said = std::chrono::steady_clock::now();
  for (const demo::Recipient& person : people) {
    const std::string path = (fs::path(config.mail_root) / person.address).string();
    ++done;
    if (fs::exists(path, error)) continue;
    if (!corpus) corpus = std::make_unique<demo::Corpus>(kSeed);
    const auto progress = [&](int written) {
      if (std::chrono::steady_clock::now() - last_said < std::chrono::seconds(2)) return;
      last_said = std::chrono::steady_clock::now();
      say("mailbox " + std::to_string(done) + " of " + std::to_string(people.size()) + ", " +
          std::to_string(written) + " of " + std::to_string(options.messages) + " messages");
    };
    GODWIT_TRY(demo::fill_maildir(*corpus, person, path, {options.messages, now, progress}));
    progress(options.messages);
  }
  if (corpus) say("the mailboxes are filled");
  return {};
}

int run_demo(DemoOptions options) {
  if (options.users == 0 && options.named_users.empty()) options.users = 1;
  if (options.password_stdin) {
    const auto password = read_password(true, "", false);
    if (!password) return complain(password.error());
    options.password = *password;
  }
  if (options.password.empty())
    return complain("a password is needed: --password or --password-stdin");
  std::error_code error;
  fs::create_directories(options.dir, error);
  if (error) return complain(options.dir + ": " + error.message());
  ::chmod(options.dir.c_str(), 0700);
  const std::string config_file = (fs::path(options.dir) / "godwit.toml").string();
  const auto config = prepare_config(options, config_file);
  if (!config) return complain(config.error());
  const auto people = recipients(options);
  if (const auto made = prepare_certificate(*config); !made) return complain(made.error());
  if (const auto made = prepare_users(options, people, *config); !made) {
    return complain(made.error());
  }
  if (const auto made = prepare_mail(options, people, *config); !made) {
    return complain(made.error());
  }
  return options.prepare_only ? 0 : run_server({*config, config_file});
}

}  // namespace

void define_demo(CLI::App& command, Action& action) {
  auto options = std::make_shared<DemoOptions>();
  command.add_option("--dir", options->dir, "The data directory, made when it is not there")
      ->required();
  command.add_option("--listen", options->listen, "ADDRESS:PORT; port 0 takes any free one")
      ->capture_default_str();
  command.add_option("--users", options->users, "How many users: user1 … at example.test")
      ->check(CLI::Range(0, 1'000'000));
  command.add_option("--user", options->named_users, "A user by full address; may be repeated");
  command.add_option("--password", options->password, "The password of all of them");
  command.add_flag("--password-stdin", options->password_stdin,
                   "Read it from standard input: the command line can be seen by others");
  command.add_option("--messages", options->messages, "Messages in each Inbox")
      ->check(CLI::Range(0, 10'000'000))
      ->capture_default_str();
  command.add_option("--database", options->database, "sqlite:FILE or postgresql://…");
  command.add_flag("--plain-http", options->plain_http, "Without TLS; on loopback only");
  command.add_flag("--prepare-only", options->prepare_only, "Make the directory, do not serve");
  command.callback([&action, options] { action = [options] { return run_demo(*options); }; });
}

}  // namespace eas::admin
