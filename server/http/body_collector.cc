#include "server/http/body_collector.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace http {
namespace {

using storage::ErrorKind;
using storage::Result;

constexpr std::size_t kFirstReserve = 16u << 10;  // a declared length costs nothing until it comes

storage::UniqueFd open_unlinked(const std::string& directory) {
  storage::UniqueFd file(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600));
  if (file) return file;
  // Not every file system has O_TMPFILE.
  std::string name = directory + "/godwit-body-XXXXXX";
  file.reset(::mkostemp(name.data(), O_CLOEXEC));
  if (file) ::unlink(name.c_str());
  return file;
}

}  // namespace

BodyCollector::BodyCollector(std::size_t spool_above, std::string directory,
                             std::optional<std::uint64_t> declared, SpoolBudget* budget)
    : spool_above_(spool_above),
      directory_(std::move(directory)),
      spool_from_start_(declared.value_or(0) > spool_above),
      share_(budget != nullptr ? std::make_shared<SpoolShare>(*budget) : nullptr) {
  if (!spool_from_start_ && declared) {
    memory_.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(*declared, kFirstReserve)));
  }
}

Result<void> BodyCollector::append(std::string_view piece) {
  size_ += piece.size();
  if (!file_ && !spool_from_start_ && size_ <= spool_above_) {
    memory_ += piece;
    return {};
  }
  if (!file_) GODWIT_TRY(start_spooling());
  return write_to_file(piece);
}

Result<void> BodyCollector::start_spooling() {
  file_ = open_unlinked(directory_);
  if (!file_) {
    return storage::fail(ErrorKind::unavailable,
                         "no temporary file in " + directory_ + ": " + std::strerror(errno));
  }
  GODWIT_TRY(write_to_file(memory_));
  memory_ = {};
  return {};
}

Result<void> BodyCollector::write_to_file(std::string_view bytes) {
  if (share_ && !share_->grow(bytes.size())) {
    return storage::fail(ErrorKind::unavailable, "too many large bodies of unknown clients");
  }
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      return storage::fail(ErrorKind::unavailable,
                           std::string("writing a request body failed: ") + std::strerror(errno));
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<Body> BodyCollector::finish() {
  if (!file_) return Body(std::move(memory_));
  void* mapping = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file_.get(), 0);
  if (mapping == MAP_FAILED) {
    return storage::fail(ErrorKind::unavailable,
                         std::string("mapping a request body failed: ") + std::strerror(errno));
  }
  file_.reset();
  return Body(mapping, size_, std::move(share_));
}

}  // namespace http
