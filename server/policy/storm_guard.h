// Finds devices that repeat one request without end and get the same answer each time (field.md,
// pain 3): their answers are held back, longer and longer, and when that does not help they are
// refused for a while. Counters in memory only, bounded.
//
// A request counts when it and its answer are equal, byte for byte, to one of the last four of the
// device, and the answer was given at once. Each repetition adds one; one is forgiven every three
// seconds, above the limit every thirty. So a phone that asks every three seconds for ever, or as
// often as the limit at once, is never touched. Nor is one whose Ping says each time that there is
// news, as long as it fetches some each time: a mailbox into which mail flows looks like that.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "storage/base/clock.h"
#include "storage/base/mutex.h"

namespace eas::policy {

struct StormOptions {
  int repetitions = 30;  // equal requests that may come at once; 0: nothing is watched
  storage::UnixMillis longest_delay = 30'000;
  storage::UnixMillis block = 600'000;  // how long a device is refused
  std::size_t most_devices = 20'000;    // that are watched; the one seen longest ago makes room
};

// One answer that is to go out.
struct StormAnswer {
  // What it means for the phone: that there is news to fetch, news itself, or neither.
  enum class Kind { other, announces, delivers };
  std::string_view command;
  std::uint64_t request = 0;  // digests
  std::uint64_t answer = 0;
  bool at_once = true;  // it did not wait for news
  Kind kind = Kind::other;
};

// What to do with an answer.
struct StormVerdict {
  storage::UnixMillis delay = 0;          // hold it back for so long
  storage::UnixMillis blocked_until = 0;  // refuse the device from now on until then; 0: not
  bool news = false;   // the device was fine until now, or is refused only now: worth a note
  std::string reason;  // in words, when there is a delay or a block
};

// Thread-safe.
class StormGuard {
 public:
  explicit StormGuard(StormOptions options = {}) : options_(options) {}

  bool is_on() const { return options_.repetitions > 0; }
  // Until when the device is refused; nullopt: it is not.
  std::optional<storage::UnixMillis> blocked(std::int64_t device, storage::UnixMillis now);
  // Counts an answer.
  StormVerdict answered(std::int64_t device, const StormAnswer& given, storage::UnixMillis now);
  // Forgets what was counted, and lets the device in again if it was refused; 0: all devices.
  void forgive(std::int64_t device);

  std::size_t size() const;

  // A digest for the two above; of long bytes the beginning and the length count.
  static std::uint64_t digest(std::string_view bytes);

 private:
  struct Slot {
    std::uint64_t request = 0;
    std::uint64_t answer = 0;
    double level = 0;
    int slowed = 0;  // answers held back in a row
    storage::UnixMillis when = 0;
    bool announces = false;
  };
  struct Entry {
    std::array<Slot, 4> slots;
    storage::UnixMillis blocked_until = 0;
    std::list<std::int64_t>::iterator place;
  };
  Entry& entry(std::int64_t device) REQUIRES(mutex_);
  static void forget_announcements(Entry& entry);
  void drain(Slot& slot, storage::UnixMillis now) const;
  StormVerdict judge(Entry& entry, Slot& slot, std::string_view command, storage::UnixMillis now)
      REQUIRES(mutex_);

  const StormOptions options_;
  mutable storage::Mutex mutex_;
  std::unordered_map<std::int64_t, Entry> entries_ GUARDED_BY(mutex_);
  std::list<std::int64_t> order_ GUARDED_BY(mutex_);  // seen longest ago first
};

}  // namespace eas::policy
