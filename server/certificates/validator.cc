// Two passes of OpenSSL's own verification. The first one without revocation: whose chain does not
// end at a trusted authority is refused there, and nothing that it names is fetched. The second one
// with the lists that the verified chain names; a callback collects what is wrong with revocation
// instead of stopping at the first thing, so that "revoked" wins over "not known".
#include "server/certificates/validator.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <optional>
#include <set>
#include <utility>

#include "storage/base/log.h"
#include "storage/base/openssl_handles.h"

namespace eas {
namespace {

using storage::ErrorKind;
using storage::fail;
using storage::Result;

void free_lists(STACK_OF(X509_CRL) * stack) { sk_X509_CRL_pop_free(stack, X509_CRL_free); }

using storage::openssl::Bio;
using storage::openssl::Certificate;
using storage::openssl::Certificates;
using storage::openssl::Owned;
using storage::openssl::Store;
using Context = storage::openssl::StoreContext;
using RevocationList = Owned<X509_CRL, X509_CRL_free>;
using RevocationLists = Owned<STACK_OF(X509_CRL), free_lists>;
using Points = Owned<STACK_OF(DIST_POINT), CRL_DIST_POINTS_free>;

constexpr int kMostDepth = 10;
constexpr std::size_t kMostUrls = 16;  // of one chain
constexpr std::size_t kMostUrlBytes = 2048;

const unsigned char* bytes_of(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Certificate parse_certificate(const std::string& der) {
  const unsigned char* at = bytes_of(der);
  Certificate certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (certificate && at != bytes_of(der) + der.size()) return nullptr;
  return certificate;
}

RevocationList parse_list(const std::string& bytes) {
  const unsigned char* at = bytes_of(bytes);
  RevocationList list(d2i_X509_CRL(nullptr, &at, static_cast<long>(bytes.size())));
  if (list) return list;
  const Bio bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
  return RevocationList(PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr));
}

// What the verification of one certificate says of revocation.
struct Revocation {
  std::optional<int> revoked_at;  // the lowest depth
  bool unknown = false;
};

constexpr CertificateStatus of_depth(int depth, CertificateStatus own, CertificateStatus above) {
  return depth == 0 ? own : above;
}

CertificateStatus status_of(int error, int depth) {
  using Status = CertificateStatus;
  switch (error) {
    case X509_V_OK:
      return Status::valid;
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE:
    case X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY:
      return Status::bad_signature;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_UNTRUSTED:
    case X509_V_ERR_CERT_REJECTED:
      return Status::untrusted;
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
    case X509_V_ERR_PATH_LENGTH_EXCEEDED:
      return Status::bad_chain;
    case X509_V_ERR_CERT_NOT_YET_VALID:
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return of_depth(depth, Status::expired, Status::chain_expired);
    case X509_V_ERR_INVALID_PURPOSE:
      return of_depth(depth, Status::not_for_mail, Status::wrong_use);
    case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
      return Status::wrong_use;
    case X509_V_ERR_INVALID_CA:
    case X509_V_ERR_INVALID_NON_CA:
      return Status::authority_mixup;
    case X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD:
    case X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD:
    case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
    case X509_V_ERR_INVALID_EXTENSION:
    case X509_V_ERR_UNSUPPORTED_EXTENSION_FEATURE:
      return Status::malformed;
    default:
      return Status::server_error;
  }
}

// An authority that may do nothing but sign certificates and lists.
bool is_only_authority(X509* certificate) {
  const std::uint32_t flags = X509_get_extension_flags(certificate);
  return (flags & EXFLAG_CA) != 0 && (flags & EXFLAG_KUSAGE) != 0 &&
         (X509_get_key_usage(certificate) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) == 0;
}

// The HTTP addresses at which a certificate says its revocation list is.
void add_urls(X509* certificate, std::vector<std::string>& urls) {
  const Points points(static_cast<STACK_OF(DIST_POINT)*>(
      X509_get_ext_d2i(certificate, NID_crl_distribution_points, nullptr, nullptr)));
  for (int i = 0; points && i < sk_DIST_POINT_num(points.get()); ++i) {
    const DIST_POINT* point = sk_DIST_POINT_value(points.get(), i);
    if (point->distpoint == nullptr || point->distpoint->type != 0) continue;
    const GENERAL_NAMES* names = point->distpoint->name.fullname;
    for (int j = 0; j < sk_GENERAL_NAME_num(names); ++j) {
      int type = 0;
      const auto* value = static_cast<const ASN1_STRING*>(
          GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, j), &type));
      if (type != GEN_URI) continue;
      std::string url(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                      static_cast<std::size_t>(ASN1_STRING_length(value)));
      const bool usable = url.find('\0') == std::string::npos && url.size() <= kMostUrlBytes &&
                          urls.size() < kMostUrls &&
                          std::find(urls.begin(), urls.end(), url) == urls.end();
      if (usable) urls.push_back(std::move(url));
    }
  }
}

