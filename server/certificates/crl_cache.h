// Fetches certificate revocation lists over HTTP and keeps them.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>

#include "storage/base/clock.h"
#include "storage/base/mutex.h"
#include "storage/base/result.h"

namespace eas {

struct CrlOptions {
  bool fetch = true;                                // false: none is fetched
  std::chrono::milliseconds timeout{10'000};        // of one list
  std::chrono::milliseconds total_timeout{20'000};  // of all lists of one request
  std::size_t max_bytes = std::size_t{10} << 20;    // of one list
};

// Thread-safe. Keeps at most 64 lists of 64 MiB together; the oldest go first. A list is kept for
// an hour, a failure for a minute.
class CrlCache {
 public:
  explicit CrlCache(CrlOptions options) : options_(options) {}

  // The bytes at `url` (DER or PEM). Only http and https, no redirections. denied: fetching is
  // switched off, or another scheme. unavailable: nobody answers, or not 200. too_large.
  // `left` bounds the time together with CrlOptions::timeout.
  storage::Result<std::string> get(const std::string& url, storage::UnixMillis now,
                                   std::chrono::milliseconds left) EXCLUDES(mutex_);

  const CrlOptions& options() const { return options_; }

 private:
  struct Kept {
    storage::Result<std::string> result;
    storage::UnixMillis until = 0;
    storage::UnixMillis since = 0;
  };
  void keep(const std::string& url, const storage::Result<std::string>& result,
            storage::UnixMillis now) EXCLUDES(mutex_);

  const CrlOptions options_;
  storage::Mutex mutex_;
  std::map<std::string, Kept> kept_ GUARDED_BY(mutex_);
  std::size_t bytes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace eas
