// The server's certificate and TLS settings. TLS 1.2 and 1.3 only. A reload makes a new SSL_CTX;
// connections that exist keep theirs. Thread-safe.
#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>

#include "storage/base/mutex.h"
#include "storage/base/result.h"

namespace http {

struct SslDeleter {
  void operator()(SSL* ssl) const;
};
using SslPtr = std::unique_ptr<SSL, SslDeleter>;

class TlsContext {
 public:
  TlsContext(std::string certificate_file, std::string key_file);

  // Reads the files (again). invalid: they cannot be read or do not belong together; the
  // certificate in use, if any, stays.
  storage::Result<void> load() EXCLUDES(mutex_);

  // The server's end of a new connection; null when OpenSSL has no memory or load() never
  // succeeded.
  SslPtr make_session(int fd) EXCLUDES(mutex_);

 private:
  const std::string certificate_file_;
  const std::string key_file_;
  storage::Mutex mutex_;
  std::shared_ptr<SSL_CTX> context_ GUARDED_BY(mutex_);
};

}  // namespace http
