#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "server/doctor/checks.h"
#include "storage/base/openssl_handles.h"
#include "storage/base/url.h"

namespace eas::doctor {
namespace {

constexpr const char* kCheck = "certificate";
constexpr std::int64_t kSoonDays = 14;

using storage::openssl::Bio;
using storage::openssl::Certificate;
using storage::openssl::Certificates;
using storage::openssl::Key;
using storage::openssl::Store;
using storage::openssl::StoreContext;
using Time = storage::openssl::Owned<ASN1_TIME, ASN1_TIME_free>;

Finding problem(std::string text, std::string advice) {
  return {Outcome::problem, kCheck, std::move(text), std::move(advice)};
}

Finding time_finding(const X509* certificate, storage::UnixMillis now) {
  std::time_t seconds = now / 1000;
  const ASN1_TIME* end = X509_get0_notAfter(certificate);
  if (X509_cmp_time(X509_get0_notBefore(certificate), &seconds) > 0) {
    return problem("it is not valid yet", "check the machine's clock");
  }
  if (X509_cmp_time(end, &seconds) < 0) {
    return problem("it has expired", "renew it, then send the server SIGHUP");
  }
  int days = 0;
  int rest = 0;
  const Time today(ASN1_TIME_set(nullptr, seconds));
  ASN1_TIME_diff(&days, &rest, today.get(), end);
  const std::string text = "valid for " + std::to_string(days) + " more days";
  if (days < kSoonDays) {
    return {Outcome::warning, kCheck, text, "renew it, then send the server SIGHUP"};
  }
  return {Outcome::ok, kCheck, text, ""};
}

Finding name_finding(X509* certificate, const std::string& host) {
  if (host.empty()) {
    return {Outcome::warning, kCheck, "whether it names the server's host is unknown",
            "set autodiscover.url"};
  }
  const bool named = X509_check_host(certificate, host.c_str(), host.size(), 0, nullptr) == 1 ||
                     X509_check_ip_asc(certificate, host.c_str(), 0) == 1;
  if (named) return {Outcome::ok, kCheck, "it names " + host, ""};
  return problem("it does not name " + host,
                 "get one with that name (subjectAltName), or correct autodiscover.url");
}

Finding trust_finding(X509* certificate, STACK_OF(X509) * chain, const std::string& ca_file) {
  const Store store(X509_STORE_new());
  if (ca_file.empty()) {
    X509_STORE_set_default_paths(store.get());
  } else if (X509_STORE_load_file(store.get(), ca_file.c_str()) != 1) {
    ERR_clear_error();
    return problem(ca_file + " holds no certificates that can be read", "correct --ca-file");
  }
  const StoreContext context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), certificate, chain);
  // Time has a finding of its own.
  X509_STORE_CTX_set_flags(context.get(), X509_V_FLAG_NO_CHECK_TIME);
  const bool trusted = X509_verify_cert(context.get()) == 1;
  const int error = X509_STORE_CTX_get_error(context.get());
  ERR_clear_error();
  if (trusted) return {Outcome::ok, kCheck, "its chain is complete and trusted", ""};
  if (error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT) {
    return {Outcome::warning, kCheck, "it is self-signed: phones refuse it until it is installed",
            "get one from a certificate authority"};
  }
  if (error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
      error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE) {
    return problem("its chain is not complete",
                   "put the intermediate certificates behind it in server.certificate "
                   "(the authority's fullchain.pem)");
  }
  return problem(std::string("phones will not trust it: ") + X509_verify_cert_error_string(error),
                 "get one from a public certificate authority");
}

}  // namespace

Findings check_certificate(const Config& config, const std::string& ca_file,
                           storage::UnixMillis now) {
  if (config.plain_http) {
    return {{Outcome::ok, kCheck, "none: the reverse proxy has it (server.plain_http)", ""}};
  }
  const Bio file(BIO_new_file(config.certificate.c_str(), "r"));
  const Certificate certificate(file ? PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr)
                                     : nullptr);
  const Bio secret(BIO_new_file(config.key.c_str(), "r"));
  const Key key(secret ? PEM_read_bio_PrivateKey(secret.get(), nullptr, nullptr, nullptr)
                       : nullptr);
  ERR_clear_error();
  if (!certificate) {
    return {problem(config.certificate + " holds no certificate that can be read",
                    "correct server.certificate, or its permissions")};
  }
  if (!key) {
    return {problem(config.key + " holds no key that can be read",
                    "correct server.key, or its permissions")};
  }
  Findings findings;
  if (X509_check_private_key(certificate.get(), key.get()) == 1) {
    findings.push_back({Outcome::ok, kCheck, "the key is its own", ""});
  } else {
    findings.push_back(problem("the key in " + config.key + " is another certificate's",
                               "set server.certificate and server.key to files of one pair"));
  }
  const Certificates chain(sk_X509_new_null());
  while (X509* more = PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr)) {
    sk_X509_push(chain.get(), more);
  }
  ERR_clear_error();
  const auto url = storage::parse_url(config.autodiscover_url);
  findings.push_back(time_finding(certificate.get(), now));
  findings.push_back(name_finding(certificate.get(), url ? std::string(url->host) : std::string()));
  findings.push_back(trust_finding(certificate.get(), chain.get(), ca_file));
  return findings;
}

}  // namespace eas::doctor
