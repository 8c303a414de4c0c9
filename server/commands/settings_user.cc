// Settings: UserInformation and RightsManagementInformation, what the server tells of the user.
// [MS-ASCMD] 2.2.3.192, 2.2.3.156; [MS-ASRM] 3.2.4.1
#include <algorithm>
#include <string>
#include <vector>

#include "server/commands/settings_properties.h"
#include "server/items/clean_text.h"
#include "wbxml/code_pages.h"

namespace eas {

namespace tag = wbxml::settings;
using namespace settings_status;
using storage::Result;

namespace {

constexpr std::size_t kMaxName = 512;  // characters. [MS-ASCMD] 2.2.3.4, 2.2.3.191

// The user's address, then the others that mean the same person.
Result<std::vector<std::string>> addresses_of(const Request& request, const Services& services) {
  std::vector<std::string> addresses = {request.user.address};
  if (services.addresses == nullptr) return addresses;
  const auto profile = services.addresses->profile(request.user.id);
  if (!profile) {
    if (profile.error().kind == storage::ErrorKind::not_found) return addresses;
    return storage::fail(profile.error());
  }
  for (const std::string& other : profile->other_addresses) {
    if (std::find(addresses.begin(), addresses.end(), other) == addresses.end()) {
      addresses.push_back(other);
    }
  }
  return addresses;
}

void write_addresses(const std::vector<std::string>& addresses, bool name_primary,
                     wbxml::Encoder& out) {
  out.start(tag::kEmailAddresses);
  for (const std::string& address : addresses) out.text(tag::kSMTPAddress, address);
  if (name_primary) out.text(tag::kPrimarySmtpAddress, addresses.front());
  out.end();
}

// The primary account bears no AccountId: a phone that names none means it.
// [MS-ASCMD] 2.2.3.3.2 (R729)
void write_account(const Request& request, const std::vector<std::string>& addresses,
                   wbxml::Encoder& out) {
  out.start(tag::kAccounts);
  out.start(tag::kAccount);
  out.text(tag::kAccountName, utf16_prefix(request.user.address, kMaxName));
  const std::string name = single_line(request.user.display_name);
  if (!name.empty()) out.text(tag::kUserDisplayName, utf16_prefix(name, kMaxName));
  out.number(tag::kSendDisabled, 0);
  write_addresses(addresses, true, out);
  out.end();
  out.end();
}

}  // namespace

Result<void> answer_user_information(const wbxml::Element& property, Request& request,
                                     const Services& services, wbxml::Encoder& out) {
  if (!property.has(tag::kGet)) {
    write_property_status(property.tag, kProtocolError, "UserInformation without Get", request,
                          out);
    return {};
  }
  GODWIT_ASSIGN(const std::vector<std::string> addresses, addresses_of(request, services));
  out.start(property.tag);
  out.number(tag::kStatus, kSuccess);
  out.start(tag::kGet);
  // The forms before and from 14.1. [MS-ASCMD] 2.2.3.57, 2.2.3.5
  if (request.version >= Version::v14_1) {
    write_account(request, addresses, out);
  } else {
    write_addresses(addresses, false, out);
  }
  out.end();
  out.end();
  return {};
}

// There is no rights management here, which the answer says with 168.
Result<void> answer_rights_management(const wbxml::Element& property, Request& request,
                                      const Services&, wbxml::Encoder& out) {
  (void)request;
  out.start(property.tag);
  out.number(tag::kStatus, property.has(tag::kGet) ? kIrmDisabled : kProtocolError);
  out.start(tag::kGet);
  out.empty(wbxml::rights_management::kRightsManagementTemplates);  // the schema demands it
  out.end();
  out.end();
  return {};
}

}  // namespace eas
