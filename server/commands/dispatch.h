// From an HTTP request to a command and back: who, which device, which version, which command,
// decode, run, encode, park. [MS-ASHTTP] 3.2.5
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "server/auth/authenticator.h"
#include "server/commands/capture_sink.h"
#include "server/commands/command.h"
#include "server/commands/parked_registry.h"
#include "server/commands/request_body.h"

namespace eas {

struct DispatcherOptions {
  // MS-Server-ActiveSync: the server's version, for administrators' eyes.
  std::string server_version = "1.0";
  // Exchanges of devices with `capture` set go here; empty: nowhere.
  CaptureSink capture;
  // Asked before each command, except those that may run unprovisioned: the error that makes the
  // phone provision (449, status 142 …), or nullopt to let it pass. Empty: no policy is required.
  std::function<std::optional<CommandError>(const Request&, const CommandInfo&)> policy_gate;
};

// Thread-safe. `services` and all they name must outlive it, and it must outlive every request
// that it parked.
class Dispatcher {
 public:
  explicit Dispatcher(const Services& services, DispatcherOptions options = {});

  // The handler of /Microsoft-Server-ActiveSync. Checks in the order: login (401), method (501),
  // query and version (400), command (501), device id, body, device record, policy; then runs the
  // command. Nothing is stored for a request that does not get as far as the record. Never throws.
  http::Outcome handle(http::HttpRequest& request);

  // The largest body that the request with this head may have: Limits::max_mail for commands that
  // carry mail, Limits::max_request for all others and for whoever sends no credentials.
  std::size_t body_limit(const http::HttpRequest& request) const;

  std::size_t parked() const { return registry_.size(); }

 private:
  struct Exchange;
  struct Flight;

  http::Outcome handle_checked(http::HttpRequest& request, Exchange& exchange);
  http::Outcome handle_post(http::HttpRequest& request, Exchange& exchange);
  std::optional<http::HttpReply> prepare(http::HttpRequest& request, Exchange& exchange);
  std::optional<http::HttpReply> prepare_device(http::HttpRequest& request, Exchange& exchange);
  http::HttpReply options_reply() const;
  http::HttpReply refuse_body(http::HttpRequest& request, const BodyError& bad, Exchange& exchange);
  void capture(const http::HttpRequest& request, Exchange& exchange) const;
  http::Outcome finish(CommandResult result, Exchange& exchange);
  http::Outcome park(ParkedCommand parked, Exchange& exchange);
  http::Outcome resume(const std::shared_ptr<Flight>& flight, http::WakeReason reason);
  http::Outcome resume_checked(const std::shared_ptr<Flight>& flight, http::WakeReason reason);

  const Services services_;
  const DispatcherOptions options_;
  Authenticator authenticator_;
  ParkedRegistry registry_;
};

}  // namespace eas
