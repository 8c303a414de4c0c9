// A reply or forward as it goes out: what the phone wrote and the original that only the server
// has. [MS-ASCMD] 2.2.1.19, 2.2.1.20. Pure: bytes in, bytes out; thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "server/items/compose/quote.h"
#include "storage/base/result.h"

namespace eas::compose {

// The phone's message with the original appended: its text under the phone's in each form that the
// phone wrote; a forward has its attachments too, as they stand there, a reply only the pictures
// that its text shows. An original that cannot be quoted (encrypted, signed with S/MIME, broken) is
// attached whole, byte for byte. A submission that is signed or encrypted stays what it is: only
// the header may grow. In-Reply-To and References are set where the phone set none.
// invalid: the submission is no message.
storage::Result<std::string> answer(std::string_view submitted, std::string_view original,
                                    Kind kind);

// The phone's message as it is, but for In-Reply-To and References where it set none: ReplaceMime.
std::string with_thread(std::string_view submitted, std::string_view original);

}  // namespace eas::compose
