// Two forms of one thing. The base64 form has fields without names, so a byte too many or too few
// shifts everything after it: every length is checked before its field is taken.
//
// One client in the field writes the device type before the policy key and a zero byte after both.
// It is understood when the documented order does not fit.
#include "server/commands/request_query.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "server/commands/command_table.h"
#include "storage/base/text.h"

namespace eas {
namespace {

using storage::ErrorKind;
using storage::Result;

constexpr std::size_t kMaxQuery = 8192;

struct Parameter {
  std::string_view name;
  std::string Query::*value;
  std::size_t limit;  // bytes
};

constexpr Parameter kParameters[] = {
    {"Cmd", &Query::command, 64},
    {"User", &Query::user, 512},
    {"DeviceId", &Query::device_id, 256},
    {"DeviceType", &Query::device_type, 256},
    {"AttachmentName", &Query::attachment_name, 1024},
    {"CollectionId", &Query::collection_id, 256},
    {"ItemId", &Query::item_id, 256},
    {"LongId", &Query::long_id, 512},
    {"ParentId", &Query::parent_id, 256},
    {"Occurrence", &Query::occurrence, 256},
};

bool is_plain(std::string_view text) {
  if (text.find('&') != std::string_view::npos) return true;
  // Without '&', a '=' before the end can only be a parameter; at the end it is padding.
  const std::size_t equals = text.find('=');
  return equals != std::string_view::npos &&
         text.find_first_not_of('=', equals) != std::string_view::npos;
}

Result<Query> parse_plain(std::string_view text) {
  Query query;
  for (const std::string_view part : storage::split(text, '&')) {
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = part.substr(0, equals);
    std::string value = storage::percent_decode(part.substr(equals + 1));
    if (storage::equals_ignore_case(name, "SaveInSent")) {
      query.save_in_sent = storage::equals_ignore_case(value, "T") || value == "1";
      continue;
    }
    for (const Parameter& parameter : kParameters) {
      if (!storage::equals_ignore_case(name, parameter.name)) continue;
      if (value.size() > parameter.limit) {
        return storage::fail(ErrorKind::too_large, std::string(parameter.name) + " is too long");
      }
      std::string& field = query.*parameter.value;
      if (field.empty()) field = std::move(value);  // the first one counts
      break;
    }
  }
  return query;
}

// Takes fields from the front; each returns nullopt once the bytes do not suffice.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : rest_(bytes) {}

  std::optional<std::uint8_t> byte() {
    if (rest_.empty()) return std::nullopt;
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  std::optional<std::string_view> counted() {
    const auto size = byte();
    if (!size || *size > rest_.size()) return std::nullopt;
    const std::string_view value = rest_.substr(0, *size);
    rest_.remove_prefix(*size);
    return value;
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

std::uint32_t little_endian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = bytes.size(); i > 0; --i) {
    value = (value << 8) | static_cast<std::uint8_t>(bytes[i - 1]);
  }
  return value;
}

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x21 && c <= 0x7E; });
}

// The command parameters: tag, length, value. [MS-ASHTTP] 2.2.1.1.1.1.3
bool parse_parameters(std::string_view bytes, Query& query) {
  Fields fields(bytes);
  while (!fields.rest().empty()) {
    const std::uint8_t tag = *fields.byte();
    const auto value = fields.counted();
    if (!value) return false;
    switch (tag) {
      case 0:
        query.attachment_name = *value;
        break;
      case 1:
        query.collection_id = *value;
        break;
      case 3:
        query.item_id = *value;
        break;
      case 4:
        query.long_id = *value;
        break;
      case 5:
        query.parent_id = *value;
        break;
      case 6:
        query.occurrence = *value;
        break;
      case 7:  // a bit mask: several may be set
        if (value->empty()) break;
        query.save_in_sent = (static_cast<std::uint8_t>(value->front()) & 0x01) != 0;
        query.accept_multipart = (static_cast<std::uint8_t>(value->front()) & 0x02) != 0;
        break;
      case 8:
        query.user = *value;
        break;
      default:
        break;  // unassigned
    }
  }
  return true;
}

// What follows the device id. `swapped`: the order of the client named above.
std::optional<Query> parse_tail(Query query, std::string_view bytes, bool swapped) {
  Fields fields(bytes);
  auto first = fields.counted();
  auto second = fields.counted();
  if (!first || !second) return std::nullopt;
  if (swapped) std::swap(first, second);
  const std::string_view policy_key = *first;
  if (policy_key.size() != 0 && policy_key.size() != 4) return std::nullopt;
  if (policy_key.size() == 4) query.policy_key = little_endian(policy_key);
  query.device_type = *second;
  std::string_view rest = fields.rest();
  if (swapped && rest.starts_with('\0')) rest.remove_prefix(1);
  if (!parse_parameters(rest, query)) return std::nullopt;
  return query;
}

Result<Query> parse_base64(std::string_view text) {
  const auto bytes = storage::base64_decode(storage::percent_decode(text));
  if (!bytes) return storage::fail(ErrorKind::invalid, "the query is neither plain nor base64");
  Fields fields(*bytes);
  const auto version = fields.byte();
  const auto code = fields.byte();
  const auto locale_low = fields.byte();
  const auto locale_high = fields.byte();
  const auto device_id = fields.counted();
  if (!version || !code || !locale_low || !locale_high || !device_id) {
    return storage::fail(ErrorKind::invalid, "the base64 query is cut off");
  }
  Query query;
  query.version = version_from_byte(*version);
  query.version_text = std::to_string(*version / 10) + "." + std::to_string(*version % 10);
  query.command = command_name(*code);
  query.locale = static_cast<std::uint16_t>(*locale_low | (*locale_high << 8));
  // A GUID comes as raw bytes; as text it stays as it is.
  query.device_id =
      is_printable(*device_id) ? std::string(*device_id) : storage::to_hex(*device_id);
  auto documented = parse_tail(query, fields.rest(), false);
  if (documented && is_valid_device_type(documented->device_type)) return *std::move(documented);
  auto swapped = parse_tail(std::move(query), fields.rest(), true);
  if (swapped && is_valid_device_type(swapped->device_type)) return *std::move(swapped);
  if (documented) return *std::move(documented);
  return storage::fail(ErrorKind::invalid, "the base64 query is malformed after the device id");
}

bool is_device_id_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-_.{}:@+=~").find(c) != std::string_view::npos;
}

}  // namespace

Result<Query> parse_query(std::string_view text) {
  if (text.size() > kMaxQuery) return storage::fail(ErrorKind::too_large, "the query is too long");
  if (text.empty()) return storage::fail(ErrorKind::invalid, "there is no query");
  return is_plain(text) ? parse_plain(text) : parse_base64(text);
}

bool is_valid_device_id(std::string_view device_id) {
  return !device_id.empty() && device_id.size() <= 64 &&
         std::all_of(device_id.begin(), device_id.end(), is_device_id_character);
}

bool is_valid_device_type(std::string_view device_type) {
  return !device_type.empty() && device_type.size() <= 64 &&
         std::all_of(device_type.begin(), device_type.end(),
                     [](char c) { return c >= 0x20 && c <= 0x7E; });
}

}  // namespace eas
