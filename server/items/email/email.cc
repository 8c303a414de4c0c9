// Puts the pieces together in the order in which Exchange sends them; the schema leaves it free.
#include "server/items/email/email.h"

#include <algorithm>
#include <array>

#include "server/items/charset.h"
#include "server/items/clean_text.h"
#include "server/items/dates.h"
#include "server/items/email/attachments.h"
#include "server/items/email/body.h"
#include "server/items/email/conversation.h"
#include "server/items/email/conversation_key.h"
#include "server/items/email/flags.h"
#include "server/items/email/headers.h"
#include "server/items/email/message_class.h"
#include "server/items/email/mime.h"
#include "server/items/email/structure.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"

namespace eas::email {
namespace {

namespace base = wbxml::airsync_base;
namespace mail = wbxml::email;
namespace mail2 = wbxml::email2;
using storage::ErrorKind;
using storage::Result;

void write_text(wbxml::Tag tag, std::string_view text, wbxml::Encoder& out) {
  if (!text.empty()) out.text(tag, text);
}

void write_envelope(const Envelope& envelope, const storage::MessageInfo& info,
                    wbxml::Encoder& out) {
  write_text(mail::kTo, envelope.to, out);
  write_text(mail::kCc, envelope.cc, out);
  write_text(mail::kFrom, envelope.from, out);
  write_text(mail::kSubject, envelope.subject, out);
  write_text(mail::kReplyTo, envelope.reply_to, out);
  out.text(mail::kDateReceived, format_date_time(info.date));
  write_text(mail::kDisplayTo, envelope.display_to, out);
  write_text(mail::kThreadTopic, envelope.thread_topic, out);
  out.number(mail::kImportance, envelope.importance);
  write_read(info.flags, out);
}

// The charset that the text of the message was written in.
std::string_view body_charset(const Structure& structure) {
  for (const Segment& segment : structure.segments) {
    GMimePart* part = segment.html != nullptr ? segment.html : segment.plain;
    return content_type_parameter(GMIME_OBJECT(part), "charset");
  }
  return {};
}

// Voice mail of Exchange unified messaging. [MS-ASEMAIL] 2.2.2.83, 2.2.2.84
void write_voice(const Mime& mime, Version version, wbxml::Encoder& out) {
  if (version < Version::v14_0) return;
  const std::string content_class = storage::to_lower(mime.header("Content-Class"));
  if (content_class.find("voice") == std::string::npos) return;
  write_text(mail2::kUmCallerID, decode_header(mime.header("X-CallingTelephoneNumber")), out);
}

void write_from_14_0(const Mime& mime, const Envelope& envelope, const storage::MessageInfo& info,
                     const Context& context, wbxml::Encoder& out) {
  if (context.version < Version::v14_0) return;
  write_voice(mime, context.version, out);
  out.opaque(mail2::kConversationId, conversation_id(mime, envelope.thread_topic));
  out.opaque(mail2::kConversationIndex, conversation_index(mime, info.date));
  write_last_verb(info.flags, context.version, out);
  write_text(mail2::kSender, envelope.sender, out);
  write_categories(info.flags, context.version, out);
  if (context.version < Version::v16_0 || !context.draft) return;
  write_text(mail2::kBcc, envelope.bcc, out);
  out.text(mail2::kIsDraft, "1");
}

// The first header lines as far as they can be read without a parser.
std::string_view find_header(std::string_view bytes, std::string_view name) {
  constexpr std::size_t kLook = 64 * 1024;
  bytes = bytes.substr(0, kLook);
  std::size_t at = 0;
  while (at < bytes.size()) {
    const std::size_t end = std::min(bytes.find('\n', at), bytes.size());
    const std::string_view line = bytes.substr(at, end - at);
    if (storage::trim(line).empty()) break;
    if (line.size() > name.size() && line[name.size()] == ':' &&
        storage::starts_with_ignore_case(line, name)) {
      std::size_t stop = end;
      while (stop + 1 < bytes.size() && (bytes[stop + 1] == ' ' || bytes[stop + 1] == '\t')) {
        stop = std::min(bytes.find('\n', stop + 1), bytes.size());
      }
      return bytes.substr(at + name.size() + 1, std::min<std::size_t>(stop - at, 4096) -
                                                    std::min<std::size_t>(name.size() + 1, 4096));
    }
    at = end + 1;
  }
  return {};
}

void write_placeholder_body(std::string_view reason, Version version, wbxml::Encoder& out) {
  std::string text =
      "This message could not be shown. It is stored unchanged on the server, and your "
      "administrator can see why.\r\n";
  if (!reason.empty()) text += "(" + single_line(reason) + ")\r\n";
  if (version < Version::v12_0) {
    out.text(mail::kBodyTruncated, "0");
    out.number(mail::kBodySize, static_cast<std::int64_t>(text.size()));
    out.text(mail::kBody, text);
    return;
  }
  out.start(base::kBody);
  out.number(base::kType, static_cast<int>(BodyType::plain));
  out.number(base::kEstimatedDataSize, static_cast<std::int64_t>(text.size()));
  out.text(base::kData, text);
  out.end();
}

}  // namespace

Result<void> render(std::string_view bytes, const storage::MessageInfo& info,
                    const Context& context, const BodyOptions& options, wbxml::Encoder& out) {
  GODWIT_ASSIGN(const Mime mime, Mime::parse(bytes));
  const Structure structure = read_structure(mime);
  const Envelope envelope = read_envelope(mime);
  const MessageClass message_class = classify(mime, structure);
  write_envelope(envelope, info, out);
  write_attachments(list_attachments(mime, structure), context.reference, context.version, out);
  const BodySource source(mime, structure);
  write_body(source, {bytes, message_class.smime, context.version}, options, out);
  out.text(mail::kMessageClass, message_class.name);
  out.number(mail::kInternetCPID, code_page_of(body_charset(structure)));
  write_flag(info.flags, context.version, out);
  if (context.version >= Version::v12_0) {
    out.text(mail::kContentClass, message_class.content_class);
    out.number(base::kNativeBodyType, static_cast<int>(source.native_type()));
  }
  write_from_14_0(mime, envelope, info, context, out);
  return {};
}

void render_placeholder(std::string_view bytes, const storage::MessageInfo& info,
                        const Context& context, std::string_view reason, wbxml::Encoder& out) {
  Envelope envelope;
  envelope.from =
      format_addresses(parse_addresses(find_header(bytes, "From")), ", ", std::size_t{1024});
  envelope.subject = utf16_prefix(decode_header(find_header(bytes, "Subject")), 1024);
  if (envelope.subject.empty()) envelope.subject = "(unreadable message)";
  envelope.thread_topic = topic_of(envelope.subject);
  write_envelope(envelope, info, out);
  write_placeholder_body(reason, context.version, out);
  out.text(mail::kMessageClass, "IPM.Note");
  out.text(mail::kInternetCPID, "65001");
  write_flag(info.flags, context.version, out);
  if (context.version >= Version::v12_0) {
    out.text(mail::kContentClass, "urn:content-classes:message");
    out.number(base::kNativeBodyType, static_cast<int>(BodyType::plain));
  }
  if (context.version < Version::v14_0) return;
  out.opaque(mail2::kConversationId, conversation_id_of(bytes, info));
  out.opaque(mail2::kConversationIndex, placeholder_conversation_index(info.date));
  write_categories(info.flags, context.version, out);
  if (context.version >= Version::v16_0 && context.draft) out.text(mail2::kIsDraft, "1");
}

Result<Attachment> attachment(std::string_view bytes, std::string_view part) {
  GODWIT_ASSIGN(const Mime mime, Mime::parse(bytes));
  const AttachedPart found = find_part(mime, part);
  if (found.object == nullptr) {
    return storage::fail(ErrorKind::not_found, "the message has no such part");
  }
  Attachment result;
  result.content_type = content_type_of(found.object);
  result.name = attachment_name(found.object, found.number);
  if (GMIME_IS_MESSAGE_PART(found.object)) {
    result.bytes = mime.raw_message(GMIME_MESSAGE_PART(found.object), found.boundary);
  } else if (GMIME_IS_PART(found.object)) {
    auto* leaf = GMIME_PART(found.object);
    result.bytes =
        decode_transfer(mime.raw_content(leaf), g_mime_part_get_content_encoding(leaf), kWhole)
            .bytes;
  }
  return result;
}

}  // namespace eas::email
