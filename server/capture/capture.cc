#include "server/capture/capture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "storage/base/crypto.h"
#include "storage/base/text.h"
#include "storage/base/unique_fd.h"

namespace eas::capture {
namespace {

using storage::ErrorKind;
using storage::fail;

constexpr std::size_t kReadablePart = 40;  // characters of the device id in the file's name
constexpr std::size_t kDigestPart = 8;     // bytes of the digest

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

std::string system_error(const std::string& what) {
  return what + ": " + std::strerror(errno);  // NOLINT(concurrency-mt-unsafe)
}

// A body over the limit is left out, with a note that a reader cannot mistake for a body.
void set_body(std::string& body, std::string_view bytes, std::size_t limit, std::string& note,
              const char* which) {
  if (bytes.size() <= limit) {
    body = bytes;
    return;
  }
  if (!note.empty()) note += "; ";
  note += std::string(which) + " body of " + std::to_string(bytes.size()) + " bytes left out";
}

ExchangeRecord make_record(const Exchange& exchange, const CaptureLimits& limits) {
  ExchangeRecord record;
  record.client = std::string(exchange.user) + " " + std::string(exchange.device_id);
  record.method = exchange.method;
  record.target = exchange.path;
  if (!exchange.query.empty()) record.target += "?" + std::string(exchange.query);
  if (exchange.request_headers != nullptr) record.request_headers = *exchange.request_headers;
  if (exchange.response_headers != nullptr) record.response_headers = *exchange.response_headers;
  const std::string_view type = exchange.response_content_type;
  if (!type.empty() && record.response_header("Content-Type").empty()) {
    record.response_headers.emplace_back("Content-Type", type);
  }
  record.status = exchange.status;
  record.seconds = exchange.seconds;
  record.time = utc_text(exchange.time);
  set_body(record.request_body, exchange.request_body, limits.max_body_bytes, record.error,
           "request");
  set_body(record.response_body, exchange.response_body, limits.max_body_bytes, record.error,
           "response");
  return record;
}

}  // namespace

std::string capture_file_name(std::string_view user, std::string_view device_id) {
  std::string name;
  for (const char c : device_id.substr(0, kReadablePart)) name += is_plain(c) ? c : '_';
  std::string identity(user);
  identity += '\0';
  identity += device_id;
  const std::string digest = storage::sha256(identity).substr(0, kDigestPart);
  return "device-" + name + "-" + storage::to_hex(digest) + ".jsonl";
}

CaptureWriter::CaptureWriter(std::string directory, CaptureLimits limits)
    : directory_(std::move(directory)), limits_(limits) {}

std::string CaptureWriter::file_of(std::string_view user, std::string_view device_id) const {
  return directory_ + "/" + capture_file_name(user, device_id);
}

storage::Result<void> CaptureWriter::write(const Exchange& exchange) {
  ExchangeRecord record = make_record(exchange, limits_);
  const std::string name = capture_file_name(exchange.user, exchange.device_id);
  const storage::MutexLock lock(mutex_);
  const storage::UnixMillis begun = begun_.try_emplace(name, exchange.time).first->second;
  record.t = static_cast<double>(std::max<storage::UnixMillis>(exchange.time - begun, 0)) / 1000;
  return append_line(name, to_json_line(record) + "\n");
}

storage::Result<void> CaptureWriter::append_line(const std::string& name, const std::string& line) {
  std::error_code error;
  if (!std::filesystem::is_directory(directory_, error)) {
    std::filesystem::create_directories(directory_, error);
    if (error) return fail(ErrorKind::unavailable, directory_ + ": " + error.message());
    ::chmod(directory_.c_str(), 0700);
  }
  const std::string path = directory_ + "/" + name;
  const storage::UniqueFd file(
      ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return fail(ErrorKind::unavailable, system_error(path));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return fail(ErrorKind::unavailable, system_error(path));
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size + line.size() > limits_.max_file_bytes) {
    return fail(ErrorKind::too_large, path + " has reached its limit");
  }
  for (std::size_t done = 0; done < line.size();) {
    const ssize_t count = ::write(file.get(), line.data() + done, line.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      const std::string reason = system_error(path);
      // No half line stays behind: the next one would be unreadable too.
      if (::ftruncate(file.get(), status.st_size) != 0) return fail(ErrorKind::unavailable, path);
      return fail(ErrorKind::unavailable, reason);
    }
    done += static_cast<std::size_t>(count);
  }
  return {};
}

}  // namespace eas::capture
