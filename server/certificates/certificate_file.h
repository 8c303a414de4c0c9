// Certificates as files and as texts for people. Pure functions, thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/base/result.h"

namespace eas {

// The certificate in the bytes of a PEM or DER file, DER. Of a PEM file with several the first: the
// others are its chain. invalid: there is none.
storage::Result<std::string> read_certificate(std::string_view bytes);

struct CertificateText {
  std::string subject, issuer;        // "CN=Ann Lee, O=Birds", UTF-8
  std::int64_t begins = 0, ends = 0;  // Unix seconds
  std::string fingerprint;            // SHA-256 of the DER, hex
};

// invalid: no certificate.
storage::Result<CertificateText> describe_certificate(const std::string& der);

}  // namespace eas
