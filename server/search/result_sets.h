// The results of the last searches, so that the pages of one search belong together although mail
// comes in meanwhile. [MS-ASCMD] 2.2.3.144 calls it the search folder. In memory: lost at a
// restart, and the oldest go when there are too many.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "storage/base/mutex.h"
#include "storage/search/search_index.h"

namespace eas {

struct ResultSet {
  storage::SearchHits found;
  bool complete = true;
};

// Thread-safe.
class ResultSets {
 public:
  explicit ResultSets(std::size_t most = 500) : most_(most) {}
  // Null: there is none of that name.
  std::shared_ptr<const ResultSet> get(const std::string& name);
  void put(const std::string& name, std::shared_ptr<const ResultSet> set);

 private:
  struct Entry {
    std::string name;
    std::shared_ptr<const ResultSet> set;
  };
  const std::size_t most_;
  storage::Mutex mutex_;
  std::list<Entry> entries_ GUARDED_BY(mutex_);  // the last used one first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_name_ GUARDED_BY(mutex_);
};

}  // namespace eas
