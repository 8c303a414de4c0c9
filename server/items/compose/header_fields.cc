#include "server/items/compose/header_fields.h"

#include <algorithm>

#include "storage/base/text.h"

namespace eas::compose {
namespace {

std::size_t line_end(std::string_view text, std::size_t start) {
  const std::size_t newline = text.find('\n', start);
  return newline == std::string_view::npos ? text.size() : newline + 1;
}

// The name of the field that begins with this line; "" when none does.
std::string_view field_name(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return {};
  const std::string_view name = storage::trim(line.substr(0, colon));
  const bool valid =
      std::all_of(name.begin(), name.end(), [](char c) { return c > 32 && c < 127; });
  return valid ? name : std::string_view();
}

}  // namespace

const Field* Header::find(std::string_view name) const {
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const Field& field) {
    return storage::equals_ignore_case(field.name, name);
  });
  return found == fields.end() ? nullptr : &*found;
}

Header parse_header(std::string_view message) {
  Header header;
  std::size_t at = 0;
  while (at < message.size()) {
    std::size_t end = line_end(message, at);
    const std::string_view first = message.substr(at, end - at);
    if (storage::trim(first).empty()) {
      header.size = at;
      header.body = end;
      return header;
    }
    const std::string_view name = field_name(first);
    if (name.empty()) break;
    while (end < message.size() && (message[end] == ' ' || message[end] == '\t')) {
      end = line_end(message, end);
    }
    Field field;
    field.text = message.substr(at, end - at);
    field.name = name;
    field.value = field.text.substr(field.text.find(':') + 1);
    header.fields.push_back(field);
    at = end;
  }
  header.size = at;
  header.body = at;
  return header;
}

bool is_mime_field(std::string_view name) {
  return storage::starts_with_ignore_case(name, "Content-") ||
         storage::equals_ignore_case(name, "MIME-Version");
}

}  // namespace eas::compose
