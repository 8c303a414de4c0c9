#include "server/admin/password_input.h"

#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>

namespace eas::admin {
namespace {

using storage::ErrorKind;
using storage::fail;
using storage::Result;

constexpr std::size_t kMaxPassword = 512;

// Switches the terminal's echo off while it lives.
class NoEcho {
 public:
  NoEcho() {
    active_ = ::tcgetattr(STDIN_FILENO, &before_) == 0;
    if (!active_) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  ~NoEcho() {
    if (active_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;

 private:
  bool active_ = false;
  termios before_{};
};

Result<std::string> read_line() {
  std::string line;
  if (!std::getline(std::cin, line)) return fail(ErrorKind::invalid, "no password was given");
  if (line.ends_with('\r')) line.pop_back();
  if (line.empty()) return fail(ErrorKind::invalid, "the password is empty");
  if (line.size() > kMaxPassword) return fail(ErrorKind::invalid, "the password is too long");
  return line;
}

Result<std::string> ask(const std::string& prompt) {
  std::fprintf(stderr, "%s: ", prompt.c_str());
  const NoEcho no_echo;
  auto line = read_line();
  std::fputc('\n', stderr);
  return line;
}

}  // namespace

Result<std::string> read_password(bool from_stdin, const std::string& prompt, bool confirm) {
  if (from_stdin) return read_line();
  if (::isatty(STDIN_FILENO) == 0) {
    return fail(ErrorKind::invalid, "no terminal to ask for the password: use --password-stdin");
  }
  GODWIT_ASSIGN(std::string password, ask(prompt));
  if (confirm) {
    GODWIT_ASSIGN(const std::string again, ask("The same again"));
    if (again != password) return fail(ErrorKind::invalid, "the two passwords differ");
  }
  return password;
}

}  // namespace eas::admin
