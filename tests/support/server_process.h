// The real godwit binary as a child process, serving a demo mailbox on a free port: for wire tests
// and load generators. The binary is $GODWIT, or the one of this build.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/temp_dir.h"

namespace test {

struct ServerSetup {
  int users = 1;      // user1@example.test …
  int messages = 10;  // in each Inbox
  bool plain_http = false;
  std::string database;  // "": SQLite in the data directory
  // Written to godwit.toml before the first start, "[limits]\nmin_heartbeat = 1\n". The wire tests'
  // default lets Pings wait for one second.
  std::string config = "[limits]\nmin_heartbeat = 1\n";
  std::vector<std::string> arguments;  // more options of `godwit demo`
  std::chrono::seconds start_timeout{60};
};

// One thread at a time. The child dies with this process, and is killed on destruction.
class ServerProcess {
 public:
  static constexpr std::string_view kPassword = "correct horse 1";

  // Starts it and waits until it listens; aborts the test program with the server's log otherwise.
  explicit ServerProcess(ServerSetup setup = {});
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  const std::string& url() const { return url_; }  // "https://127.0.0.1:40123"
  std::uint16_t port() const { return port_; }
  bool tls() const { return !setup_.plain_http; }
  pid_t pid() const { return pid_; }
  std::string dir() const { return dir_.str(); }
  std::string maildir(std::string_view address) const;
  std::string config_file() const { return dir_.file("godwit.toml"); }

  // Puts a message into tmp/ and renames it into new/, as an MDA does. Returns the path in new/.
  std::string deliver(std::string_view address, std::string_view bytes);
  // How many files lie in cur/ and new/ of a folder ("" is the Inbox, ".Sent" the sent mail).
  int count_messages(std::string_view address, std::string_view folder = "") const;

  bool running();
  void signal(int number) const;
  // SIGTERM; returns the exit status, 128 + n when a signal n ended it, -1 when it took longer.
  int stop(std::chrono::seconds timeout = std::chrono::seconds(40));
  void kill9();
  // Starts it again on the same directory and the same port.
  void restart();

  std::string log() const;  // what it wrote to standard error so far
  // Resident memory in bytes, and the number of threads.
  std::int64_t resident_bytes() const;
  int threads() const;

  // Runs `godwit ARGUMENTS…` to its end with `input` on standard input.
  struct RunResult {
    int status = -1;
    std::string out, err;
  };
  static RunResult run(const std::vector<std::string>& arguments, std::string_view input = {});

 private:
  void start(std::uint16_t port);
  [[noreturn]] void give_up(const std::string& why);

  ServerSetup setup_;
  TempDir dir_;
  pid_t pid_ = -1;
  std::uint16_t port_ = 0;
  std::string url_;
  int delivered_ = 0;
};

// The binary that is tested.
std::string godwit_binary();

}  // namespace test
