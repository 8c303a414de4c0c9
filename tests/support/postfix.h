// Real SMTP servers for tests, on free loopback ports: Postfix in a private directory, and
// Postfix's smtp-sink, which refuses on command.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"

namespace test {

// Accepts mail for known@remote.test and other@remote.test into Maildirs; refuses other addresses
// of remote.test with 550 5.1.1 and greylisted@remote.test with 450. One thread at a time.
class Postfix {
 public:
  // nullptr, with a message, when Postfix is not installed, GODWIT_NO_POSTFIX=1 is set, or the
  // tests do not run as root (Postfix cannot do without).
  static std::unique_ptr<Postfix> start();
  ~Postfix();

  std::string url() const { return "smtp://127.0.0.1:" + std::to_string(port_); }
  // The messages delivered for `local`@remote.test, after waiting for `count` of them.
  std::vector<std::string> delivered(const std::string& local, std::size_t count);

 private:
  Postfix() = default;
  TempDir directory_;
  std::unique_ptr<ChildProcess> master_;
  std::uint16_t port_ = 0;
};

// One thread at a time.
class SmtpSink {
 public:
  // `options` of smtp-sink(1), for instance {"-f", "rcpt"}. nullptr, with a message, when it is not
  // installed.
  static std::unique_ptr<SmtpSink> start(const std::vector<std::string>& options);

  std::string url() const { return "smtp://127.0.0.1:" + std::to_string(port_); }
  // Everything received, with smtp-sink's pseudo headers X-Mail-Args and X-Rcpt-Args.
  std::string received() const;

 private:
  SmtpSink() = default;
  TempDir directory_;
  std::unique_ptr<ChildProcess> process_;
  std::uint16_t port_ = 0;
};

}  // namespace test
