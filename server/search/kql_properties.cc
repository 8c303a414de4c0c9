// Days, weeks and months are those of UTC: a phone does not say where it is. Weeks begin on Sunday,
// as in Exchange.
#include "server/search/kql_properties.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <string>
#include <utility>

#include "server/items/dates.h"
#include "storage/base/text.h"

namespace eas::kql {

using storage::ErrorKind;
using storage::fail;
using storage::field_bit;
using storage::Result;
using storage::SearchField;
using storage::SearchQuery;
using storage::UnixMillis;
using Column = SearchQuery::Column;
using Kind = SearchQuery::Kind;
namespace flag = storage::search_flag;
namespace chrono = std::chrono;

struct Property {
  enum class Type { text, date, size, importance, flag, kind, category };
  std::string_view name;
  Type type = Type::text;
  unsigned bits = 0;  // fields of a text, flags of a flag
  Column column = Column::received;
};

namespace {

constexpr UnixMillis kDay = 86'400'000;
constexpr auto kLowest = std::numeric_limits<std::int64_t>::min();
constexpr auto kHighest = std::numeric_limits<std::int64_t>::max();

constexpr unsigned kTo = field_bit(SearchField::to);
constexpr unsigned kCc = field_bit(SearchField::cc);
constexpr unsigned kBcc = field_bit(SearchField::bcc);
constexpr unsigned kFrom = field_bit(SearchField::from);
constexpr unsigned kNames = field_bit(SearchField::attachment);

using Type = Property::Type;
constexpr std::array kProperties = {
    Property{"subject", Type::text, field_bit(SearchField::subject)},
    Property{"from", Type::text, kFrom},
    Property{"sender", Type::text, kFrom},
    Property{"to", Type::text, kTo},
    Property{"cc", Type::text, kCc},
    Property{"bcc", Type::text, kBcc},
    Property{"participants", Type::text, kFrom | kTo | kCc | kBcc},
    Property{"recipients", Type::text, kTo | kCc | kBcc},
    Property{"body", Type::text, field_bit(SearchField::body)},
    Property{"attachment", Type::text, kNames},
    Property{"attachments", Type::text, kNames},
    Property{"attachmentnames", Type::text, kNames},
    Property{"received", Type::date, 0, Column::received},
    Property{"date", Type::date, 0, Column::received},
    Property{"sent", Type::date, 0, Column::sent},
    Property{"size", Type::size, 0, Column::size},
    Property{"importance", Type::importance, 0, Column::importance},
    Property{"hasattachment", Type::flag, flag::kAttachments},
    Property{"hasattachments", Type::flag, flag::kAttachments},
    Property{"isread", Type::flag, flag::kSeen},
    Property{"read", Type::flag, flag::kSeen},
    Property{"isflagged", Type::flag, flag::kFlagged},
    Property{"flagged", Type::flag, flag::kFlagged},
    Property{"isdraft", Type::flag, flag::kDraft},
    Property{"kind", Type::kind},
    Property{"category", Type::category},
};

bool is_any_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [text](std::string_view word) {
    return storage::equals_ignore_case(text, word);
  });
}

SearchQuery negated(SearchQuery query) {
  std::vector<SearchQuery> one;
  one.push_back(std::move(query));
  return SearchQuery::combine(Kind::none_of, std::move(one));
}

auto no_value(const Property& property, std::string_view text) {
  return fail(ErrorKind::invalid, "KQL: " + std::string(property.name) + " cannot be " +
                                      std::string(storage::utf8_prefix(text, 64)));
}

// --- dates --------------------------------------------------------------------------------------

UnixMillis start_of(chrono::sys_days day) {
  return chrono::duration_cast<chrono::milliseconds>(day.time_since_epoch()).count();
}

Span days(chrono::sys_days first, chrono::sys_days after) {
  return {start_of(first), start_of(after) - 1};
}

Span month_span(chrono::year_month month) {
  return days(chrono::sys_days(month / 1), chrono::sys_days((month + chrono::months(1)) / 1));
}

Span year_span(chrono::year year) {
  return days(chrono::sys_days(year / 1 / 1), chrono::sys_days((year + chrono::years(1)) / 1 / 1));
}

