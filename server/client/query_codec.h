// The request line of an EAS command from the client's side: both query forms, written and read.
// Pure; thread-safe. [MS-ASHTTP] 2.2.1.1.1
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace eas::client {

struct ClientQuery {
  bool base64 = false;  // which form
  std::string command;  // "Sync"
  std::string user;     // not in the base64 form unless it was there
  std::string device_id;
  std::string device_type;
  std::uint8_t version_byte = 141;          // of the base64 form
  std::uint16_t locale = 0x0409;            // of the base64 form
  std::optional<std::uint32_t> policy_key;  // of the base64 form
  // The rest, by the names of the plain form: AttachmentName, CollectionId, ItemId, LongId,
  // Occurrence, SaveInSent ("T"); AcceptMultiPart ("T") in the base64 form only.
  std::vector<std::pair<std::string, std::string>> params;

  const std::string* param(std::string_view name) const;  // nullptr: not there
};

// The text behind '?'. A command without a code goes out in the plain form.
std::string encode_query(const ClientQuery& query);

// Reads either form; nullopt when it is neither.
std::optional<ClientQuery> decode_query(std::string_view text);

// %XX for everything but letters, digits and -._~ .
std::string percent_encode(std::string_view text);

}  // namespace eas::client
