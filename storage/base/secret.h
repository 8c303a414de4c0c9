// The server's own secret: 32 random bytes in a file that only it can read, and what is sealed with
// them. It is not in the database, so that a copy of the database alone gives nothing away.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "storage/base/result.h"

namespace storage {

inline constexpr std::size_t kSecretSize = 32;

// The secret in `path`. not_found: there is none yet. corrupt: the file has another size.
// unavailable: it cannot be read.
Result<std::string> load_secret(const std::string& path);

// The same, made (mode 0600) when there is none; of several processes that make it at
// once one wins, and all get that one. corrupt: the file has another size. unavailable: the disk.
Result<std::string> load_or_make_secret(const std::string& path);

// `text` encrypted and authenticated (AES-256-GCM) under `secret` (32 bytes). `context` is bound
// to it: what was sealed for one place cannot be put in another.
std::string seal(std::string_view secret, std::string_view context, std::string_view text);
// nullopt: another secret, another context, or not from seal().
std::optional<std::string> unseal(std::string_view secret, std::string_view context,
                                  std::string_view sealed);

}  // namespace storage
