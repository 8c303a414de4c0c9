// A real Dovecot for tests, in a private directory on free loopback ports: the program with which a
// Maildir is shared in earnest.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"

namespace test {

// One thread at a time.
class Dovecot {
 public:
  // Serves the Maildirs <mail_root>/<address>; every password is "secret". nullptr when Dovecot is
  // not installed or GODWIT_NO_DOVECOT=1 is set (a message says that the test is skipped); fails
  // the running test case when it cannot be started.
  static std::unique_ptr<Dovecot> start(const std::string& mail_root);

  // Runs one IMAP session as `user`: logs in, sends the commands in order and returns all lines of
  // the answers. Fails the test case when a command is not answered with OK.
  std::vector<std::string> imap(const std::string& user, const std::vector<std::string>& commands);
  // Delivers by LMTP.
  void deliver(const std::string& user, const std::string& message);
  std::string log() const;

  // Who owns the mail. As root that is another user, because Dovecot serves no mail as root.
  static uid_t mail_uid();
  static gid_t mail_gid();

 private:
  Dovecot() = default;
  TempDir directory_;
  std::unique_ptr<ChildProcess> process_;
  std::uint16_t imap_port_ = 0;
  std::uint16_t lmtp_port_ = 0;
};

// While it lives this thread, and threads started by it, work on files as Dovecot's mail user; does
// nothing for ordinary users.
class AsMailUser {
 public:
  AsMailUser();
  ~AsMailUser();
  AsMailUser(const AsMailUser&) = delete;
  AsMailUser& operator=(const AsMailUser&) = delete;
};

}  // namespace test
