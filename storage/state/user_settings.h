// What a user sets with the phone and the server keeps, by name: the automatic reply, what happens
// to a conversation, who was answered when. Values are opaque here; the layer above encodes them.
// One implementation over storage/sql.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"

namespace storage {

struct UserSetting {
  std::int64_t user_id = 0;
  std::string name;
  std::string value;
};

// Thread-safe. Names are 1 to 128 bytes of ASCII, by custom "topic" or "topic:detail"; values are
// at most 1 MiB.
class UserSettings {
 public:
  virtual ~UserSettings() = default;

  // not_found: never set, or removed.
  virtual Result<std::string> get(std::int64_t user_id, std::string_view name) = 0;
  // invalid: an impossible name. too_large: the value.
  virtual Result<void> set(std::int64_t user_id, std::string_view name, std::string_view value) = 0;
  // Also when it was never set.
  virtual Result<void> remove(std::int64_t user_id, std::string_view name) = 0;
  // Those whose names start with `prefix`, of one user or (0) of all, by user and name. What is to
  // be found this way has few rows.
  virtual Result<std::vector<UserSetting>> list(std::int64_t user_id, std::string_view prefix) = 0;
  // All of a user's, when the user is removed.
  virtual Result<void> remove_all(std::int64_t user_id) = 0;
};

}  // namespace storage
