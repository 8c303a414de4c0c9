#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "server/doctor/checks.h"

namespace eas::doctor {
namespace {

constexpr std::int64_t kEnoughWatches = 65'536;
constexpr rlim_t kEnoughFiles = 16'384;

void check_folder(const std::string& name, const std::string& path, const char* setting,
                  Findings& findings) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    findings.push_back({Outcome::problem, name, path + " is no folder that can be seen",
                        std::string("make it, or correct ") + setting});
    return;
  }
  if (::access(path.c_str(), R_OK | W_OK | X_OK) != 0) {
    findings.push_back({Outcome::problem, name, path + ": " + std::strerror(errno),
                        "give it to the server's user: chown -R USER " + path});
    return;
  }
  if (::geteuid() != info.st_uid) {
    findings.push_back({Outcome::warning, name, path + " belongs to another user than this check's",
                        "run the doctor as the server's user"});
  } else if ((info.st_mode & 0007) != 0) {
    findings.push_back({Outcome::warning, name, path + " is open to every user of the machine",
                        "chmod o-rwx " + path});
  } else {
    findings.push_back({Outcome::ok, name, path, ""});
  }
}

void check_watches(Findings& findings) {
  std::int64_t watches = 0;
  std::ifstream file("/proc/sys/fs/inotify/max_user_watches");
  if (!(file >> watches)) {
    findings.push_back({Outcome::warning, "watches", "the limit of inotify cannot be read", ""});
    return;
  }
  const std::string text = std::to_string(watches) + " folders can be watched";
  if (watches < kEnoughWatches) {
    findings.push_back({Outcome::warning, "watches", text + "; beyond that they are polled",
                        "sysctl fs.inotify.max_user_watches=524288"});
  } else {
    findings.push_back({Outcome::ok, "watches", text, ""});
  }
}

void check_open_files(Findings& findings) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const std::string text = "at most " +
                           (limit.rlim_max == RLIM_INFINITY ? std::string("any number of")
                                                            : std::to_string(limit.rlim_max)) +
                           " open files, one per waiting phone";
  if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < kEnoughFiles) {
    findings.push_back({Outcome::warning, "open files", text,
                        "LimitNOFILE=65536 in the service's unit, or ulimit -Hn 65536"});
  } else {
    findings.push_back({Outcome::ok, "open files", text, ""});
  }
}

}  // namespace

Findings check_files(const Config& config) {
  Findings findings;
  check_folder("data folder", config.data_dir, "storage.data_dir", findings);
  std::error_code ignored;
  if (!std::filesystem::exists(config.mail_root, ignored) &&
      ::access(std::filesystem::path(config.mail_root).parent_path().c_str(), W_OK) == 0) {
    findings.push_back({Outcome::warning, "mail root", config.mail_root + " does not exist yet",
                        "start the server once, or correct storage.mail_root"});
  } else {
    check_folder("mail root", config.mail_root, "storage.mail_root", findings);
  }
  check_watches(findings);
  check_open_files(findings);
  return findings;
}

}  // namespace eas::doctor
