#include "tests/bench/support/process_stats.h"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace bench {
namespace {

// The number behind `label` in /proc/PROCESS/FILE.
std::int64_t proc_number(pid_t process, const char* file, const std::string& label) {
  std::ifstream in("/proc/" + std::to_string(process) + "/" + file);
  for (std::string line; std::getline(in, line);) {
    if (line.rfind(label, 0) == 0) return std::stoll(line.substr(label.size()));
  }
  return 0;
}

}  // namespace

std::int64_t pss_kb(pid_t process) { return proc_number(process, "smaps_rollup", "Pss:"); }

std::int64_t anonymous_kb(pid_t process) {
  return proc_number(process, "smaps_rollup", "Anonymous:");
}

int thread_count(pid_t process) {
  return static_cast<int>(proc_number(process, "status", "Threads:"));
}

double cpu_seconds(pid_t process) {
  std::ifstream in("/proc/" + std::to_string(process) + "/stat");
  std::string text;
  std::getline(in, text);
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(text.substr(name_end + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::int64_t file_bytes_written(pid_t process) {
  return proc_number(process, "io", "write_bytes:");
}

}  // namespace bench
