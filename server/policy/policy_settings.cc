// The rows. What is not in the specification: the upper bounds of expiration, history and lock time
// are those of Exchange's administration.
#include "server/policy/policy_settings.h"

#include <algorithm>
#include <array>

#include "storage/base/text.h"
#include "wbxml/code_pages.h"

namespace eas::policy {
namespace {

namespace tag = wbxml::provision;
using Kind = PolicySetting::Kind;

// Where a setting stands in the document of 2.5.
struct Place {
  XmlForm form = XmlForm::none;
  std::string_view characteristic, parm;
};
constexpr Place kNowhere{};
constexpr std::string_view kLassd = "HKLM\\Comm\\Security\\Policy\\LASSD";
constexpr std::string_view kPassword = "HKLM\\Comm\\Security\\Policy\\LASSD\\LAP\\lap_pw";
constexpr std::string_view kTimeout =
    "HKLM\\Comm\\Security\\Policy\\LASSD\\AE\\{50C13377-C66D-400C-889E-C316FC4AB374}";
constexpr std::string_view kSecurity = "SecurityPolicy";

// A yes or no. One without a tag is the server's own.
constexpr PolicySetting flag(std::string_view name, wbxml::Tag element, Version since,
                             std::string_view fallback, std::string_view text,
                             Place place = kNowhere) {
  return {name,       Kind::boolean,        element,    {},  since, 0, 1, "", fallback, false,
          place.form, place.characteristic, place.parm, text};
}

struct Range {
  std::int64_t min = 0, max = 0;
  std::string_view values;
};

constexpr PolicySetting number(std::string_view name, wbxml::Tag element, Version since,
                               Range range, std::string_view fallback, std::string_view text,
                               Place place = kNowhere, bool may_be_empty = false) {
  return {name,       Kind::number, element,  {},           since,      range.min,
          range.max,  range.values, fallback, may_be_empty, place.form, place.characteristic,
          place.parm, text};
}

// A limit: empty when there is none.
constexpr PolicySetting limit(std::string_view name, wbxml::Tag element, Version since, Range range,
                              std::string_view text, Place place = kNowhere) {
  return number(name, element, since, range, "", text, place, true);
}

constexpr PolicySetting list(std::string_view name, wbxml::Tag element, wbxml::Tag item,
                             Version since, std::string_view text) {
  return {name, Kind::list, element, item, since, 0, 0, "", "", false, XmlForm::none, "", "", text};
}

constexpr auto k12 = Version::v12_0;
constexpr auto k121 = Version::v12_1;
constexpr wbxml::Tag kOwn{};

constexpr auto kRows = std::to_array<PolicySetting>({
    flag("DevicePasswordEnabled", tag::kDevicePasswordEnabled, k12, "0",
         "The phone must be locked with a password. Without it phones ignore all other password "
         "settings.",
         {XmlForm::inverse, kSecurity, "4131"}),
    flag("AlphanumericDevicePasswordRequired", tag::kAlphanumericDevicePasswordRequired, k12, "0",
         "The password needs letters and digits.",
         {XmlForm::complexity, kPassword, "PasswordComplexity"}),
    flag("PasswordRecoveryEnabled", tag::kPasswordRecoveryEnabled, k12, "0",
         "The phone may store a recovery password on the server."),
    flag("RequireStorageCardEncryption", tag::kRequireStorageCardEncryption, k121, "0",
         "Storage cards must be encrypted."),
    flag("AttachmentsEnabled", tag::kAttachmentsEnabled, k12, "1",
         "Attachments may be downloaded."),
    limit("MinDevicePasswordLength", tag::kMinDevicePasswordLength, k12, {1, 16},
          "Characters that the password has at least.",
          {XmlForm::same, kPassword, "MinimumPasswordLength"}),
    limit("MaxInactivityTimeDeviceLock", tag::kMaxInactivityTimeDeviceLock, k12, {1, 9999},
          "Seconds without use after which the phone locks itself; 9999: never.",
          {XmlForm::minutes, kTimeout, "AEFrequencyValue"}),
    limit("MaxDevicePasswordFailedAttempts", tag::kMaxDevicePasswordFailedAttempts, k12, {4, 16},
          "Wrong passwords after which the phone erases itself.",
          {XmlForm::same, kLassd, "DeviceWipeThreshold"}),
    limit("MaxAttachmentSize", tag::kMaxAttachmentSize, k12, {0, 4294967295},
          "Bytes of the largest attachment that may be downloaded."),
    flag("AllowSimpleDevicePassword", tag::kAllowSimpleDevicePassword, k12, "1",
         "Passwords like 1111 or 1234 are allowed."),
    number("DevicePasswordExpiration", tag::kDevicePasswordExpiration, k12, {0, 730}, "0",
           "Days after which the password must be changed; 0: never.", kNowhere, true),
    number("DevicePasswordHistory", tag::kDevicePasswordHistory, k12, {0, 50}, "0",
           "Former passwords that may not be used again."),
    flag("AllowStorageCard", tag::kAllowStorageCard, k121, "1", "Storage cards may be used."),
    flag("AllowCamera", tag::kAllowCamera, k121, "1", "The camera may be used."),
    flag("RequireDeviceEncryption", tag::kRequireDeviceEncryption, k121, "0",
         "The phone's storage must be encrypted."),
    flag("AllowUnsignedApplications", tag::kAllowUnsignedApplications, k121, "1",
         "Unsigned programs may run."),
    flag("AllowUnsignedInstallationPackages", tag::kAllowUnsignedInstallationPackages, k121, "1",
         "Unsigned packages may be installed."),
    number("MinDevicePasswordComplexCharacters", tag::kMinDevicePasswordComplexCharacters, k121,
           {1, 4}, "1",
           "Kinds of characters (lower case, upper case, digits, others) that the password must "
           "have."),
    flag("AllowWiFi", tag::kAllowWiFi, k121, "1", "Wi-Fi may be used."),
    flag("AllowTextMessaging", tag::kAllowTextMessaging, k121, "1", "Text messages may be used."),
    flag("AllowPOPIMAPEmail", tag::kAllowPOPIMAPEmail, k121, "1",
         "POP and IMAP accounts may be set up."),
    number("AllowBluetooth", tag::kAllowBluetooth, k121, {0, 2}, "2",
           "Bluetooth: 0 not at all, 1 hands-free only, 2 everything."),
    flag("AllowIrDA", tag::kAllowIrDA, k121, "1", "Infrared may be used."),
    flag("RequireManualSyncWhenRoaming", tag::kRequireManualSyncWhenRoaming, k121, "0",
         "No push while roaming."),
    flag("AllowDesktopSync", tag::kAllowDesktopSync, k121, "1",
         "The phone may sync with a desktop computer."),
    number("MaxCalendarAgeFilter", tag::kMaxCalendarAgeFilter, k121, {0, 7, "0 4 5 6 7"}, "0",
           "Past calendar: 0 all, 4 two weeks, 5 one month, 6 three months, 7 six months."),
    flag("AllowHTMLEmail", tag::kAllowHTMLEmail, k121, "1", "HTML mail is allowed."),
    number("MaxEmailAgeFilter", tag::kMaxEmailAgeFilter, k121, {0, 5}, "0",
           "Past mail: 0 all, 1 one day, 2 three days, 3 one week, 4 two weeks, 5 one month."),
    number("MaxEmailBodyTruncationSize", tag::kMaxEmailBodyTruncationSize, k121, {-1, 2147483647},
           "-1", "Size to which text bodies are cut; -1: not at all, 0: to nothing."),
    number("MaxEmailHTMLBodyTruncationSize", tag::kMaxEmailHTMLBodyTruncationSize, k121,
           {-1, 2147483647}, "-1",
           "Size to which HTML bodies are cut; -1: not at all, 0: to nothing."),
    flag("RequireSignedSMIMEMessages", tag::kRequireSignedSMIMEMessages, k121, "0",
         "Outgoing mail must be signed with S/MIME."),
    flag("RequireEncryptedSMIMEMessages", tag::kRequireEncryptedSMIMEMessages, k121, "0",
         "Outgoing mail must be encrypted with S/MIME."),
    number("RequireSignedSMIMEAlgorithm", tag::kRequireSignedSMIMEAlgorithm, k121, {0, 1}, "0",
           "The algorithm for signatures: 0 SHA1, 1 MD5."),
    number("RequireEncryptionSMIMEAlgorithm", tag::kRequireEncryptionSMIMEAlgorithm, k121, {0, 4},
           "0", "The algorithm for encryption: 0 3DES, 1 DES, 2 RC2 128, 3 RC2 64, 4 RC2 40 bits."),
    number("AllowSMIMEEncryptionAlgorithmNegotiation",
           tag::kAllowSMIMEEncryptionAlgorithmNegotiation, k121, {0, 2}, "2",
           "May another algorithm be agreed on: 0 no, 1 a strong one, 2 any."),
    flag("AllowSMIMESoftCerts", tag::kAllowSMIMESoftCerts, k121, "1",
         "Certificates may lie on the phone itself."),
    flag("AllowBrowser", tag::kAllowBrowser, k121, "1", "The web browser may be used."),
    flag("AllowConsumerEmail", tag::kAllowConsumerEmail, k121, "1",
         "Personal mail accounts may be set up."),
    flag("AllowRemoteDesktop", tag::kAllowRemoteDesktop, k121, "1", "Remote desktop may be used."),
    flag("AllowInternetSharing", tag::kAllowInternetSharing, k121, "1",
         "The phone may share its connection."),
    list("UnapprovedInROMApplicationList", tag::kUnapprovedInROMApplicationList,
         tag::kApplicationName, k121, "Built-in programs that may not run."),
    list("ApprovedApplicationList", tag::kApprovedApplicationList, tag::kHash, k121,
         "SHA1 hashes of the only programs that may be loaded; empty: all."),
    flag("AllowNonProvisionableDevices", kOwn, Version::v2_5, "0",
         "Let in, without any of the policy, whatever sends no policy key and has never asked for "
         "the policy, and programs that are known never to (Outlook for Windows, Windows Phone 7). "
         "That may be any program with the password."),
    flag("AllowPartialCompliance", kOwn, Version::v2_5, "1",
         "Let in phones that apply only a part of the policy, or whose version has only a part."),
    flag("AllowRefusedPolicy", kOwn, Version::v2_5, "0",
         "Let in phones that say that they did not apply the policy."),
    flag("AllowExternallyManaged", kOwn, Version::v2_5, "0",
         "Let in phones that say that somebody else manages them."),
    number("RefreshHours", kOwn, Version::v2_5, {0, 8760}, "0",
           "Hours after which a phone must fetch the policy again; 0: only when it changes."),
});

}  // namespace

std::span<const PolicySetting> policy_settings() { return kRows; }

const PolicySetting* find_policy_setting(std::string_view name) {
  const auto* const found = std::find_if(kRows.begin(), kRows.end(), [&](const PolicySetting& row) {
    return storage::equals_ignore_case(row.name, name);
  });
  return found == kRows.end() ? nullptr : &*found;
}

std::string range_text(const PolicySetting& setting) {
  switch (setting.kind) {
    case Kind::boolean:
      return "0 or 1";
    case Kind::list:
      return "list of texts";
    case Kind::number:
      break;
  }
  std::string text = setting.values.empty()
                         ? std::to_string(setting.min) + " to " + std::to_string(setting.max)
                         : "one of " + std::string(setting.values);
  if (setting.may_be_empty) text += ", or empty";
  return text;
}

}  // namespace eas::policy