std::optional<Span> day_span(std::int64_t year, std::int64_t month, std::int64_t day) {
  if (year < 1601 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31) return {};
  const chrono::year_month_day date{chrono::year(static_cast<int>(year)),
                                    chrono::month(static_cast<unsigned>(month)),
                                    chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return {};
  return days(chrono::sys_days(date), chrono::sys_days(date) + chrono::days(1));
}

std::optional<Span> named_span(std::string_view text, UnixMillis now) {
  const auto today = chrono::floor<chrono::days>(
      chrono::sys_time<chrono::milliseconds>(chrono::milliseconds(now)));
  const chrono::year_month_day date(today);
  const auto month = date.year() / date.month();
  const auto week = today - (chrono::weekday(today) - chrono::Sunday);
  if (is_any_of(text, {"today"})) return days(today, today + chrono::days(1));
  if (is_any_of(text, {"yesterday"})) return days(today - chrono::days(1), today);
  if (is_any_of(text, {"this week"})) return days(week, week + chrono::days(7));
  if (is_any_of(text, {"last week"})) return days(week - chrono::days(7), week);
  if (is_any_of(text, {"this month"})) return month_span(month);
  if (is_any_of(text, {"last month"})) return month_span(month - chrono::months(1));
  if (is_any_of(text, {"this year"})) return year_span(date.year());
  if (is_any_of(text, {"last year"})) return year_span(date.year() - chrono::years(1));
  return {};
}

// "2026", "2026-03", "2026-03-01", "3/1/2026".
std::optional<Span> calendar_span(std::string_view text) {
  const bool slashes = text.find('/') != std::string_view::npos;
  const auto parts = storage::split(text, slashes ? '/' : '-');
  std::array<std::int64_t, 3> numbers{};
  if (parts.empty() || parts.size() > 3 || (slashes && parts.size() != 3)) return {};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto number = storage::parse_uint(parts[i]);
    if (!number || *number > 9999 || parts[i].size() > 4) return {};
    numbers.at(i) = static_cast<std::int64_t>(*number);
  }
  if (slashes) return day_span(numbers[2], numbers[0], numbers[1]);
  if (parts.size() == 3) return day_span(numbers[0], numbers[1], numbers[2]);
  if (numbers[0] < 1601) return {};
  const chrono::year year(static_cast<int>(numbers[0]));
  if (parts.size() == 1) return year_span(year);
  if (numbers[1] < 1 || numbers[1] > 12) return {};
  return month_span(year / chrono::month(static_cast<unsigned>(numbers[1])));
}

// "10:20" or "10:20:30", "Z" may follow: the minute or the second.
std::optional<Span> time_span(std::string_view text) {
  if (text.ends_with('Z') || text.ends_with('z')) text.remove_suffix(1);
  text = text.substr(0, text.find('.'));
  const auto parts = storage::split(text, ':');
  if (parts.size() < 2 || parts.size() > 3) return {};
  const auto hour = storage::parse_uint(parts[0]);
  const auto minute = storage::parse_uint(parts[1]);
  const auto second = parts.size() == 3 ? storage::parse_uint(parts[2]) : std::uint64_t{0};
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 59) return {};
  const auto at = static_cast<UnixMillis>((*hour * 60 + *minute) * 60 + *second) * 1000;
  return Span{at, at + (parts.size() == 3 ? 999 : 59'999)};
}

// --- other values -------------------------------------------------------------------------------

// "300", "10kb", "1.5" is none.
std::optional<std::int64_t> parse_size(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = storage::parse_uint(text.substr(0, digits));
  if (!number || *number > (std::uint64_t{1} << 40)) return {};
  const std::string_view unit = storage::trim(text.substr(digits));
  const auto value = static_cast<std::int64_t>(*number);
  if (unit.empty() || is_any_of(unit, {"b"})) return value;
  if (is_any_of(unit, {"k", "kb"})) return value * 1024;
  if (is_any_of(unit, {"m", "mb"})) return value * 1024 * 1024;
  return {};
}

std::optional<Span> number_of(const Property& property, std::string_view text, UnixMillis now) {
  if (property.type == Type::date) return parse_date(text, now);
  if (property.type == Type::size) {
    const auto size = parse_size(text);
    if (size) return Span{*size, *size};
    return {};
  }
  if (is_any_of(text, {"low", "0"})) return Span{0, 0};
  if (is_any_of(text, {"normal", "medium", "1"})) return Span{1, 1};
  if (is_any_of(text, {"high", "2"})) return Span{2, 2};
  return {};
}

Result<SearchQuery> number_query(const Property& property, Operator op, std::string_view text,
                                 UnixMillis now) {
  const auto span = number_of(property, text, now);
  if (!span) return no_value(property, text);
  const auto between = [&](std::int64_t low, std::int64_t high) {
    return SearchQuery::range(property.column, low, high);
  };
  switch (op) {
    case Operator::equal:
      return between(span->first, span->last);
    case Operator::not_equal:
      return negated(between(span->first, span->last));
    case Operator::less:
      return between(kLowest, span->first - 1);
    case Operator::less_equal:
      return between(kLowest, span->last);
    case Operator::greater:
      return between(span->last + 1, kHighest);
    case Operator::greater_equal:
      return between(span->first, kHighest);
  }
  return no_value(property, text);
}

// Mail is all there is to be found: of every other kind there is nothing.
std::optional<SearchQuery> kind_query(std::string_view text) {
  if (is_any_of(text, {"meetings", "meeting"})) return SearchQuery::with_flags(flag::kMeeting);
  if (is_any_of(text, {"email", "emails", "mail"})) {
    return negated(SearchQuery::with_flags(flag::kMeeting));
  }
  if (is_any_of(text, {"contacts", "contact",   "docs",     "documents", "externaldata",   "faxes",
                       "fax",      "im",        "journals", "journal",   "microsoftteams", "notes",
                       "note",     "posts",     "post",     "rssfeeds",  "rssfeed",        "tasks",
                       "task",     "voicemail", "calendar"})) {
    return SearchQuery::combine(Kind::nothing, {});
  }
  return {};
}

std::optional<SearchQuery> flag_query(const Property& property, std::string_view text) {
  if (is_any_of(text, {"true", "yes", "1"})) return SearchQuery::with_flags(property.bits);
  if (is_any_of(text, {"false", "no", "0"})) {
    return negated(SearchQuery::with_flags(property.bits));
  }
  return {};
}

}  // namespace

