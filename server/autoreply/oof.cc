#include "server/autoreply/oof.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "storage/base/crypto.h"
#include "storage/base/text.h"

namespace eas::autoreply {

using Json = nlohmann::ordered_json;
using storage::ErrorKind;
using storage::Result;
using storage::UnixMillis;

namespace {

// The date of a message is that of its file, which the kernel takes from a clock that ticks some
// hundred times a second: a file can look a little older than it is.
constexpr UnixMillis kFileClockLag = 100;

constexpr std::array<const char*, kAudiences> kNames = {"internal", "known", "unknown"};

bool is_new_period(const Oof& before, const Oof& oof, UnixMillis now) {
  if (oof.state == OofState::off) return false;
  if (before.state != oof.state || before.period.empty()) return true;
  if (oof.state == OofState::on) return false;
  return before.start != oof.start || before.end != oof.end || before.end <= now;
}

}  // namespace

bool Oof::active_at(UnixMillis now) const {
  if (state == OofState::off) return false;
  return state == OofState::on || (now >= start && now < end);
}

UnixMillis Oof::active_since() const {
  const UnixMillis since = state == OofState::timed ? std::max(turned_on, start) : turned_on;
  return since - kFileClockLag;
}

std::optional<UnixMillis> Oof::next_change(UnixMillis now) const {
  if (state != OofState::timed) return std::nullopt;
  if (now < start) return start;
  if (now < end) return end;
  return std::nullopt;
}

std::string encode_oof(const Oof& oof) {
  Json json = {{"state", static_cast<int>(oof.state)},
               {"start", oof.start},
               {"end", oof.end},
               {"period", oof.period},
               {"turned_on", oof.turned_on}};
  for (std::size_t i = 0; i < kAudiences; ++i) {
    const OofMessage& message = oof.messages[i];
    json[kNames[i]] = {
        {"enabled", message.enabled}, {"html", message.html}, {"text", message.text}};
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Oof> decode_oof(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    Oof oof;
    const int state = json.at("state").get<int>();
    if (state < 0 || state > 2) return storage::fail(ErrorKind::corrupt, "oof: unknown state");
    oof.state = static_cast<OofState>(state);
    oof.start = json.at("start").get<UnixMillis>();
    oof.end = json.at("end").get<UnixMillis>();
    oof.period = json.at("period").get<std::string>();
    oof.turned_on = json.at("turned_on").get<UnixMillis>();
    for (std::size_t i = 0; i < kAudiences; ++i) {
      const Json& message = json.at(kNames[i]);
      oof.messages[i] = {message.at("enabled").get<bool>(), message.at("html").get<bool>(),
                         message.at("text").get<std::string>()};
    }
    return oof;
  } catch (const Json::exception& error) {
    return storage::fail(ErrorKind::corrupt, std::string("oof: ") + error.what());
  }
}

Result<Oof> load_oof(storage::UserSettings& settings, std::int64_t user_id) {
  const auto text = settings.get(user_id, kOofSetting);
  if (!text) {
    if (text.error().kind == ErrorKind::not_found) return Oof{};
    return storage::fail(text.error());
  }
  return decode_oof(*text);
}

Result<void> save_oof(storage::UserSettings& settings, std::int64_t user_id, const Oof& before,
                      Oof oof, UnixMillis now) {
  if (oof.state != OofState::timed) oof.start = oof.end = 0;
  if (oof.state == OofState::off) {
    oof.period.clear();
    oof.turned_on = 0;
  } else if (is_new_period(before, oof, now)) {
    oof.period = storage::to_hex(storage::random_bytes(8));
    oof.turned_on = now;
  }
  return settings.set(user_id, kOofSetting, encode_oof(oof));
}

}  // namespace eas::autoreply
