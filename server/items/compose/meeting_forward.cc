#include "server/items/compose/meeting_forward.h"

#include "server/items/compose/addresses.h"
#include "server/items/compose/answer.h"
#include "server/items/compose/assembly.h"
#include "server/items/compose/header_fields.h"

namespace eas::compose {

storage::Result<std::string> forward_to(const MeetingForward& forward, std::string_view original) {
  std::string header =
      address_field("To", email::format_addresses(forward.to, ", ", std::size_t{1} << 20));
  const Header fields = parse_header(original);
  const Field* subject = fields.find("Subject");
  const std::string title = subject == nullptr ? "" : email::decode_header(subject->value);
  header += "Subject: " + encode_text("FW: " + std::string(email::topic_of(title))) + "\r\n";
  Assembly parts;
  (forward.html ? parts.html : parts.plain) = forward.text;
  return answer(assemble(header, parts).bytes, original, Kind::forward);
}

}  // namespace eas::compose
