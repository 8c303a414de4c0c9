#include "tests/support/test_ca.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdlib>
#include <ctime>

namespace test {
namespace {

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Crl = std::unique_ptr<X509_CRL, Deleter<X509_CRL_free>>;
using Bio = std::unique_ptr<BIO, Deleter<BIO_free_all>>;

void require(bool good) {
  if (!good) std::abort();
}

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  require(extension != nullptr);
  require(X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

void add_unknown_critical(X509* certificate, const std::string& value) {
  ASN1_OBJECT* const name = OBJ_txt2obj("1.2.3.4.5.6.7", 1);
  ASN1_OCTET_STRING* const octets = ASN1_OCTET_STRING_new();
  ASN1_OCTET_STRING_set(octets, reinterpret_cast<const unsigned char*>(value.data()),
                        static_cast<int>(value.size()));
  X509_EXTENSION* const extension = X509_EXTENSION_create_by_OBJ(nullptr, name, 1, octets);
  require(X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
  ASN1_OCTET_STRING_free(octets);
  ASN1_OBJECT_free(name);
}

std::string der_of(X509* certificate) {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509(certificate, &bytes);
  require(size > 0);
  std::string der(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

Certificate parse(const std::string& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  Certificate certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  require(certificate != nullptr);
  return certificate;
}

void add_extensions(X509* certificate, X509* issuer, const CertificateSpec& spec) {
  std::string basic = spec.ca ? "critical,CA:TRUE" : "CA:FALSE";
  if (spec.ca && spec.path_length >= 0) basic += ",pathlen:" + std::to_string(spec.path_length);
  add_extension(certificate, issuer, NID_basic_constraints, basic);
  add_extension(certificate, issuer, NID_subject_key_identifier, "hash");
  add_extension(certificate, issuer, NID_authority_key_identifier, "keyid");
  if (!spec.key_usage.empty()) {
    add_extension(certificate, issuer, NID_key_usage, spec.key_usage);
  }
  if (!spec.extended_key_usage.empty()) {
    add_extension(certificate, issuer, NID_ext_key_usage, spec.extended_key_usage);
  }
  if (!spec.email.empty()) {
    add_extension(certificate, issuer, NID_subject_alt_name, "email:" + spec.email);
  }
  std::string points;
  for (const std::string& url : spec.crl_urls) points += (points.empty() ? "URI:" : ",URI:") + url;
  if (!points.empty()) add_extension(certificate, issuer, NID_crl_distribution_points, points);
  if (!spec.unknown_critical.empty()) add_unknown_critical(certificate, spec.unknown_critical);
}

// `issuer` null: signed with its own key.
Certificate make(const CertificateSpec& spec, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key) {
  Certificate certificate(X509_new());
  require(certificate != nullptr);
  X509_set_version(certificate.get(), X509_VERSION_3);
  std::uint64_t serial = 0;
  require(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial >> 1 | 1);
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), spec.not_before);
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), spec.not_after);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* const name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(spec.common_name.c_str()), -1,
                             -1, 0);
  X509* const signer = issuer != nullptr ? issuer : certificate.get();
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer));
  add_extensions(certificate.get(), signer, spec);
  require(X509_sign(certificate.get(), issuer_key, EVP_sha256()) > 0);
  return certificate;
}

CertificateSpec authority(const std::string& common_name) {
  CertificateSpec spec;
  spec.common_name = common_name;
  spec.ca = true;
  spec.key_usage = "critical,keyCertSign,cRLSign";
  spec.extended_key_usage = "";
  return spec;
}

}  // namespace

struct TestCa::Parts {
  Key key;
  Certificate certificate;
};

TestCa::TestCa(const std::string& common_name, const TestCa* issuer)
    : TestCa(authority(common_name), issuer) {}

TestCa::TestCa(const CertificateSpec& spec, const TestCa* issuer)
    : parts_(std::make_unique<Parts>()) {
  parts_->key.reset(EVP_EC_gen("P-256"));
  require(parts_->key != nullptr);
  parts_->certificate =
      make(spec, parts_->key.get(), issuer != nullptr ? issuer->parts_->certificate.get() : nullptr,
           issuer != nullptr ? issuer->parts_->key.get() : parts_->key.get());
}

TestCa::~TestCa() = default;

std::string TestCa::der() const { return der_of(parts_->certificate.get()); }

std::string TestCa::pem() const { return certificate_pem(der()); }

std::string TestCa::issue(const CertificateSpec& spec) const {
  const Key key(EVP_EC_gen("P-256"));
  require(key != nullptr);
  return der_of(make(spec, key.get(), parts_->certificate.get(), parts_->key.get()).get());
}

std::string TestCa::crl(const std::vector<std::string>& revoked, std::int64_t last_update,
                        std::int64_t next_update) const {
  const Crl list(X509_CRL_new());
  require(list != nullptr);
  X509_CRL_set_version(list.get(), X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(parts_->certificate.get()));
  ASN1_TIME* const time = ASN1_TIME_new();
  ASN1_TIME_set(time, last_update);
  X509_CRL_set1_lastUpdate(list.get(), time);
  for (const std::string& der : revoked) {
    X509_REVOKED* const entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(parse(der).get()));
    X509_REVOKED_set_revocationDate(entry, time);
    require(X509_CRL_add0_revoked(list.get(), entry) == 1);
  }
  ASN1_TIME_set(time, next_update);
  X509_CRL_set1_nextUpdate(list.get(), time);
  ASN1_TIME_free(time);
  require(X509_CRL_sign(list.get(), parts_->key.get(), EVP_sha256()) > 0);
  unsigned char* bytes = nullptr;
  const int size = i2d_X509_CRL(list.get(), &bytes);
  require(size > 0);
  std::string der(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

std::string make_leaf(const std::string& email) {
  CertificateSpec spec;
  spec.common_name = email;
  spec.email = email;
  return TestCa("Unknown CA").issue(spec);
}

std::string certificate_pem(const std::string& der) {
  const Bio bio(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_X509(bio.get(), parse(der).get()) == 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

}  // namespace test
