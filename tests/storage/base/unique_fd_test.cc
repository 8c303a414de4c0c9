#include "storage/base/unique_fd.h"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <chrono>
#include <thread>

#include "storage/base/clock.h"
#include "storage/base/mutex.h"

namespace {

int open_null() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

}  // namespace

TEST_CASE("unique_fd: the descriptor is closed with its owner") {
  int number = -1;
  {
    const storage::UniqueFd fd(open_null());
    REQUIRE(fd);
    number = fd.get();
    CHECK(is_open(number));
  }
  CHECK_FALSE(is_open(number));
}

TEST_CASE("unique_fd: moving hands the descriptor over, and the old one is closed") {
  storage::UniqueFd a(open_null());
  storage::UniqueFd b(open_null());
  const int first = a.get(), second = b.get();
  b = std::move(a);
  CHECK_FALSE(is_open(second));
  CHECK(b.get() == first);
  CHECK(is_open(first));
  storage::UniqueFd c(std::move(b));
  CHECK(c.get() == first);
  c.reset();
  CHECK_FALSE(is_open(first));
  CHECK_FALSE(c);
}

TEST_CASE("unique_fd: a released descriptor stays open") {
  int number = -1;
  {
    storage::UniqueFd fd(open_null());
    number = fd.release();
  }
  CHECK(is_open(number));
  const storage::UniqueFd owner(number);
}

TEST_CASE("clock: the system's clock agrees with the C++ library's") {
  const storage::SystemClock clock;
  const auto library = std::chrono::duration_cast<std::chrono::milliseconds>(
                           std::chrono::system_clock::now().time_since_epoch())
                           .count();
  CHECK(clock.now_ms() >= library);
  CHECK(clock.now_ms() - library < 60'000);
}

TEST_CASE("mutex: a waiter sees what was changed before the notification, or the timeout") {
  storage::Mutex mutex;
  storage::CondVar changed;
  bool ready = false;
  {
    const storage::MutexLock lock(mutex);
    CHECK_FALSE(changed.wait_for(mutex, std::chrono::milliseconds(1)));
  }
  std::thread other([&] {
    const storage::MutexLock lock(mutex);
    ready = true;
    changed.notify_one();
  });
  {
    const storage::MutexLock lock(mutex);
    while (!ready) changed.wait(mutex);
  }
  other.join();
  CHECK(ready);
}
