#include "server/commands/parked_registry.h"

#include <algorithm>
#include <utility>

namespace eas {
namespace {

bool share_one(const std::vector<storage::CollectionId>& a,
               const std::vector<storage::CollectionId>& b) {
  return std::any_of(a.begin(), a.end(), [&](storage::CollectionId id) {
    return std::binary_search(b.begin(), b.end(), id);
  });
}

bool takes_place_of(const ParkedRequest& newer, const ParkedRequest& older) {
  if (newer.device != older.device || newer.command != older.command) return false;
  return newer.collections.empty() || older.collections.empty() ||
         share_one(newer.collections, older.collections);
}

}  // namespace

ParkedEntry::~ParkedEntry() { registry_.remove(this); }

std::shared_ptr<http::Waker> ParkedRegistry::end(ParkedEntry& entry) {
  entry.superseded_.store(true, std::memory_order_release);
  return entry.waker_;
}

std::shared_ptr<ParkedEntry> ParkedRegistry::add(ParkedRequest request,
                                                 std::shared_ptr<http::Waker> waker,
                                                 int max_per_device, int max_per_user) {
  const std::int64_t user = request.user;
  const std::int64_t device = request.device;
  std::shared_ptr<ParkedEntry> entry(new ParkedEntry(*this, std::move(request)));
  std::shared_ptr<http::Waker> ended;
  bool refused = false;
  {
    storage::MutexLock lock(mutex_);
    std::vector<ParkedEntry*>& entries = by_user_[user];
    ParkedEntry* oldest = nullptr;
    int of_device = 0;
    int of_user = 0;
    for (ParkedEntry* other : entries) {
      if (other->superseded()) continue;  // on its way out
      ++of_user;
      if (other->request_.device != device) continue;
      ++of_device;
      if (oldest == nullptr) oldest = other;
    }
    const bool makes_room = of_device >= max_per_device && oldest != nullptr;
    if (makes_room) {
      ended = end(*oldest);
    } else if (of_user >= max_per_user) {
      refused = true;
      if (entries.empty()) by_user_.erase(user);
    }
    if (!refused) {
      entry->waker_ = std::move(waker);
      entries.push_back(entry.get());
      ++size_;
    }
  }
  if (ended) ended->wake();
  return refused ? nullptr : entry;
}

void ParkedRegistry::set_waker(ParkedEntry& entry, std::shared_ptr<http::Waker> waker) {
  storage::MutexLock lock(mutex_);
  entry.waker_ = std::move(waker);
}

void ParkedRegistry::supersede(const ParkedRequest& newer) {
  std::vector<std::shared_ptr<http::Waker>> ended;
  {
    storage::MutexLock lock(mutex_);
    const auto found = by_user_.find(newer.user);
    if (found == by_user_.end()) return;
    for (ParkedEntry* entry : found->second) {
      if (entry->superseded() || !takes_place_of(newer, entry->request_)) continue;
      ended.push_back(end(*entry));
    }
  }
  for (const auto& waker : ended) waker->wake();
}

void ParkedRegistry::ask_again(std::int64_t user, std::int64_t device) {
  std::vector<std::shared_ptr<http::Waker>> woken;
  {
    storage::MutexLock lock(mutex_);
    const auto mark = [&](const std::vector<ParkedEntry*>& entries) {
      for (ParkedEntry* entry : entries) {
        if (device != 0 && entry->request_.device != device) continue;
        entry->set_must_ask();
        woken.push_back(entry->waker_);
      }
    };
    if (user == 0) {
      for (const auto& [owner, entries] : by_user_) mark(entries);
    } else if (const auto found = by_user_.find(user); found != by_user_.end()) {
      mark(found->second);
    }
  }
  for (const auto& waker : woken) waker->wake();
}

void ParkedRegistry::remove(ParkedEntry* entry) {
  storage::MutexLock lock(mutex_);
  const auto found = by_user_.find(entry->request_.user);
  if (found == by_user_.end()) return;
  std::vector<ParkedEntry*>& entries = found->second;
  const auto place = std::find(entries.begin(), entries.end(), entry);
  if (place == entries.end()) return;  // was refused
  entries.erase(place);
  --size_;
  if (entries.empty()) by_user_.erase(found);
}

std::size_t ParkedRegistry::size() const {
  storage::MutexLock lock(mutex_);
  return size_;
}

}  // namespace eas
