#include "server/policy/storm_guard.h"

#include <algorithm>
#include <functional>

namespace eas::policy {
namespace {

using storage::MutexLock;
using storage::UnixMillis;

constexpr double kForgiveEvery = 3'000;        // milliseconds
constexpr double kForgiveStormEvery = 30'000;  // above the limit
constexpr double kDelayStep = 1'000;           // per repetition above the limit
constexpr std::size_t kMostDigested = 64u << 10;

}  // namespace

std::uint64_t StormGuard::digest(std::string_view bytes) {
  return std::hash<std::string_view>()(bytes.substr(0, kMostDigested)) ^
         (static_cast<std::uint64_t>(bytes.size()) * 0x9E3779B97F4A7C15ULL);
}

StormGuard::Entry& StormGuard::entry(std::int64_t device) {
  const auto found = entries_.find(device);
  if (found != entries_.end()) {
    order_.splice(order_.end(), order_, found->second.place);
    return found->second;
  }
  if (entries_.size() >= options_.most_devices && !order_.empty()) {
    entries_.erase(order_.front());
    order_.pop_front();
  }
  Entry& made = entries_[device];
  made.place = order_.insert(order_.end(), device);
  return made;
}

std::optional<UnixMillis> StormGuard::blocked(std::int64_t device, UnixMillis now) {
  if (!is_on()) return std::nullopt;
  const MutexLock lock(mutex_);
  const auto found = entries_.find(device);
  if (found == entries_.end() || found->second.blocked_until <= now) return std::nullopt;
  return found->second.blocked_until;
}

void StormGuard::drain(Slot& slot, UnixMillis now) const {
  double left = static_cast<double>(std::max<UnixMillis>(now - slot.when, 0));
  slot.when = now;
  const double limit = options_.repetitions;
  if (slot.level > limit) {
    const double above = std::min(slot.level - limit, left / kForgiveStormEvery);
    slot.level -= above;
    left -= above * kForgiveStormEvery;
  }
  slot.level = std::max(0.0, slot.level - left / kForgiveEvery);
  if (slot.level == 0) slot.slowed = 0;
}

// A request that was not seen before has brought something: telling of more is no repetition.
void StormGuard::forget_announcements(Entry& entry) {
  for (Slot& slot : entry.slots) {
    if (!slot.announces) continue;
    slot.level = 0;
    slot.slowed = 0;
  }
}

StormVerdict StormGuard::answered(std::int64_t device, const StormAnswer& given, UnixMillis now) {
  if (!is_on()) return {};
  const MutexLock lock(mutex_);
  Entry& known = entry(device);
  const bool announces = given.kind == StormAnswer::Kind::announces;
  auto slot = std::find_if(known.slots.begin(), known.slots.end(),
                           [&](const Slot& other) { return other.request == given.request; });
  if (slot == known.slots.end()) {  // the one used longest ago makes room
    slot = std::min_element(known.slots.begin(), known.slots.end(),
                            [](const Slot& a, const Slot& b) { return a.when < b.when; });
    *slot = Slot{given.request, given.answer, 0, 0, now, announces};
    if (given.kind == StormAnswer::Kind::delivers) forget_announcements(known);
    return {};
  }
  drain(*slot, now);
  if (slot->answer != given.answer || !given.at_once) {
    *slot = Slot{given.request, given.answer, 0, 0, now, announces};
    return {};
  }
  slot->level += 1;
  if (slot->level <= options_.repetitions) return {};
  return judge(known, *slot, given.command, now);
}

StormVerdict StormGuard::judge(Entry& entry, Slot& slot, std::string_view command, UnixMillis now) {
  StormVerdict verdict;
  ++slot.slowed;
  verdict.news = slot.slowed == 1;
  const double over = slot.level - options_.repetitions;
  verdict.delay = std::min(options_.longest_delay, static_cast<UnixMillis>(over * kDelayStep));
  verdict.reason = "repeated the same " + std::string(command) + " " +
                   std::to_string(options_.repetitions + slot.slowed) +
                   " times with the same answer";
  if (slot.slowed <= options_.repetitions) return verdict;
  verdict.delay = 0;
  verdict.news = true;
  verdict.blocked_until = now + options_.block;
  entry.blocked_until = verdict.blocked_until;
  slot = Slot{};  // afterwards it gets a new chance
  return verdict;
}

void StormGuard::forgive(std::int64_t device) {
  const MutexLock lock(mutex_);
  if (device == 0) {
    entries_.clear();
    order_.clear();
    return;
  }
  const auto found = entries_.find(device);
  if (found == entries_.end()) return;
  order_.erase(found->second.place);
  entries_.erase(found);
}

std::size_t StormGuard::size() const {
  const MutexLock lock(mutex_);
  return entries_.size();
}

}  // namespace eas::policy
