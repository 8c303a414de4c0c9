// The rows. The defaults are not repeated here: they are those of a default-constructed Config.
#include "server/config/settings.h"

#include <algorithm>
#include <array>

namespace eas {
namespace {

constexpr std::int64_t kMaxInt = 2'147'483'647;
constexpr std::int64_t kMaxBytes = std::int64_t{1} << 40;

#define TARGET(member) [](Config& config) -> SettingTarget { return &config.member; }

constexpr auto kRows = std::to_array<SettingRow>({
    {"server", "address", "", 0, 0, "",
     "The address to listen on: 0.0.0.0 is every IPv4 address, "
     ":: every address.",
     TARGET(address)},
    {"server", "port", "", 0, 65535, "",
     "The TCP port to listen on; phones expect 443. 0 takes any "
     "free port.",
     TARGET(port)},
    {"server", "plain_http", "", 0, 0, "",
     "Serve without TLS, for a reverse proxy on the same "
     "machine. Allowed on a loopback address only.",
     TARGET(plain_http)},
    {"server", "certificate", "path", 0, 0, "",
     "PEM file with the certificate and its chain. Read again "
     "on SIGHUP.",
     TARGET(certificate)},
    {"server", "key", "path", 0, 0, "", "PEM file with the certificate's private key.",
     TARGET(key)},
    {"server", "workers", "threads", 0, 1024, "",
     "Threads that run commands. A waiting phone needs "
     "none. 0: four per core, at least eight.",
     TARGET(workers)},
    {"server", "event_loops", "threads", 0, 64, "",
     "Threads that own the connections. 0: one per "
     "core, at most four.",
     TARGET(event_loops)},

    {"storage", "data_dir", "", 0, 0, "",
     "Where everything of this server lies: copy it and you have "
     "a backup. A relative path starts at the folder of this file; the other paths start here.",
     TARGET(data_dir)},
    {"storage", "database", "", 0, 0, "",
     "Users, devices and the mail index: sqlite:FILE or "
     "postgresql://USER@HOST/NAME.",
     TARGET(database)},
    {"storage", "mail_root", "path", 0, 0, "",
     "The folder with one Maildir++ per user, named by address.", TARGET(mail_root)},

    {"search", "index", "path", 0, 0, "",
     "The file of the full-text index when the database is SQLite; it may be deleted and is then "
     "built again. PostgreSQL keeps the index beside the other tables.",
     TARGET(search_index)},
    {"search", "background", "", 0, 0, "",
     "Whether mail of users with a device is indexed ahead; otherwise only when they search.",
     TARGET(search_background)},
    {"search", "catch_up", "seconds", 1, 60, "",
     "How long one search may index mail that is not in the index yet, before it answers with "
     "what there is.",
     TARGET(search_catch_up)},

    {"users", "default_domain", "", 0, 0, "",
     "The domain of a login without one: `anna` is "
     "anna@default_domain.",
     TARGET(default_domain)},
    {"users", "local_domains", "", 0, 0, "",
     "Domains whose mail is delivered here and never relayed. "
     "The default domain is always one of them.",
     TARGET(local_domains)},

    {"relay", "url", "", 0, 0, "",
     "Where mail to other domains goes: smtp://HOST:587 (STARTTLS) or "
     "smtps://HOST:465. Without it such mail is refused.",
     TARGET(relay_url)},
    {"relay", "user", "", 0, 0, "", "Login at the relay; empty: none.", TARGET(relay_user)},
    {"relay", "password_file", "path", 0, 0, "",
     "File whose first line is the password at the relay.", TARGET(relay_password_file)},

    {"relay", "starttls", "", 0, 0, "required when_offered never",
     "Whether a relay at smtp:// must encrypt. One on this machine that cannot needs "
     "`when_offered`.",
     TARGET(relay_starttls)},
    {"relay", "ca_file", "path", 0, 0, "",
     "PEM file with the certificates to trust at the relay; empty: those of the system.",
     TARGET(relay_ca_file)},

    {"certificates", "ca_file", "path", 0, 0, "",
     "PEM file with the authorities whose S/MIME certificates are good (ValidateCert). Empty, and "
     "ca_dir too: those of the system.",
     TARGET(smime_ca_file)},
    {"certificates", "ca_dir", "path", 0, 0, "",
     "Folder with such certificates, prepared by `openssl rehash`.", TARGET(smime_ca_dir)},
    {"certificates", "fetch_crls", "", 0, 0, "",
     "Fetch revocation lists over HTTP from where trusted certificates say they are. Without it "
     "nobody knows who was revoked.",
     TARGET(fetch_crls)},
    {"certificates", "crl_timeout", "seconds", 1, 120, "",
     "The longest wait for one revocation list; twice that for all of one request.",
     TARGET(crl_timeout)},
    {"certificates", "max_crl", "bytes", 1024, std::int64_t{1} << 30, "",
     "The largest revocation list.", TARGET(max_crl)},

    {"devices", "administrator", "", 0, 0, "",
     "The address that is told when a phone is quarantined, blocked, wiped or one too many; empty: "
     "nobody is.",
     TARGET(devices_administrator)},

    {"oof", "external_replies", "", 0, 0, "",
     "Whether automatic replies go to people outside. What users set for them is kept either way.",
     TARGET(oof_external)},

    {"mail", "read_receipts", "", 0, 0, "never internal always",
     "To whom a receipt goes when a phone marks a message as read whose sender asked for one. "
     "`internal`: to people here, as they know it from other servers; senders outside do not "
     "learn when, or that, their mail is read.",
     TARGET(read_receipts)},

    {"autodiscover", "url", "", 0, 0, "",
     "This server as phones reach it, https://mail.example.org. Empty: the host that a request "
     "names; behind a reverse proxy set it.",
     TARGET(autodiscover_url)},
    {"autodiscover", "imap", "", 0, 0, "",
     "The IMAP server that Outlook is told of: imaps://HOST:993, or imap://HOST:143 for STARTTLS. "
     "Empty: none.",
     TARGET(autodiscover_imap)},
    {"autodiscover", "smtp", "", 0, 0, "",
     "The submission server that Outlook is told of: smtps://HOST:465, or smtp://HOST:587 for "
     "STARTTLS. Empty: none.",
     TARGET(autodiscover_smtp)},
    {"autodiscover", "redirects", "", 0, 0, "",
     "Domains whose addresses are to be asked for elsewhere: old.example=new.example.",
     TARGET(autodiscover_redirects)},

    {"log", "level", "", 0, 0, "debug info warning error off",
     "How much is logged on standard error. "
     "Read again on SIGHUP.",
     TARGET(log_level)},

    {"capture", "dir", "path", 0, 0, "",
     "Where the exchanges of devices with capture on are recorded.", TARGET(capture_dir)},

    {"limits", "max_request", "bytes", 1024, kMaxBytes, "",
     "The largest body of a command; more is "
     "answered 413.",
     TARGET(limits.max_request)},
    {"limits", "max_mail", "bytes", 1024, kMaxBytes, "",
     "The largest body of SendMail and the like.", TARGET(limits.max_mail)},
    {"limits", "max_collections", "collections", 1, 100'000, "",
     "Collections in one Sync or Ping; "
     "more is status 15 or 6.",
     TARGET(limits.max_collections)},
    {"limits", "max_estimate_collections", "collections", 30, 5000, "",
     "Collections in one "
     "GetItemEstimate; more is status 103.",
     TARGET(limits.max_estimate_collections)},
    {"limits", "max_sync_commands", "commands", 1, 100'000, "",
     "Add, Change, Delete and Fetch in one "
     "Sync; more is status 4.",
     TARGET(limits.max_sync_commands)},
    {"limits", "max_fetches", "items", 1, 100'000, "",
     "Fetches in one ItemOperations; more is status "
     "11.",
     TARGET(limits.max_fetches)},
    {"limits", "max_moves", "items", 1, 100'000, "", "Moves in one MoveItems; more is status 103.",
     TARGET(limits.max_moves)},
    {"limits", "max_recipients", "recipients", 1, 10'000, "",
     "To in one ResolveRecipients; more is status 5.", TARGET(limits.max_recipients)},
    {"limits", "max_certificates", "certificates", 1, 10'000, "",
     "Certificates in one ValidateCert; more is status 2.", TARGET(limits.max_certificates)},
    {"limits", "max_window", "items", 1, 512, "",
     "Items in one Sync answer, whatever the phone asks "
     "for.",
     TARGET(limits.max_window)},
    {"limits", "max_answer", "bytes", 65536, kMaxBytes, "",
     "A Sync answer that grows beyond this ends "
     "with MoreAvailable.",
     TARGET(limits.max_answer)},
    {"limits", "min_heartbeat", "seconds", 1, 3540, "", "The shortest wait of a Ping or Sync.",
     TARGET(limits.min_heartbeat)},
    {"limits", "max_heartbeat", "seconds", 60, 3540, "", "The longest wait of a Ping or Sync.",
     TARGET(limits.max_heartbeat)},
    {"limits", "max_devices_per_user", "devices", 1, kMaxInt, "",
     "Devices of one user; one more is "
     "refused with status 177.",
     TARGET(limits.max_devices_per_user)},
    {"limits", "max_parked_per_device", "requests", 1, kMaxInt, "",
     "Waiting requests of one device; "
     "the oldest is answered when one more comes.",
     TARGET(limits.max_parked_per_device)},
    {"limits", "max_parked_per_user", "requests", 1, kMaxInt, "", "Waiting requests of one user.",
     TARGET(limits.max_parked_per_user)},
    {"limits", "storm_repetitions", "requests", 0, kMaxInt, "",
     "Equal requests with equal answers that one phone may send at once (one more every three "
     "seconds); after that it is slowed down, then refused for ten minutes. 0: never.",
     TARGET(limits.storm_repetitions)},
    {"limits", "login_failures", "failures", 1, kMaxInt, "",
     "Different wrong passwords of one user from one address within five minutes; after that the "
     "answer is 401, whatever the password.",
     TARGET(limits.login_failures)},
    {"limits", "address_login_failures", "failures", 0, kMaxInt, "",
     "The same over all users of one address; after that logins that were not right before are "
     "answered 503. 0, and with plain_http: not counted.",
     TARGET(limits.address_login_failures)},
    {"limits", "connections_per_address", "connections", 0, kMaxInt, "",
     "Connections from one address (one /64 network of IPv6); more are closed at once. 0, and with "
     "plain_http: no limit.",
     TARGET(limits.connections_per_address)},
    {"limits", "handshake_timeout", "seconds", 1, 300, "", "The longest TLS handshake.",
     TARGET(limits.handshake_timeout)},
    {"limits", "idle_timeout", "seconds", 1, 3600, "",
     "How long a connection may stay open between two requests.", TARGET(limits.idle_timeout)},
    {"limits", "body_timeout", "seconds", 1, 600, "",
     "How long a request's body may stand still; then it is answered 408.",
     TARGET(limits.body_timeout)},
    {"limits", "min_rate", "bytes per second", 1, kMaxInt, "",
     "The slowest body (after body_timeout) and answer (after a minute), on average.",
     TARGET(limits.min_rate)},
});

#undef TARGET

struct TypeName {
  std::string_view operator()(const std::string*) const { return "text"; }
  std::string_view operator()(const std::vector<std::string>*) const { return "list of texts"; }
  std::string_view operator()(const bool*) const { return "true or false"; }
  std::string_view operator()(const int*) const { return "number"; }
  std::string_view operator()(const std::uint16_t*) const { return "number"; }
  std::string_view operator()(const std::size_t*) const { return "number"; }
};

std::string quoted(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string result = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      result += "\\u00";
      result += kHex[byte >> 4];
      result += kHex[byte & 15];
    } else {
      result += c;
    }
  }
  return result + "\"";
}

