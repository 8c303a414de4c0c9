// Annotations are written by us but read as if anybody had: a malformed one counts as empty.
#include "server/items/email/follow_up.h"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "server/items/clean_text.h"
#include "server/items/dates.h"

namespace eas::email {
namespace {

using nlohmann::json;

// UTF-16 characters of one text: eleven of them, escaped or in three bytes each, stay under 4 KiB.
constexpr std::size_t kMaxText = 100;

constexpr std::array<std::pair<const char*, std::string FollowUp::*>, 11> kTexts = {{
    {"type", &FollowUp::type},
    {"subject", &FollowUp::subject},
    {"start", &FollowUp::start},
    {"due", &FollowUp::due},
    {"utcStart", &FollowUp::utc_start},
    {"utcDue", &FollowUp::utc_due},
    {"reminder", &FollowUp::reminder},
    {"completed", &FollowUp::completed},
    {"dateCompleted", &FollowUp::date_completed},
    {"ordinal", &FollowUp::ordinal},
    {"subOrdinal", &FollowUp::sub_ordinal},
}};

json parse(std::string_view annotation) {
  json parsed = json::parse(annotation, nullptr, false);
  return parsed.is_object() ? parsed : json::object();
}

std::string text_member(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

int number_member(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number_integer() ? found->get<int>() : 0;
}

json object_member(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_object() ? *found : json::object();
}

std::string dump(const json& value) {
  return value.empty() ? std::string() : value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

FollowUp follow_up_of(const storage::MessageFlags& flags) {
  FollowUp result;
  const json flag = object_member(parse(flags.annotation), "flag");
  const int status = number_member(flag, "status");
  if (flags.flagged && status != 2) {
    result.status = FlagStatus::active;  // set elsewhere: old details are not about it
  } else if (flags.flagged || status == 1) {
    result.status = flags.flagged ? FlagStatus::active : FlagStatus::complete;
    for (const auto& [name, member] : kTexts) result.*member = text_member(flag, name);
  } else {
    return result;
  }
  if (result.type.empty()) result.type = "Flag for follow up";
  return result;
}

LastVerb last_verb_of(const storage::MessageFlags& flags) {
  LastVerb result;
  const json verb = object_member(parse(flags.annotation), "verb");
  const int last = number_member(verb, "last");
  if (last >= 1 && last <= 3 && (last == 3 ? flags.forwarded : flags.answered)) {
    result.verb = static_cast<Verb>(last);
    result.time = parse_date_time(text_member(verb, "time"));
    return result;
  }
  if (flags.answered) {
    result.verb = Verb::reply;
  } else if (flags.forwarded) {
    result.verb = Verb::forward;
  }
  return result;
}

std::string annotation_with_flag(std::string_view annotation, const FollowUp& follow_up) {
  json root = parse(annotation);
  if (follow_up.status == FlagStatus::cleared) {
    root.erase("flag");
    return dump(root);
  }
  json flag = json::object();
  flag["status"] = static_cast<int>(follow_up.status);
  for (const auto& [name, member] : kTexts) {
    const std::string& text = follow_up.*member;
    if (!text.empty()) flag[name] = utf16_prefix(text, kMaxText);
  }
  root["flag"] = std::move(flag);
  return dump(root);
}

std::string annotation_with_verb(std::string_view annotation, Verb verb, storage::UnixMillis time) {
  json root = parse(annotation);
  root["verb"] = {{"last", static_cast<int>(verb)}, {"time", format_date_time(time)}};
  return dump(root);
}

}  // namespace eas::email
