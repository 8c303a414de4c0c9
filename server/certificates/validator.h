// Whether a certificate of an S/MIME mail is good: chain to a trusted authority, dates, purpose,
// revocation. [MS-ASCMD] 2.2.1.22, RFC 5280
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "server/certificates/crl_cache.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace eas {

// Results for one certificate, with the values of the protocol. [MS-ASCMD] 2.2.3.177.18
enum class CertificateStatus {
  valid = 1,
  bad_signature = 3,
  untrusted = 4,
  bad_chain = 5,          // a certificate beside it cannot be read, or the chain is too long
  not_for_mail = 6,       // its purposes do not include signing mail
  expired = 7,            // or not yet valid
  chain_expired = 8,      // one above it has expired, or is not yet valid
  wrong_use = 9,          // one above it is not for authorities of mail certificates
  malformed = 10,         // cannot be read, or a critical extension is unknown
  authority_mixup = 11,   // an end entity above it, or an authority that is nothing else
  address_mismatch = 12,  // never: no address comes with the request
  revoked = 13,
  revocation_offline = 14,  // nobody answers where the revocation list should be
  chain_revoked = 15,
  revocation_unknown = 16,  // no list, or one that cannot be trusted or is out of date
  server_error = 17,
};

struct ValidatorOptions {
  std::string ca_file;  // PEM, whom to trust; with ca_dir empty too: the system's authorities
  std::string ca_dir;   // hashed directory as of `openssl rehash`
  CrlOptions crl;
};

// The certificates of one request. DER; `chain` is what may lead to a trusted one.
struct ValidationRequest {
  std::vector<std::string> certificates;
  std::vector<std::string> chain;
  bool require_revocation = false;  // an unknown revocation status is an error
  storage::UnixMillis now = 0;
};

// Thread-safe.
class CertificateValidator {
 public:
  // invalid: ca_file or ca_dir cannot be used.
  static storage::Result<std::unique_ptr<CertificateValidator>> open(
      const ValidatorOptions& options);
  ~CertificateValidator();
  CertificateValidator(const CertificateValidator&) = delete;
  CertificateValidator& operator=(const CertificateValidator&) = delete;

  // One status for each of request.certificates, in their order. Revocation lists are fetched only
  // for chains that lead to a trusted authority, from the addresses which that chain names, for
  // CrlOptions::total_timeout altogether.
  std::vector<CertificateStatus> validate(const ValidationRequest& request);

 private:
  struct Parts;
  explicit CertificateValidator(std::unique_ptr<Parts> parts);
  const std::unique_ptr<Parts> parts_;
};

// Whether mail can be encrypted for the holder of this certificate (DER) now: readable, in its
// dates, and meant for it. Says nothing about whom to trust: the administrator has put it there.
bool can_encrypt_mail(const std::string& der, storage::UnixMillis now);

// When this certificate (DER) ends, in Unix seconds; 0 when it cannot be read.
std::int64_t certificate_end(const std::string& der);

}  // namespace eas
