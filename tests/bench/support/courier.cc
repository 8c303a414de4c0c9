#include "tests/bench/support/courier.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>

namespace bench {
namespace {

[[noreturn]] void give_up(const std::string& why) {
  std::cerr << "courier: " << why << std::endl;
  std::exit(1);
}

}  // namespace

void Courier::prepare(int user) {
  const std::string name = std::to_string(std::time(nullptr)) + ".bench" +
                           std::to_string(::getpid()) + "_" + std::to_string(++count_) +
                           ".localhost";
  std::ofstream out(folder(user) + "/tmp/" + name);
  out << "From: Courier <courier@example.test>\r\nTo: user@example.test\r\nSubject: Delivery "
      << count_ << "\r\nDate: Mon, 5 Jan 2026 10:00:00 +0000\r\nMessage-ID: <" << name
      << "@bench>\r\n\r\nWake up.\r\n";
  out.close();
  if (!out) give_up("cannot write into " + folder(user) + "/tmp");
  name_of(user) = name;
}

std::chrono::steady_clock::time_point Courier::deliver(int user) {
  const std::string& name = name_of(user);
  const std::string from = folder(user) + "/tmp/" + name;
  const std::string to = folder(user) + "/new/" + name;
  const auto now = std::chrono::steady_clock::now();
  if (std::rename(from.c_str(), to.c_str()) != 0) give_up("cannot rename into " + to);
  return now;
}

std::string& Courier::name_of(int user) {
  const auto slot = static_cast<std::size_t>(user);
  if (names_.size() <= slot) names_.resize(slot + 1);
  return names_[slot];
}

std::string Courier::folder(int user) const {
  return mail_ + "/user" + std::to_string(user) + "@example.test";
}

}  // namespace bench
