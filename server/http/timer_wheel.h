// A hashed timer wheel: one deadline per node, O(1) to set, move and cancel, no allocation. Nodes
// live inside the objects that they time. Deadlines are met at most one tick late and never early.
// One thread.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

namespace http {

using TimePoint = std::chrono::steady_clock::time_point;

// Must not be destroyed while it is scheduled.
struct TimerNode {
  TimerNode* next = nullptr;
  TimerNode* previous = nullptr;
  std::int64_t due_tick = 0;
  bool is_scheduled() const { return next != nullptr; }
};

class TimerWheel {
 public:
  static constexpr std::chrono::milliseconds kTick{20};

  explicit TimerWheel(TimePoint now);
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Sets the deadline of `node`; an earlier one is forgotten.
  void schedule(TimerNode& node, TimePoint due);
  void cancel(TimerNode& node);

  // Takes a node whose deadline has passed off the wheel; nullptr when none is left. Call until
  // then.
  TimerNode* pop_due(TimePoint now);

  // How long until pop_due() may have something to give; nullopt: nothing is scheduled near. May be
  // too early, never too late.
  std::optional<std::chrono::milliseconds> wait_time(TimePoint now) const;

 private:
  static constexpr std::size_t kSlots = 4096;  // 82 s a round
  static constexpr std::size_t kWords = kSlots / 64;

  std::int64_t tick_of(TimePoint time) const;
  void collect(std::int64_t tick);

  TimePoint start_;
  std::int64_t done_tick_ = 0;  // every slot up to this one has been looked at
  TimerNode due_;               // a ring of what collect() found
  std::array<TimerNode, kSlots> slots_;
  std::array<std::uint64_t, kWords> occupied_{};  // a bit per slot that may hold nodes
};

}  // namespace http
