#include "server/autoreply/message_header.h"

#include <algorithm>

#include "server/items/email/headers.h"
#include "storage/base/text.h"

namespace eas::autoreply {
namespace {

constexpr std::size_t kMaxHeader = std::size_t{256} << 10;

std::string_view take_line(std::string_view& text) {
  const std::size_t newline = text.find('\n');
  const std::size_t size = newline == std::string_view::npos ? text.size() : newline + 1;
  const std::string_view line = text.substr(0, size);
  text.remove_prefix(size);
  return line;
}

std::string unfolded(std::string_view value) {
  std::string text;
  for (const char c : value) {
    if (c != '\r' && c != '\n') text += c;
  }
  return std::string(storage::trim(text));
}

}  // namespace

MessageHeader::MessageHeader(std::string_view message) {
  std::string_view rest = message.substr(0, kMaxHeader);
  while (!rest.empty()) {
    const std::string_view line = take_line(rest);
    if (storage::trim(line).empty()) return;
    if ((line.front() == ' ' || line.front() == '\t') && !fields_.empty()) {
      std::string_view& value = fields_.back().value;
      value = std::string_view(value.data(),
                               static_cast<std::size_t>(line.data() + line.size() - value.data()));
      continue;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;  // "From " of an mbox, or rubbish
    fields_.push_back({storage::trim(line.substr(0, colon)), line.substr(colon + 1)});
  }
}

bool MessageHeader::has(std::string_view name) const {
  return std::any_of(fields_.begin(), fields_.end(), [&](const Field& field) {
    return storage::equals_ignore_case(field.name, name);
  });
}

std::string MessageHeader::value(std::string_view name) const {
  for (const Field& field : fields_) {
    if (storage::equals_ignore_case(field.name, name)) return unfolded(field.value);
  }
  return {};
}

bool MessageHeader::has_prefix(std::string_view prefix) const {
  return std::any_of(fields_.begin(), fields_.end(), [&](const Field& field) {
    return storage::starts_with_ignore_case(field.name, prefix);
  });
}

std::vector<std::string> MessageHeader::addresses(std::string_view name) const {
  std::vector<std::string> found;
  for (const Field& field : fields_) {
    if (!storage::equals_ignore_case(field.name, name)) continue;
    for (const email::Address& address : email::parse_addresses(unfolded(field.value))) {
      found.push_back(storage::to_lower(address.address));
    }
  }
  return found;
}

}  // namespace eas::autoreply
