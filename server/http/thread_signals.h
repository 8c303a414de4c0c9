// Which signals the threads of this folder leave to the main thread.
#pragma once

#include <csignal>

namespace http {

// Call first in every thread. SIGPIPE among them: OpenSSL writes with write(), and a peer that has
// gone must not end the process (main ignores SIGPIPE too; this folder does not rely on it).
inline void leave_signals_to_main() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD, SIGPIPE}) {
    sigaddset(&signals, number);
  }
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

}  // namespace http
