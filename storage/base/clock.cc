#include "storage/base/clock.h"

#include <chrono>

namespace storage {

UnixMillis SystemClock::now_ms() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace storage
