// `godwit probe URL --user U`: does what a phone does when an account is added, and tells what it
// saw: OPTIONS, Provision, FolderSync, Sync of the Inbox and, when asked, a Ping that waits for a
// message.
#pragma once

#include <cstddef>
#include <ostream>

#include "server/client/eas_client.h"

namespace eas::client {

struct ProbeOptions {
  ClientOptions client;
  int wait_push_seconds = 0;  // 0: no Ping. At least 60 is asked for, as servers want it
  std::size_t newest = 10;    // subjects shown
  bool json = false;
};

// Prints to `out` as it goes (with `json`, one object at the end). 0: all went well; 1: not, and
// the reason was printed. With `wait_push_seconds`, prints "waiting for a new message …" when the
// Ping is on its way, so that whoever delivers the message knows when; no message in time is a
// failure.
int run_probe(const ProbeOptions& options, std::ostream& out);

}  // namespace eas::client
