#include "server/demo/maildir_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "storage/base/unique_fd.h"

namespace demo {
namespace {

using storage::ErrorKind;
using storage::fail;
using storage::Result;

constexpr int kProgressEvery = 1000;

tl::unexpected<storage::Error> disk_error(const std::string& what) {
  return fail(ErrorKind::unavailable, what + ": " + std::generic_category().message(errno));
}

// "cur/1790000000.D17.demo:2,FS": flags in ASCII order, as Maildir wants them.
std::string file_name(const DemoMessage& message, int index) {
  const std::string base =
      std::to_string(message.date / 1000) + ".D" + std::to_string(index) + ".demo";
  if (!message.seen && !message.flagged) return "new/" + base;
  std::string name = "cur/" + base + ":2,";
  if (message.flagged) name += 'F';
  if (message.answered) name += 'R';
  if (message.seen) name += 'S';
  return name;
}

Result<void> write_file(int directory, const std::string& name, const DemoMessage& message) {
  const storage::UniqueFd file(
      ::openat(directory, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return disk_error(name);
  std::string_view rest = message.bytes;
  while (!rest.empty()) {
    const ssize_t written = ::write(file.get(), rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return disk_error(name);
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  timespec when{};
  when.tv_sec = static_cast<time_t>(message.date / 1000);
  when.tv_nsec = static_cast<long>(message.date % 1000) * 1'000'000;
  const timespec times[2] = {when, when};
  if (::futimens(file.get(), times) != 0) return disk_error(name);
  return {};
}

}  // namespace

Result<bool> fill_maildir(const Corpus& corpus, const Recipient& to, const std::string& path,
                          const FillOptions& options) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (fs::exists(path, error)) return false;
  const fs::path target(path);
  const fs::path staging = target.parent_path() / (".filling-" + target.filename().string());
  fs::remove_all(staging, error);
  for (const char* part : {"cur", "new", "tmp"}) fs::create_directories(staging / part, error);
  const storage::UniqueFd directory(::open(staging.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return disk_error(staging.string());
  for (int i = 0; i < options.messages; ++i) {
    const DemoMessage message = corpus.message(to, i, options.messages, options.now);
    GODWIT_TRY(write_file(directory.get(), file_name(message, i), message));
    if (options.progress && (i + 1) % kProgressEvery == 0) options.progress(i + 1);
  }
  if (::rename(staging.c_str(), path.c_str()) != 0) return disk_error(path);
  return true;
}

}  // namespace demo
