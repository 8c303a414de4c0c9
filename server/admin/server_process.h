// The running server: the composition root that `serve` and `demo` share. Configuration → database
// → stores → change hub → dispatcher → HTTP server; and the signals.
#pragma once

#include <string>

#include "server/config/settings.h"

namespace eas::admin {

struct ServerRun {
  Config config;            // with absolute paths
  std::string config_file;  // read again on SIGHUP for log.level
};

// Serves until SIGTERM or SIGINT, then answers what is waiting and ends. Prints
// `ready https://ADDRESS:PORT` on standard output when it listens. SIGHUP reads the certificate and
// the log level again. Returns the exit status: 0 after a graceful end, 1 when it could not start
// (the reason is on standard error). Once per process.
int run_server(const ServerRun& run);

}  // namespace eas::admin