// Collects what is said of revocation, and lets nothing of it stop the verification. A trusted
// authority is trusted, whatever lists there are about it.
int note_revocation(int good, X509_STORE_CTX* context) {
  if (good == 1) return 1;
  auto* revocation = static_cast<Revocation*>(X509_STORE_CTX_get_app_data(context));
  const int depth = X509_STORE_CTX_get_error_depth(context);
  const bool anchor = depth + 1 == sk_X509_num(X509_STORE_CTX_get0_chain(context));
  switch (X509_STORE_CTX_get_error(context)) {
    case X509_V_ERR_CERT_REVOKED:
      if (!anchor && (!revocation->revoked_at || depth < *revocation->revoked_at)) {
        revocation->revoked_at = depth;
      }
      return 1;
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD:
    case X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD:
    case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
    case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
    case X509_V_ERR_DIFFERENT_CRL_SCOPE:
    case X509_V_ERR_CRL_PATH_VALIDATION_ERROR:
      if (!anchor) revocation->unknown = true;
      return 1;
    default:
      return 0;
  }
}

// The state of one call of validate().
struct Work {
  X509_STORE* store;
  CrlCache& crls;
  const ValidationRequest& request;
  Certificates beside;
  std::chrono::steady_clock::time_point deadline;
};

Context new_context(const Work& work, X509* certificate, unsigned long flags) {
  Context context(X509_STORE_CTX_new());
  if (!context ||
      X509_STORE_CTX_init(context.get(), work.store, certificate, work.beside.get()) != 1) {
    return nullptr;
  }
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SMIME_SIGN);
  X509_VERIFY_PARAM_set_depth(parameters, kMostDepth);
  X509_VERIFY_PARAM_set_time(parameters, static_cast<time_t>(work.request.now / 1000));
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN | flags);
  return context;
}

struct Fetched {
  RevocationLists lists{sk_X509_CRL_new_null()};
  bool offline = false;
};

Fetched fetch_lists(const Work& work, STACK_OF(X509) * chain) {
  std::vector<std::string> urls;
  for (int i = 0; i + 1 < sk_X509_num(chain); ++i) add_urls(sk_X509_value(chain, i), urls);
  Fetched fetched;
  for (const std::string& url : urls) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        work.deadline - std::chrono::steady_clock::now());
    const auto bytes = work.crls.get(url, work.request.now, left);
    if (!bytes) {
      fetched.offline |= bytes.error().kind == ErrorKind::unavailable;
      storage::log_event(storage::LogLevel::info, "no revocation list",
                         {{"reason", bytes.error().message}});
      continue;
    }
    RevocationList list = parse_list(*bytes);
    if (list && sk_X509_CRL_push(fetched.lists.get(), list.get()) > 0) {
      (void)list.release();  // the stack has it
    }
  }
  return fetched;
}

