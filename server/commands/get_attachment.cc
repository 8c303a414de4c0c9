// GetAttachment, up to 12.1: an attachment as the answer's body. [MS-ASCMD] 2.2.1.7
//
// The name is the one that Sync gave (email:AttName, or airsyncbase:FileReference). Some phones
// encode a part of it twice (quirks: Android AOSP); our names hold no '%', so what is left of one
// is taken off again.
#include <string>
#include <string_view>

#include "server/commands/commands.h"
#include "server/commands/status.h"
#include "server/items/email/email.h"
#include "server/sync/server_id.h"
#include "storage/base/text.h"

namespace eas {
namespace {

using storage::Result;

Result<email::Attachment> load(const Request& request) {
  std::string name = request.query.attachment_name;
  if (name.find('%') != std::string::npos) name = storage::percent_decode(name);
  const std::string_view trimmed = storage::trim(name);
  const std::size_t colon = trimmed.rfind(':');
  const auto item =
      colon == std::string_view::npos ? std::nullopt : parse_item_id(trimmed.substr(0, colon));
  if (!item) return storage::fail(storage::ErrorKind::not_found, "not an attachment of ours");
  GODWIT_ASSIGN(const storage::MessageBytes bytes,
                request.mailbox->bytes(item->first, item->second));
  return email::attachment(bytes.view(), trimmed.substr(colon + 1));
}

}  // namespace

CommandResult run_get_attachment(Request& request, const Services& /*services*/) {
  auto attachment = load(request);
  if (!attachment) {
    if (attachment.error().kind == storage::ErrorKind::unavailable) {
      return command_error(attachment.error());  // 503: the phone comes again
    }
    return CommandError{status::kServerError, 500, attachment.error().message};
  }
  Reply reply;
  reply.content_type = attachment->content_type.empty() ? "application/octet-stream"
                                                        : std::move(attachment->content_type);
  reply.body = std::move(attachment->bytes);
  return reply;
}

}  // namespace eas
