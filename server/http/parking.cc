#include "server/http/parking.h"

#include "server/http/job.h"

namespace http {

void ParkWaker::wake() {
  State seen = state_.load(std::memory_order_acquire);
  while (seen != State::woken) {
    if (!state_.compare_exchange_weak(seen, State::woken, std::memory_order_acq_rel)) continue;
    if (seen == State::parked) mailbox_->post(Message{Message::Kind::wake, connection_, nullptr});
    return;
  }
}

bool ParkWaker::file() {
  State expected = State::subscribed;
  return state_.compare_exchange_strong(expected, State::parked, std::memory_order_acq_rel);
}

bool ParkWaker::claim() {
  State expected = State::parked;
  return state_.compare_exchange_strong(expected, State::woken, std::memory_order_acq_rel);
}

void ParkWaker::rearm() { state_.store(State::subscribed, std::memory_order_release); }

}  // namespace http
