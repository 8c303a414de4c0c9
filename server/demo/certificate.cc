#include "server/demo/certificate.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <memory>
#include <system_error>

#include "storage/base/crypto.h"
#include "storage/base/openssl_handles.h"
#include "storage/base/unique_fd.h"

namespace demo {
namespace {

using storage::ErrorKind;
using storage::fail;
using storage::Result;

using storage::openssl::Bio;
using storage::openssl::Certificate;
using storage::openssl::Key;
using Extension = storage::openssl::Owned<X509_EXTENSION, X509_EXTENSION_free>;
using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

constexpr long kDay = 24L * 3600;
constexpr const char* kCommonName = "Godwit demo";

bool is_ip(const std::string& host) {
  in6_addr buffer{};
  return ::inet_pton(AF_INET, host.c_str(), &buffer) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), &buffer) == 1;
}

bool add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

std::string alternative_names(const std::vector<std::string>& hosts) {
  std::string out;
  for (const std::string& host : hosts) {
    if (!out.empty()) out += ',';
    out += (is_ip(host) ? "IP:" : "DNS:") + host;
  }
  return out;
}

bool fill(X509* certificate, EVP_PKEY* key, const std::vector<std::string>& hosts) {
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), storage::random_u32());
  X509_gmtime_adj(X509_getm_notBefore(certificate), -kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 820 * kDay);
  X509_NAME* name = X509_get_subject_name(certificate);
  const auto* common_name = reinterpret_cast<const unsigned char*>(kCommonName);
  return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name, -1, -1, 0) == 1 &&
         X509_set_issuer_name(certificate, name) == 1 && X509_set_pubkey(certificate, key) == 1 &&
         add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
         add_extension(certificate, NID_key_usage, "critical,digitalSignature,keyCertSign") &&
         add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
         add_extension(certificate, NID_subject_key_identifier, "hash") &&
         add_extension(certificate, NID_subject_alt_name, alternative_names(hosts)) &&
         X509_sign(certificate, key, EVP_sha256()) > 0;
}

std::string bytes_of(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return {data, static_cast<std::size_t>(size)};
}

Result<void> write_file(const std::string& path, const std::string& bytes, mode_t mode) {
  const std::string staging = path + ".new";
  {
    const storage::UniqueFd file(
        ::open(staging.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (!file || ::fchmod(file.get(), mode) != 0 ||
        ::write(file.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
      return fail(ErrorKind::unavailable, path + ": " + std::generic_category().message(errno));
    }
  }
  if (::rename(staging.c_str(), path.c_str()) != 0) {
    return fail(ErrorKind::unavailable, path + ": " + std::generic_category().message(errno));
  }
  return {};
}

// Null: the file cannot be read or holds none.
Certificate read_first(const std::string& path) {
  const File file(std::fopen(path.c_str(), "re"), &std::fclose);
  return Certificate(file ? PEM_read_X509(file.get(), nullptr, nullptr, nullptr) : nullptr);
}

bool is_own(X509* certificate) {
  std::array<char, 64> name{};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name.data(),
                            static_cast<int>(name.size()));
  return std::string_view(name.data()) == kCommonName;
}

bool names(X509* certificate, const std::string& host) {
  return is_ip(host) ? X509_check_ip_asc(certificate, host.c_str(), 0) == 1
                     : X509_check_host(certificate, host.c_str(), host.size(), 0, nullptr) == 1;
}

std::vector<std::string> interface_addresses() {
  std::vector<std::string> out;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return out;
  for (const ifaddrs* each = list; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || (each->ifa_flags & IFF_UP) == 0) continue;
    const int family = each->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    std::array<char, NI_MAXHOST> text{};
    const auto length =
        static_cast<socklen_t>(family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    if (::getnameinfo(each->ifa_addr, length, text.data(), text.size(), nullptr, 0,
                      NI_NUMERICHOST) != 0) {
      continue;
    }
    const std::string address(text.data());
    if (address.find('%') == std::string::npos) out.push_back(address);  // no link-local ones
  }
  ::freeifaddrs(list);
  return out;
}

}  // namespace

Result<void> write_certificate(const std::string& certificate_file, const std::string& key_file,
                               const std::vector<std::string>& hosts) {
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate(X509_new());
  const Bio certificate_text(BIO_new(BIO_s_mem()));
  const Bio key_text(BIO_new(BIO_s_mem()));
  if (!key || !certificate || !fill(certificate.get(), key.get(), hosts) ||
      PEM_write_bio_X509(certificate_text.get(), certificate.get()) != 1 ||
      PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
          1) {
    return fail(ErrorKind::internal, "OpenSSL could not make a certificate");
  }
  GODWIT_TRY(write_file(key_file, bytes_of(key_text.get()), 0600));
  return write_file(certificate_file, bytes_of(certificate_text.get()), 0644);
}

bool is_outdated(const std::string& certificate_file, const std::vector<std::string>& hosts) {
  const Certificate certificate = read_first(certificate_file);
  if (!certificate || !is_own(certificate.get())) return false;
  std::time_t tomorrow = std::time(nullptr) + kDay;
  if (X509_cmp_time(X509_get0_notAfter(certificate.get()), &tomorrow) < 0) return true;
  return std::ranges::any_of(hosts, [&](const std::string& host) {
    return host.find(':') == std::string::npos && !names(certificate.get(), host);
  });
}

Result<std::string> fingerprint(const std::string& certificate_file) {
  if (::access(certificate_file.c_str(), R_OK) != 0) {
    return fail(ErrorKind::not_found, certificate_file + ": cannot be read");
  }
  const Certificate certificate = read_first(certificate_file);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (!certificate || X509_digest(certificate.get(), EVP_sha256(), digest.data(), &size) != 1) {
    return fail(ErrorKind::invalid, certificate_file + ": not a certificate");
  }
  std::string out;
  for (unsigned i = 0; i < size; ++i) {
    std::array<char, 4> hex{};
    std::snprintf(hex.data(), hex.size(), "%02X", digest[i]);
    if (i > 0) out += ':';
    out += hex.data();
  }
  return out;
}

std::vector<std::string> certificate_hosts(const std::string& address) {
  std::vector<std::string> hosts = {"localhost", "127.0.0.1", "::1"};
  std::vector<std::string> more = {address};
  if (address == "0.0.0.0" || address == "::") more = interface_addresses();
  for (const std::string& host : more) {
    if (std::ranges::find(hosts, host) == hosts.end()) hosts.push_back(host);
  }
  return hosts;
}

}  // namespace demo