const Property* find_property(std::string_view name) {
  const auto* const found =
      std::find_if(kProperties.begin(), kProperties.end(), [name](const Property& property) {
        return storage::equals_ignore_case(property.name, name);
      });
  return found == kProperties.end() ? nullptr : found;
}

std::optional<Span> parse_date(std::string_view text, UnixMillis now) {
  text = storage::trim(text);
  if (const auto named = named_span(text, now)) return named;
  if (const auto date = calendar_span(text)) return date;
  const std::size_t middle = text.find_first_of("Tt ");
  if (middle == std::string_view::npos) return {};
  const auto day = calendar_span(text.substr(0, middle));
  const auto time = time_span(storage::trim(text.substr(middle + 1)));
  if (!day || !time || day->last - day->first != kDay - 1) return {};
  return Span{day->first + time->first, day->first + time->last};
}

SearchQuery text_query(const Value& value, unsigned fields) {
  const Kind quoted = value.open ? Kind::phrase_start : Kind::phrase;
  return SearchQuery::text_query(value.quoted ? quoted : Kind::words, std::string(value.text),
                                 fields);
}

Result<SearchQuery> property_query(const Property& property, Operator op, const Value& value,
                                   UnixMillis now) {
  const bool ordered = op != Operator::equal && op != Operator::not_equal;
  std::optional<SearchQuery> query;
  switch (property.type) {
    case Type::date:
    case Type::size:
    case Type::importance:
      return number_query(property, op, value.text, now);
    case Type::text:
      query = text_query(value, property.bits);
      break;
    case Type::flag:
      query = flag_query(property, value.text);
      break;
    case Type::kind:
      query = kind_query(value.text);
      break;
    case Type::category:
      query = SearchQuery::text_query(Kind::category, std::string(value.text));
      break;
  }
  if (!query || ordered || value.text.empty()) return no_value(property, value.text);
  if (op == Operator::not_equal) return negated(*std::move(query));
  return *std::move(query);
}

Result<SearchQuery> range_query(const Property& property, std::string_view from,
                                std::string_view to, UnixMillis now) {
  if (property.type != Type::date && property.type != Type::size) return no_value(property, from);
  const auto low = number_of(property, from, now);
  const auto high = number_of(property, to, now);
  if (!low) return no_value(property, from);
  if (!high) return no_value(property, to);
  return SearchQuery::range(property.column, low->first, high->last);
}

}  // namespace eas::kql
