// Puts messages into Maildirs as a delivery agent does: written into tmp/, renamed into new/.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace bench {

// One thread. Failures end the program: a benchmark without its mail measures nothing.
class Courier {
 public:
  // `mail` holds one Maildir per user: MAIL/user7@example.test.
  explicit Courier(std::string mail) : mail_(std::move(mail)) {}

  // Writes a small message for that user, so that deliver() only renames.
  void prepare(int user);
  // Renames it and returns the time just before. REQUIRES: prepare(user) since the last one.
  std::chrono::steady_clock::time_point deliver(int user);

 private:
  std::string& name_of(int user);
  std::string folder(int user) const;

  std::string mail_;
  std::vector<std::string> names_;  // by user, of what lies in tmp/
  int count_ = 0;
};

}  // namespace bench
