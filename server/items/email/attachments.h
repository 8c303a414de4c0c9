// The attachments of a message: their list in ApplicationData and their bytes. [MS-ASAIRS] 2.2.2.7,
// 2.2.2.8; [MS-ASEMAIL] 2.2.2.4 (2.5). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/items/email/structure.h"
#include "server/protocol_version.h"
#include "wbxml/encoder.h"

namespace eas::email {

struct AttachmentInfo {
  std::string name;        // for the user; never empty, without path separators
  std::string part;        // its number
  int method = 1;          // 1 normal, 5 embedded message
  std::uint64_t size = 0;  // estimated from the encoded length
  std::string content_id;
  std::string content_location;
  bool is_inline = false;
};

std::vector<AttachmentInfo> list_attachments(const Mime& mime, const Structure& structure);

// The Attachments element in the form of the version; nothing when there are none.
void write_attachments(const std::vector<AttachmentInfo>& attachments, std::string_view reference,
                       Version version, wbxml::Encoder& out);

// The name under which a part is shown.
std::string attachment_name(GMimeObject* object, std::string_view number);

}  // namespace eas::email
