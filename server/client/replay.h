// `godwit replay FILE URL --user U`: sends every request of a capture again, in order, as another
// user on a fresh device, and tells what differs. Ids, keys and addresses of the recorded session
// are replaced by the live ones as the answers teach them (replay_map.h).
//
// What it does as a phone would: it empties a folder that has more than was recorded, provisions
// the device when the server wants that, takes the heartbeat that the server names, hangs up a Ping
// that waits too long, and sends a message where the recorded Ping was woken by one.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "server/capture/exchange_record.h"
#include "server/client/eas_client.h"
#include "server/client/replay_compare.h"

namespace eas::client {

struct ReplayOptions {
  ClientOptions client;       // url, user, password; device and version come from the capture
  std::string address;        // the live user's; "" takes `user`, or user@example.test
  int max_wait_seconds = 5;   // a Ping or hanging Sync is hung up after this; 0: never
  bool cause_changes = true;  // a message for each recorded Ping that was woken
  // Appended to the device ids, so that the server takes no request for a resent one; "" makes a
  // random one.
  std::string device_suffix;
  bool json = false;
  bool verbose = false;  // also exchanges without findings
};

struct ExchangeReport {
  std::size_t number = 0;                    // from 1
  std::string command;                       // "OPTIONS" or the Cmd
  int recorded_status = 0, live_status = 0;  // HTTP; 0: no answer
  bool carried_over = true;
  std::vector<Finding> findings;
};

struct ReplayReport {
  std::vector<ExchangeReport> exchanges;
  std::vector<Finding> session;  // of the session as a whole
  std::size_t problems = 0;
  std::size_t not_carried_over = 0;
  std::vector<std::string> unsupported;  // commands, each once

  bool good() const { return problems == 0; }
  std::string verdict() const;  // one line in words
};

ReplayReport replay(const std::vector<capture::ExchangeRecord>& records,
                    const ReplayOptions& options);

// Reads the file, replays, prints. 0: no problem; 1: problems; 2: the file cannot be read.
int run_replay(const std::string& file, const ReplayOptions& options, std::ostream& out);

// The body of a recorded answer, decompressed where the capture holds it as gzip. "" when broken.
std::string recorded_answer_body(const capture::ExchangeRecord& record);

}  // namespace eas::client