struct ValueText {
  std::string operator()(const std::string* value) const { return quoted(*value); }
  std::string operator()(const std::vector<std::string>* value) const {
    std::string result = "[";
    for (const std::string& item : *value) {
      if (result.size() > 1) result += ", ";
      result += quoted(item);
    }
    return result + "]";
  }
  std::string operator()(const bool* value) const { return *value ? "true" : "false"; }
  template <typename T>
  std::string operator()(const T* value) const {
    return std::to_string(*value);
  }
};

// Breaks `text` at blanks into comment lines of at most 98 columns.
void append_comment(std::string& out, std::string_view text) {
  std::string line = "#";
  while (!text.empty()) {
    const std::size_t blank = std::min(text.find(' '), text.size());
    if (line.size() + 1 + blank > 98) {
      out += line + "\n";
      line = "#";
    }
    line += ' ';
    line += text.substr(0, blank);
    text.remove_prefix(std::min(blank + 1, text.size()));
  }
  out += line + "\n";
}

std::string describe(const SettingRow& row) {
  std::string text(row.text);
  if (!row.choices.empty()) text += " One of: " + std::string(row.choices) + ".";
  if (row.max != 0) {
    text += " From " + std::to_string(row.min) + " to " + std::to_string(row.max);
    if (!row.unit.empty()) text += " " + std::string(row.unit);
    text += ".";
  }
  return text;
}

}  // namespace

std::span<const SettingRow> setting_rows() { return kRows; }

std::string_view type_name(const SettingRow& row) {
  Config config;
  return std::visit(TypeName{}, row.target(config));
}

std::string value_text(const SettingRow& row, const Config& config) {
  Config copy = config;
  return std::visit(ValueText{}, row.target(copy));
}

std::string to_toml(const Config& config) {
  const Config defaults;
  std::string out = "# Configuration of godwit. A line that begins with # shows a default.\n";
  std::string_view section;
  for (const SettingRow& row : setting_rows()) {
    if (row.section != section) {
      section = row.section;
      out += "\n[" + std::string(section) + "]\n";
    }
    out += "\n";
    append_comment(out, describe(row));
    const std::string value = value_text(row, config);
    if (value == value_text(row, defaults)) out += "#";
    out += std::string(row.name) + " = " + value + "\n";
  }
  return out;
}

}  // namespace eas
