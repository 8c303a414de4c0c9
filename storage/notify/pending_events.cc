#include "storage/notify/pending_events.h"

#include <algorithm>
#include <limits>

#include "storage/base/text.h"

namespace storage {
namespace {

constexpr std::string_view kOverflow = "*";
constexpr std::size_t kLongestEvent = std::size_t{4} * 21;  // four numbers with their separators

}  // namespace

std::size_t PendingEvents::KeyHash::operator()(const Key& key) const {
  const auto mix = [](std::uint64_t value) { return value * 0x9E3779B97F4A7C15ULL; };
  return static_cast<std::size_t>(mix(mix(static_cast<std::uint64_t>(key.user_id)) ^
                                      static_cast<std::uint64_t>(key.collection)) ^
                                  key.scope);
}

void PendingEvents::add(const HubEvent& event) {
  if (overflowed_) return;  // the others will look at everything anyway
  const Key key{event.user_id, event.collection,
                event.kinds & (hub_event::kHierarchy | hub_event::kDevice)};
  const auto [entry, added] = events_.try_emplace(key, event);
  if (!added) {
    entry->second.seq = std::max(entry->second.seq, event.seq);
    entry->second.kinds |= event.kinds;
  } else if (events_.size() > most_) {
    events_.clear();
    overflowed_ = true;
  }
}

std::vector<HubEvent> PendingEvents::take(std::size_t most_bytes, bool& overflowed) {
  overflowed = overflowed_;
  overflowed_ = false;
  std::vector<HubEvent> events;
  const std::size_t most = (most_bytes - kOverflow.size()) / kLongestEvent;
  while (!events_.empty() && events.size() < most) {
    events.push_back(events_.begin()->second);
    events_.erase(events_.begin());
  }
  return events;
}

std::string to_message(const std::vector<HubEvent>& events, bool overflowed) {
  std::string text(overflowed ? kOverflow : "");
  for (const HubEvent& event : events) {
    if (!text.empty()) text += ';';
    text += std::to_string(event.user_id) + ',' + std::to_string(event.collection) + ',' +
            std::to_string(event.seq) + ',' + std::to_string(event.kinds);
  }
  return text;
}

std::optional<BridgeMessage> parse_message(std::string_view text) {
  BridgeMessage message;
  for (const std::string_view part : split(text, ';')) {
    if (part == kOverflow) {
      message.overflowed = true;
      continue;
    }
    const auto fields = split(part, ',');
    if (fields.size() != 4) return std::nullopt;
    const auto user = parse_int(fields[0]);
    const auto collection = parse_int(fields[1]);
    const auto seq = parse_int(fields[2]);
    const auto kinds = parse_uint(fields[3]);
    if (!user || !collection || !seq || !kinds || *kinds > std::numeric_limits<unsigned>::max()) {
      return std::nullopt;
    }
    message.events.push_back({*user, *collection, *seq, static_cast<unsigned>(*kinds)});
  }
  return message;
}

}  // namespace storage
