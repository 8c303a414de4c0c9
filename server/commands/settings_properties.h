// The named properties of Settings: one file each, and one row each in settings.cc.
// [MS-ASCMD] 2.2.1.18
#pragma once

#include "server/commands/command.h"
#include "storage/base/result.h"
#include "wbxml/element.h"
#include "wbxml/encoder.h"

namespace eas {

// Status of Settings and of its properties. [MS-ASCMD] 2.2.3.177.15
namespace settings_status {
inline constexpr int kSuccess = 1;
inline constexpr int kProtocolError = 2;
inline constexpr int kAccessDenied = 3;
inline constexpr int kInvalidArguments = 5;
inline constexpr int kConflictingArguments = 6;
inline constexpr int kDeniedByPolicy = 7;
inline constexpr int kIrmDisabled = 168;
}  // namespace settings_status

// Each does what the property of a request asks for and writes the property's answer, Status first.
// The error when a store failed; nothing was written then that would make sense to a phone.
storage::Result<void> answer_oof(const wbxml::Element& property, Request& request,
                                 const Services& services, wbxml::Encoder& out);
storage::Result<void> answer_device_password(const wbxml::Element& property, Request& request,
                                             const Services& services, wbxml::Encoder& out);
storage::Result<void> answer_device_information(const wbxml::Element& property, Request& request,
                                                const Services& services, wbxml::Encoder& out);
storage::Result<void> answer_user_information(const wbxml::Element& property, Request& request,
                                              const Services& services, wbxml::Encoder& out);
storage::Result<void> answer_rights_management(const wbxml::Element& property, Request& request,
                                               const Services& services, wbxml::Encoder& out);

// <property><Status>status</Status></property>; a refusal is logged with its reason.
void write_property_status(wbxml::Tag property, int status, std::string_view reason,
                           const Request& request, wbxml::Encoder& out);

}  // namespace eas
