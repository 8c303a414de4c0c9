// The common status codes and what takes their place up to 12.1, in one table. [MS-ASCMD] 2.2.2
#pragma once

#include <string>
#include <string_view>

#include "server/commands/command.h"
#include "storage/base/result.h"

namespace eas {

// Values of Status that any command may answer from 14.0 on.
namespace status {
inline constexpr int kInvalidContent = 101;
inline constexpr int kInvalidWbxml = 102;
inline constexpr int kInvalidXml = 103;
inline constexpr int kInvalidDateTime = 104;
inline constexpr int kInvalidCombination = 105;
inline constexpr int kInvalidIds = 106;
inline constexpr int kInvalidMime = 107;
inline constexpr int kDeviceIdInvalid = 108;
inline constexpr int kDeviceTypeInvalid = 109;
inline constexpr int kServerError = 110;
inline constexpr int kServerErrorRetryLater = 111;
inline constexpr int kMailboxFull = 113;
inline constexpr int kRecipientUnresolved = 116;
inline constexpr int kPreviouslySent = 118;
inline constexpr int kNoRecipient = 119;
inline constexpr int kSubmissionFailed = 120;
inline constexpr int kUserDisabledForSync = 126;
inline constexpr int kDeviceBlocked = 129;
inline constexpr int kAccessDenied = 130;
inline constexpr int kCommandNotSupported = 137;
inline constexpr int kVersionNotSupported = 138;
inline constexpr int kNotFullyProvisionable = 139;
inline constexpr int kRemoteWipeRequested = 140;
inline constexpr int kLegacyDevice = 141;
inline constexpr int kNotProvisioned = 142;
inline constexpr int kPolicyRefresh = 143;
inline constexpr int kInvalidPolicyKey = 144;
inline constexpr int kExternallyManaged = 145;
inline constexpr int kItemNotFound = 150;
inline constexpr int kDeviceInformationRequired = 165;
inline constexpr int kInvalidAccountId = 166;
inline constexpr int kRightsManagementDisabled = 168;
inline constexpr int kMaximumDevicesReached = 177;
inline constexpr int kInvalidMimeBodyCombination = 178;
inline constexpr int kInvalidSmartForward = 179;
inline constexpr int kInvalidRecipients = 183;
}  // namespace status

// The HTTP status that 2.5, 12.0 and 12.1 get instead of this common status code; 500 for a code
// that the document gives none for.
int http_status_of(int status);

// An error with a common status code and its HTTP form. `reason` is for the log.
CommandError command_error(int status, std::string reason);

// The error for a failure of a store that a command has no status of its own for: a temporary one
// becomes 111 / 503 (the phone retries), any other 110 / 500 (it does not).
CommandError command_error(const storage::Error& error);

// One log line for a refusal that a command answers with a Status of its own.
void log_refusal(const Request& request, std::string_view command, int status,
                 std::string_view reason);

// The answer of a command that is refused as a whole with a Status of its own, in every version:
// <root><status>N</status></root>. Logs the refusal.
Reply refuse(const Request& request, wbxml::Tag root, wbxml::Tag status_tag, int status,
             std::string_view reason);

// How an error goes out: up to 12.1 as its HTTP status without a body, from 14.0 on as
// <Root><Status>. 503 carries Retry-After.
Reply error_reply(const CommandError& error, const CommandInfo& command, Version version);

}  // namespace eas
