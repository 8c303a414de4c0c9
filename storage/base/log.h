// Structured log events: a level, a short event text and named fields.
//
//   log_event(LogLevel::warning, "request refused", {{"user", user}, {"reason", reason}});
//
// prints one line `2026-11-22T10:00:00.123Z warning request refused user=… reason=…` on standard
// error. Values are escaped, so one event is always one line. Never pass passwords, message bodies
// or subjects. Thread-safe.
#pragma once

#include <concepts>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

namespace storage {

enum class LogLevel { debug, info, warning, error, off };

struct LogField {
  LogField(std::string_view field_name, std::string_view field_value)
      : name(field_name), value(field_value) {}
  LogField(std::string_view field_name, const char* field_value)
      : name(field_name), value(field_value) {}
  LogField(std::string_view field_name, const std::string& field_value)
      : name(field_name), value(field_value) {}
  template <std::integral T>
  LogField(std::string_view field_name, T field_value)
      : name(field_name), value(std::to_string(field_value)) {}

  std::string_view name;
  std::string value;
};

void log_event(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});

// Events below `level` are dropped. Set once at start-up; the default is `info`.
void set_log_level(LogLevel level);
LogLevel log_level();

// "debug", "info", "warning", "error" or "off" → the level; anything else → info.
LogLevel parse_log_level(std::string_view name);

}  // namespace storage
