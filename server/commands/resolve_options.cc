#include "server/commands/resolve_options.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string_view>

#include "server/items/dates.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"

namespace eas {
namespace {

namespace tag = wbxml::resolve_recipients;
using storage::ErrorKind;
using storage::fail;
using storage::Result;
using storage::UnixMillis;

constexpr std::size_t kMostCharacters = 256;  // of a To
constexpr int kMostCount = 9999;
constexpr int kMostPictureSize = 102'400;
constexpr UnixMillis kMinute = 60'000;
constexpr UnixMillis kDay = 24 * 60 * kMinute;

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

// Reads a number from 0 to `most` into `value`; an element that is not there or empty changes
// nothing. With `cut`, more than `most` counts as `most`.
Result<void> read_number(const wbxml::Element& parent, wbxml::Tag name, int most, bool cut,
                         int& value) {
  const auto text = parent.text_of(name);
  if (!text || text->empty()) return {};
  const auto number = storage::parse_uint(*text);
  if (!number || (*number > static_cast<std::uint64_t>(most) && !cut)) {
    return fail(ErrorKind::invalid, "a number in Options is out of range");
  }
  value = static_cast<int>(std::min<std::uint64_t>(*number, static_cast<std::uint64_t>(most)));
  return {};
}

Result<void> check_availability(const wbxml::Element& availability) {
  const auto start_text = availability.text_of(tag::kStartTime);
  const auto start = start_text ? parse_date_time(*start_text) : std::nullopt;
  if (!start) return fail(ErrorKind::invalid, "no or a bad StartTime");
  UnixMillis end = *start + 7 * kDay;
  if (const auto end_text = availability.text_of(tag::kEndTime)) {
    const auto time = parse_date_time(*end_text);
    if (!time) return fail(ErrorKind::invalid, "a bad EndTime");
    end = *time;
  }
  if (end < *start + 30 * kMinute || end > *start + 42 * kDay) {
    return fail(ErrorKind::invalid, "StartTime to EndTime is under 30 minutes or over 42 days");
  }
  return {};
}

Result<ResolveOptions> read_options(const wbxml::Element& from, Version version) {
  ResolveOptions options;
  int retrieval = static_cast<int>(options.certificates);
  GODWIT_TRY(read_number(from, tag::kCertificateRetrieval, 3, false, retrieval));
  if (retrieval == 0) return fail(ErrorKind::invalid, "CertificateRetrieval is out of range");
  options.certificates = static_cast<CertificateRetrieval>(retrieval);
  GODWIT_TRY(read_number(from, tag::kMaxCertificates, kMostCount, false, options.max_certificates));
  GODWIT_TRY(
      read_number(from, tag::kMaxAmbiguousRecipients, kMostCount, false, options.max_ambiguous));
  const wbxml::Element* availability = from.child(tag::kAvailability);
  if (availability != nullptr && version >= Version::v14_0) {
    GODWIT_TRY(check_availability(*availability));
    options.availability = true;
  }
  const wbxml::Element* picture = from.child(tag::kPicture);
  if (picture != nullptr && version >= Version::v14_1) {
    options.picture = true;  // also an empty one: no limits
    GODWIT_TRY(
        read_number(*picture, tag::kMaxSize, kMostPictureSize, true, options.max_picture_size));
    GODWIT_TRY(read_number(*picture, tag::kMaxPictures, std::numeric_limits<int>::max(), true,
                           options.max_pictures));
  }
  return options;
}

}  // namespace

Result<ResolveRequest> read_resolve_request(const wbxml::Element& body, Version version,
                                            std::size_t most) {
  ResolveRequest request;
  for (const wbxml::Element& child : body.children) {
    if (child.tag != tag::kTo) continue;
    if (characters(child.text) > kMostCharacters) {
      return fail(ErrorKind::invalid, "a To of more than 256 characters");
    }
    if (request.to.size() == most) return fail(ErrorKind::invalid, "too many To");
    request.to.push_back(child.text);
  }
  if (request.to.empty()) return fail(ErrorKind::invalid, "no To");
  if (const wbxml::Element* options = body.child(tag::kOptions)) {
    GODWIT_ASSIGN(request.options, read_options(*options, version));
  }
  return request;
}

}  // namespace eas
