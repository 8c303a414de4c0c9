// The parts of a mail that a phone can change: Read, Flag, Categories; and the last verb.
// [MS-ASEMAIL] 2.2.2.16, 2.2.2.34, 2.2.2.44, 2.2.2.45, 2.2.2.58. Pure, thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/protocol_version.h"
#include "storage/mail/mail_store.h"
#include "wbxml/encoder.h"

namespace eas::email {

void write_read(const storage::MessageFlags& flags, wbxml::Encoder& out);

// From 12.0. An empty Flag when there is none, as [MS-ASEMAIL] 2.2.2.34 says.
void write_flag(const storage::MessageFlags& flags, Version version, wbxml::Encoder& out);

// From 14.0. An empty Categories when there are none.
void write_categories(const storage::MessageFlags& flags, Version version, wbxml::Encoder& out);

// From 14.0. Nothing when the message was neither answered nor forwarded.
void write_last_verb(const storage::MessageFlags& flags, Version version, wbxml::Encoder& out);

// Whether a keyword is a category for the user and no marker of some mail program ("$MDNSent",
// "NonJunk"). Markers are kept when a phone replaces the categories.
bool is_category(std::string_view keyword);

}  // namespace eas::email
