#include "storage/base/log.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include "storage/base/unique_fd.h"
#include "tests/support/temp_dir.h"

namespace {

using storage::LogLevel;

// What the function writes to standard error.
template <typename Function>
std::string captured(Function function) {
  const test::TempDir dir;
  const std::string path = dir.file("stderr");
  const storage::UniqueFd file(::open(path.c_str(), O_CREAT | O_WRONLY, 0600));
  const storage::UniqueFd saved(::dup(STDERR_FILENO));
  REQUIRE(file);
  REQUIRE(::dup2(file.get(), STDERR_FILENO) >= 0);
  function();
  REQUIRE(::dup2(saved.get(), STDERR_FILENO) >= 0);
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The line behind the time stamp.
std::string without_time(const std::string& line) { return line.substr(line.find(' ') + 1); }

}  // namespace

TEST_CASE("log: an event is one line with time, level, text and fields") {
  const std::string line = captured([] {
    storage::log_event(LogLevel::warning, "request refused",
                       {{"user", "demo@example.test"}, {"status", 401}, {"size", -5}});
  });
  CHECK(without_time(line) ==
        "warning request refused user=demo@example.test status=401 size=-5\n");
  REQUIRE(line.size() > 24);
  CHECK(line[4] == '-');
  CHECK(line[10] == 'T');
  CHECK(line[23] == 'Z');
}

TEST_CASE("log: values cannot forge a second line or a second field") {
  const std::string line = captured([] {
    storage::log_event(LogLevel::info, "x",
                       {{"a", "1\n2026 error forged"},
                        {"b", "q\"uo\\te"},
                        {"c", "x y=z"},
                        {"d", ""},
                        {"e", "\x1B[31m"}});
  });
  CHECK(without_time(line) ==
        "info x a=\"1\\x0a2026 error forged\" b=\"q\\\"uo\\\\te\" c=\"x y=z\" d=\"\" "
        "e=\"\\x1b[31m\"\n");
}

TEST_CASE("log: events below the level are dropped") {
  const LogLevel before = storage::log_level();
  const std::string text = captured([] {
    storage::set_log_level(LogLevel::warning);
    storage::log_event(LogLevel::info, "quiet");
    storage::log_event(LogLevel::error, "loud");
    storage::set_log_level(LogLevel::off);
    storage::log_event(LogLevel::error, "off");
    storage::log_event(LogLevel::off, "never");
  });
  storage::set_log_level(before);
  CHECK(without_time(text) == "error loud\n");
}

TEST_CASE("log: level names") {
  CHECK(storage::parse_log_level("debug") == LogLevel::debug);
  CHECK(storage::parse_log_level("info") == LogLevel::info);
  CHECK(storage::parse_log_level("warning") == LogLevel::warning);
  CHECK(storage::parse_log_level("error") == LogLevel::error);
  CHECK(storage::parse_log_level("off") == LogLevel::off);
  CHECK(storage::parse_log_level("loud") == LogLevel::info);
}

TEST_CASE("log: lines of many threads do not mix") {
  const std::string text = captured([] {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([] {
        for (int i = 0; i < 100; ++i)
          storage::log_event(LogLevel::info, "event", {{"field", "value"}});
      });
    }
    for (std::thread& thread : threads) thread.join();
  });
  CHECK(std::count(text.begin(), text.end(), '\n') == 400);
  std::size_t at = 0, good = 0;
  for (std::size_t end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    if (without_time(text.substr(at, end - at)) == "info event field=value") ++good;
  }
  CHECK(good == 400);
}
