#include "server/commands/gal_results.h"

#include <string>
#include <string_view>

#include "storage/base/text.h"
#include "wbxml/code_pages.h"

namespace eas {
namespace {

namespace gal = wbxml::gal;

constexpr int kRetrieved = 1;
constexpr int kNoPicture = 173;
constexpr int kPictureTooLarge = 174;
constexpr int kPictureLimitReached = 175;

// Old Nokia phones show nothing of an entry without FirstName, also where it is empty.
bool needs_first_name(const Request& request) {
  for (const std::string_view mark : {"nokia", "symbian"}) {
    if (storage::to_lower(request.query.device_type).find(mark) != std::string::npos) return true;
    if (storage::to_lower(request.device.user_agent).find(mark) != std::string::npos) return true;
  }
  return false;
}

std::string alias_of(const storage::DirectoryEntry& entry) {
  if (!entry.profile.alias.empty()) return entry.profile.alias;
  return entry.address.substr(0, entry.address.find('@'));
}

std::optional<std::uint64_t> limit_of(const wbxml::Element& picture, wbxml::Tag tag) {
  const auto text = picture.text_of(tag);
  if (!text) return std::numeric_limits<std::uint64_t>::max();
  return storage::parse_uint(storage::trim(*text));
}

}  // namespace

std::optional<PictureWish> parse_picture_wish(const wbxml::Element* picture, wbxml::Tag max_size,
                                              wbxml::Tag max_pictures) {
  PictureWish wish;
  if (picture == nullptr) return wish;
  const auto size = limit_of(*picture, max_size);
  const auto count = limit_of(*picture, max_pictures);
  if (!size || !count) return std::nullopt;
  wish.wanted = true;
  wish.max_size = *size;
  wish.max_pictures = *count;
  return wish;
}

void GalWriter::write(const storage::DirectoryEntry& entry) {
  const storage::Profile& profile = entry.profile;
  const auto text = [this](wbxml::Tag tag, const std::string& value) {
    if (!value.empty()) out_.text(tag, storage::to_xml_safe_utf8(value));
  };
  text(gal::kDisplayName, entry.display_name);
  text(gal::kPhone, profile.phone);
  text(gal::kOffice, profile.office);
  text(gal::kTitle, profile.title);
  text(gal::kCompany, profile.company);
  text(gal::kAlias, alias_of(entry));
  if (profile.first_name.empty() && needs_first_name(request_)) {
    out_.empty(gal::kFirstName);
  }
  text(gal::kFirstName, profile.first_name);
  text(gal::kLastName, profile.last_name);
  text(gal::kHomePhone, profile.home_phone);
  text(gal::kMobilePhone, profile.mobile_phone);
  text(gal::kEmailAddress, entry.address);
  if (wish_.wanted) write_picture(profile.picture);
}

void GalWriter::write_picture(const std::string& picture) {
  int status = kRetrieved;
  if (picture.empty()) {
    status = kNoPicture;
  } else if (picture.size() > wish_.max_size) {
    status = kPictureTooLarge;
  } else if (pictures_ >= wish_.max_pictures) {
    status = kPictureLimitReached;
  }
  out_.start(gal::kPicture);
  out_.number(gal::kStatus, status);
  if (status == kRetrieved) {
    ++pictures_;
    out_.opaque(gal::kData, picture);
  }
  out_.end();
}

}  // namespace eas
