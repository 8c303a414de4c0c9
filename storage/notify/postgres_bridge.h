// Connects the change hubs of several nodes through PostgreSQL's LISTEN/NOTIFY: what one node's hub
// publishes is delivered to the hubs of the others.
//
// What it is not: a reliable queue. While a node is cut off from the database, its own events wait
// (bounded), and those of others pass it by; so after every gap it calls `on_gap`, and whoever
// waits on this node must look at the store again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "storage/base/result.h"
#include "storage/notify/change_hub.h"

namespace storage {

struct PostgresBridgeOptions {
  std::string channel = "godwit_change";
  // Events of other nodes may have been missed. Runs on the bridge's thread; must not block.
  std::function<void()> on_gap;
  // Different collections that may wait to be sent. Beyond it all others are told of a gap instead.
  std::size_t most_pending = 100'000;
};

// One thread and one connection, whatever the number of events: those of one collection that come
// while a NOTIFY is under way are sent as one. Publishers never wait for the network.
class PostgresBridge {
 public:
  // Connects, listens, and takes the hub's forward. `hub` must outlive the bridge. Failure:
  // unavailable. Call at start-up, before anybody publishes.
  static Result<std::unique_ptr<PostgresBridge>> start(const std::string& url, ChangeHub& hub,
                                                       PostgresBridgeOptions options = {});
  // Stops the thread; what is still to be sent is given up. Events published later go nowhere.
  ~PostgresBridge();
  PostgresBridge(const PostgresBridge&) = delete;
  PostgresBridge& operator=(const PostgresBridge&) = delete;

 private:
  class Worker;
  explicit PostgresBridge(std::unique_ptr<Worker> worker);
  std::unique_ptr<Worker> worker_;
};

}  // namespace storage
