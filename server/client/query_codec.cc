#include "server/client/query_codec.h"

#include "storage/base/text.h"

namespace eas::client {
namespace {

constexpr std::pair<std::string_view, std::uint8_t> kCommands[] = {{"Sync", 0},
                                                                   {"SendMail", 1},
                                                                   {"SmartForward", 2},
                                                                   {"SmartReply", 3},
                                                                   {"GetAttachment", 4},
                                                                   {"FolderSync", 9},
                                                                   {"FolderCreate", 10},
                                                                   {"FolderDelete", 11},
                                                                   {"FolderUpdate", 12},
                                                                   {"MoveItems", 13},
                                                                   {"GetItemEstimate", 14},
                                                                   {"MeetingResponse", 15},
                                                                   {"Search", 16},
                                                                   {"Settings", 17},
                                                                   {"Ping", 18},
                                                                   {"ItemOperations", 19},
                                                                   {"Provision", 20},
                                                                   {"ResolveRecipients", 21},
                                                                   {"ValidateCert", 22},
                                                                   {"Find", 23}};

constexpr std::pair<std::string_view, std::uint8_t> kParams[] = {
    {"AttachmentName", 0}, {"CollectionId", 1}, {"ItemId", 3}, {"LongId", 4}, {"Occurrence", 6}};

constexpr std::uint8_t kOptionsTag = 7, kUserTag = 8;
constexpr std::uint8_t kSaveInSent = 1, kAcceptMultiPart = 2;

std::optional<std::uint8_t> command_code(std::string_view name) {
  for (const auto& [command, code] : kCommands) {
    if (command == name) return code;
  }
  return std::nullopt;
}

void put_text(std::string& bytes, std::string_view text) {
  text = text.substr(0, 255);
  bytes += static_cast<char>(text.size());
  bytes += text;
}

std::string encode_base64(const ClientQuery& query, std::uint8_t code) {
  std::string bytes;
  bytes += static_cast<char>(query.version_byte);
  bytes += static_cast<char>(code);
  bytes += static_cast<char>(query.locale & 0xFF);
  bytes += static_cast<char>(query.locale >> 8);
  put_text(bytes, query.device_id);
  bytes += query.policy_key ? '\x04' : '\x00';
  if (query.policy_key) {
    for (int shift = 0; shift < 32; shift += 8) {
      bytes += static_cast<char>((*query.policy_key >> shift) & 0xFF);
    }
  }
  put_text(bytes, query.device_type);
  std::uint8_t options = 0;
  for (const auto& [name, value] : query.params) {
    if (name == "SaveInSent" && value == "T") options |= kSaveInSent;
    if (name == "AcceptMultiPart" && value == "T") options |= kAcceptMultiPart;
    for (const auto& [param, tag] : kParams) {
      if (param != name) continue;
      bytes += static_cast<char>(tag);
      put_text(bytes, value);
    }
  }
  if (options != 0) bytes += {static_cast<char>(kOptionsTag), '\x01', static_cast<char>(options)};
  if (!query.user.empty()) {
    bytes += static_cast<char>(kUserTag);
    put_text(bytes, query.user);
  }
  return storage::base64_encode(bytes);
}

// Takes bytes from the front; `ok` turns false when there are too few.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : bytes_(bytes) {}
  bool ok() const { return ok_; }
  bool at_end() const { return bytes_.empty(); }
  std::uint8_t number() {
    const std::string_view one = take(1);
    return one.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(one[0]);
  }
  std::string text() { return std::string(take(number())); }

 private:
  std::string_view take(std::size_t count) {
    if (count > bytes_.size()) {
      ok_ = false;
      bytes_ = {};
      return {};
    }
    const std::string_view front = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return front;
  }
  std::string_view bytes_;
  bool ok_ = true;
};

void read_param(std::uint8_t tag, const std::string& value, ClientQuery& query) {
  if (tag == kUserTag) query.user = value;
  if (tag == kOptionsTag && !value.empty()) {
    if ((value[0] & kSaveInSent) != 0) query.params.emplace_back("SaveInSent", "T");
    if ((value[0] & kAcceptMultiPart) != 0) query.params.emplace_back("AcceptMultiPart", "T");
  }
  for (const auto& [name, number] : kParams) {
    if (number == tag) query.params.emplace_back(name, value);
  }
}

std::optional<ClientQuery> decode_base64(std::string_view text) {
  const std::optional<std::string> decoded = storage::base64_decode(storage::percent_decode(text));
  if (!decoded) return std::nullopt;
  Bytes bytes(*decoded);
  ClientQuery query;
  query.base64 = true;
  query.version_byte = bytes.number();
  const std::uint8_t code = bytes.number();
  query.locale = bytes.number();
  query.locale = static_cast<std::uint16_t>(query.locale | (bytes.number() << 8));
  query.device_id = bytes.text();
  const std::string key = bytes.text();
  if (key.size() == 4) {
    std::uint32_t value = 0;
    for (std::size_t i = 4; i-- > 0;) value = (value << 8) | static_cast<std::uint8_t>(key[i]);
    query.policy_key = value;
  }
  query.device_type = bytes.text();
  while (bytes.ok() && !bytes.at_end()) {
    const std::uint8_t tag = bytes.number();
    read_param(tag, bytes.text(), query);
  }
  for (const auto& [name, number] : kCommands) {
    if (number == code) query.command = name;
  }
  if (!bytes.ok() || query.command.empty()) return std::nullopt;
  return query;
}

std::optional<ClientQuery> decode_plain(std::string_view text) {
  ClientQuery query;
  for (const std::string_view part : storage::split(text, '&')) {
    const std::size_t equals = part.find('=');
    if (equals == part.npos) continue;
    const std::string_view name = part.substr(0, equals);
    const std::string value = storage::percent_decode(part.substr(equals + 1));
    if (name == "Cmd") {
      query.command = value;
    } else if (name == "User") {
      query.user = value;
    } else if (name == "DeviceId") {
      query.device_id = value;
    } else if (name == "DeviceType") {
      query.device_type = value;
    } else {
      query.params.emplace_back(name, value);
    }
  }
  if (query.command.empty()) return std::nullopt;
  return query;
}

}  // namespace

const std::string* ClientQuery::param(std::string_view name) const {
  for (const auto& [key, value] : params) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::string percent_encode(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
      continue;
    }
    out += '%';
    out += kHex[static_cast<unsigned char>(c) >> 4];
    out += kHex[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::string encode_query(const ClientQuery& query) {
  const std::optional<std::uint8_t> code = command_code(query.command);
  if (query.base64 && code) return encode_base64(query, *code);
  std::string text = "Cmd=" + percent_encode(query.command) +
                     "&User=" + percent_encode(query.user) +
                     "&DeviceId=" + percent_encode(query.device_id) +
                     "&DeviceType=" + percent_encode(query.device_type);
  for (const auto& [name, value] : query.params) {
    if (name == "AcceptMultiPart") continue;  // a header in this form
    text += "&" + percent_encode(name) + "=" + percent_encode(value);
  }
  return text;
}

std::optional<ClientQuery> decode_query(std::string_view text) {
  return text.find("Cmd=") != text.npos ? decode_plain(text) : decode_base64(text);
}

}  // namespace eas::client
