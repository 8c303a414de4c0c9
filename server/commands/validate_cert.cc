// ValidateCert: are these certificates of S/MIME mail good? [MS-ASCMD] 2.2.1.22
//
// The work is server/certificates. Status of the whole says whether the command was carried out
// (1), not understood (2) or could not be (17); what is wrong with a certificate is its own Status.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/certificates/validator.h"
#include "server/commands/commands.h"
#include "server/commands/status.h"
#include "server/config/limits.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"
#include "wbxml/encoder.h"

namespace eas {
namespace {

namespace tag = wbxml::validate_cert;

constexpr int kSuccess = 1;
constexpr int kProtocolError = 2;
constexpr int kServerError = 17;

// The bytes of each Certificate in `list`; what is no base64 becomes "", which is no certificate.
std::vector<std::string> read_list(const wbxml::Element* list) {
  std::vector<std::string> all;
  if (list == nullptr) return all;
  for (const wbxml::Element& child : list->children) {
    if (child.tag != tag::kCertificate) continue;
    // Some send the bytes themselves.
    all.push_back(child.opaque && child.text.starts_with("\x30")
                      ? child.text
                      : storage::base64_decode(child.text).value_or(""));
  }
  return all;
}

// nullopt with a reason: the request is malformed.
std::optional<ValidationRequest> read_request(const wbxml::Element& body, std::size_t most,
                                              std::string_view& reason) {
  ValidationRequest asked;
  asked.certificates = read_list(body.child(tag::kCertificates));
  asked.chain = read_list(body.child(tag::kCertificateChain));
  if (asked.certificates.empty()) {
    reason = "no certificate";
    return std::nullopt;
  }
  if (asked.certificates.size() > most || asked.chain.size() > most) {
    reason = "too many certificates";
    return std::nullopt;
  }
  if (const wbxml::Element* check = body.child(tag::kCheckCRL)) {
    if (!check->text.empty() && check->text != "0" && check->text != "1") {
      reason = "CheckCRL is neither 0 nor 1";
      return std::nullopt;
    }
    asked.require_revocation = check->text == "1";
  }
  return asked;
}

Reply answer(int status, const std::vector<CertificateStatus>& statuses) {
  wbxml::Encoder out;
  out.start(tag::kValidateCert);
  out.number(tag::kStatus, status);
  for (const CertificateStatus each : statuses) {
    out.start(tag::kCertificate);
    out.number(tag::kStatus, static_cast<int>(each));
    out.end();
  }
  out.end();
  Reply reply;
  reply.body = out.take();
  return reply;
}

}  // namespace

CommandResult run_validate_cert(Request& request, const Services& services) {
  std::string_view reason;
  auto asked = read_request(*request.body,
                            static_cast<std::size_t>(services.limits->max_certificates), reason);
  if (!asked) {
    log_refusal(request, "ValidateCert", kProtocolError, reason);
    return answer(kProtocolError, {});
  }
  if (services.certificates == nullptr) {
    log_refusal(request, "ValidateCert", kServerError, "nobody is trusted");
    return answer(kServerError, {});
  }
  asked->now = services.clock->now_ms();
  return answer(kSuccess, services.certificates->validate(*asked));
}

}  // namespace eas
