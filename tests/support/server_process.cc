#include "tests/support/server_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "storage/base/unique_fd.h"
#include "tests/support/paths.h"

namespace test {
namespace {

using Clock = std::chrono::steady_clock;

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The exit status as a shell has it.
int shell_status(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

struct Child {
  pid_t pid = -1;
  storage::UniqueFd in, out, err;
};

// Starts `arguments`. Standard input is a pipe; standard output too; standard error goes to the
// file `log`, or a pipe when that is empty.
Child spawn(const std::vector<std::string>& arguments, const std::string& log) {
  std::array<int, 2> in{}, out{}, err{};
  if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0 ||
      ::pipe2(err.data(), O_CLOEXEC) != 0) {
    std::abort();
  }
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  int error_fd = err[1];
  if (!log.empty()) error_fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const pid_t parent = ::getpid();
  Child child;
  child.pid = ::fork();
  if (child.pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(126);
    ::dup2(in[0], STDIN_FILENO);
    ::dup2(out[1], STDOUT_FILENO);
    ::dup2(error_fd, STDERR_FILENO);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  if (!log.empty()) ::close(error_fd);
  ::close(in[0]);
  ::close(out[1]);
  ::close(err[1]);
  child.in.reset(in[1]);
  child.out.reset(out[0]);
  child.err.reset(err[0]);
  return child;
}

// One line without its end, "" when it does not come in time.
std::string read_line(int fd, Clock::time_point until) {
  std::string line;
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
    pollfd waiting{fd, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&waiting, 1, static_cast<int>(left.count())) <= 0) return {};
    char c = 0;
    if (::read(fd, &c, 1) != 1) return {};
    if (c == '\n') return line;
    line += c;
  }
}

// A number of /proc/PID/status, -1 when it is not there.
std::int64_t status_number(pid_t pid, std::string_view name) {
  std::istringstream text(read_file("/proc/" + std::to_string(pid) + "/status"));
  std::string line;
  while (std::getline(text, line)) {
    if (line.starts_with(name)) return std::atoll(line.c_str() + name.size() + 1);
  }
  return -1;
}

}  // namespace

std::string godwit_binary() {
  const char* named = std::getenv("GODWIT");
  return named != nullptr ? named : test::built_binary().string();
}

ServerProcess::ServerProcess(ServerSetup setup) : setup_(std::move(setup)) {
  if (!setup_.config.empty()) std::ofstream(config_file()) << setup_.config;
  start(0);
}

ServerProcess::~ServerProcess() { kill9(); }

void ServerProcess::give_up(const std::string& why) {
  std::fprintf(stderr, "server: %s\n%s\n", why.c_str(), log().c_str());
  kill9();
  std::abort();
}

void ServerProcess::start(std::uint16_t port) {
  std::vector<std::string> arguments = {godwit_binary(), "demo",
                                        "--dir",         dir(),
                                        "--listen",      "127.0.0.1:" + std::to_string(port),
                                        "--users",       std::to_string(setup_.users),
                                        "--messages",    std::to_string(setup_.messages),
                                        "--password",    std::string(kPassword)};
  if (setup_.plain_http) arguments.emplace_back("--plain-http");
  if (!setup_.database.empty()) {
    arguments.insert(arguments.end(), {"--database", setup_.database});
  }
  arguments.insert(arguments.end(), setup_.arguments.begin(), setup_.arguments.end());
  Child child = spawn(arguments, dir_.file("server.log"));
  pid_ = child.pid;
  const std::string line = read_line(child.out.get(), Clock::now() + setup_.start_timeout);
  const std::string prefix = setup_.plain_http ? "ready http://" : "ready https://";
  if (!line.starts_with(prefix)) give_up("not ready: '" + line + "'");
  url_ = line.substr(6);
  port_ = static_cast<std::uint16_t>(std::stoi(url_.substr(url_.rfind(':') + 1)));
}

std::string ServerProcess::maildir(std::string_view address) const {
  return dir_.file("mail/" + std::string(address));
}

std::string ServerProcess::deliver(std::string_view address, std::string_view bytes) {
  const std::string name = std::to_string(std::time(nullptr)) + ".T" + std::to_string(::getpid()) +
                           "Q" + std::to_string(++delivered_) + ".wire";
  const std::string from = maildir(address) + "/tmp/" + name;
  const std::string to = maildir(address) + "/new/" + name;
  std::ofstream(from, std::ios::binary) << bytes;
  std::error_code error;
  std::filesystem::rename(from, to, error);
  if (error) give_up("cannot deliver to " + to);
  return to;
}

int ServerProcess::count_messages(std::string_view address, std::string_view folder) const {
  int count = 0;
  for (const char* part : {"cur", "new"}) {
    std::error_code error;
    const std::filesystem::path path = std::filesystem::path(maildir(address)) / folder / part;
    for (auto it = std::filesystem::directory_iterator(path, error);
         !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
      ++count;
    }
  }
  return count;
}

bool ServerProcess::running() {
  if (pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
  return pid_ > 0;
}

void ServerProcess::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

int ServerProcess::stop(std::chrono::seconds timeout) {
  if (pid_ <= 0) return -1;
  signal(SIGTERM);
  const auto until = Clock::now() + timeout;
  while (Clock::now() < until) {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      return shell_status(status);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return -1;
}

void ServerProcess::kill9() {
  if (pid_ <= 0) return;
  signal(SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void ServerProcess::restart() {
  kill9();
  start(port_);
}

std::string ServerProcess::log() const { return read_file(dir_.file("server.log")); }

std::int64_t ServerProcess::resident_bytes() const { return status_number(pid_, "VmRSS") * 1024; }

int ServerProcess::threads() const { return static_cast<int>(status_number(pid_, "Threads")); }

ServerProcess::RunResult ServerProcess::run(const std::vector<std::string>& arguments,
                                            std::string_view input) {
  std::vector<std::string> all = {godwit_binary()};
  all.insert(all.end(), arguments.begin(), arguments.end());
  ::signal(SIGPIPE, SIG_IGN);
  Child child = spawn(all, {});
  std::thread feeder([&] {
    std::string_view rest = input;
    while (!rest.empty()) {
      const ssize_t written = ::write(child.in.get(), rest.data(), rest.size());
      if (written <= 0) break;
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
    child.in.reset();
  });
  RunResult result;
  const auto drain = [](int fd, std::string& into) {
    std::array<char, 65536> buffer{};
    ssize_t count = 0;
    while ((count = ::read(fd, buffer.data(), buffer.size())) > 0) {
      into.append(buffer.data(), static_cast<std::size_t>(count));
    }
  };
  std::thread errors([&] { drain(child.err.get(), result.err); });
  drain(child.out.get(), result.out);
  errors.join();
  feeder.join();
  int status = 0;
  ::waitpid(child.pid, &status, 0);
  result.status = shell_status(status);
  return result;
}

}  // namespace test
