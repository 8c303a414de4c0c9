// A change log in memory that follows storage/collection.h to the letter, for tests of the engine.
#pragma once

#include <algorithm>
#include <limits>
#include <map>
#include <vector>

#include "storage/collection.h"

namespace test {

class FakeChangeLog final : public storage::ChangeLog {
 public:
  struct Item {
    storage::Seq created = 0;
    storage::Seq newest = 0;
    std::map<unsigned, storage::Seq> touched;  // aspect bit → seq
    storage::UnixMillis date = 0;
    bool removed = false;
  };

  storage::ItemId add(storage::UnixMillis date) {
    Item item;
    item.created = item.newest = ++head_;
    item.date = date;
    items_[++last_id_] = item;
    return last_id_;
  }
  storage::Seq touch(storage::ItemId id, unsigned bit) {
    Item& item = items_.at(id);
    item.touched[bit] = item.newest = ++head_;
    return head_;
  }
  storage::Seq remove(storage::ItemId id) {
    Item& item = items_.at(id);
    item.removed = true;
    item.touched[storage::aspect::kRemoved] = item.newest = ++head_;
    return head_;
  }
  const std::map<storage::ItemId, Item>& items() const { return items_; }
  int reads = 0;   // calls of everything but head()
  int counts = 0;  // calls of count(): as many steps as there are items

  storage::Result<storage::Seq> head(storage::CollectionId) override { return head_; }

  storage::Result<storage::ChangePage> changes(storage::CollectionId, storage::Seq since,
                                               int limit) override {
    ++reads;
    std::vector<storage::Change> all;
    for (const auto& [id, item] : items_) {
      const unsigned gone = item.removed ? storage::aspect::kRemoved : 0;
      if (item.created > since) {
        all.push_back({id, item.created, storage::aspect::kAdded | gone, item.created, item.date});
      }
      if (item.newest > since && item.newest != item.created) {
        unsigned aspects = 0;
        for (const auto& [bit, seq] : item.touched) aspects |= seq > since ? bit : 0;
        all.push_back({id, item.newest, aspects, item.created, item.date});
      }
    }
    std::sort(all.begin(), all.end(),
              [](const auto& a, const auto& b) { return a.log_seq < b.log_seq; });
    storage::ChangePage page;
    page.more = all.size() > static_cast<std::size_t>(limit);
    if (page.more) all.resize(static_cast<std::size_t>(limit));
    page.changes = std::move(all);
    return page;
  }

  storage::Result<storage::ListPage> newest_first(storage::CollectionId, storage::Position before,
                                                  storage::Position cutoff, storage::Seq upto,
                                                  int limit) override {
    auto found = live(cutoff, before, upto);
    std::sort(found.begin(), found.end(),
              [](const auto& a, const auto& b) { return a.position() > b.position(); });
    return page_of(std::move(found), limit);
  }

  storage::Result<storage::ListPage> oldest_first(storage::CollectionId, storage::Position from,
                                                  storage::Position to, int limit) override {
    auto found = live(from, to, std::numeric_limits<storage::Seq>::max());
    std::sort(found.begin(), found.end(),
              [](const auto& a, const auto& b) { return a.position() < b.position(); });
    return page_of(std::move(found), limit);
  }

  storage::Result<std::int64_t> count(storage::CollectionId, storage::Position before,
                                      storage::Position cutoff, storage::Seq upto) override {
    ++reads;
    ++counts;
    return static_cast<std::int64_t>(live(cutoff, before, upto).size());
  }

 private:
  std::vector<storage::Listed> live(storage::Position from, storage::Position to,
                                    storage::Seq upto) const {
    std::vector<storage::Listed> found;
    for (const auto& [id, item] : items_) {
      const storage::Position position{item.date, id};
      if (!item.removed && from <= position && position < to && item.created <= upto) {
        found.push_back({id, item.created, item.date});
      }
    }
    return found;
  }
  storage::ListPage page_of(std::vector<storage::Listed> found, int limit) {
    ++reads;
    storage::ListPage page;
    page.more = found.size() > static_cast<std::size_t>(limit);
    if (page.more) found.resize(static_cast<std::size_t>(limit));
    page.items = std::move(found);
    return page;
  }

  std::map<storage::ItemId, Item> items_;
  storage::Seq head_ = 0;
  storage::ItemId last_id_ = 0;
};

}  // namespace test
