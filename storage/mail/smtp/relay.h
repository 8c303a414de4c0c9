// Hands mail to the configured SMTP relay, with libcurl.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"

namespace storage::smtp {

enum class StartTls { never, when_offered, required };

struct RelayOptions {
  std::string url;  // smtp://host:port or smtps://host:port; "" is no relay
  std::string user;
  std::string password;
  StartTls starttls = StartTls::when_offered;
  std::string ca_file;     // PEM; "" is the system's store
  bool verify_tls = true;  // check the relay's certificate
  std::string helo;        // the name in EHLO; "" is the host's
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds timeout{60'000};
};

// A recipient that the relay refused for good.
struct Refusal {
  std::string recipient;
  int code = 0;       // the SMTP reply code, 5xx
  std::string reply;  // the reply's text
};

// Hands over one message to all recipients in one transaction, so that nothing is handed over when
// any recipient is refused for now. Recipients refused for good are left out and returned. When the
// message itself is refused for good, all of them are. unavailable: the relay cannot be reached,
// does not let us in, or says 4xx; nothing was handed over. Thread-safe: each call has its own
// connection.
Result<std::vector<Refusal>> relay(const RelayOptions& options, std::string_view sender,
                                   std::vector<std::string> recipients, std::string_view bytes);

}  // namespace storage::smtp
