// What a bridge still has to send, coalesced, and its form as text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "storage/notify/change_hub.h"

namespace storage {

// One thread at a time. At most one event a collection: the newest seq, all kinds of change.
class PendingEvents {
 public:
  explicit PendingEvents(std::size_t most) : most_(most) {}
  // Over the limit everything is dropped, and one word that events are missing takes its place.
  void add(const HubEvent& event);
  bool empty() const { return events_.empty() && !overflowed_; }
  // Takes the events of one message of at most `most_bytes` (> 100) bytes out.
  std::vector<HubEvent> take(std::size_t most_bytes, bool& overflowed);
  void set_overflowed() { overflowed_ = true; }

 private:
  struct Key {
    std::int64_t user_id;
    CollectionId collection;
    unsigned scope;  // a device and a collection may have the same number
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const;
  };
  const std::size_t most_;
  std::unordered_map<Key, HubEvent, KeyHash> events_;
  bool overflowed_ = false;
};

// "user,collection,seq,kinds;…", or "*" for "events are missing here".
std::string to_message(const std::vector<HubEvent>& events, bool overflowed);

struct BridgeMessage {
  std::vector<HubEvent> events;
  bool overflowed = false;
};
// nullopt when malformed (another program's NOTIFY).
std::optional<BridgeMessage> parse_message(std::string_view text);

}  // namespace storage
