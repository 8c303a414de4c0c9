// MIME → Email, the whole way from stored bytes to ApplicationData. [MS-ASEMAIL] 2.2.2,
// [MS-ASAIRS] 2.2.2. Pure: bytes in, WBXML out; no I/O, no clock. Thread-safe.
//
// Never fails on a message for being badly made: it reads what it can. What cannot be read at all
// goes out as a placeholder (render_placeholder) so that the folder moves on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/items/body_preference.h"
#include "server/protocol_version.h"
#include "storage/base/result.h"
#include "storage/mail/mail_store.h"
#include "wbxml/encoder.h"

namespace eas::email {

// What is known about the message besides its bytes.
struct Context {
  Version version = Version::v16_1;
  // Prefix of FileReference / AttName of this message's attachments, for instance "m1:42"; the
  // attachment's part number is appended as ":2". Opaque to the phone.
  std::string reference;
  bool draft = false;  // in Drafts: IsDraft 1 for 16.x
};

// Writes the children of ApplicationData (or of ItemOperations/Search Properties) for the message:
// every element of MS-ASEMAIL that it can carry and that `context.version` has, in schema order.
// Returns an error only when nothing can be made of the bytes; `out` is then as it was before.
storage::Result<void> render(std::string_view bytes, const storage::MessageInfo& info,
                             const Context& context, const BodyOptions& options,
                             wbxml::Encoder& out);

// Only what changed, for a Change that is no content change: aspects are storage::aspect bits.
// [MS-ASEMAIL] 3.2.5.4.1. Writes nothing when the version has none of the elements.
void render_flag_change(const storage::MessageInfo& info, unsigned aspects, Version version,
                        wbxml::Encoder& out);

// Subject (as far as it can be read), dates and a plain body that says that the message could not
// be shown. Always succeeds.
void render_placeholder(std::string_view bytes, const storage::MessageInfo& info,
                        const Context& context, std::string_view reason, wbxml::Encoder& out);

// The flag changes that a phone asks for in the ApplicationData of a Change: Read, Flag with all of
// follow-up, Categories. invalid: an element that a phone must not change, or a malformed value.
storage::Result<storage::FlagChange> parse_change(const wbxml::Element& application_data,
                                                  const storage::MessageInfo& current,
                                                  Version version);

// One attachment, decoded. `part` is what followed `reference` in the FileReference ("2", "1.3").
// not_found: no such part.
struct Attachment {
  std::string content_type;  // "image/png"
  std::string name;
  std::string bytes;
};
storage::Result<Attachment> attachment(std::string_view bytes, std::string_view part);

}  // namespace eas::email
