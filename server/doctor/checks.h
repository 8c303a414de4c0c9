// The checks of `godwit doctor`. Each looks at one thing, changes nothing, and always returns at
// least one finding. They work beside a running server and without one.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "server/config/settings.h"
#include "server/doctor/finding.h"
#include "storage/base/clock.h"

namespace eas::doctor {

// Reachable, prepared by a server, writable (tried in a transaction that is rolled back).
Findings check_database(const Config& config);

// The data directory and the mail root: there, writable, closed to other users; enough inotify
// watches and open files.
Findings check_files(const Config& config);

// The certificate: readable, its key's, in time, for the host that phones are told of, and one that
// phones trust. `ca_file`: trusted instead of the system's certificates, "" for those.
Findings check_certificate(const Config& config, const std::string& ca_file,
                           storage::UnixMillis now);

// The names phones try, and whether the configured URL answers as this server.
Findings check_autodiscover(const Config& config, const std::string& ca_file);

// Holds a request open for `hold` through the configured URL, as a waiting phone does, and says
// what cut it short and what to set where. `secret`: the server's.
Findings check_proxy(const Config& config, const std::string& ca_file, std::string_view secret,
                     std::chrono::seconds hold);

// Whether somebody is told of phones that are kept out. `decides`: a rule or the default keeps some
// out. `found`: the address is a user's or a group's here.
Findings check_administrator(const Config& config, bool decides, bool found);

// Whether the relay takes connections and lets us in.
Findings check_relay(const Config& config);

}  // namespace eas::doctor
