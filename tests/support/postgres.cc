// PostgreSQL refuses to run as root, so under root the server runs as the user `postgres` (or
// `nobody`). It is our direct child with a parent-death signal, so it cannot outlive the tests; a
// directory that a killed test program left behind is removed by the next one.
#include "tests/support/postgres.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPrefix = "godwit-pg-";

fs::path base_directory() {
  std::error_code ignored;
  if (fs::is_directory("/dev/shm", ignored)) return "/dev/shm";
  return fs::temp_directory_path();
}

// The newest installed server's programs, or "".
std::string find_binaries() {
  std::string best;
  int best_version = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", error)) {
    const int version = std::atoi(entry.path().filename().c_str());
    const fs::path bin = entry.path() / "bin";
    if (version > best_version && fs::exists(bin / "postgres") && fs::exists(bin / "initdb")) {
      best_version = version;
      best = bin.string();
    }
  }
  return best;
}

// Directories of test programs that are no more: "godwit-pg-<pid>-XXXXXX".
void remove_leftovers() {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(base_directory(), error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kPrefix)) continue;
    const pid_t owner = std::atoi(name.c_str() + std::string(kPrefix).size());
    if (owner > 0 && ::kill(owner, 0) != 0 && errno == ESRCH) fs::remove_all(entry.path(), error);
  }
}

std::string contents(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

PostgresServer* PostgresServer::shared() {
  const char* off = std::getenv("GODWIT_NO_POSTGRES");
  if (off != nullptr && std::string(off) == "1") {
    MESSAGE("skipped: GODWIT_NO_POSTGRES=1");
    return nullptr;
  }
  static std::unique_ptr<PostgresServer> server;
  if (server == nullptr) {
    std::unique_ptr<PostgresServer> starting(new PostgresServer);
    const std::string problem = starting->start();
    if (!problem.empty()) FAIL("PostgreSQL cannot be started: ", problem);
    server = std::move(starting);
  }
  return server.get();
}

PostgresServer::~PostgresServer() {
  halt();
  std::error_code ignored;
  if (!directory_.empty()) fs::remove_all(directory_, ignored);
}

pid_t PostgresServer::spawn(const std::vector<std::string>& command) const {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const std::string log = directory_ + "/log";
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child != 0) return child;
  // Only async-signal-safe calls from here: the test program may have threads.
  if (user_ != ::getuid() &&
      (::setgroups(0, nullptr) != 0 || ::setgid(group_) != 0 || ::setuid(user_) != 0)) {
    ::_exit(126);
  }
  ::prctl(PR_SET_PDEATHSIG, SIGQUIT);  // after setuid, which clears it
  if (::getppid() != parent) ::_exit(126);
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  const int in = ::open("/dev/null", O_RDONLY);
  if (out < 0 || in < 0 || ::chdir("/") != 0) ::_exit(126);
  ::dup2(in, 0);
  ::dup2(out, 1);
  ::dup2(out, 2);
  for (int fd = 3; fd < 1024; ++fd) ::close(fd);
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

int PostgresServer::run(const std::vector<std::string>& command) const {
  const pid_t child = spawn(command);
  if (child < 0) return -1;
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string PostgresServer::start() {
  binaries_ = find_binaries();
  if (binaries_.empty()) {
    return "no server programs in /usr/lib/postgresql (install postgresql-15, or set "
           "GODWIT_NO_POSTGRES=1 to skip)";
  }
  remove_leftovers();
  user_ = ::getuid();
  group_ = ::getgid();
  if (user_ == 0) {
    const passwd* account = ::getpwnam("postgres");
    if (account == nullptr) account = ::getpwnam("nobody");
    if (account == nullptr) return "neither a user postgres nor a user nobody";
    user_ = account->pw_uid;
    group_ = account->pw_gid;
  }
  std::string pattern =
      (base_directory() / (kPrefix + std::to_string(::getpid()) + "-XXXXXX")).string();
  if (::mkdtemp(pattern.data()) == nullptr) return "cannot make a directory";
  directory_ = pattern;
  if (::chown(directory_.c_str(), user_, group_) != 0) return "chown";
  const int made = run({binaries_ + "/initdb", "-D", directory_ + "/data", "-U", "godwit", "-A",
                        "trust", "-E", "UTF8", "--locale=C", "--no-sync"});
  if (made != 0) return "initdb: " + contents(directory_ + "/log");
  return launch();
}

std::string PostgresServer::launch() {
  const std::string data = directory_ + "/data";
  std::error_code ignored;
  fs::remove(data + "/postmaster.pid", ignored);
  pid_ = spawn({binaries_ + "/postgres", "-D", data, "-k", directory_, "-c",
                "listen_addresses=", "-c", "fsync=off", "-c", "full_page_writes=off", "-c",
                "shared_buffers=32MB", "-c", "max_connections=100"});
  if (pid_ < 0) return "fork";
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (contents(data + "/postmaster.pid").find("\nready") == std::string::npos) {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      return "it ended: " + contents(directory_ + "/log");
    }
    if (std::chrono::steady_clock::now() > deadline) return "not ready within a minute";
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return "";
}

void PostgresServer::halt() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGQUIT);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

void PostgresServer::restart() {
  halt();
  const std::string problem = launch();
  if (!problem.empty()) FAIL("PostgreSQL cannot be restarted: ", problem);
}

std::string PostgresServer::fresh_url() {
  const std::string schema = "test" + std::to_string(++schemas_);
  const int made = run({binaries_ + "/psql", "-X", "-q", "-h", directory_, "-U", "godwit", "-d",
                        "postgres", "-c", "CREATE SCHEMA " + schema});
  if (made != 0) FAIL("psql: ", contents(directory_ + "/log"));
  return "postgresql:///postgres?host=" + directory_ + "&user=godwit&options=-csearch_path%3D" +
         schema;
}

std::optional<std::string> postgres_url() {
  PostgresServer* server = PostgresServer::shared();
  if (server == nullptr) return std::nullopt;
  return server->fresh_url();
}

}  // namespace test
