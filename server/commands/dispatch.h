// From an HTTP request to a command and back: who, which device, which version, which command,
// decode, run, encode, park. [MS-ASHTTP] 3.2.5
#pragma once

#include <atomic>
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

namespace policy {
struct StormVerdict;  // server/policy/storm_guard.h
}

struct DispatcherOptions {
  // MS-Server-ActiveSync: the server's version, for administrators' eyes.
  std::string server_version = "1.0";
  // Exchanges of devices with `capture` set go here; empty: nowhere.
  CaptureSink capture;
};

// Thread-safe. `services` and all they name must outlive it, and it must outlive every request
// that it parked. It listens to the hub's device events from its making to its end.
class Dispatcher {
 public:
  explicit Dispatcher(const Services& services, DispatcherOptions options = {});
  ~Dispatcher();
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  // The handler of /Microsoft-Server-ActiveSync. Checks in the order: login (401), method (501),
  // query and version (400), command (501), device id, body, device record, gate (device_gate.h);
  // then runs the command. Nothing is stored for a request that does not get as far as the record.
  // Never throws.
  http::Outcome handle(http::HttpRequest& request);

  // What body the request with this head may have: Limits::max_mail for commands that carry mail,
  // Limits::max_request for all others and for whoever sends nothing like credentials. Trusted are
  // credentials that were right not long ago; the others may still be right (after a restart nobody
  // is known), so they are not refused, but share what little room there is for strangers.
  http::BodyRule body_rule(const http::HttpRequest& request) const;

  std::size_t parked() const { return registry_.size(); }

  // Something was decided about a device (0: all of the user's; user 0: everybody's): its parked
  // requests wake, and are refused if they may not go on. The hub's device events do this.
  void device_changed(std::int64_t user, std::int64_t device);

  // Who checks logins, for other paths of the server: guesses are counted together.
  Authenticator& authenticator() { return authenticator_; }

 private:
  struct Exchange;
  struct Flight;
  struct StormKey;
  using MakeWaker = std::function<std::shared_ptr<http::Waker>()>;

  http::Outcome handle_checked(http::HttpRequest& request, Exchange& exchange);
  http::Outcome handle_post(http::HttpRequest& request, Exchange& exchange);
  std::optional<http::HttpReply> prepare(http::HttpRequest& request, Exchange& exchange);
  std::optional<http::HttpReply> prepare_device(http::HttpRequest& request, Exchange& exchange);
  http::HttpReply options_reply() const;
  http::HttpReply refuse_body(http::HttpRequest& request, const BodyError& bad, Exchange& exchange);
  void capture(const http::HttpRequest& request, Exchange& exchange) const;
  http::Outcome finish(CommandResult result, Exchange& exchange);
  // The last step of every answer to a known device: an endless repetition is slowed down.
  http::Outcome hand_out(http::HttpReply reply, const StormKey& key, const MakeWaker& make_waker);
  http::Outcome hold_back(http::HttpReply reply, const StormKey& key, storage::UnixMillis delay,
                          std::shared_ptr<http::Waker> waker);
  void note_storm(const StormKey& key, const policy::StormVerdict& verdict);
  std::optional<CommandError> ask_parked(Flight& flight, http::WakeReason& reason);
  std::optional<http::Outcome> pass_gate(http::HttpRequest& request, Exchange& exchange);
  std::optional<http::HttpReply> refuse_storm(const Exchange& exchange) const;
  void tell_of_too_many(const Request& request) const;
  http::Outcome park(ParkedCommand parked, Exchange& exchange);
  http::Outcome resume(const std::shared_ptr<Flight>& flight, http::WakeReason reason);
  http::Outcome resume_checked(const std::shared_ptr<Flight>& flight, http::WakeReason reason);

  const Services services_;
  const DispatcherOptions options_;
  Authenticator authenticator_;
  ParkedRegistry registry_;
  // Counts device events: a request that is about to park sees whether it missed one.
  std::atomic<std::uint64_t> device_events_{0};
};

}  // namespace eas
