// Settings of the mail sender, see open_mail_sender() in backends.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace storage {

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

// The user id and canonical address of a recipient who has a mailbox here; not_found: nobody.
// Thread-safe.
using RecipientResolver =
    std::function<Result<std::pair<std::int64_t, std::string>>(std::string_view)>;

// A user id and the user's canonical address.
using LocalRecipient = std::pair<std::int64_t, std::string>;

// The users in a mail group, also in groups within it, each once; not_found: no such group.
// Thread-safe.
using GroupResolver = std::function<Result<std::vector<LocalRecipient>>(std::string_view)>;

struct SenderOptions {
  // Domains for which we are responsible: an unknown address there is reported back, not relayed.
  std::vector<std::string> local_domains;
  RelayOptions relay;
  GroupResolver group_members;   // asked for who is no user; empty: there are no groups
  std::string host;              // names us in trace lines and reports; "" is the machine's name
  const Clock* clock = nullptr;  // must outlive the sender; the system's when null
};

namespace smtp {
using storage::RelayOptions;
using storage::SenderOptions;
using storage::StartTls;
using Resolver = storage::RecipientResolver;
}  // namespace smtp

}  // namespace storage
