// ResolveRecipients: names typed into an address field → people and groups of the address list,
// with certificates, photos and availability. [MS-ASCMD] 2.2.1.15
//
// Everything comes from the address list, so Type is always 1; contacts of the user will be 2.
// There are no calendars yet, so availability says so for everybody (163) and never makes data up.
// The document does not define what a mini-certificate is; a phone encrypts with it, so it gets the
// one certificate that lasts longest.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/certificates/validator.h"
#include "server/commands/commands.h"
#include "server/commands/resolve_options.h"
#include "server/commands/status.h"
#include "server/config/limits.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"
#include "wbxml/encoder.h"

namespace eas {
namespace {

namespace tag = wbxml::resolve_recipients;
using storage::DirectoryEntry;
using storage::Result;

// Of Response.
constexpr int kResolved = 1;
constexpr int kAmbiguous = 2;
constexpr int kAmbiguousPartly = 3;
constexpr int kNobody = 4;
// Of the whole.
constexpr int kSuccess = 1;
constexpr int kProtocolError = 5;
constexpr int kServerError = 6;
// Of Certificates.
constexpr int kNoCertificate = 7;
constexpr int kTooManyCertificates = 8;
// Of Picture.
constexpr int kNoPicture = 173;
constexpr int kPictureTooLarge = 174;
constexpr int kTooManyPictures = 175;
// Of Availability.
constexpr int kTooManyAvailabilities = 160;
constexpr int kGroupTooLarge = 161;
constexpr int kNoAvailability = 163;

constexpr int kMostMembersForAvailability = 20;
constexpr int kMostSuggestions = 100;  // of one To, whatever the phone asks for

// The address in "Ann Lee <ann@example.test>"; else the text itself.
std::string_view meant(std::string_view to) {
  const std::size_t open = to.rfind('<');
  const std::size_t close = to.rfind('>');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return to;
  return to.substr(open + 1, close - open - 1);
}

class Resolver {
 public:
  Resolver(const ResolveOptions& options, const Services& services)
      : options_(options),
        services_(services),
        certificates_left_(options.max_certificates),
        availabilities_left_(services.limits->max_recipients),
        bytes_left_(services.limits->max_answer) {}

  Result<void> resolve(std::string_view to, wbxml::Encoder& out) {
    const bool more = options_.picture || options_.certificates != CertificateRetrieval::none;
    const int limit = std::clamp(options_.max_ambiguous, 1, kMostSuggestions);
    GODWIT_ASSIGN(const auto page, services_.addresses->resolve(meant(to), limit, more));
    pictures_left_ = options_.max_pictures;
    out.start(tag::kResponse);
    out.text(tag::kTo, to);
    if (page.total == 1 && page.entries.size() == 1) {
      out.number(tag::kStatus, kResolved);
      out.number(tag::kRecipientCount, 1);
      GODWIT_TRY(put_recipient(page.entries.front(), true, out));
    } else {
      const int shown = std::min(static_cast<int>(page.entries.size()), options_.max_ambiguous);
      out.number(tag::kStatus, page.total == 0      ? kNobody
                               : shown < page.total ? kAmbiguousPartly
                                                    : kAmbiguous);
      out.number(tag::kRecipientCount, page.total);
      for (int i = 0; i < shown; ++i) {
        GODWIT_TRY(put_recipient(page.entries[static_cast<std::size_t>(i)], false, out));
      }
    }
    out.end();
    return {};
  }

 private:
  Result<void> put_recipient(const DirectoryEntry& entry, bool unique, wbxml::Encoder& out) {
    out.start(tag::kRecipient);
    out.number(tag::kType, 1);
    out.text(tag::kDisplayName, entry.display_name);
    out.text(tag::kEmailAddress, entry.address);
    if (unique && options_.availability) put_availability(entry, out);
    if (unique && options_.certificates != CertificateRetrieval::none) {
      GODWIT_TRY(put_certificates(entry, out));
    }
    if (options_.picture) put_picture(entry, out);
    out.end();
    return {};
  }

  void put_availability(const DirectoryEntry& entry, wbxml::Encoder& out) {
    const bool group = entry.kind == DirectoryEntry::Kind::group;
    const int people = group ? entry.member_count : 1;
    int status = kNoAvailability;
    if (people > kMostMembersForAvailability) {
      status = kGroupTooLarge;
    } else if (people > availabilities_left_) {
      status = kTooManyAvailabilities;
    } else {
      availabilities_left_ -= people;
    }
    out.start(tag::kAvailability);
    out.number(tag::kStatus, status);
    out.end();
  }

