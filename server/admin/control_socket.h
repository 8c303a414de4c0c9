// How a subcommand tells the servers that run beside it that something was decided about devices:
// on SQLite a datagram to a socket in the data directory, on PostgreSQL a NOTIFY, which the bridge
// of every node takes. The decision itself is in the database; a server that is not told, for
// instance because none runs, finds it with the device's next request.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "server/admin/stores.h"
#include "storage/base/result.h"
#include "storage/notify/change_hub.h"

namespace eas::admin {

// Tells them; nobody listening is no failure, others are logged. `device` 0: all devices of the
// user; `user` 0: all.
void announce(Stores& stores, std::int64_t user, std::int64_t device);

// The server's end on SQLite: one thread that publishes at the hub what comes. Mode 0600: only who
// owns the data directory can send.
class ControlSocket {
 public:
  // exists: another server listens in that directory. unavailable: the socket cannot be made.
  // `hub` must outlive it.
  static storage::Result<std::unique_ptr<ControlSocket>> open(const std::string& data_dir,
                                                              storage::ChangeHub& hub);
  // Stops the thread and removes the socket.
  ~ControlSocket();
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

 private:
  class Worker;
  explicit ControlSocket(std::unique_ptr<Worker> worker);
  std::unique_ptr<Worker> worker_;
};

}  // namespace eas::admin
