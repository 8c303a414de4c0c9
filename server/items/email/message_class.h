// MessageClass and ContentClass from the MIME structure. [MS-ASEMAIL] 2.2.2.20, 2.2.2.49. Pure.
#pragma once

#include <string_view>

#include "server/items/email/structure.h"

namespace eas::email {

struct MessageClass {
  std::string_view name = "IPM.Note";
  std::string_view content_class = "urn:content-classes:message";
  bool smime = false;  // MIMESupport 1 sends the whole MIME of these
};

MessageClass classify(const Mime& mime, const Structure& structure);

}  // namespace eas::email
