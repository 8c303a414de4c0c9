// What MessageFlags::annotation holds: the follow-up of a flag and the last verb, as JSON. This
// file and its .cc are the only place that knows the form:
//
//   {"flag":  {"status":2, "type":"Flag for follow up", "subject":"…", "start":"…", "due":"…",
//              "utcStart":"…", "utcDue":"…", "reminder":"…", "completed":"…", "dateCompleted":"…",
//              "ordinal":"…", "subOrdinal":"…"},
//    "verb": {"last":1, "time":"2026-03-01T10:20:30.400Z"}}
//
// Times are dateTime texts as phones sent them. Unknown members are kept. Pure, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "storage/base/clock.h"
#include "storage/mail/mail_store.h"

namespace eas::email {

enum class FlagStatus { cleared = 0, complete = 1, active = 2 };

struct FollowUp {
  FlagStatus status = FlagStatus::cleared;
  std::string type;  // "Flag for follow up"
  std::string subject;
  std::string start, due, utc_start, utc_due;
  std::string reminder;  // "" when no reminder is set
  std::string completed, date_completed;
  std::string ordinal, sub_ordinal;
};

// The flag of a message: what \Flagged says, with the details of the annotation where they agree
// with it. Another program that sets or clears \Flagged wins over old details.
FollowUp follow_up_of(const storage::MessageFlags& flags);

enum class Verb { none = 0, reply = 1, reply_all = 2, forward = 3 };

struct LastVerb {
  Verb verb = Verb::none;
  std::optional<storage::UnixMillis> time;
};

// From the annotation, or from the answered and forwarded flags that other programs set.
LastVerb last_verb_of(const storage::MessageFlags& flags);

// The annotation with the flag replaced; the verb stays. At most 4 KiB: long texts are cut.
std::string annotation_with_flag(std::string_view annotation, const FollowUp& follow_up);

// The annotation with the verb replaced; the flag stays. For SmartReply, SmartForward and the like;
// the caller also sets answered or forwarded.
std::string annotation_with_verb(std::string_view annotation, Verb verb, storage::UnixMillis time);

}  // namespace eas::email
