// A forward that the phone did not write as a message: 16.x names the recipients and the words, and
// the server makes the rest. [MS-ASCMD] 2.2.3.79, 2.2.3.169. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/items/email/headers.h"
#include "storage/base/result.h"

namespace eas::compose {

struct MeetingForward {
  std::vector<email::Address> to;
  std::string text;   // UTF-8; may be empty
  bool html = false;  // what `text` is
};

// The whole message but for From, Date and Message-ID. Fails as answer() does.
storage::Result<std::string> forward_to(const MeetingForward& forward, std::string_view original);

}  // namespace eas::compose
