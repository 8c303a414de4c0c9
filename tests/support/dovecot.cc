#include "tests/support/dovecot.h"

#include <doctest/doctest.h>
#include <grp.h>
#include <pwd.h>
#include <sys/fsuid.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace test {

namespace {

std::string account_name(uid_t uid) {
  const passwd* account = ::getpwuid(uid);
  return account == nullptr ? std::to_string(uid) : account->pw_name;
}

std::string configuration(const std::string& dir, const std::string& mail_root,
                          std::uint16_t imap_port, std::uint16_t lmtp_port) {
  const bool root = ::getuid() == 0;
  const std::string self = account_name(::getuid());
  std::ostringstream out;
  out << "base_dir = " << dir << "/run\nstate_dir = " << dir << "/state\n"
      << "log_path = " << dir << "/log\nprotocols = imap lmtp\nssl = no\n"
      << "disable_plaintext_auth = no\nauth_mechanisms = plain\n"
      << "default_internal_user = " << (root ? "dovecot" : self) << "\n"
      << "default_login_user = " << (root ? "dovenull" : self) << "\n"
      << "first_valid_uid = 1\nfirst_valid_gid = 1\nmail_fsync = never\n"
      << "mail_location = maildir:" << mail_root << "/%u\n"
      << "namespace inbox {\n  inbox = yes\n  separator = /\n}\n"
      << "passdb {\n  driver = static\n  args = password=secret\n}\n"
      << "userdb {\n  driver = static\n  args = uid=" << Dovecot::mail_uid()
      << " gid=" << Dovecot::mail_gid() << " home=" << mail_root << "/%u allow_all_users=yes\n}\n"
      << "service imap-login {\n  chroot =\n  inet_listener imap {\n    address = 127.0.0.1\n"
      << "    port = " << imap_port << "\n  }\n  inet_listener imaps {\n    port = 0\n  }\n}\n"
      << "service lmtp {\n  inet_listener lmtp {\n    address = 127.0.0.1\n    port = " << lmtp_port
      << "\n  }\n}\n"
      << "service anvil {\n  chroot =\n}\nservice stats {\n  chroot =\n}\n";
  if (!root) {
    const group* own = ::getgrgid(::getgid());
    out << "default_internal_group = "
        << (own == nullptr ? std::to_string(::getgid()) : own->gr_name) << "\n";
  }
  return out.str();
}

}  // namespace

uid_t Dovecot::mail_uid() {
  if (::getuid() != 0) return ::getuid();
  const passwd* account = ::getpwnam("nobody");
  return account == nullptr ? 65534 : account->pw_uid;
}

gid_t Dovecot::mail_gid() {
  if (::getuid() != 0) return ::getgid();
  const passwd* account = ::getpwnam("nobody");
  return account == nullptr ? 65534 : account->pw_gid;
}

std::unique_ptr<Dovecot> Dovecot::start(const std::string& mail_root) {
  const char* off = std::getenv("GODWIT_NO_DOVECOT");
  const std::string program = find_program({"/usr/sbin/dovecot", "/usr/local/sbin/dovecot"});
  if (program.empty() || (off != nullptr && std::string(off) == "1")) {
    MESSAGE("skipped: no Dovecot (packages dovecot-imapd, dovecot-lmtpd)");
    return nullptr;
  }
  std::unique_ptr<Dovecot> dovecot(new Dovecot);
  const std::string dir = dovecot->directory_.str();
  // Dovecot's own processes run under several users.
  std::filesystem::permissions(dir, std::filesystem::perms(0755));
  dovecot->imap_port_ = free_port();
  dovecot->lmtp_port_ = free_port();
  std::ofstream(dir + "/conf") << configuration(dir, mail_root, dovecot->imap_port_,
                                                dovecot->lmtp_port_);
  dovecot->process_ = std::make_unique<ChildProcess>(
      std::vector<std::string>{program, "-F", "-c", dir + "/conf"}, dir + "/out");
  if (!wait_for_port(dovecot->imap_port_, *dovecot->process_, 30)) {
    std::ifstream out(dir + "/out");
    std::ostringstream text;
    text << out.rdbuf();
    FAIL("Dovecot does not start: " << text.str() << dovecot->log());
  }
  return dovecot;
}

std::string Dovecot::log() const {
  std::ifstream in(directory_.file("log"));
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<std::string> Dovecot::imap(const std::string& user,
                                       const std::vector<std::string>& commands) {
  LineClient client(imap_port_);
  std::vector<std::string> answers;
  std::vector<std::string> all = {"LOGIN " + user + " secret"};
  all.insert(all.end(), commands.begin(), commands.end());
  all.emplace_back("LOGOUT");
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string tag = "t" + std::to_string(i) + " ";
    client.send(tag + all[i] + "\r\n");
    while (true) {
      const std::string line = client.line();
      if (line.empty()) FAIL("Dovecot went away after: " << all[i] << "\n" << log());
      answers.push_back(line);
      if (!line.starts_with(tag)) continue;
      if (!line.starts_with(tag + "OK")) FAIL("IMAP: " << all[i] << ": " << line << "\n" << log());
      break;
    }
  }
  return answers;
}

void Dovecot::deliver(const std::string& user, const std::string& message) {
  LineClient client(lmtp_port_);
  const auto expect = [&](const char* code) {
    std::string line;
    do {
      line = client.line();
    } while (line.size() > 3 && line[3] == '-');
    if (!line.starts_with(code)) FAIL("LMTP: " << line << "\n" << log());
  };
  expect("220");
  client.send("LHLO test\r\n");
  expect("250");
  client.send("MAIL FROM:<sender@example.test>\r\n");
  expect("250");
  client.send("RCPT TO:<" + user + ">\r\n");
  expect("250");
  client.send("DATA\r\n");
  expect("354");
  client.send(message + "\r\n.\r\n");
  expect("250");
}

AsMailUser::AsMailUser() {
  if (::getuid() != 0) return;
  ::setfsgid(Dovecot::mail_gid());
  ::setfsuid(Dovecot::mail_uid());
}

AsMailUser::~AsMailUser() {
  if (::getuid() != 0) return;
  ::setfsuid(0);
  ::setfsgid(0);
}

}  // namespace test
