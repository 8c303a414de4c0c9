// A stored message → what the full-text index keeps of it: its texts, apart by field, and what it
// can be filtered by. Pure, thread-safe.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "storage/mail/mail_store.h"
#include "storage/search/search_index.h"

namespace eas::email {

inline constexpr std::size_t kMostSearchBody = 256 * 1024;   // bytes of body text
inline constexpr std::size_t kMostSearchHeader = 32 * 1024;  // of each list of addresses or names

// Always makes a document. Of a message that cannot be read only dates, size and flags are in it.
// The body is the text that a reader sees: HTML as text, and the plain text beside it where it says
// something else. Attached files are known by their names, not by what is in them.
storage::SearchDocument search_document(std::string_view bytes, const storage::MessageInfo& info);

// search_flag:: bits of what can change of a message, and its categories.
storage::SearchFlags search_flags(const storage::MessageInfo& info);

}  // namespace eas::email
