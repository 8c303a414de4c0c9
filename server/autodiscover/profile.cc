#include "server/autodiscover/profile.h"

#include <openssl/cms.h>
#include <openssl/pem.h>

#include <cstdio>

#include "storage/base/crypto.h"
#include "storage/base/openssl_handles.h"
#include "storage/base/text.h"

namespace eas::autodiscover {

using storage::ErrorKind;
using storage::fail;
using storage::Result;

namespace {

using storage::openssl::Bio;
using storage::openssl::Certificate;
using storage::openssl::Certificates;
using storage::openssl::Key;
using Cms = storage::openssl::Owned<CMS_ContentInfo, CMS_ContentInfo_free>;

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : storage::to_xml_safe_utf8(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

// A UUID of version 8 (custom) from what it names. RFC 9562 5.8
std::string uuid_of(std::string_view what) {
  std::string bytes = storage::sha256("godwit profile " + std::string(what)).substr(0, 16);
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x80);
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);
  const std::string hex = storage::to_hex(bytes);
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" +
         hex.substr(16, 4) + "-" + hex.substr(20);
}

std::string entry(std::string_view key, std::string_view text) {
  return "<key>" + std::string(key) + "</key><string>" + escaped(text) + "</string>\n";
}

}  // namespace

std::string profile_xml(const Person& person, std::string_view base_url) {
  const std::string host(host_of(base_url));
  const std::string identity = person.address + " at " + host;
  const std::string identifier = "godwit." + uuid_of(identity);
  std::string xml =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
      "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
      "<plist version=\"1.0\"><dict>\n<key>PayloadContent</key><array><dict>\n";
  xml += entry("PayloadType", "com.apple.eas.account");
  xml += "<key>PayloadVersion</key><integer>1</integer>\n";
  xml += entry("PayloadIdentifier", identifier + ".eas");
  xml += entry("PayloadUUID", uuid_of("eas " + identity));
  xml += entry("PayloadDisplayName", "Mail of " + person.address);
  xml += entry("Host", host);
  xml += std::string("<key>SSL</key>") + (base_url.starts_with("https") ? "<true/>" : "<false/>") +
         "\n<key>OAuth</key><false/>\n";
  xml += entry("EmailAddress", person.address);
  xml += entry("UserName", person.address);
  xml += "</dict></array>\n";
  xml += entry("PayloadType", "Configuration");
  xml += "<key>PayloadVersion</key><integer>1</integer>\n";
  xml += entry("PayloadIdentifier", identifier);
  xml += entry("PayloadUUID", uuid_of("profile " + identity));
  xml += entry("PayloadDisplayName", "Account " + person.address);
  xml += entry("PayloadDescription",
               "Sets up mail, contacts and calendars of " + person.address + " at " + host + ".");
  xml += entry("PayloadOrganization", host);
  xml += "<key>PayloadRemovalDisallowed</key><false/>\n</dict></plist>\n";
  return xml;
}

Result<std::string> sign_profile(std::string_view xml, const std::string& certificate_file,
                                 const std::string& key_file) {
  const Bio file(BIO_new_file(certificate_file.c_str(), "r"));
  const Bio secret(BIO_new_file(key_file.c_str(), "r"));
  if (!file || !secret) {
    return fail(ErrorKind::unavailable, "the certificate or its key cannot be read");
  }
  const Certificate certificate(PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr));
  const Key key(PEM_read_bio_PrivateKey(secret.get(), nullptr, nullptr, nullptr));
  if (!certificate || !key) {
    return fail(ErrorKind::invalid, "no certificate or key in the file");
  }
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return fail(ErrorKind::invalid, "the key does not belong to the certificate");
  }
  const Certificates chain(sk_X509_new_null());
  while (X509* more = PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr)) {
    sk_X509_push(chain.get(), more);
  }
  const Bio content(BIO_new_mem_buf(xml.data(), static_cast<int>(xml.size())));
  const Cms cms(CMS_sign(certificate.get(), key.get(), chain.get(), content.get(),
                         CMS_BINARY | CMS_NOSMIMECAP));
  const Bio out(BIO_new(BIO_s_mem()));
  if (!cms || i2d_CMS_bio(out.get(), cms.get()) != 1) {
    return fail(ErrorKind::internal, "the profile cannot be signed");
  }
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

std::string profile_page(const Person& person, std::string_view base_url) {
  const std::string address = escaped(person.address);
  return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
         "<title>Set up " +
         address +
         "</title>\n<style>body{font:1.1rem/1.5 sans-serif;max-width:36rem;margin:2rem auto;"
         "padding:0 1rem;color:#111;background:#fff}a.button{display:inline-block;padding:.8rem "
         "1.4rem;background:#0b4f8a;color:#fff;border-radius:.4rem;text-decoration:none}"
         "a.button:focus,a.button:hover{outline:.2rem solid #111}dt{font-weight:bold}</style>"
         "</head>\n<body><main><h1>Set up your mail account</h1>\n"
         "<p>On an iPhone, iPad or Mac, open this page there and fetch the profile. The device "
         "then "
         "asks for your password; it is not in the profile.</p>\n"
         "<p><a class=\"button\" href=\"/mobileconfig/" +
         address + ".mobileconfig\">Fetch the profile for " + address +
         "</a></p>\n<h2>By hand, on any phone</h2>\n<dl><dt>Kind of account</dt>"
         "<dd>Exchange (ActiveSync)</dd><dt>Server</dt><dd>" +
         escaped(host_of(base_url)) + "</dd><dt>E-mail and user name</dt><dd>" + address +
         "</dd></dl></main></body></html>\n";
}

}  // namespace eas::autodiscover