CertificateStatus check_revocation(const Work& work, X509* certificate, STACK_OF(X509) * chain) {
  if (sk_X509_num(chain) < 2) return CertificateStatus::valid;  // trusted as it is
  const Fetched fetched = fetch_lists(work, chain);
  const Context context =
      new_context(work, certificate, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  if (!context) return CertificateStatus::server_error;
  Revocation revocation;
  X509_STORE_CTX_set0_crls(context.get(), fetched.lists.get());
  X509_STORE_CTX_set_app_data(context.get(), &revocation);
  X509_STORE_CTX_set_verify_cb(context.get(), note_revocation);
  if (X509_verify_cert(context.get()) != 1) {
    return status_of(X509_STORE_CTX_get_error(context.get()),
                     X509_STORE_CTX_get_error_depth(context.get()));
  }
  if (revocation.revoked_at) {
    return of_depth(*revocation.revoked_at, CertificateStatus::revoked,
                    CertificateStatus::chain_revoked);
  }
  if (!revocation.unknown || !work.request.require_revocation) return CertificateStatus::valid;
  return fetched.offline ? CertificateStatus::revocation_offline
                         : CertificateStatus::revocation_unknown;
}

CertificateStatus check_one(const Work& work, const std::string& der) {
  const Certificate certificate = parse_certificate(der);
  if (!certificate) return CertificateStatus::malformed;
  if (!work.beside) return CertificateStatus::bad_chain;
  const Context context = new_context(work, certificate.get(), 0);
  if (!context) return CertificateStatus::server_error;
  if (X509_verify_cert(context.get()) != 1) {
    const CertificateStatus status = status_of(X509_STORE_CTX_get_error(context.get()),
                                               X509_STORE_CTX_get_error_depth(context.get()));
    const bool authority = status == CertificateStatus::not_for_mail;
    return authority && is_only_authority(certificate.get()) ? CertificateStatus::authority_mixup
                                                             : status;
  }
  return check_revocation(work, certificate.get(), X509_STORE_CTX_get0_chain(context.get()));
}

// nullptr when one of them cannot be read.
Certificates parse_chain(const std::vector<std::string>& chain) {
  Certificates all(sk_X509_new_null());
  for (const std::string& der : chain) {
    Certificate certificate = parse_certificate(der);
    if (!certificate || sk_X509_push(all.get(), certificate.get()) <= 0) return nullptr;
    (void)certificate.release();  // the stack has it
  }
  return all;
}

}  // namespace

struct CertificateValidator::Parts {
  Parts(Store trusted, const CrlOptions& options) : store(std::move(trusted)), crls(options) {}
  Store store;
  CrlCache crls;
};

CertificateValidator::CertificateValidator(std::unique_ptr<Parts> parts)
    : parts_(std::move(parts)) {}

CertificateValidator::~CertificateValidator() = default;

Result<std::unique_ptr<CertificateValidator>> CertificateValidator::open(
    const ValidatorOptions& options) {
  Store store(X509_STORE_new());
  if (!store) return fail(ErrorKind::internal, "OpenSSL has no memory");
  if (options.ca_file.empty() && options.ca_dir.empty()) {
    X509_STORE_set_default_paths(store.get());
  }
  if (!options.ca_file.empty() && X509_STORE_load_file(store.get(), options.ca_file.c_str()) != 1) {
    return fail(ErrorKind::invalid, options.ca_file + ": holds no certificates to trust");
  }
  if (!options.ca_dir.empty() && X509_STORE_load_path(store.get(), options.ca_dir.c_str()) != 1) {
    return fail(ErrorKind::invalid, options.ca_dir + ": no directory of certificates to trust");
  }
  return std::unique_ptr<CertificateValidator>(
      new CertificateValidator(std::make_unique<Parts>(std::move(store), options.crl)));
}

std::vector<CertificateStatus> CertificateValidator::validate(const ValidationRequest& request) {
  const Work work{parts_->store.get(), parts_->crls, request, parse_chain(request.chain),
                  std::chrono::steady_clock::now() + parts_->crls.options().total_timeout};
  std::vector<CertificateStatus> statuses;
  statuses.reserve(request.certificates.size());
  for (const std::string& der : request.certificates) statuses.push_back(check_one(work, der));
  return statuses;
}

bool can_encrypt_mail(const std::string& der, storage::UnixMillis now) {
  const Certificate certificate = parse_certificate(der);
  if (!certificate) return false;
  auto time = static_cast<time_t>(now / 1000);
  return X509_cmp_time(X509_get0_notBefore(certificate.get()), &time) < 0 &&
         X509_cmp_time(X509_get0_notAfter(certificate.get()), &time) > 0 &&
         X509_check_purpose(certificate.get(), X509_PURPOSE_SMIME_ENCRYPT, 0) == 1;
}

std::int64_t certificate_end(const std::string& der) {
  const Certificate certificate = parse_certificate(der);
  std::tm end{};
  if (!certificate || ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &end) != 1) return 0;
  return timegm(&end);
}

}  // namespace eas
