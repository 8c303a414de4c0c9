// Lets one operation at a time work on a folder, and tells the watcher's thread when the one inside
// is a scan, which may take seconds: the watcher then goes on with the other folders.
#pragma once

#include "storage/base/mutex.h"

namespace storage::maildir {

class FolderGate {
 public:
  void enter() EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    while (occupied_) left_.wait(mutex_);
    occupied_ = true;
  }
  // Waits for short operations but not for scans: false when one is going on.
  bool enter_unless_scanning() EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    while (occupied_) {
      if (scanning_) return false;
      left_.wait(mutex_);
    }
    occupied_ = true;
    return true;
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

// Marks the work in a gate as a scan for as long as it lives.
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
