// The Keyword Query Language as phones send it in Find: [MS-KQL] 2.1, [MS-ASCMD] 2.2.3.80.1. Pure,
// thread-safe; made for foreign input (tests/fuzz/kql_fuzz.cc).
//
//   from:anna subject:"quarterly report" (budget OR plan*) -draft received>=2026-01-01
//
// Words stand for the beginning of words, in any text; "several words" for exactly those. AND, OR,
// NOT (upper case), + and - before a term, parentheses, also after a property: subject:(a OR b).
// Terms side by side must all match, but of one and the same property any. NEAR and ONEAR are read
// as AND.
//
// Properties: subject, from, sender, to, cc, bcc, participants, recipients, body, attachment(s),
// attachmentnames, received, date, sent, size, importance, hasattachment(s), isread, read,
// isflagged, flagged, isdraft, kind, category. Operators: : = < > <= >= <> and a..b. Dates are
// 2026, 2026-01, 2026-01-31, 1/31/2026, with or without a time, and words: today, yesterday, "this
// week", "last month", …; days are those of UTC. What looks like a property and is none is text
// ("http://…").
#pragma once

#include <string_view>

#include "storage/base/clock.h"
#include "storage/base/result.h"
#include "storage/search/search_index.h"

namespace eas {

inline constexpr std::size_t kMostKql = 4096;  // bytes

// invalid: quotes or parentheses that are not closed, an operator without its terms, a property
// without a value or with one that it cannot have, too long or too deep. An empty text is invalid.
storage::Result<storage::SearchQuery> parse_kql(std::string_view text, storage::UnixMillis now);

}  // namespace eas
