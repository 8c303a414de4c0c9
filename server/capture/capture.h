// Writes the exchanges of captured devices: one file a device in one directory, one JSON line an
// exchange (see exchange_record.h). The lines hold mail, so directory and files are for the
// server's user alone; they hold no credentials.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "server/capture/exchange_record.h"
#include "storage/base/clock.h"
#include "storage/base/mutex.h"
#include "storage/base/result.h"

namespace eas::capture {

// One exchange as the server saw it; the views are valid during the call.
struct Exchange {
  storage::UnixMillis time = 0;  // when the request came
  double seconds = 0;            // until the answer was ready
  std::string_view user;         // address
  std::string_view device_id;    // as the phone names itself
  std::string_view method, path, query;
  const std::vector<Header>* request_headers = nullptr;
  std::string_view request_body;
  int status = 0;
  const std::vector<Header>* response_headers = nullptr;
  std::string_view response_content_type;  // when it is not among the headers
  std::string_view response_body;
};

// The name of a device's file: letters, digits, '-' and '_' of the device id for the reader, and a
// digest of user and device that makes it unique. Whatever a client sends, it is one plain name.
std::string capture_file_name(std::string_view user, std::string_view device_id);

struct CaptureLimits {
  std::uint64_t max_file_bytes = 256u << 20;  // then the device's capture stops
  std::size_t max_body_bytes = 16u << 20;     // of one body; larger ones are left out
};

// Thread-safe.
class CaptureWriter {
 public:
  // The directory is made with the first line.
  explicit CaptureWriter(std::string directory, CaptureLimits limits = {});

  // Appends the exchange as one line, in one write. too_large: the device's file is full;
  // unavailable: it cannot be written. A capture that fails never fails the request.
  storage::Result<void> write(const Exchange& exchange);

  const std::string& directory() const { return directory_; }
  std::string file_of(std::string_view user, std::string_view device_id) const;

 private:
  storage::Result<void> append_line(const std::string& name, const std::string& line)
      REQUIRES(mutex_);

  const std::string directory_;
  const CaptureLimits limits_;
  storage::Mutex mutex_;
  // When each file was begun, for "t". Of files that this process writes.
  std::map<std::string, storage::UnixMillis> begun_ GUARDED_BY(mutex_);
};

}  // namespace eas::capture
