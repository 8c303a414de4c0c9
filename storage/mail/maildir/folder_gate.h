// Lets one operation at a time work on a folder, and tells the watcher's threads when the one
// inside is a scan or something else that may take seconds: the watcher then goes on with the other
// folders.
#pragma once

#include <chrono>

#include "storage/base/mutex.h"

namespace storage::maildir {

class FolderGate {
 public:
  void enter() EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    while (occupied_) left_.wait(mutex_);
    occupied_ = true;
  }
  // Waits for short operations but not for scans: false when one is going on, or when it took
  // longer than `limit`.
  bool enter_within(std::chrono::milliseconds limit) EXCLUDES(mutex_) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    const MutexLock lock(mutex_);
    while (occupied_) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          deadline - std::chrono::steady_clock::now());
      if (scanning_ || left.count() <= 0) return false;
      left_.wait_for(mutex_, left);
    }
    occupied_ = true;
    return true;
  }
  bool is_scanning() EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return scanning_;
  }
  void leave() EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    occupied_ = false;
    scanning_ = false;
    left_.notify_all();
  }
  // REQUIRES: the caller is inside.
  void set_scanning(bool scanning) EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    scanning_ = scanning;
    if (scanning) left_.notify_all();
  }

 private:
  Mutex mutex_;
  CondVar left_;
  bool occupied_ GUARDED_BY(mutex_) = false;
  bool scanning_ GUARDED_BY(mutex_) = false;
};

// Inside a gate for as long as it lives.
class GatePass {
 public:
  explicit GatePass(FolderGate& gate) : gate_(&gate) { gate.enter(); }
  struct Inside {};  // the caller has entered already
  GatePass(FolderGate& gate, Inside) : gate_(&gate) {}
  ~GatePass() { gate_->leave(); }
  GatePass(const GatePass&) = delete;
  GatePass& operator=(const GatePass&) = delete;

 private:
  FolderGate* gate_;
};

// Marks the work in a gate as a scan, or as slow as one, for as long as it lives.
class ScanMark {
 public:
  explicit ScanMark(FolderGate& gate) : gate_(gate) { gate_.set_scanning(true); }
  ~ScanMark() { gate_.set_scanning(false); }
  ScanMark(const ScanMark&) = delete;
  ScanMark& operator=(const ScanMark&) = delete;

 private:
  FolderGate& gate_;
};

}  // namespace storage::maildir