  // The good ones; of a mini-certificate's kind only the one that lasts longest.
  Result<std::vector<std::string>> certificates_of(const DirectoryEntry& entry) const {
    std::vector<std::string> all = entry.profile.certificates;
    if (entry.kind == DirectoryEntry::Kind::group) {
      GODWIT_ASSIGN(all, services_.addresses->all_certificates(entry.address));
    }
    const storage::UnixMillis now = services_.clock->now_ms();
    all.erase(std::remove_if(all.begin(), all.end(),
                             [now](const std::string& der) { return !can_encrypt_mail(der, now); }),
              all.end());
    const bool one = options_.certificates == CertificateRetrieval::mini &&
                     entry.kind == DirectoryEntry::Kind::user && all.size() > 1;
    if (one) {
      const auto longest =
          std::max_element(all.begin(), all.end(), [](const std::string& a, const std::string& b) {
            return certificate_end(a) < certificate_end(b);
          });
      return std::vector<std::string>{*longest};
    }
    return all;
  }

  Result<void> put_certificates(const DirectoryEntry& entry, wbxml::Encoder& out) {
    GODWIT_ASSIGN(const std::vector<std::string> certificates, certificates_of(entry));
    const bool mini = options_.certificates == CertificateRetrieval::mini;
    const int count = static_cast<int>(certificates.size());
    std::size_t bytes = 0;
    for (const std::string& der : certificates) bytes += der.size() * 4 / 3 + 8;
    // A recipient gets all of them or none; an answer has room for one mini-certificate each.
    const bool fits = count <= certificates_left_ && bytes <= bytes_left_ && (!mini || count <= 1);
    out.start(tag::kCertificates);
    out.number(tag::kStatus, count == 0 ? kNoCertificate : fits ? kSuccess : kTooManyCertificates);
    out.number(tag::kCertificateCount, count);
    out.number(tag::kRecipientCount,
               entry.kind == DirectoryEntry::Kind::group ? entry.member_count : 1);
    if (fits) {
      certificates_left_ -= count;
      bytes_left_ -= bytes;
      for (const std::string& der : certificates) {
        out.text(mini ? tag::kMiniCertificate : tag::kCertificate, storage::base64_encode(der));
      }
    }
    out.end();
    return {};
  }

  void put_picture(const DirectoryEntry& entry, wbxml::Encoder& out) {
    const std::string& picture = entry.profile.picture;
    int status = kSuccess;
    if (picture.empty()) {
      status = kNoPicture;
    } else if (picture.size() > static_cast<std::size_t>(options_.max_picture_size)) {
      status = kPictureTooLarge;
    } else if (pictures_left_ == 0 || picture.size() > bytes_left_) {
      status = kTooManyPictures;
    }
    out.start(tag::kPicture);
    out.number(tag::kStatus, status);
    if (status == kSuccess) {
      --pictures_left_;
      bytes_left_ -= picture.size();
      out.opaque(tag::kData, picture);
    }
    out.end();
  }

  const ResolveOptions& options_;
  const Services& services_;
  int certificates_left_;  // of the whole answer
  int availabilities_left_;
  std::size_t bytes_left_;  // of pictures and certificates
  int pictures_left_ = 0;   // of this To
};

Reply refuse(const Request& request, int status, std::string_view reason) {
  return eas::refuse(request, tag::kResolveRecipients, tag::kStatus, status, reason);
}

}  // namespace

CommandResult run_resolve_recipients(Request& request, const Services& services) {
  const auto asked = read_resolve_request(
      *request.body, request.version, static_cast<std::size_t>(services.limits->max_recipients));
  if (!asked) return refuse(request, kProtocolError, asked.error().message);
  if (services.addresses == nullptr) return refuse(request, kServerError, "no address list");
  wbxml::Encoder out;
  out.start(tag::kResolveRecipients);
  out.number(tag::kStatus, kSuccess);
  Resolver resolver(asked->options, services);
  for (const std::string& to : asked->to) {
    const auto done = resolver.resolve(to, out);
    if (!done) return refuse(request, kServerError, done.error().message);
  }
  out.end();
  Reply reply;
  reply.body = out.take();
  return reply;
}

}  // namespace eas
