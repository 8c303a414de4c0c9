// Apple's configuration profile: one file that sets up the account on an iPhone, iPad or Mac,
// without a password in it. Apple, "Configuration Profile Reference", com.apple.eas.account.
#pragma once

#include <string>
#include <string_view>

#include "server/autodiscover/documents.h"
#include "storage/base/result.h"

namespace eas::autodiscover {

inline constexpr std::string_view kProfileType = "application/x-apple-aspen-config";

// The property list. The same person and host always give the same UUIDs, so that a newer profile
// replaces the older one.
std::string profile_xml(const Person& person, std::string_view base_url);

// `xml` signed with the certificate and its key (PEM files; the certificate's file may hold its
// chain), as CMS in DER. unavailable: a file cannot be read; invalid: the key does not belong to
// the certificate.
storage::Result<std::string> sign_profile(std::string_view xml, const std::string& certificate,
                                          const std::string& key);

// A page with what there is to know and a button that fetches the profile.
std::string profile_page(const Person& person, std::string_view base_url);

}  // namespace eas::autodiscover
