// A self-signed certificate for tests: EC P-256, for localhost and 127.0.0.1, valid for a year (or
// `days`; negative: it ended so long ago).
#pragma once

#include <string>

namespace test {

struct CertificateFiles {
  std::string certificate;  // path of the PEM file
  std::string key;
};

// Writes DIRECTORY/NAME.crt and DIRECTORY/NAME.key, replacing what is there; aborts on failure.
// `common_name` tells certificates apart.
CertificateFiles write_test_certificate(const std::string& directory, const std::string& name,
                                        const std::string& common_name = "localhost",
                                        long days = 365);

}  // namespace test
