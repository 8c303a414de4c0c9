// The text of an original as it stands under a reply or in a forward. Pure, thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "server/items/email/mime.h"

namespace eas::compose {

enum class Kind { reply, forward };

// Who wrote what to whom and when: the lines above a quoted text. UTF-8, no line ends.
struct Citation {
  std::string from, sent, to, cc, subject;
};

Citation citation_of(const email::Mime& original);

// The phone's text, then the original's: quoted with "> " in a reply, as it is in a forward.
std::string join_plain(std::string_view own, std::string_view original, const Citation& citation,
                       Kind kind);

// The same of two HTML documents, in UTF-8: one document, the phone's, that holds the other's
// content and its styles.
std::string join_html(std::string_view own, std::string_view original, const Citation& citation,
                      Kind kind);

}  // namespace eas::compose
