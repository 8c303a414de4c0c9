// The text of a synchronization key: which epoch and which generation of a collection's state.
// Opaque to phones, at most 64 characters. [MS-ASCMD] 2.2.3.181
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace eas {

struct SyncKey {
  std::uint32_t epoch = 0;      // changes whenever the phone starts again with key 0
  std::int64_t generation = 0;  // > 0; never used twice in one epoch
  bool operator==(const SyncKey&) const = default;
};

// "3f2a91c0-17". nullopt for anything that to_string() does not make, "0" included.
std::optional<SyncKey> parse_sync_key(std::string_view text);
std::string to_string(const SyncKey& key);

}  // namespace eas
