#include "server/http/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace http {
namespace {

void make_ring(TimerNode& head) { head.next = head.previous = &head; }

bool is_empty(const TimerNode& head) { return head.next == &head; }

void unlink(TimerNode& node) {
  node.previous->next = node.next;
  node.next->previous = node.previous;
  node.next = node.previous = nullptr;
}

void append(TimerNode& head, TimerNode& node) {
  node.previous = head.previous;
  node.next = &head;
  head.previous->next = &node;
  head.previous = &node;
}

}  // namespace

TimerWheel::TimerWheel(TimePoint now) : start_(now) {
  make_ring(due_);
  for (TimerNode& slot : slots_) make_ring(slot);
}

std::int64_t TimerWheel::tick_of(TimePoint time) const { return (time - start_) / kTick; }

void TimerWheel::schedule(TimerNode& node, TimePoint due) {
  cancel(node);
  node.due_tick = std::max(tick_of(due) + 1, done_tick_ + 1);
  const auto slot = static_cast<std::size_t>(node.due_tick) % kSlots;
  append(slots_[slot], node);
  occupied_[slot / 64] |= 1ULL << (slot % 64);
}

void TimerWheel::cancel(TimerNode& node) {
  if (node.is_scheduled()) unlink(node);
}

void TimerWheel::collect(std::int64_t tick) {
  const auto index = static_cast<std::size_t>(tick) % kSlots;
  TimerNode& slot = slots_[index];
  for (TimerNode* node = slot.next; node != &slot;) {
    TimerNode* const following = node->next;
    if (node->due_tick <= tick) {  // the others are for a later round
      unlink(*node);
      append(due_, *node);
    }
    node = following;
  }
  if (is_empty(slot)) occupied_[index / 64] &= ~(1ULL << (index % 64));
}

TimerNode* TimerWheel::pop_due(TimePoint now) {
  const std::int64_t now_tick = tick_of(now);
  if (done_tick_ < now_tick) {
    // After a pause of more than a round, one look at each slot is enough.
    const std::int64_t first =
        std::max(done_tick_ + 1, now_tick - static_cast<std::int64_t>(kSlots) + 1);
    done_tick_ = now_tick;
    for (std::int64_t tick = first; tick <= now_tick; ++tick) {
      const auto index = static_cast<std::size_t>(tick) % kSlots;
      if ((occupied_[index / 64] >> (index % 64) & 1U) != 0) collect(tick);
    }
  }
  if (is_empty(due_)) return nullptr;
  TimerNode* const node = due_.next;
  unlink(*node);
  return node;
}

std::optional<std::chrono::milliseconds> TimerWheel::wait_time(TimePoint now) const {
  if (!is_empty(due_)) return std::chrono::milliseconds(0);
  const auto first = static_cast<std::size_t>(done_tick_ + 1) % kSlots;
  for (std::size_t ahead = 0; ahead < kSlots;) {
    const std::size_t index = (first + ahead) % kSlots;
    const std::uint64_t word = occupied_[index / 64] >> (index % 64);
    if (word == 0) {
      ahead += 64 - index % 64;
      continue;
    }
    ahead += static_cast<std::size_t>(std::countr_zero(word));
    if (ahead >= kSlots) break;
    const TimePoint due = start_ + (done_tick_ + 1 + static_cast<std::int64_t>(ahead)) * kTick;
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(due - now);
    return std::max(wait, std::chrono::milliseconds(0));
  }
  return std::nullopt;
}

}  // namespace http
