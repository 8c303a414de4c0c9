// Wall-clock time behind a seam, so that filter windows, deadlines and throttles can be tested.
#pragma once

#include <cstdint>

namespace storage {

// Milliseconds since 1970-01-01T00:00:00Z.
using UnixMillis = std::int64_t;

class Clock {
 public:
  virtual ~Clock() = default;
  // Thread-safe.
  virtual UnixMillis now_ms() const = 0;
};

// The system's clock. Thread-safe.
class SystemClock final : public Clock {
 public:
  UnixMillis now_ms() const override;
};

}  // namespace storage
