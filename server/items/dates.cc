// Civil-calendar arithmetic by <chrono>; no locale, no time zones: everything on the wire is UTC.
#include "server/items/dates.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

#include "storage/base/text.h"

namespace eas {
namespace {

constexpr storage::UnixMillis kMillisPerDay = 86'400'000;
constexpr storage::UnixMillis kFirst = -11'644'473'600'000;  // 1601-01-01
constexpr storage::UnixMillis kLast = 253'402'300'799'999;   // 9999-12-31T23:59:59.999

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(at, count)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

struct Fields {
  std::array<std::optional<int>, 6> value;  // year, month, day, hour, minute, second
  int millis = 0;
};

std::optional<storage::UnixMillis> to_millis(const Fields& fields) {
  for (const auto& value : fields.value) {
    if (!value) return std::nullopt;
  }
  const auto [year, month, day, hour, minute, second] = fields.value;
  if (*hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  const storage::UnixMillis days = std::chrono::sys_days(date).time_since_epoch().count();
  return days * kMillisPerDay + ((*hour * 60 + *minute) * 60 + *second) * 1000LL + fields.millis;
}

}  // namespace

std::string format_date_time(storage::UnixMillis time) {
  time = std::clamp(time, kFirst, kLast);
  storage::UnixMillis days = time / kMillisPerDay;
  storage::UnixMillis rest = time % kMillisPerDay;
  if (rest < 0) {
    rest += kMillisPerDay;
    --days;
  }
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(days))};
  const int millis = static_cast<int>(rest);
  std::array<char, 64> buffer{};
  const int length =
      std::snprintf(buffer.data(), buffer.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
                    static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                    static_cast<unsigned>(date.day()), millis / 3'600'000, millis / 60'000 % 60,
                    millis / 1000 % 60, millis % 1000);
  return {buffer.data(), static_cast<std::size_t>(length)};
}

std::optional<storage::UnixMillis> parse_date_time(std::string_view text) {
  text = storage::trim(text);
  if (text.empty() || text.back() != 'Z') return std::nullopt;
  text.remove_suffix(1);
  Fields fields;
  if (text.size() == 15 && text[8] == 'T') {
    fields.value = {digits(text, 0, 4), digits(text, 4, 2),  digits(text, 6, 2),
                    digits(text, 9, 2), digits(text, 11, 2), digits(text, 13, 2)};
    return to_millis(fields);
  }
  if (text.size() < 19 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
      text[16] != ':') {
    return std::nullopt;
  }
  fields.value = {digits(text, 0, 4),  digits(text, 5, 2),  digits(text, 8, 2),
                  digits(text, 11, 2), digits(text, 14, 2), digits(text, 17, 2)};
  if (text.size() > 19) {
    const std::size_t count = text.size() - 20;
    if (text[19] != '.' || count == 0 || count > 9 || !digits(text, 20, count)) return std::nullopt;
    std::string fraction(text.substr(20));
    fraction.resize(3, '0');
    fields.millis = *digits(fraction, 0, 3);
  }
  return to_millis(fields);
}

std::uint64_t to_filetime(storage::UnixMillis time) {
  return static_cast<std::uint64_t>(std::clamp(time, kFirst, kLast) - kFirst) * 10'000;
}

}  // namespace eas
