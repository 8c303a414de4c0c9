// A certificate authority for tests: real X.509 certificates and revocation lists, made in memory.
// Keys are EC P-256. Aborts on failure. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace test {

// Times are Unix seconds; ServiceFixture's clock stands at 1'795'000'000 (2026-11-18).
struct CertificateSpec {
  std::string common_name = "Test";
  std::string email;  // subjectAltName; none when empty
  std::int64_t not_before = 1'700'000'000;
  std::int64_t not_after = 2'100'000'000;
  std::string key_usage = "critical,digitalSignature,keyEncipherment";  // "" for none
  std::string extended_key_usage = "emailProtection";                   // "" for none
  bool ca = false;
  int path_length = -1;               // of a CA; -1: no limit
  std::vector<std::string> crl_urls;  // distribution points
  std::string unknown_critical;       // value of a critical extension that nobody knows
};

class TestCa {
 public:
  // A root, or what `issuer` signed. `issuer` may go afterwards.
  explicit TestCa(const std::string& common_name, const TestCa* issuer = nullptr);
  TestCa(const CertificateSpec& spec, const TestCa* issuer);
  ~TestCa();
  TestCa(const TestCa&) = delete;
  TestCa& operator=(const TestCa&) = delete;

  std::string der() const;
  std::string pem() const;
  // A new certificate, DER.
  std::string issue(const CertificateSpec& spec) const;
  // A revocation list, DER, that names these certificates.
  std::string crl(const std::vector<std::string>& revoked, std::int64_t last_update = 1'794'000'000,
                  std::int64_t next_update = 1'796'000'000) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// A certificate (DER) of an authority that nobody knows.
std::string make_leaf(const std::string& email);

// DER as PEM.
std::string certificate_pem(const std::string& der);

}  // namespace test
