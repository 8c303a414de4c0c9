// A server program as a child of the test program: its output goes to a log file, it dies with the
// test program, and it is stopped by its process id.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace test {

// One thread at a time.
class ChildProcess {
 public:
  // `log` receives its output. Failing to start shows as an early end.
  ChildProcess(const std::vector<std::string>& command, const std::string& log);
  ~ChildProcess();  // SIGTERM, and SIGKILL when that does not help within five seconds
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  bool is_running();

 private:
  pid_t pid_ = -1;
};

// A free TCP port of the loopback interface (free at the time of the call).
std::uint16_t free_port();
// Waits until something accepts connections there.
bool wait_for_port(std::uint16_t port, ChildProcess& child, int seconds);
// The first of these paths that exists, or "".
std::string find_program(const std::vector<std::string>& paths);

// A connection to a line-based server (IMAP, LMTP, SMTP) on the loopback interface.
class LineClient {
 public:
  explicit LineClient(std::uint16_t port);
  ~LineClient();
  LineClient(const LineClient&) = delete;
  LineClient& operator=(const LineClient&) = delete;

  void send(const std::string& text);
  // The next line without its end; "" at the end of the connection or after ten seconds.
  std::string line();

 private:
  int fd_ = -1;
  std::string buffer_;
};

}  // namespace test
