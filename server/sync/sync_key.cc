#include "server/sync/sync_key.h"

#include <array>
#include <charconv>

namespace eas {

std::optional<SyncKey> parse_sync_key(std::string_view text) {
  constexpr std::size_t kMaxLength = 64;
  const std::size_t dash = text.find('-');
  if (text.size() > kMaxLength || dash == std::string_view::npos) return std::nullopt;
  SyncKey key;
  const char* const end = text.data() + text.size();
  const auto epoch = std::from_chars(text.data(), text.data() + dash, key.epoch, 16);
  const auto generation = std::from_chars(text.data() + dash + 1, end, key.generation);
  if (epoch.ec != std::errc() || epoch.ptr != text.data() + dash) return std::nullopt;
  if (generation.ec != std::errc() || generation.ptr != end) return std::nullopt;
  if (key.epoch == 0 || key.generation <= 0) return std::nullopt;
  return key;
}

std::string to_string(const SyncKey& key) {
  std::array<char, 32> text{};
  char* at = std::to_chars(text.data(), text.data() + text.size(), key.epoch, 16).ptr;
  *at++ = '-';
  at = std::to_chars(at, text.data() + text.size(), key.generation).ptr;
  return {text.data(), at};
}

}  // namespace eas
