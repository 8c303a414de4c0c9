// Recorded sessions run again against the real server: our own ones in tests/replay, which must
// come out without a difference, and the mail sessions of real clients in ../shared/captures, whose
// requests must run through to a good end here (their recorded answers are another server's).
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "server/capture/exchange_record.h"
#include "server/client/replay.h"
#include "tests/support/paths.h"
#include "tests/support/server_process.h"

namespace {

namespace fs = std::filesystem;
using eas::client::ReplayReport;

std::vector<fs::path> sessions(const fs::path& dir) {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(dir, ignored)) {
    if (entry.path().extension() == ".jsonl") found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

// What a server of mail must carry to its end; the others are about calendars, contacts, tasks and
// commands that are not there yet.
bool is_mail_session(const fs::path& file) {
  constexpr std::string_view kMail[] = {
      "pyactivesync-", "MSASEMAIL_S01", "MSASCMD_S02_",     "MSASCMD_S03_",     "MSASCMD_S04_",
      "MSASCMD_S05_",  "MSASCMD_S06_",  "MSASCMD_S08_",     "MSASCMD_S10_",     "MSASCMD_S11_",
      "MSASCMD_S12_",  "MSASCMD_S15_",  "MSASCMD_S19_TC34", "MSASCMD_S19_TC36", "MSASPROV_"};
  const std::string name = file.filename().string();
  return std::any_of(std::begin(kMail), std::end(kMail),
                     [&](std::string_view part) { return name.find(part) != std::string::npos; });
}

ReplayReport run(const test::ServerProcess& server, const fs::path& file, int user) {
  const auto records = eas::capture::read_capture_file(file.string());
  REQUIRE(records.has_value());
  eas::client::ReplayOptions options;
  options.client.url = server.url();
  options.client.user = "user" + std::to_string(user) + "@example.test";
  options.client.password = std::string(test::ServerProcess::kPassword);
  options.client.verify_certificate = false;
  options.max_wait_seconds = 2;
  return eas::client::replay(*records, options);
}

void check_good(const ReplayReport& report) {
  CHECK_MESSAGE(report.good(), report.verdict());
  for (const auto& exchange : report.exchanges) {
    for (const auto& finding : exchange.findings) {
      if (!report.good())
        MESSAGE(exchange.number << " " << exchange.command << ": " << finding.text);
    }
  }
}

TEST_CASE("replay: our own sessions run again without a difference") {
  const auto files = sessions(test::source_dir() / "tests" / "replay");
  REQUIRE_FALSE(files.empty());
  test::ServerProcess server({.users = static_cast<int>(files.size()), .messages = 30});
  int user = 0;
  for (const fs::path& file : files) {
    CAPTURE(file.filename().string());
    check_good(run(server, file, ++user));
  }
}

TEST_CASE("replay: mail sessions of real clients run through to a good end" *
          doctest::skip(sessions(test::shared_dir() / "captures").empty())) {
  auto files = sessions(test::shared_dir() / "captures");
  std::erase_if(files, [](const fs::path& file) { return !is_mail_session(file); });
  REQUIRE_FALSE(files.empty());
  test::ServerProcess server({.users = static_cast<int>(files.size()), .messages = 60});
  int user = 0;
  for (const fs::path& file : files) {
    CAPTURE(file.filename().string());
    check_good(run(server, file, ++user));
  }
}

}  // namespace
