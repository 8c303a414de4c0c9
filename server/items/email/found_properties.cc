#include "server/items/email/found_properties.h"

#include <algorithm>
#include <string>

#include "server/items/dates.h"
#include "server/items/email/attachments.h"
#include "server/items/email/body.h"
#include "server/items/email/flags.h"
#include "server/items/email/headers.h"
#include "server/items/email/mime.h"
#include "server/items/email/structure.h"
#include "wbxml/code_pages.h"

namespace eas::email {
namespace {

namespace mail = wbxml::email;
namespace tag = wbxml::find;

constexpr std::size_t kPreviewUnits = 255;

void write_text(wbxml::Tag name, std::string_view text, wbxml::Encoder& out) {
  if (!text.empty()) out.text(name, text);
}

// Written whether the message can be read or not.
void write_known(const storage::MessageInfo& info, wbxml::Encoder& out) {
  write_read(info.flags, out);
  out.text(wbxml::email2::kIsDraft, info.flags.draft ? "1" : "0");
}

}  // namespace

void write_found_properties(std::string_view bytes, const storage::MessageInfo& info,
                            wbxml::Encoder& out) {
  const auto mime = Mime::parse(bytes);
  if (!mime) {
    out.text(mail::kSubject, "(unreadable message)");
    out.text(mail::kDateReceived, format_date_time(info.date));
    return write_known(info, out);
  }
  const Structure structure = read_structure(*mime);
  const Envelope envelope = read_envelope(*mime);
  const auto attachments = list_attachments(*mime, structure);
  const bool attached = std::any_of(attachments.begin(), attachments.end(),
                                    [](const AttachmentInfo& one) { return !one.is_inline; });
  write_text(mail::kSubject, envelope.subject, out);
  out.text(mail::kDateReceived, format_date_time(info.date));
  write_text(mail::kDisplayTo, envelope.display_to, out);
  write_text(tag::kDisplayCc, envelope.display_cc, out);
  write_text(tag::kDisplayBcc, envelope.display_bcc, out);
  out.number(mail::kImportance, envelope.importance);
  write_known(info, out);
  write_text(tag::kPreview, BodySource(*mime, structure).preview(kPreviewUnits), out);
  out.text(tag::kHasAttachments, attached ? "1" : "0");
  write_text(mail::kFrom, envelope.from, out);
}

}  // namespace eas::email
