// What a user set as automatic reply ("Out of Office", Oof): kept per user, so that all of the
// user's devices show the same. [MS-ASCMD] 2.2.3.122 to 2.2.3.124
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/base/clock.h"
#include "storage/base/result.h"
#include "storage/directory/directory.h"
#include "storage/state/user_settings.h"

namespace eas::autoreply {

enum class OofState : std::uint8_t { off = 0, on = 1, timed = 2 };

// Who gets which text. An external person is known when the user wrote to them before.
enum class Audience : std::uint8_t { internal, external_known, external_unknown };
inline constexpr std::size_t kAudiences = 3;

struct OofMessage {
  bool enabled = false;
  bool html = false;
  std::string text;  // UTF-8
  bool operator==(const OofMessage&) const = default;
};

struct Oof {
  OofState state = OofState::off;
  storage::UnixMillis start = 0;  // of the window when `timed`, else 0
  storage::UnixMillis end = 0;    // > start; the first moment that is not in it
  std::array<OofMessage, kAudiences> messages;

  // Of the stay away that this is: a sender is answered once in it. A new one begins when the user
  // turns the reply on, or sets another window. "" while off.
  std::string period;
  storage::UnixMillis turned_on = 0;

  OofMessage& message(Audience audience) { return messages[static_cast<std::size_t>(audience)]; }
  const OofMessage& message(Audience audience) const {
    return messages[static_cast<std::size_t>(audience)];
  }

  bool active_at(storage::UnixMillis now) const;
  // The first moment whose mail is answered.
  storage::UnixMillis active_since() const;
  // The next moment after `now` at which it becomes active or ends by itself; nullopt: never.
  std::optional<storage::UnixMillis> next_change(storage::UnixMillis now) const;

  bool operator==(const Oof&) const = default;
};

inline constexpr std::string_view kOofSetting = "oof";

// The largest text of one audience, bytes.
inline constexpr std::size_t kMaxReply = std::size_t{128} << 10;

// As JSON, and back. corrupt: not written by encode_oof().
std::string encode_oof(const Oof& oof);
storage::Result<Oof> decode_oof(std::string_view json);

// What the user set; an Oof that is off when nothing was ever set.
storage::Result<Oof> load_oof(storage::UserSettings& settings, std::int64_t user_id);

// Stores `oof`; begins a new period where `before` (what was set until now) makes it one.
storage::Result<void> save_oof(storage::UserSettings& settings, std::int64_t user_id,
                               const Oof& before, Oof oof, storage::UnixMillis now);

// Told of every change that save_oof() made, so that a new one counts at once.
class OofListener {
 public:
  virtual ~OofListener() = default;
  // Thread-safe, does not block.
  virtual void oof_changed(const storage::User& user) = 0;
};

}  // namespace eas::autoreply
