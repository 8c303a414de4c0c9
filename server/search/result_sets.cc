#include "server/search/result_sets.h"

#include <utility>

namespace eas {

std::shared_ptr<const ResultSet> ResultSets::get(const std::string& name) {
  const storage::MutexLock lock(mutex_);
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->set;
}

void ResultSets::put(const std::string& name, std::shared_ptr<const ResultSet> set) {
  const storage::MutexLock lock(mutex_);
  const auto found = by_name_.find(name);
  if (found != by_name_.end()) {
    found->second->set = std::move(set);
    entries_.splice(entries_.begin(), entries_, found->second);
    return;
  }
  entries_.push_front({name, std::move(set)});
  by_name_[name] = entries_.begin();
  if (entries_.size() > most_) {
    by_name_.erase(entries_.back().name);
    entries_.pop_back();
  }
}

}  // namespace eas
