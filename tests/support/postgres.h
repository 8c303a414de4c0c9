// A real PostgreSQL server for tests: private data directory, unix socket only, started once per
// test program at the first use and stopped at its end, also when the program is killed.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace test {

// One thread at a time.
class PostgresServer {
 public:
  // The server of this program. nullptr when GODWIT_NO_POSTGRES=1 is set (then a message says that
  // the test is skipped); fails the running test case when the server cannot be started.
  static PostgresServer* shared();

  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  // The URL of an empty schema that no other caller has.
  std::string fresh_url();
  // Ends the server at once, as a crash does.
  void halt();
  // Ends it likewise if it runs, and starts it again on the same data.
  void restart();

 private:
  PostgresServer() = default;
  std::string start();  // what went wrong, or ""
  std::string launch();
  int run(const std::vector<std::string>& command) const;
  pid_t spawn(const std::vector<std::string>& command) const;

  std::string binaries_;
  std::string directory_;
  uid_t user_ = 0;
  gid_t group_ = 0;
  pid_t pid_ = -1;
  int schemas_ = 0;
};

// PostgresServer::shared()->fresh_url(), or nullopt when skipped.
std::optional<std::string> postgres_url();

}  // namespace test
