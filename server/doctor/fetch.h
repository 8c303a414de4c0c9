// One HTTP request or SMTP session, and exactly how it failed. libcurl, one thread.
#pragma once

#include <chrono>
#include <string>

namespace eas::doctor {

struct FetchOptions {
  std::string url;
  std::string ca_file;  // trusted instead of the system's; "" for the system's
  std::chrono::milliseconds timeout{15'000};
  bool verify = true;
};

struct Fetched {
  enum class Failure { none, name, connection, certificate, cut, time_out, other };
  Failure failure = Failure::none;
  std::string reason;  // of a failure
  int status = 0;
  std::string server;  // the Server header
  std::string body;    // at most 64 KiB
  std::chrono::milliseconds took{0};
};

Fetched fetch(const FetchOptions& options);

struct SmtpOptions {
  std::string url;
  std::string user, password;
  std::string ca_file;
  bool require_tls = false;
  bool try_tls = true;
};
// Greets, encrypts, logs in and leaves. `failure` none: all of it worked.
Fetched greet(const SmtpOptions& options);

}  // namespace eas::doctor
