// Every limit that protects the server from one phone, with its default. Settable in godwit.toml
// under [limits] by the same names.
#pragma once

#include <cstddef>
#include <cstdint>

namespace eas {

struct Limits {
  std::size_t max_request = 1u << 20;   // bytes of a command's body
  std::size_t max_mail = 50u << 20;     // bytes of SendMail and the like
  int max_collections = 300;            // in one Sync or Ping; more: status 15 or 6
  int max_estimate_collections = 1000;  // GetItemEstimate
  int max_sync_commands = 200;          // Add, Change, Delete, Fetch in one Sync; more: status 4
  int max_fetches = 100;                // ItemOperations; more: status 11
  int max_moves = 1000;                 // MoveItems
  int max_recipients = 100;             // To of ResolveRecipients; more: status 5
  int max_certificates = 100;           // Certificate of ValidateCert; more: status 2
  int max_window = 512;                 // items in one Sync answer
  std::size_t max_answer = 8u << 20;    // bytes of one Sync answer, then MoreAvailable
  std::size_t min_rate = 1024;          // bytes per second of a body or an answer, on average
  int min_heartbeat = 60;               // seconds
  int max_heartbeat = 3540;
  int max_devices_per_user = 100;
  int max_parked_per_device = 4;  // an older Ping of the device is answered when a new comes
  int max_parked_per_user = 200;
  int storm_repetitions = 30;  // equal requests with equal answers at once; 0: not watched
  int login_failures = 10;     // per user and address within five minutes, then 401 whatever comes
  // Per address within five minutes over all users, then 503 for logins that were not right before;
  // 0: not counted.
  int address_login_failures = 300;
  int connections_per_address = 4000;  // many phones behind one router; 0: no limit
  int handshake_timeout = 10;          // seconds for TLS
  int idle_timeout = 300;              // seconds between two requests of a connection
  int body_timeout = 30;               // seconds without a byte of a request's body
};

}  // namespace eas
