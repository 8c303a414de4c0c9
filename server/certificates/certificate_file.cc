#include "server/certificates/certificate_file.h"

#include <openssl/pem.h>

#include <ctime>

#include "storage/base/crypto.h"
#include "storage/base/openssl_handles.h"
#include "storage/base/text.h"

namespace eas {
namespace {

using storage::ErrorKind;
using storage::fail;
using storage::Result;

using storage::openssl::Bio;
using storage::openssl::Certificate;

Certificate from_der(std::string_view der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  return Certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
}

std::string to_der(X509* certificate) {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509(certificate, &bytes);
  if (size <= 0) return {};
  std::string der(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

std::string name_text(const X509_NAME* name) {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (!bio ||
      X509_NAME_print_ex(bio.get(), name, 0,
                         (XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) | XN_FLAG_SEP_CPLUS_SPC) < 0) {
    return {};
  }
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return storage::to_xml_safe_utf8({text, static_cast<std::size_t>(size)});
}

std::int64_t time_of(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? timegm(&parts) : 0;
}

}  // namespace

Result<std::string> read_certificate(std::string_view bytes) {
  Certificate certificate = from_der(bytes);
  if (!certificate) {
    const Bio bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
    certificate.reset(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  }
  if (!certificate) return fail(ErrorKind::invalid, "no certificate, neither PEM nor DER");
  return to_der(certificate.get());
}

Result<CertificateText> describe_certificate(const std::string& der) {
  const Certificate certificate = from_der(der);
  if (!certificate) return fail(ErrorKind::invalid, "no certificate");
  CertificateText text;
  text.subject = name_text(X509_get_subject_name(certificate.get()));
  text.issuer = name_text(X509_get_issuer_name(certificate.get()));
  text.begins = time_of(X509_get0_notBefore(certificate.get()));
  text.ends = time_of(X509_get0_notAfter(certificate.get()));
  text.fingerprint = storage::to_hex(storage::sha256(der));
  return text;
}

}  // namespace eas
