// A self-signed certificate for trying things out: EC P-256, valid for 820 days (phones refuse
// longer ones).
#pragma once

#include <string>
#include <vector>

#include "storage/base/result.h"

namespace demo {

// Writes certificate and key (PEM, the key with mode 0600) for `hosts`, names and IP addresses
// mixed. Each file appears complete or not at all. unavailable: the disk refuses; internal:
// OpenSSL.
storage::Result<void> write_certificate(const std::string& certificate_file,
                                        const std::string& key_file,
                                        const std::vector<std::string>& hosts);

// Whether the certificate in that file was made by write_certificate() and cannot serve any more at
// `hosts`: it is over within a day, or does not name one of them. A missing IPv6 address does not
// count, for those change from day to day, and phones would have to trust a new one each time. What
// somebody else put there, or cannot be read, is left as it is: false.
bool is_outdated(const std::string& certificate_file, const std::vector<std::string>& hosts);

// The SHA-256 fingerprint of the first certificate in a PEM file, "AB:CD:…".
storage::Result<std::string> fingerprint(const std::string& certificate_file);

// Where a server that listens on `address` can be reached: localhost, the loopback addresses and
// the address itself, or every address of this machine for 0.0.0.0 and ::.
std::vector<std::string> certificate_hosts(const std::string& address);

}  // namespace demo
