#include "server/items/email/flags.h"

#include <algorithm>
#include <array>

#include "server/items/clean_text.h"
#include "server/items/dates.h"
#include "server/items/email/email.h"
#include "server/items/email/follow_up.h"
#include "storage/base/text.h"
#include "storage/collection.h"
#include "wbxml/code_pages.h"

namespace eas::email {
namespace {

namespace mail = wbxml::email;
namespace mail2 = wbxml::email2;
namespace tasks = wbxml::tasks;
using storage::ErrorKind;
using storage::Result;
using wbxml::Element;
using wbxml::Tag;

constexpr std::size_t kMaxCategories = 300;  // Email.xsd
constexpr std::size_t kMaxCategoryUnits = 255;

struct Field {
  Tag tag;
  std::string FollowUp::*member;
  bool is_date;
};

// The texts of a Flag in the order in which they are sent.
constexpr std::array<Field, 10> kFields = {{
    {tasks::kDateCompleted, &FollowUp::date_completed, true},
    {mail::kCompleteTime, &FollowUp::completed, true},
    {tasks::kStartDate, &FollowUp::start, true},
    {tasks::kDueDate, &FollowUp::due, true},
    {tasks::kUtcStartDate, &FollowUp::utc_start, true},
    {tasks::kUtcDueDate, &FollowUp::utc_due, true},
    {tasks::kReminderTime, &FollowUp::reminder, true},
    {tasks::kOrdinalDate, &FollowUp::ordinal, true},
    {tasks::kSubOrdinalDate, &FollowUp::sub_ordinal, false},
    {tasks::kSubject, &FollowUp::subject, false},
}};

void write_follow_up(const FollowUp& follow_up, wbxml::Encoder& out) {
  if (!follow_up.subject.empty()) out.text(tasks::kSubject, single_line(follow_up.subject));
  out.number(mail::kStatus, static_cast<int>(follow_up.status));
  out.text(mail::kFlagType, single_line(follow_up.type));
  for (const Field& field : kFields) {
    const std::string& text = follow_up.*field.member;
    if (text.empty() || field.tag == tasks::kSubject) continue;
    if (field.tag == tasks::kReminderTime) out.text(tasks::kReminderSet, "1");
    out.text(field.tag, single_line(text));
  }
}

// Without a value it is true. [MS-ASDTYPE] 2.1
Result<bool> parse_boolean(const Element& element) {
  if (element.is_empty() || (element.children.empty() && element.text == "1")) return true;
  if (element.children.empty() && element.text == "0") return false;
  return storage::fail(ErrorKind::invalid, wbxml::to_string(element.tag) + " is no boolean");
}

Result<FlagStatus> parse_status(const Element& flag) {
  const auto text = flag.text_of(mail::kStatus);
  // An empty Flag clears it; some phones leave out the Status of an active one.
  if (!text) return flag.is_empty() ? FlagStatus::cleared : FlagStatus::active;
  if (*text == "0") return FlagStatus::cleared;
  if (*text == "1") return FlagStatus::complete;
  if (*text == "2") return FlagStatus::active;
  return storage::fail(ErrorKind::invalid, "Flag Status is not 0, 1 or 2");
}

bool is_known_in_flag(Tag tag) {
  return tag == mail::kStatus || tag == mail::kFlagType || tag == tasks::kReminderSet ||
         std::any_of(kFields.begin(), kFields.end(), [&](const Field& f) { return f.tag == tag; });
}

bool is_after(const std::string& first, const std::string& second) {
  const auto from = parse_date_time(first);
  const auto to = parse_date_time(second);
  return from && to && *from > *to;
}

// [MS-ASEMAIL] 2.2.2.31, .65, .72, .86, .87: the four dates together or none, in order; a reminder
// needs its time.
Result<void> check_dates(const FollowUp& follow_up, bool reminder_set) {
  const bool any = !follow_up.start.empty() || !follow_up.due.empty() ||
                   !follow_up.utc_start.empty() || !follow_up.utc_due.empty();
  const bool all = !follow_up.start.empty() && !follow_up.due.empty() &&
                   !follow_up.utc_start.empty() && !follow_up.utc_due.empty();
  if (any && !all) {
    return storage::fail(ErrorKind::invalid, "Flag has some but not all of its four dates");
  }
  if (is_after(follow_up.start, follow_up.due) ||
      is_after(follow_up.utc_start, follow_up.utc_due)) {
    return storage::fail(ErrorKind::invalid, "Flag is due before it starts");
  }
  if (reminder_set && follow_up.reminder.empty()) {
    return storage::fail(ErrorKind::invalid, "Flag has ReminderSet without ReminderTime");
  }
  return {};
}

Result<FollowUp> parse_flag(const Element& flag) {
  FollowUp follow_up;
  if (!flag.text.empty()) return storage::fail(ErrorKind::invalid, "Flag has text");
  for (const Element& child : flag.children) {
    if (!is_known_in_flag(child.tag) || !child.children.empty()) {
      return storage::fail(ErrorKind::invalid, "Flag has " + wbxml::to_string(child.tag));
    }
  }
  GODWIT_ASSIGN(follow_up.status, parse_status(flag));
  if (follow_up.status == FlagStatus::cleared) return follow_up;
  follow_up.type = single_line(flag.text_of(mail::kFlagType).value_or(""));
  for (const Field& field : kFields) {
    const auto text = flag.text_of(field.tag);
    if (!text || text->empty()) continue;
    if (field.is_date && !parse_date_time(*text)) {
      return storage::fail(ErrorKind::invalid, wbxml::to_string(field.tag) + " is no date");
    }
    follow_up.*field.member = single_line(*text);
  }
  bool reminder_set = false;
  if (const Element* set = flag.child(tasks::kReminderSet); set != nullptr) {
    GODWIT_ASSIGN(reminder_set, parse_boolean(*set));
  }
  GODWIT_TRY(check_dates(follow_up, reminder_set));
  if (!reminder_set) follow_up.reminder.clear();
  return follow_up;
}

Result<std::vector<std::string>> parse_categories(const Element& categories,
                                                  const storage::MessageFlags& current) {
  std::vector<std::string> keywords;
  if (categories.children.size() > kMaxCategories || !categories.text.empty()) {
    return storage::fail(ErrorKind::invalid, "Categories malformed or more than 300");
  }
  const auto add = [&](const std::string& keyword) {
    if (std::find(keywords.begin(), keywords.end(), keyword) == keywords.end()) {
      keywords.push_back(keyword);
    }
  };
  for (const Element& child : categories.children) {
    const std::string name(utf16_prefix(single_line(child.text), kMaxCategoryUnits));
    if (child.tag != mail::kCategory || !child.children.empty()) {
      return storage::fail(ErrorKind::invalid, "Categories has " + wbxml::to_string(child.tag));
    }
    if (!name.empty()) add(name);
  }
  for (const std::string& keyword : current.keywords) {
    if (!is_category(keyword)) add(keyword);
  }
  return keywords;
}

}  // namespace

bool is_category(std::string_view keyword) {
  static constexpr std::array<std::string_view, 5> kMarkers = {"NonJunk", "Junk", "NotJunk",
                                                               "unknown-0", "Old"};
  if (keyword.empty() || keyword.front() == '$' || keyword.front() == '\\') return false;
  return std::none_of(kMarkers.begin(), kMarkers.end(), [&](std::string_view marker) {
    return storage::equals_ignore_case(keyword, marker);
  });
}

void write_read(const storage::MessageFlags& flags, wbxml::Encoder& out) {
  out.text(mail::kRead, flags.seen ? "1" : "0");
}

void write_flag(const storage::MessageFlags& flags, Version version, wbxml::Encoder& out) {
  if (version < Version::v12_0) return;
  const FollowUp follow_up = follow_up_of(flags);
  if (follow_up.status == FlagStatus::cleared) return out.empty(mail::kFlag);
  out.start(mail::kFlag);
  write_follow_up(follow_up, out);
  out.end();
}

void write_categories(const storage::MessageFlags& flags, Version version, wbxml::Encoder& out) {
  if (version < Version::v14_0) return;
  out.start(mail::kCategories);
  std::size_t count = 0;
  for (const std::string& keyword : flags.keywords) {
    if (!is_category(keyword) || count >= kMaxCategories) continue;
    const std::string name = single_line(keyword);
    if (name.empty()) continue;
    out.text(mail::kCategory, name);
    ++count;
  }
  out.end();
}

void write_last_verb(const storage::MessageFlags& flags, Version version, wbxml::Encoder& out) {
  if (version < Version::v14_0) return;
  const LastVerb last = last_verb_of(flags);
  if (last.verb == Verb::none) return;
  out.number(mail2::kLastVerbExecuted, static_cast<int>(last.verb));
  if (last.time) out.text(mail2::kLastVerbExecutionTime, format_date_time(*last.time));
}

void render_flag_change(const storage::MessageInfo& info, unsigned aspects, Version version,
                        wbxml::Encoder& out) {
  if ((aspects & storage::aspect::kRead) != 0) write_read(info.flags, out);
  if ((aspects & storage::aspect::kFlag) != 0) write_flag(info.flags, version, out);
  if ((aspects & storage::aspect::kCategories) != 0) write_categories(info.flags, version, out);
  if ((aspects & storage::aspect::kVerb) != 0) write_last_verb(info.flags, version, out);
}

Result<storage::FlagChange> parse_change(const Element& application_data,
                                         const storage::MessageInfo& current, Version version) {
  storage::FlagChange change;
  for (const Element& child : application_data.children) {
    if (child.tag == mail::kRead) {
      GODWIT_ASSIGN(change.seen, parse_boolean(child));
    } else if (child.tag == mail::kFlag && version >= Version::v12_0) {
      GODWIT_ASSIGN(const FollowUp follow_up, parse_flag(child));
      change.flagged = follow_up.status == FlagStatus::active;
      change.annotation = annotation_with_flag(current.flags.annotation, follow_up);
    } else if (child.tag == mail::kCategories && version >= Version::v14_0) {
      GODWIT_ASSIGN(change.keywords, parse_categories(child, current.flags));
    } else {
      return storage::fail(ErrorKind::invalid,
                           wbxml::to_string(child.tag) + " cannot be changed by a phone");
    }
  }
  return change;
}

}  // namespace eas::email
