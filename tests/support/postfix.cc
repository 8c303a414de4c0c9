#include "tests/support/postfix.h"

#include <doctest/doctest.h>
#include <pwd.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace test {

namespace {

namespace fs = std::filesystem;

std::string contents(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

bool is_off() {
  const char* off = std::getenv("GODWIT_NO_POSTFIX");
  return off != nullptr && std::string(off) == "1";
}

void write_configuration(const fs::path& dir, std::uint16_t port) {
  const std::string path = dir.string();
  std::ofstream(dir / "conf/main.cf")
      << "compatibility_level = 3.6\nqueue_directory = " << path
      << "/queue\ndata_directory = " << path
      << "/data\ndaemon_directory = /usr/lib/postfix/sbin\ncommand_directory = /usr/sbin\n"
      << "mail_owner = postfix\nsetgid_group = postdrop\nmyhostname = relay.test\n"
      << "mydestination =\nmynetworks = 127.0.0.0/8\ninet_interfaces = loopback-only\n"
      << "inet_protocols = ipv4\nalias_maps =\nalias_database =\nlocal_transport = error:none\n"
      << "default_transport = error:none\nmaillog_file = /var/log/godwit-test-unused\n"
      << "maillog_file_prefixes = /var, /dev/stdout\nsmtpd_tls_security_level = none\n"
      << "smtpd_peername_lookup = no\nsmtpd_delay_reject = yes\n"
      << "virtual_mailbox_domains = remote.test\nvirtual_mailbox_base = " << path << "/mail\n"
      << "virtual_mailbox_maps = inline:{{known@remote.test=known/},{other@remote.test=other/},"
      << "{greylisted@remote.test=greylisted/}}\n"
      << "virtual_uid_maps = static:65534\nvirtual_gid_maps = static:65534\n"
      << "smtpd_recipient_restrictions = check_recipient_access "
      << "inline:{{greylisted@remote.test=450 4.2.0 try later}}, permit_mynetworks, reject\n";
  std::ofstream(dir / "conf/master.cf")
      << "127.0.0.1:" << port << " inet n - n - - smtpd\n"
      << "cleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\n"
      << "rewrite unix - - n - - trivial-rewrite\nbounce unix - - n - 0 bounce\n"
      << "defer unix - - n - 0 bounce\ntrace unix - - n - 0 bounce\n"
      << "proxymap unix - - n - - proxymap\nvirtual unix - n n - - virtual\n"
      << "error unix - - n - - error\nanvil unix - - n - 1 anvil\n"
      << "postlog unix-dgram n - n - 1 postlogd\n";
}

}  // namespace

std::unique_ptr<Postfix> Postfix::start() {
  const std::string master = find_program({"/usr/lib/postfix/sbin/master"});
  const passwd* owner = ::getpwnam("postfix");
  if (master.empty() || owner == nullptr || ::getuid() != 0 || is_off()) {
    MESSAGE("skipped: no Postfix (package postfix, and the tests run as root)");
    return nullptr;
  }
  std::unique_ptr<Postfix> postfix(new Postfix);
  const fs::path dir = postfix->directory_.path();
  const uid_t uid = owner->pw_uid;
  fs::permissions(dir, fs::perms(0755));
  for (const char* sub : {"conf", "data", "queue", "mail"}) fs::create_directory(dir / sub);
  for (const char* sub : {"active", "bounce", "corrupt", "defer", "deferred", "flush", "hold",
                          "incoming", "private", "saved", "trace", "maildrop", "public", "pid"}) {
    fs::create_directory(dir / "queue" / sub);
    if (std::string(sub) != "pid") {
      REQUIRE(::chown((dir / "queue" / sub).c_str(), uid, owner->pw_gid) == 0);
      fs::permissions(dir / "queue" / sub, fs::perms(0700));
    }
  }
  fs::permissions(dir / "queue/public", fs::perms(0710));
  REQUIRE(::chown((dir / "data").c_str(), uid, owner->pw_gid) == 0);
  REQUIRE(::chown((dir / "mail").c_str(), 65534, 65534) == 0);
  postfix->port_ = free_port();
  write_configuration(dir, postfix->port_);
  postfix->master_ = std::make_unique<ChildProcess>(
      std::vector<std::string>{master, "-c", (dir / "conf").string(), "-d"},
      (dir / "out").string());
  if (!wait_for_port(postfix->port_, *postfix->master_, 20)) {
    FAIL("Postfix does not start: " << contents(dir / "out"));
  }
  return postfix;
}

Postfix::~Postfix() = default;

std::vector<std::string> Postfix::delivered(const std::string& local, std::size_t count) {
  const fs::path folder = directory_.path() / "mail" / local / "new";
  std::vector<std::string> messages;
  for (int i = 0; i < 1000 && messages.size() < count; ++i) {
    messages.clear();
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(folder, none)) {
      messages.push_back(contents(entry.path()));
    }
    if (messages.size() < count) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return messages;
}

std::unique_ptr<SmtpSink> SmtpSink::start(const std::vector<std::string>& options) {
  const std::string program = find_program({"/usr/sbin/smtp-sink", "/usr/bin/smtp-sink"});
  if (program.empty() || is_off()) {
    MESSAGE("skipped: no smtp-sink (package postfix)");
    return nullptr;
  }
  std::unique_ptr<SmtpSink> sink(new SmtpSink);
  const std::string dir = sink->directory_.str();
  sink->port_ = free_port();
  std::vector<std::string> command = {program, "-D", dir + "/mail"};
  if (::getuid() == 0) {
    REQUIRE(::chown(dir.c_str(), 65534, 65534) == 0);
    command.insert(command.end(), {"-u", "nobody"});
  }
  command.insert(command.end(), options.begin(), options.end());
  command.insert(command.end(), {"127.0.0.1:" + std::to_string(sink->port_), "16"});
  sink->process_ = std::make_unique<ChildProcess>(command, dir + "/out");
  if (!wait_for_port(sink->port_, *sink->process_, 10)) {
    FAIL("smtp-sink does not start: " << contents(dir + "/out"));
  }
  return sink;
}

std::string SmtpSink::received() const { return contents(directory_.path() / "mail"); }

}  // namespace test
